"""Function objects: ``nnabla.function.Convolution(ctx, ...)``, PythonFunction, and the base class."""

from __future__ import annotations

import inspect
from typing import Any

from nnabla.context import Context
from nnabla.graph.function import Function
from nnabla.graph.operator_function import OperatorFunction
from nnabla.graph.python_function import PythonFunction
from nnabla.ops.definition import Operator, all_operators

__all__ = ["Function", "PythonFunction"]


def _maker(op: Operator) -> Any:
    names = [spec.name for spec in op.arguments]

    def make(ctx: Context | None, *args: Any, **kwargs: Any) -> OperatorFunction:
        inputs = [None] * (0 if op.variadic else len(op.inputs))
        if len(args) > len(names):
            raise TypeError(f"{op.name}: takes the arguments (ctx, {', '.join(names)}), but {len(args)} were given")
        given = dict(zip(names, args), **kwargs)
        raw = op.bind([*inputs] if not op.variadic else [None], given)[1]
        return OperatorFunction(op, raw, ctx)

    make.__name__ = make.__qualname__ = op.name
    make.__doc__ = f"Return a function object of {op.name}, to be set up or called.\n\n{op.doc}"
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(n, positional) for n in ("ctx", *names)]
    )
    return make


def __getattr__(name: str) -> Any:
    op = all_operators().get(name)
    if op is None or op.internal:
        raise AttributeError(f"module 'nnabla.function' has no attribute {name!r}")
    value = globals()[name] = _maker(op)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *(n for n, op in all_operators().items() if not op.internal)])
