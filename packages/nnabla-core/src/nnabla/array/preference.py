"""Which array classes the host offers, in order of preference."""

from __future__ import annotations

__all__ = ["array_classes", "prefer_cached_array", "reset_array_preference"]

_CACHED_FIRST = ["CpuCachedArray", "CpuArray", "CpuDlpackArray"]
_CACHED_LAST = ["CpuArray", "CpuDlpackArray", "CpuCachedArray"]
_current = list(_CACHED_FIRST)


def array_classes() -> list[str]:
    """Return the names of the host's array classes, the preferred one first."""
    return list(_current)


def prefer_cached_array(prefer: bool) -> None:
    """Put classes that keep freed memory for reuse first (or last)."""
    _current[:] = _CACHED_FIRST if prefer else _CACHED_LAST


def reset_array_preference() -> None:
    """Return to the order of a fresh process."""
    prefer_cached_array(True)
