"""How element-wise primitives are declared: a function of the namespace, and a gradient, in a few lines."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import Operator, broadcast_shapes

__all__ = ["elementwise", "sum_to"]


def elementwise(op: Operator, function: str) -> Operator:
    """Make ``op`` a primitive that applies a namespace's function, element by element with broadcasting.

    Args:
        op: A definition without body.
        function: Name in the array API standard, for instance ``"exp"``.
    """
    name = op.snake_name
    if len(op.inputs) == 1:

        @op.shape
        def _(x: Any, **_: Any) -> Any:
            return x

        @op.reference
        def _(xp: Any, x: Any) -> Any:
            return getattr(xp, function)(x)

    else:

        @op.shape
        def _(*shapes: Any, **_: Any) -> Any:
            return broadcast_shapes(name, *shapes)

        @op.reference
        def _(xp: Any, x0: Any, x1: Any) -> Any:
            return getattr(xp, function)(x0, x1)

    return op


def sum_to(value: Any, shape: tuple[int, ...]) -> Any:
    """Sum a gradient over what broadcasting added, so that it has ``shape`` again."""
    if value.shape == shape:
        return value
    from nnabla.ops.array_manipulation import reshape
    from nnabla.ops.reduction import sum_

    lead = len(value.shape) - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and value.shape[lead + i] != 1)
    reduced = sum_(value, axes, False) if axes else value
    return reduced if reduced.shape == shape else reshape(reduced, shape)
