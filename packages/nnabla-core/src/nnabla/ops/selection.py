"""Choosing between values: by a condition, by size, by being a number."""

from __future__ import annotations

import math
from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import broadcast_shapes, operator
from nnabla.ops.elementwise import elementwise, sum_to
from nnabla.ops.internal import full
from nnabla.ops.logical import equal, greater, less, logical_or, not_equal
from nnabla.ops.spec import Bool, Double, Float, FloatArg

GROUP = "Logical"


# -- NaN and infinity --------------------------------------------------------------------------------------
@operator("IsNaN", group=GROUP, differentiable=False, outputs="y:bool")
def isnan(x0: Float) -> Any:
    """1 where a value is not a number, else 0.

    Args:
        x0: Any shape.
    """
    return not_equal(x0, x0)


@operator("IsInf", group=GROUP, differentiable=False, outputs="y:bool")
def isinf(x0: Float) -> Any:
    """1 where a value is positive or negative infinity, else 0.

    Args:
        x0: Any shape.
    """
    return logical_or(equal(x0, math.inf), equal(x0, -math.inf))


@operator("ResetNaN", group=GROUP)
def reset_nan(x0: Float, val: Double = 0) -> Any:
    """The input with ``val`` in the place of NaN; no gradient passes there.

    Args:
        x0: Any shape.
        val: What takes NaN's place.
    """
    return where(isnan(x0), val, x0)


@operator("ResetInf", group=GROUP)
def reset_inf(x0: Float, val: Double = 0) -> Any:
    """The input with ``val`` in the place of either infinity; no gradient passes there.

    Args:
        x0: Any shape.
        val: What takes infinity's place.
    """
    return where(isinf(x0), val, x0)


# -- choosing ----------------------------------------------------------------------------------------------
@operator("Where", group=GROUP)
def where(condition: Bool, x_true: Float, x_false: Float) -> Any:
    """Values of ``x_true`` where a condition is not 0, of ``x_false`` elsewhere; the condition gets no gradient.

    Args:
        condition: The first dimensions of the result; where it has fewer dimensions, each of its
            elements chooses for all of the remaining ones.
        x_true: Any shape.
        x_false: A shape that broadcasts with that of ``x_true``.
    Returns:
        The broadcast shape.
    """


def _leading(condition: Any, x_true: Any, x_false: Any) -> tuple[int, ...]:
    """Return the condition's shape with ones for the dimensions that it lacks, at the end."""
    return (*condition, *(1,) * (max(len(x_true), len(x_false)) - len(condition)))


@where.shape
def _(condition: Any, x_true: Any, x_false: Any) -> Any:
    values = broadcast_shapes("where", x_true, x_false)
    try:
        return broadcast_shapes("where", _leading(condition, x_true, x_false), values)
    except ShapeError:
        raise ShapeError(
            f"where: condition {tuple(condition)} must have the first dimensions of x_true {tuple(x_true)} and "
            f"x_false {tuple(x_false)}"
        ) from None


@where.reference
def _(xp: Any, condition: Any, x_true: Any, x_false: Any) -> Any:
    shape = _leading(condition.shape, x_true.shape, x_false.shape)
    return xp.where(condition if condition.shape == shape else xp.reshape(condition, shape), x_true, x_false)


@where.gradient
def _(condition: Any, x_true_shape: Any, x_false_shape: Any, dy: Any) -> Any:
    return None, sum_to(where(condition, dy, 0.0), x_true_shape), sum_to(where(condition, 0.0, dy), x_false_shape)


@operator("Maximum2", group=GROUP)
def maximum2(x0: Float, x1: Float) -> Any:
    """The larger of two values; where they are equal, the gradient goes to ``x1``.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN where one of the values is NaN.
    """


elementwise(maximum2, "maximum")


@maximum2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    first = greater(x0, x1)
    return sum_to(where(first, dy, 0.0), x0.shape), sum_to(where(first, 0.0, dy), x1.shape)


@operator("Minimum2", group=GROUP)
def minimum2(x0: Float, x1: Float) -> Any:
    """The smaller of two values; where they are equal, the gradient goes to ``x1``.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN where one of the values is NaN.
    """


elementwise(minimum2, "minimum")


@minimum2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    first = less(x0, x1)
    return sum_to(where(first, dy, 0.0), x0.shape), sum_to(where(first, 0.0, dy), x1.shape)


@operator("MaximumScalar", group=GROUP)
def maximum_scalar(x: Float, val: Double = 1.0) -> Any:
    """The larger of a value and a number; no gradient passes where :math:`x \\le v`.

    Args:
        x: Any shape.
        val: The number v.
    """
    return maximum2(x, full(val))


@operator("MinimumScalar", group=GROUP)
def minimum_scalar(x: Float, val: Double = 1.0) -> Any:
    """The smaller of a value and a number; no gradient passes where :math:`x \\ge v`.

    Args:
        x: Any shape.
        val: The number v.
    """
    return minimum2(x, full(val))


@operator("Sign", group=GROUP)
def sign(x: Float, alpha: FloatArg = 1.0) -> Any:
    """1 for positive, -1 for negative values, ``alpha`` for 0; the gradient passes unchanged.

    Args:
        x: Any shape.
        alpha: The value at 0 (and for NaN), where 0 or 1 are usual.
    Source: straight-through estimator, Bengio, Leonard, Courville 2013.
    """
    return where(x > 0.0, 1.0, where(x < 0.0, -1.0, full(alpha, x.shape)))


@sign.gradient
def _(dy: Any) -> Any:
    return dy
