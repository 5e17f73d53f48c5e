"""What a plugin says of its own state when ``nnabla_cli doctor`` asks."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CHECK_STATES", "Check"]

CHECK_STATES = ("ok", "missing", "broken")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What was looked at: ``"devices"``.
        state: ``"ok"``; ``"missing"`` for something that would help but is not needed; ``"broken"`` if something
            that should work does not, which makes ``nnabla_cli doctor`` exit with status 1.
        found: What there is, or why there is nothing: ``"2 devices: 0, 1"``.
        fix: The command that mends it, or an empty string.
    """

    name: str
    state: str
    found: str
    fix: str = ""

    def __post_init__(self) -> None:
        if self.state not in CHECK_STATES:
            raise ValueError(f"check {self.name!r}: state {self.state!r} is none of {', '.join(CHECK_STATES)}")
