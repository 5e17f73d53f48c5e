"""Every solver, and their base: the public home of :mod:`nnabla.solvers`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nnabla.context import Context, get_current_context
from nnabla.solvers import *  # noqa: F403
from nnabla.solvers import __all__ as _solvers

__all__ = [*_solvers, "solver_api"]


def solver_api(func: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``func`` without its first argument, a Context, which becomes the current one at each call."""

    @functools.wraps(func)
    def in_current_context(*args: Any, **kwargs: Any) -> Any:
        ctx: Context = get_current_context()
        return func(ctx, *args, **kwargs)

    return in_current_context
