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
    """1 where a value is not a number, :math:`x \\ne x`, else 0.

    Args:
        x0: Any shape.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.isnan(nn.NdArray.from_numpy_array([1.0, np.nan, np.inf])).data)
        [0. 1. 0.]
    """
    return not_equal(x0, x0)


@operator("IsInf", group=GROUP, differentiable=False, outputs="y:bool")
def isinf(x0: Float) -> Any:
    """1 where a value is positive or negative infinity, :math:`|x| = \\infty`, else 0.

    Args:
        x0: Any shape.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.isinf(nn.NdArray.from_numpy_array([1.0, np.nan, -np.inf])).data)
        [0. 0. 1.]
    """
    return logical_or(equal(x0, math.inf), equal(x0, -math.inf))


@operator("ResetNaN", group=GROUP)
def reset_nan(x0: Float, val: Double = 0) -> Any:
    """The input with ``val`` in the place of NaN; no gradient passes there.

    :math:`y = v` where x is NaN, else :math:`x`.

    Args:
        x0: Any shape.
        val: What takes NaN's place.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.reset_nan(nn.NdArray.from_numpy_array([1.0, np.nan]), val=-1).data)
        [ 1. -1.]
    """
    return where(isnan(x0), val, x0)


@operator("ResetInf", group=GROUP)
def reset_inf(x0: Float, val: Double = 0) -> Any:
    """The input with ``val`` in the place of either infinity; no gradient passes there.

    :math:`y = v` where :math:`|x| = \\infty`, else :math:`x`.

    Args:
        x0: Any shape.
        val: What takes infinity's place.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.reset_inf(nn.NdArray.from_numpy_array([1.0, -np.inf]), val=9).data)
        [1. 9.]
    """
    return where(isinf(x0), val, x0)


# -- choosing ----------------------------------------------------------------------------------------------
@operator("Where", group=GROUP)
def where(condition: Bool, x_true: Float, x_false: Float) -> Any:
    """Values of ``x_true`` where a condition is not 0, of ``x_false`` elsewhere; the condition gets no gradient.

    :math:`y_i = t_i` where :math:`c_i \\ne 0`, else :math:`f_i`.

    Args:
        condition: The first dimensions of the result; where it has fewer dimensions, each of its
            elements chooses for all of the remaining ones.
        x_true: Any shape.
        x_false: A shape that broadcasts with that of ``x_true``.
    Returns:
        The broadcast shape.
    Example:
        >>> condition = nn.NdArray.from_numpy_array([1.0, 0.0])
        >>> x_true = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> x_false = nn.NdArray.from_numpy_array([[-1.0, -2.0], [-3.0, -4.0]])
        >>> print(F.where(condition, x_true, x_false).data)
        [[ 1.  2.]
         [-3. -4.]]
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
    """The larger of two values, :math:`y = \\max(x_0, x_1)`; where they are equal, the gradient goes to ``x1``.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN where one of the values is NaN.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 5.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0])
        >>> print(F.maximum2(x0, x1).data)
        [3. 5.]
    """


elementwise(maximum2, "maximum")


@maximum2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    first = greater(x0, x1)
    return sum_to(where(first, dy, 0.0), x0.shape), sum_to(where(first, 0.0, dy), x1.shape)


@operator("Minimum2", group=GROUP)
def minimum2(x0: Float, x1: Float) -> Any:
    """The smaller of two values, :math:`y = \\min(x_0, x_1)`; where they are equal, the gradient goes to ``x1``.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN where one of the values is NaN.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 5.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0])
        >>> print(F.minimum2(x0, x1).data)
        [1. 3.]
    """


elementwise(minimum2, "minimum")


@minimum2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    first = less(x0, x1)
    return sum_to(where(first, dy, 0.0), x0.shape), sum_to(where(first, 0.0, dy), x1.shape)


@operator("MaximumScalar", group=GROUP)
def maximum_scalar(x: Float, val: Double = 1.0) -> Any:
    """The larger of a value and a number, :math:`y = \\max(x, v)`; no gradient passes where :math:`x \\le v`.

    Args:
        x: Any shape.
        val: The number v.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.maximum_scalar(nn.NdArray.from_numpy_array([1.0, 5.0]), 3.0).data)
        [3. 5.]
    """
    return maximum2(x, full(val))


@operator("MinimumScalar", group=GROUP)
def minimum_scalar(x: Float, val: Double = 1.0) -> Any:
    """The smaller of a value and a number, :math:`y = \\min(x, v)`; no gradient passes where :math:`x \\ge v`.

    Args:
        x: Any shape.
        val: The number v.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.minimum_scalar(nn.NdArray.from_numpy_array([1.0, 5.0]), 3.0).data)
        [1. 3.]
    """
    return minimum2(x, full(val))


@operator("Sign", group=GROUP)
def sign(x: Float, alpha: FloatArg = 1.0) -> Any:
    """The sign of a value; the gradient passes unchanged.

    :math:`y = 1` where :math:`x > 0`, :math:`-1` where :math:`x < 0`, :math:`\\alpha` where :math:`x = 0`.

    Args:
        x: Any shape.
        alpha: The value at 0 (and for NaN), where 0 or 1 are usual.
    Returns:
        The shape of ``x``.
    Source: Bengio, Leonard, Courville 2013, "Estimating or propagating gradients through stochastic neurons", for
    the straight-through gradient.
    Example:
        >>> print(F.sign(nn.NdArray.from_numpy_array([-2.0, 0.0, 3.0]), alpha=0.0).data)
        [-1.  0.  1.]
    """
    return where(x > 0.0, 1.0, where(x < 0.0, -1.0, full(alpha, x.shape)))


@sign.gradient
def _(dy: Any) -> Any:
    return dy
