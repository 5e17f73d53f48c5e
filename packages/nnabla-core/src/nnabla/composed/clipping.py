"""Limits for values."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

from nnabla import ops
from nnabla.errors import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from nnabla import NdArray, Variable

    Input: TypeAlias = Variable | NdArray

__all__ = ["clip_by_norm", "clip_by_value"]


def clip_by_value(x: Input, min: Input | float, max: Input | float) -> Any:
    """Limit values, :math:`y = \\min(\\max(x, \\mathrm{min}), \\mathrm{max})`.

    Args:
        x: Any shape.
        min: Lower limit: a number, or an array whose shape broadcasts with that of ``x``.
        max: Upper limit, likewise; it wins where it is below ``min``.

    Returns:
        The shape of ``x``. A value at a limit (or beyond) gets no gradient; a limit that is a Variable gets it
        there.

    Raises:
        ArgumentTypeError: A limit is neither a number, nor a Variable, nor an NdArray.
    """
    low = ops.maximum_scalar(x, min) if _number("min", min) else ops.maximum2(x, min)
    return ops.minimum_scalar(low, max) if _number("max", max) else ops.minimum2(low, max)


def _number(name: str, value: Any) -> bool:
    """Whether a limit is a number rather than an array."""
    from nnabla import NdArray, Variable

    if isinstance(value, (Variable, NdArray)):
        return False
    if isinstance(value, Real):
        return True
    raise ArgumentTypeError(
        f"clip_by_value: {name} must be a number, a Variable or an NdArray, not {type(value).__name__}; wrap data "
        "in nn.Variable.from_numpy_array(...)"
    )


def clip_by_norm(x: Input, clip_norm: Input | float, axis: int | Sequence[int] | None = None) -> Any:
    """Scale to an L2 norm where the norm is larger, :math:`y = x \\, c / \\max(\\lVert x \\rVert_2, c)`.

    Args:
        x: Any shape.
        clip_norm: The norm c: a positive number, or an array whose shape broadcasts with that of the norms.
        axis: Axes over which the norm is taken (default: all).

    Returns:
        The shape of ``x``.

    Raises:
        ArgumentError: ``clip_norm`` is a number that is not positive.
        ArgumentTypeError: ``clip_norm`` is neither a number, nor a Variable, nor an NdArray.
    """
    from nnabla import NdArray, Variable

    fixed = isinstance(clip_norm, Real)
    if not fixed and not isinstance(clip_norm, (Variable, NdArray)):
        raise ArgumentTypeError(
            f"clip_by_norm: clip_norm must be a number, a Variable or an NdArray, not {type(clip_norm).__name__}"
        )
    if fixed and not clip_norm > 0:
        raise ArgumentError(f"clip_by_norm: clip_norm={clip_norm} must be positive")
    axes = axis if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    norm = ops.sum(x**2, axes, True) ** 0.5
    return x * clip_norm / (ops.maximum_scalar if fixed else ops.maximum2)(norm, clip_norm)
