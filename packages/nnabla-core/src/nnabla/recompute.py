"""Whether new Variables drop their data after forward and compute it again in backward."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["get_global_recompute", "recompute", "recompute_fn", "set_global_recompute"]

F = TypeVar("F", bound=Callable[..., Any])

_enabled = False


def get_global_recompute() -> bool:
    """The ``recompute`` flag that a Variable gets when it is created now."""
    return _enabled


def set_global_recompute(recompute: bool) -> None:
    """Set the ``recompute`` flag of Variables created from now on."""
    global _enabled
    _enabled = bool(recompute)


@contextmanager
def recompute(recompute_: bool = True) -> Iterator[None]:
    """Give Variables created within a ``with`` block this ``recompute`` flag.

    Variables that existed before keep theirs. Blocks nest; leaving one restores the flag before it.
    """
    global _enabled
    before = _enabled
    _enabled = bool(recompute_)
    try:
        yield
    finally:
        _enabled = before


def recompute_fn(recompute_: bool = True) -> Callable[[F], F]:
    """Decorate a function so that its body runs within ``nn.recompute(recompute_)``.

    Example:
        >>> import nnabla as nn
        >>> @nn.recompute_fn()
        ... def block(x):
        ...     return x * x
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def scoped(*args: Any, **kwargs: Any) -> Any:
            with recompute(recompute_):
                return function(*args, **kwargs)

        return scoped  # type: ignore[return-value]

    return decorate
