"""Arithmetic of two arrays, of many, and of an array with a scalar."""

from __future__ import annotations

import math
from typing import Any, Literal

from nnabla.errors import ArgumentTypeError, ShapeError
from nnabla.ops.definition import broadcast_shapes, operator
from nnabla.ops.elementwise import elementwise, sum_to
from nnabla.ops.internal import full
from nnabla.ops.spec import Boolean, Double, Float

GROUP = "Arithmetic"


@operator("Add2", group=GROUP)
def add2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Sum, :math:`y = x_0 + x_1`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> y = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> print(F.add2(x, y).data)
        [[11. 22.]
         [13. 24.]]
        >>> print((x + y).data)
        [[11. 22.]
         [13. 24.]]
    """


elementwise(add2, "add")


@add2.gradient
def _(x0_shape: Any, x1_shape: Any, dy: Any) -> Any:
    return sum_to(dy, x0_shape), sum_to(dy, x1_shape)


@operator("BcAdd2", group=GROUP, deprecated=True)
def bc_add2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Deprecated form of :func:`add2`, :math:`y = x_0 + x_1`, which broadcasts as well.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0], [2.0]])
        >>> x1 = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> print(F.bc_add2(x0, x1).data)
        [[11. 21.]
         [12. 22.]]
    """
    return add2(x0, x1)


@operator("Sub2", group=GROUP)
def sub2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Difference, :math:`y = x_0 - x_1`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0], [2.0]])
        >>> x1 = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> print(F.sub2(x0, x1).data)
        [[ -9. -19.]
         [ -8. -18.]]
    """


elementwise(sub2, "subtract")


@sub2.gradient
def _(x0_shape: Any, x1_shape: Any, dy: Any) -> Any:
    return sum_to(dy, x0_shape), sum_to(-dy, x1_shape)


@operator("Mul2", group=GROUP, depends=("x0", "x1"))
def mul2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Product, :math:`y = x_0 x_1`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0], [2.0]])
        >>> x1 = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> print(F.mul2(x0, x1).data)
        [[10. 20.]
         [20. 40.]]
    """


elementwise(mul2, "multiply")


@mul2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    return sum_to(dy * x1, x0.shape), sum_to(dy * x0, x1.shape)


@operator("Div2", group=GROUP, depends=("x0", "x1"))
def div2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Quotient, :math:`y = x_0 / x_1`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0], [2.0]])
        >>> x1 = nn.NdArray.from_numpy_array([4.0, 8.0])
        >>> print(F.div2(x0, x1).data)
        [[0.25  0.125]
         [0.5   0.25 ]]
    """


elementwise(div2, "divide")


@div2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    d0 = dy / x1
    return sum_to(d0, x0.shape), sum_to(-d0 * x0 / x1, x1.shape)


@operator("Pow2", group=GROUP, depends=("x0", "x1"))
def pow2(x0: Float, x1: Float, inplace: Boolean = False) -> Any:
    """Power, :math:`y = x_0^{x_1}`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        inplace: Obsolete; accepted without effect.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([2.0, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0, 2.0])
        >>> print(F.pow2(x0, x1).data.round(4))
        [8. 9.]
    """


elementwise(pow2, "pow")


@pow2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    from nnabla.ops.logical import equal, logical_and
    from nnabla.ops.mathematics import log
    from nnabla.ops.selection import where

    # x0 to the power 0 has slope 0 even where x0 is 0, and so has 0 to any positive power.
    d0 = where(equal(x1, 0.0), 0.0, dy * x1 * pow2(x0, x1 - 1.0))
    d1 = where(logical_and(equal(x0, 0.0), x1 > 0.0), 0.0, dy * log(x0) * pow2(x0, x1))
    return sum_to(d0, x0.shape), sum_to(d1, x1.shape)


@operator("AddScalar", group=GROUP)
def add_scalar(x: Float, val: Double = 1, inplace: Boolean = False) -> Any:
    """Sum with a number, :math:`y = x + v`.

    Args:
        x: Any shape.
        val: The number v.
        inplace: Obsolete; accepted without effect.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.add_scalar(x, 0.5).data, (x + 0.5).data)
        [1.5 2.5] [1.5 2.5]
    """
    return add2(x, full(val))


@operator("MulScalar", group=GROUP)
def mul_scalar(x: Float, val: Double = 1, inplace: Boolean = False) -> Any:
    """Product with a number, :math:`y = v x`.

    Args:
        x: Any shape.
        val: The number v.
        inplace: Obsolete; accepted without effect.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.mul_scalar(x, 0.5).data, (x * 0.5).data)
        [0.5 1. ] [0.5 1. ]
    """
    return mul2(x, full(val))


@operator("PowScalar", group=GROUP)
def pow_scalar(x: Float, val: Double = 1, inplace: Boolean = False) -> Any:
    """Power with a number as exponent, :math:`y = x^v`.

    Args:
        x: Any shape.
        val: The exponent v.
        inplace: Obsolete; accepted without effect.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.pow_scalar(x, 3).data.round(4), (x**3).data.round(4))
        [1. 8.] [1. 8.]
    """
    return pow2(x, full(val))


@pow_scalar.gradient
def _(x: Any, dy: Any, val: float) -> Any:
    if val == 0:
        return dy * 0.0
    return dy if val == 1 else dy * (x ** (val - 1.0) * val)


@operator("RSubScalar", group=GROUP)
def r_sub_scalar(x: Float, val: Double = 1) -> Any:
    """Difference from a number, :math:`y = v - x`.

    Args:
        x: Any shape.
        val: The number v.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.r_sub_scalar(x, 10).data, (10 - x).data)
        [9. 8.] [9. 8.]
    """
    return sub2(full(val), x)


@operator("RDivScalar", group=GROUP)
def r_div_scalar(x: Float, val: Double = 1) -> Any:
    """Quotient of a number, :math:`y = v / x`.

    Args:
        x: Any shape.
        val: The number v.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.r_div_scalar(x, 10).data, (10 / x).data)
        [10.  5.] [10.  5.]
    """
    return div2(full(val), x)


@r_div_scalar.gradient
def _(x: Any, dy: Any, val: float) -> Any:
    return dy * -val / (x * x)


@operator("RPowScalar", group=GROUP)
def r_pow_scalar(x: Float, val: Double = 1) -> Any:
    """Power of a number, :math:`y = v^x`.

    Args:
        x: Any shape.
        val: The base v.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> print(F.r_pow_scalar(x, 10).data.round(4), (10**x).data.round(4))
        [ 10. 100.] [ 10. 100.]
    """
    return pow2(full(val), x)


@r_pow_scalar.gradient
def _(x: Any, dy: Any, val: float) -> Any:
    from nnabla.ops.selection import where

    if val == 0:
        # 0 to the power x: no slope above 0, and no bound from there down.
        return dy * where(x > 0.0, 0.0, -math.inf)
    return dy * (pow2(full(val), x) * (math.log(val) if val > 0 else math.nan))


def _check_one_shape(name: str, shapes: Any) -> None:
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ShapeError(
                f"{name}: input {i} has the shape {tuple(shape)}, input 0 has {tuple(shapes[0])}; all must be equal"
            )


@operator("AddN", group=GROUP)
def add_n(*x: Float) -> Any:
    """Sum of any number of arrays, :math:`y = \\sum_i x_i`.

    Args:
        *x: Arrays of one shape.
    Returns:
        That shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> x1 = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> x2 = nn.NdArray.from_numpy_array([100.0, 200.0])
        >>> print(F.add_n(x0, x1, x2).data)
        [111. 222.]
    """
    total = x[0]
    for other in x[1:]:
        total = add2(total, other)
    return total


@add_n.resolve
def _(*shapes: Any) -> None:
    _check_one_shape("add_n", shapes)


@add_n.gradient
def _(x_shape: Any, dy: Any) -> Any:
    return [dy] * len(x_shape)


@operator("MulN", group=GROUP, depends=("y",))
def mul_n(*x: Float) -> Any:
    """Product of any number of arrays, :math:`y = \\prod_i x_i`.

    Args:
        *x: Arrays of one shape.
    Returns:
        That shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 2.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0, 4.0])
        >>> x2 = nn.NdArray.from_numpy_array([5.0, 6.0])
        >>> print(F.mul_n(x0, x1, x2).data)
        [15. 48.]
    """
    product = x[0]
    for other in x[1:]:
        product = mul2(product, other)
    return product


@mul_n.resolve
def _(*shapes: Any) -> None:
    _check_one_shape("mul_n", shapes)


@mul_n.gradient
def _(x: Any, dy: Any) -> Any:
    # The product of the others, from the left times from the right: y / x would fail where x is 0.
    before, after = [dy], [None]
    for value in x[:-1]:
        before.append(before[-1] * value)
    for value in reversed(x[1:]):
        after.append(value if after[-1] is None else after[-1] * value)
    return [b if a is None else b * a for b, a in zip(before, reversed(after))]


SPECIAL = "Unsupported, Special Use"


@operator("Mod2", group=SPECIAL, integers=True, depends=("x0", "x1", "y"))
def mod2(x0: Float, x1: Float, fmod: Boolean = False) -> Any:
    """Remainder of a division, :math:`y = x_0 \\bmod x_1`, with broadcasting.

    Args:
        x0: Any shape. Integers are computed, and the result is kept, in their dtype.
        x1: A shape that broadcasts with that of ``x0``.
        fmod: Let the result of integers have the sign of ``x0``, as it always has for floating values; else
            it has that of ``x1``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([5.0, -5.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0, 3.0])
        >>> print(F.mod2(x0, x1).data)
        [ 2. -2.]
        >>> x0 = nn.NdArray.from_numpy_array(np.array([5, -5]))
        >>> x1 = nn.NdArray.from_numpy_array(np.array([3, 3]))
        >>> print(F.mod2(x0, x1).data)
        [2 1]
    """


@mod2.shape
def _(x0: Any, x1: Any, fmod: bool) -> Any:
    return broadcast_shapes("mod2", x0, x1)


@mod2.reference
def _(xp: Any, x0: Any, x1: Any, fmod: bool) -> Any:
    if xp.isdtype(x0.dtype, "integral") and not fmod:
        return xp.remainder(x0, x1)
    if xp.isdtype(x0.dtype, "unsigned integer"):
        return xp.remainder(x0, x1)
    # Of values that are not negative both kinds of remainder are one.
    size = xp.remainder(xp.abs(x0), xp.abs(x1))
    return xp.where(x0 < 0, -size, size)


@mod2.gradient
def _(x0: Any, x1: Any, y: Any, dy: Any) -> Any:
    return sum_to(dy, x0.shape), sum_to(dy * ((y - x0) / x1), x1.shape)


@operator("BitShift", group=SPECIAL, integers=True, differentiable=False, depends=("x", "shift", "y"))
def bit_shift(x: Float, shift: Float, direction: Literal["LEFT", "RIGHT"] = "LEFT") -> Any:
    """Shift the bits of integers, :math:`y = x \\cdot 2^s` or :math:`\\lfloor x / 2^s \\rfloor`; what is shifted out
    is lost.

    Args:
        x: Integers of any dtype, in which the result is kept; any shape.
        shift: By how many bits, 0 or more; a shape that broadcasts with that of ``x``.
        direction: ``"LEFT"`` multiplies by :math:`2^{shift}`, ``"RIGHT"`` divides by it and rounds down.
    Returns:
        The broadcast shape.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.array([1, 2, 12]))
        >>> shift = nn.NdArray.from_numpy_array(np.array([3]))
        >>> print(F.bit_shift(x, shift).data, F.bit_shift(x, shift, direction="RIGHT").data)
        [ 8 16 96] [0 0 1]
    """


@bit_shift.shape
def _(x: Any, shift: Any, direction: str) -> Any:
    return broadcast_shapes("bit_shift", x, shift)


@bit_shift.reference
def _(xp: Any, x: Any, shift: Any, direction: str) -> Any:
    if not xp.isdtype(x.dtype, "integral"):
        raise ArgumentTypeError(f"bit_shift: x must hold integers, not {x.dtype}; cast its data, to np.int32 say")
    # Not every library defines shifts by the number of bits and more.
    last = xp.iinfo(x.dtype).bits - 1
    least = xp.where(shift > last, xp.full_like(shift, last), shift)
    if direction == "RIGHT":
        shifted = xp.bitwise_right_shift(x, least)
        return xp.where(shift > last, xp.bitwise_right_shift(shifted, xp.ones_like(shift)), shifted)
    shifted = xp.bitwise_left_shift(x, least)
    return xp.where(shift > last, xp.zeros_like(shifted), shifted)
