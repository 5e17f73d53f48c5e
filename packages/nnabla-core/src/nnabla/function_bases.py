"""Every operator of NNabla under its name, exactly as defined."""

from __future__ import annotations

import functools as _functools
import inspect as _inspect
from collections.abc import Callable as _Callable
from typing import Any

from nnabla.context import get_current_context as _get_current_context
from nnabla.ops.definition import all_operators as _all_operators


def function_api(func: _Callable[..., Any]) -> _Callable[..., Any]:
    """Decorate a function so that the current context is given to it as its first argument.

    Args:
        func: Takes a context, then anything.

    Returns:
        The function of the other arguments, with their signature and the docstring.
    """

    @_functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        return func(_get_current_context(), *args, **kwargs)

    signature = _inspect.signature(func)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return call


globals().update({op.snake_name: op for op in _all_operators().values() if not op.internal})

__all__ = sorted(["function_api", *(op.snake_name for op in _all_operators().values() if not op.internal)])


def __getattr__(name: str) -> Any:
    raise AttributeError(f"nnabla.function_bases has no operator {name!r}; see nnabla.function_bases.__all__")
