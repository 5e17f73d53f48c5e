"""The switch between static graphs and graphs that compute while they are built."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["auto_forward", "get_auto_forward", "set_auto_forward"]

_enabled = False


def get_auto_forward() -> bool:
    """Whether an operator computes its outputs as soon as it is applied to Variables."""
    return _enabled


def set_auto_forward(auto: bool) -> None:
    """Turn immediate computation on or off for the whole process."""
    global _enabled
    _enabled = bool(auto)


@contextmanager
def auto_forward(auto: bool = True) -> Iterator[None]:
    """Turn immediate computation on (or off) within a ``with`` block."""
    global _enabled
    before = _enabled
    _enabled = bool(auto)
    try:
        yield
    finally:
        _enabled = before
