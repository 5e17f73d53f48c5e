"""Comparisons, logic, and choosing between values."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import operator
from nnabla.ops.elementwise import elementwise
from nnabla.ops.internal import cast, full, zeros
from nnabla.ops.spec import Bool, Boolean, Double, Float, Real

GROUP = "Logical"


# -- comparisons -------------------------------------------------------------------------------------------
@operator("Equal", group=GROUP, differentiable=False, outputs="y:bool")
def equal(x0: Real, x1: Real) -> Any:
    """1 where :math:`x_0 = x_1`, else 0.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN equals nothing.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.equal(x0, x1).data)
        [0. 1. 0.]
    """


elementwise(equal, "equal")


@operator("NotEqual", group=GROUP, differentiable=False, outputs="y:bool")
def not_equal(x0: Real, x1: Real) -> Any:
    """1 where :math:`x_0 \\ne x_1`, else 0.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape; NaN differs from everything.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.not_equal(x0, x1).data)
        [1. 0. 1.]
    """
    return logical_not(equal(x0, x1))


@operator("Greater", group=GROUP, differentiable=False, outputs="y:bool")
def greater(x0: Float, x1: Float) -> Any:
    """1 where :math:`x_0 > x_1`, else 0 (also where one is NaN).

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.greater(x0, x1).data)
        [0. 0. 1.]
    """


elementwise(greater, "greater")


@operator("GreaterEqual", group=GROUP, differentiable=False, outputs="y:bool")
def greater_equal(x0: Float, x1: Float) -> Any:
    """1 where :math:`x_0 \\ge x_1`, else 0 (also where one is NaN).

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.greater_equal(x0, x1).data)
        [0. 1. 1.]
    """


elementwise(greater_equal, "greater_equal")


@operator("Less", group=GROUP, differentiable=False, outputs="y:bool")
def less(x0: Float, x1: Float) -> Any:
    """1 where :math:`x_0 < x_1`, else 0 (also where one is NaN).

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.less(x0, x1).data)
        [1. 0. 0.]
    """
    return greater(x1, x0)


@operator("LessEqual", group=GROUP, differentiable=False, outputs="y:bool")
def less_equal(x0: Float, x1: Float) -> Any:
    """1 where :math:`x_0 \\le x_1`, else 0 (also where one is NaN).

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([2.0])
        >>> print(F.less_equal(x0, x1).data)
        [1. 1. 0.]
    """
    return greater_equal(x1, x0)


@operator("EqualScalar", group=GROUP, differentiable=False, outputs="y:bool")
def equal_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x = v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.equal_scalar(x, 2).data)
        [0. 1. 0.]
    """
    return equal(x0, full(val))


@operator("NotEqualScalar", group=GROUP, differentiable=False, outputs="y:bool")
def not_equal_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x \\ne v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.not_equal_scalar(x, 2).data)
        [1. 0. 1.]
    """
    return not_equal(x0, full(val))


@operator("GreaterScalar", group=GROUP, differentiable=False, outputs="y:bool")
def greater_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x > v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.greater_scalar(x, 2).data, (x > 2).data)
        [0. 0. 1.] [0. 0. 1.]
    """
    return greater(x0, full(val))


@operator("GreaterEqualScalar", group=GROUP, differentiable=False, outputs="y:bool")
def greater_equal_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x \\ge v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.greater_equal_scalar(x, 2).data, (x >= 2).data)
        [0. 1. 1.] [0. 1. 1.]
    """
    return greater_equal(x0, full(val))


@operator("LessScalar", group=GROUP, differentiable=False, outputs="y:bool")
def less_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x < v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.less_scalar(x, 2).data, (x < 2).data)
        [1. 0. 0.] [1. 0. 0.]
    """
    return greater(full(val), x0)


@operator("LessEqualScalar", group=GROUP, differentiable=False, outputs="y:bool")
def less_equal_scalar(x0: Float, val: Double = 1) -> Any:
    """1 where :math:`x \\le v`, else 0.

    Args:
        x0: Any shape.
        val: The number v.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.less_equal_scalar(x, 2).data, (x <= 2).data)
        [1. 1. 0.] [1. 1. 0.]
    """
    return greater_equal(full(val), x0)


# -- logic -------------------------------------------------------------------------------------------------
@operator("LogicalAnd", group=GROUP, differentiable=False, outputs="y:bool")
def logical_and(x0: Bool, x1: Bool) -> Any:
    """1 where both values are true, else 0, :math:`y = x_0 \\land x_1`; what is not 0 (NaN too) is true.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([0.0, 1.0, 2.0])
        >>> x1 = nn.NdArray.from_numpy_array([1.0, 0.0, 3.0])
        >>> print(F.logical_and(x0, x1).data)
        [0. 0. 1.]
    """


elementwise(logical_and, "logical_and")


@operator("LogicalOr", group=GROUP, differentiable=False, outputs="y:bool")
def logical_or(x0: Bool, x1: Bool) -> Any:
    """1 where one or both values are true, else 0, :math:`y = x_0 \\lor x_1`; what is not 0 (NaN too) is true.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([0.0, 1.0, 2.0])
        >>> x1 = nn.NdArray.from_numpy_array([0.0, 0.0, 3.0])
        >>> print(F.logical_or(x0, x1).data)
        [0. 1. 1.]
    """
    return logical_not(logical_and(logical_not(x0), logical_not(x1)))


@operator("LogicalXor", group=GROUP, differentiable=False, outputs="y:bool")
def logical_xor(x0: Bool, x1: Bool) -> Any:
    """1 where exactly one of two values is true, else 0, :math:`y = x_0 \\oplus x_1`; what is not 0 (NaN too) is true.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([0.0, 1.0, 2.0])
        >>> x1 = nn.NdArray.from_numpy_array([0.0, 0.0, 3.0])
        >>> print(F.logical_xor(x0, x1).data)
        [0. 1. 0.]
    """
    return not_equal(x0, x1)


@operator("LogicalNot", group=GROUP, differentiable=False, outputs="y:bool")
def logical_not(x0: Bool) -> Any:
    """1 where a value is 0, else 0, :math:`y = \\lnot x`.

    Args:
        x0: Any shape.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.logical_not(nn.NdArray.from_numpy_array([0.0, 2.0])).data)
        [1. 0.]
    """


elementwise(logical_not, "logical_not")


@operator("LogicalAndScalar", group=GROUP, differentiable=False, outputs="y:bool")
def logical_and_scalar(x0: Bool, val: Boolean) -> Any:
    """1 where a value and ``val`` are true, else 0, :math:`y = x \\land v`.

    Args:
        x0: Any shape.
        val: The truth value.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.logical_and_scalar(nn.NdArray.from_numpy_array([0.0, 2.0]), True).data)
        [0. 1.]
    """
    return x0 if val else zeros(x0.shape, "bool")


@operator("LogicalOrScalar", group=GROUP, differentiable=False, outputs="y:bool")
def logical_or_scalar(x0: Bool, val: Boolean) -> Any:
    """1 where a value or ``val`` is true, else 0, :math:`y = x \\lor v`.

    Args:
        x0: Any shape.
        val: The truth value.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.logical_or_scalar(nn.NdArray.from_numpy_array([0.0, 2.0]), False).data)
        [0. 1.]
    """
    return full(1.0, x0.shape, "bool") if val else x0


@operator("LogicalXorScalar", group=GROUP, differentiable=False, outputs="y:bool")
def logical_xor_scalar(x0: Bool, val: Boolean) -> Any:
    """1 where either a value or ``val`` is true, not both, else 0, :math:`y = x \\oplus v`.

    Args:
        x0: Any shape.
        val: The truth value.
    Returns:
        The shape of ``x0``.
    Example:
        >>> print(F.logical_xor_scalar(nn.NdArray.from_numpy_array([0.0, 2.0]), True).data)
        [1. 0.]
    """
    return logical_not(x0) if val else x0


@operator("SearchSorted", group=GROUP, differentiable=False)
def searchsorted(sorted_sequence: Float, values: Float, right: Boolean = False) -> Any:
    """Where values would have to be inserted into sorted sequences so that these stay sorted.

    :math:`y_j` is the number of i with :math:`s_i < v_j`, or with :math:`s_i \\le v_j` if ``right``.

    Args:
        sorted_sequence: (..., N), each sequence in ascending order.
        values: (..., M), the leading dimensions of ``sorted_sequence``.
        right: Insert behind equal elements rather than before them.
    Returns:
        (..., M) positions from 0 to N.
    Example:
        >>> sequence = nn.NdArray.from_numpy_array([[1.0, 3.0, 3.0, 5.0]])
        >>> values = nn.NdArray.from_numpy_array([[0.0, 3.0, 9.0]])
        >>> print(F.searchsorted(sequence, values).data, F.searchsorted(sequence, values, right=True).data)
        [[0. 1. 4.]] [[0. 3. 4.]]
    """
    from nnabla.ops.array_manipulation import reshape
    from nnabla.ops.reduction import sum_

    # Counting needs N x M comparisons at once, but no gathering at computed places.
    outer, n, m = values.shape[:-1], sorted_sequence.shape[-1], values.shape[-1]
    sequence = reshape(sorted_sequence, (*outer, 1, n), False)
    wanted = reshape(values, (*outer, m, 1), False)
    before = less_equal(sequence, wanted) if right else less(sequence, wanted)
    return sum_(cast(before, "float"), (len(outer) + 1,), False)


@searchsorted.resolve
def _(sorted_sequence: Any, values: Any, right: bool) -> None:
    if not sorted_sequence or len(sorted_sequence) != len(values) or sorted_sequence[:-1] != values[:-1]:
        raise ShapeError(
            f"searchsorted: sorted_sequence {tuple(sorted_sequence)} and values {tuple(values)} must have equal "
            "shapes but for the last dimension, and at least that one"
        )
