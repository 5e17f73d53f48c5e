"""Quantizers: values on a grid forwards, straight-through gradients backwards."""

from __future__ import annotations

from typing import Any, Literal

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Result, operator, prod
from nnabla.ops.elementwise import sum_to
from nnabla.ops.internal import cast, zeros
from nnabla.ops.spec import Boolean, Float, FloatArg, Int

GROUP = "Quantization Neural Network Layers"


def flag(condition: Any) -> Any:
    """Return truth values as 0.0 and 1.0."""
    return cast(condition, "float")


@operator("RoundToEven", internal=True, differentiable=False)
def round_to_even(x: Float) -> Any:
    """The nearest integers; of two equally near the even one."""


@round_to_even.shape
def _(x: Any) -> Any:
    return x


@round_to_even.reference
def _(xp: Any, x: Any) -> Any:
    return xp.round(x)


# -- grids of one step -------------------------------------------------------------------------------------------
@operator("FixedPointQuantize", group=GROUP)
def fixed_point_quantize(
    x: Float, sign: Boolean = True, n: Int = 8, delta: FloatArg = 0.0625, ste_fine_grained: Boolean = True
) -> Any:
    """Round to multiples of a step that a fixed-point number can hold, half away from 0.

    :math:`y = \\delta \\, \\mathrm{round}(x / \\delta)`, cut off at :math:`\\pm (2^{n-1} - 1) \\delta`; without
    ``sign`` at 0 and :math:`(2^n - 1) \\delta`.

    Args:
        x: Any shape.
        sign: Whether one of the bits is the sign: the numbers are then symmetric about 0, else from 0 on.
        n: Number of bits, 1 to 64.
        delta: The step :math:`\\delta`, above 0.
        ste_fine_grained: Let no gradient pass where ``x`` is outside of the numbers; else all of it passes.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([-9.0, 0.1, 0.6])
        >>> print(F.fixed_point_quantize(x, n=3, delta=0.5).data)
        [-1.5  0.   0.5]
    """
    low, high = _fixed_range(sign, n, delta)
    return ops.round(_clip(x, low, high) * (1.0 / delta)) * delta


def _fixed_range(sign: bool, n: int, delta: float) -> tuple[float, float]:
    largest = (2 ** (n - 1) - 1 if sign else 2**n - 1) * delta
    return (-largest if sign else 0.0), largest


def _clip(x: Any, low: Any, high: Any) -> Any:
    return ops.minimum2(ops.maximum2(x, low), high)


@fixed_point_quantize.resolve
def _(x: Any, sign: bool, n: int, delta: float, ste_fine_grained: bool) -> None:
    if not 1 <= n <= 64 or delta <= 0:
        raise ArgumentError(f"fixed_point_quantize: n={n} must be 1 bit to 64 and delta={delta} above 0")


@fixed_point_quantize.gradient
def _(x: Any, dy: Any, sign: bool, n: int, delta: float, ste_fine_grained: bool) -> Any:
    if not ste_fine_grained:
        return dy
    low, high = _fixed_range(sign, n, delta)
    return dy * flag(ops.less_equal(x, high)) * flag(ops.greater_equal(x, low))


@operator(
    "MinMaxQuantize",
    group=GROUP,
    updates=("qr_min", "qr_max"),
    depends=dict.fromkeys(("x", "qr_min", "qr_max"), ("x", "qr_min", "qr_max", "ql_min", "ql_max")),
)
def min_max_quantize(
    x: Float,
    qr_min: Float,
    qr_max: Float,
    ql_min: Float,
    ql_max: Float,
    decay: FloatArg = 0.999,
    x_min_max: Boolean = False,
    ema: Boolean = False,
    ste_fine_grained: Boolean = True,
    eps: FloatArg = 0.01,
) -> Any:
    """Round to the levels of an affine quantizer whose range is given or follows the data.

    With the step :math:`s = (q_{max} - q_{min}) / (l_{max} - l_{min})` the range is shifted so that 0 is a level;
    ``x`` is then clipped to it and rounded to a level, half away from 0.

    Args:
        x: Any shape.
        qr_min, qr_max: Least and largest real value; of one element along each axis, or as many as ``x`` has. They
            change in forward: ``qr_max`` is made ``qr_min + eps`` where it is less.
        ql_min, ql_max: Least and largest level, the shape of ``qr_min``.
        decay: Weight of the present range in the moving average of ``ema``.
        x_min_max: Take the range from the data, and store it in ``qr_min`` and ``qr_max``.
        ema: With ``x_min_max``, store the moving average of the ranges of the data and use that.
        ste_fine_grained: Let no gradient pass to ``x`` where it is outside of the range; else all of it passes. If
            neither ``x_min_max`` nor ``ema`` is set, the gradients from there go to ``qr_min`` and ``qr_max``.
        eps: Least size of the range.
    Returns:
        The shape of ``x``.
    Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient integer-arithmetic-only
    inference".
    Example:
        >>> x = nn.Variable.from_numpy_array([-2.0, 0.1, 0.6, 2.0])
        >>> qr_min = nn.Variable.from_numpy_array([-1.0])
        >>> qr_max = nn.Variable.from_numpy_array([1.0])
        >>> ql_min, ql_max = nn.Variable.from_numpy_array([0.0]), nn.Variable.from_numpy_array([4.0])
        >>> y = F.min_max_quantize(x, qr_min, qr_max, ql_min, ql_max)
        >>> y.forward()
        >>> print(y.d)
        [-1.   0.   0.5  1. ]
    """
    low, high = _range(x, qr_min, qr_max, decay, x_min_max, ema, eps)
    step = (high - low) / (ql_max - ql_min)
    start, end = _nudged(low, high, ql_min, ql_max)
    y = ops.round((_clip(x, start, end) - start) / step) * step + start
    if x_min_max:
        return Result(y, updates={"qr_min": low, "qr_max": high})
    return Result(y, updates={"qr_max": high})


def _range(x: Any, qr_min: Any, qr_max: Any, decay: float, x_min_max: bool, ema: bool, eps: float) -> tuple[Any, Any]:
    """Return the range that quantizes ``x``."""
    if x_min_max:
        axes = tuple(a for a, n in enumerate(qr_min.shape) if n == 1)
        low, high = (f(x, axes, True) if axes else x for f in (ops.min, ops.max))
        if ema:
            low = qr_min * decay + low * (1.0 - decay)
            high = qr_max * decay + high * (1.0 - decay)
    else:
        low, high = qr_min, qr_max
    return low, ops.maximum2(high, low + eps)


def _nudged(low: Any, high: Any, ql_min: Any, ql_max: Any) -> tuple[Any, Any]:
    """Return the range moved so that 0 is one of its levels."""
    step = (high - low) / (ql_max - ql_min)
    zero = ops.round(_clip(ql_min - low / step, ql_min, ql_max))
    return (ql_min - zero) * step, (ql_max - zero) * step


@min_max_quantize.resolve
def _(x: Any, qr_min: Any, qr_max: Any, ql_min: Any, ql_max: Any, decay: float, eps: float, **_: Any) -> None:
    if len({tuple(s) for s in (qr_min, qr_max, ql_min, ql_max)}) > 1:
        raise ShapeError(
            f"min_max_quantize: qr_min {tuple(qr_min)}, qr_max {tuple(qr_max)}, ql_min {tuple(ql_min)} and ql_max "
            f"{tuple(ql_max)} must have the same shape"
        )
    if len(qr_min) != len(x) or any(n not in (1, m) for n, m in zip(qr_min, x)):
        raise ShapeError(
            f"min_max_quantize: qr_min {tuple(qr_min)} must have as many dimensions as x {tuple(x)}, each of size 1 or "
            "that of x"
        )
    if not 0 <= decay <= 1 or eps <= 0:
        raise ArgumentError(f"min_max_quantize: decay={decay} must be from 0 to 1 and eps={eps} above 0")


@min_max_quantize.gradient
def _(
    x: Any,
    qr_min: Any,
    qr_max: Any,
    ql_min: Any,
    ql_max: Any,
    dy: Any,
    x_min_max: bool,
    ema: bool,
    ste_fine_grained: bool,
    eps: float,
) -> Any:
    # Forward has put the range that it used into qr_min and qr_max.
    start, end = _nudged(qr_min, ops.maximum2(qr_max, qr_min + eps), ql_min, ql_max)
    below, above = flag(ops.less(x, start)), flag(ops.greater(x, end))
    dx = dy * (1.0 - below - above) if ste_fine_grained else dy
    if x_min_max or ema:
        return dx, None, None
    return dx, sum_to(dy * below, qr_min.shape), sum_to(dy * above, qr_max.shape)


# -- powers of two -------------------------------------------------------------------------------------------------
@operator("Pow2Quantize", group=GROUP)
def pow2_quantize(
    x: Float, sign: Boolean = True, with_zero: Boolean = True, n: Int = 8, m: Int = 1, ste_fine_grained: Boolean = True
) -> Any:
    """Round to powers of two, in the exponent, from :math:`2^m` down:
    :math:`y = \\mathrm{sgn}(x) \\, 2^{\\mathrm{round}(\\log_2 |x|)}`.

    Args:
        x: Any shape.
        sign: Whether one of the bits is the sign; else the numbers are positive (or 0).
        with_zero: Whether one of the bits is for 0; else what is below the least power becomes the least power.
        n: Number of bits; those without sign and zero, 1 or more, number the exponents.
        m: Largest exponent, -126 to 127.
        ste_fine_grained: Let no gradient pass where ``x`` rounds beyond the largest power (or, without ``sign``, is
            negative); else all of it passes.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([-9.0, 0.3, 0.8, 0.0])
        >>> print(F.pow2_quantize(x, n=4, m=1).data.round(4))
        [-2.    0.25  1.    0.  ]
    """
    # Powers below 2 ** -126 are 0 in single precision.
    least = max(m - 2 ** min(n - sign - with_zero, 10) + 1, -126)
    size = ops.abs(x)
    exponent = ops.round(ops.log(ops.maximum2(size, 2.0**least)) * (1.0 / 0.6931471805599453))
    power = ops.pow2(2.0, ops.minimum2(exponent, float(m)))
    if with_zero:
        power = power * flag(ops.greater_equal(size, 2.0 ** (least - 0.5)))
    negative = flag(ops.less(x, 0.0))
    if sign:
        return power * (1.0 - negative * 2.0)
    return power * (1.0 - negative) + negative * (0.0 if with_zero else 2.0**least)


@pow2_quantize.resolve
def _(x: Any, sign: bool, with_zero: bool, n: int, m: int, ste_fine_grained: bool) -> None:
    if n - sign - with_zero < 1:
        raise ArgumentError(
            f"pow2_quantize: n={n} leaves no bit for exponents with sign={sign} and with_zero={with_zero}; make it "
            f"{1 + sign + with_zero} or more"
        )
    if not -126 <= m <= 127:
        raise ArgumentError(f"pow2_quantize: m={m} must be -126 to 127, so that single precision holds 2 to the m")


@pow2_quantize.gradient
def _(x: Any, dy: Any, sign: bool, m: int, ste_fine_grained: bool) -> Any:
    if not ste_fine_grained:
        return dy
    dx = dy * flag(ops.less_equal(ops.abs(x), 2.0 ** (m + 0.5)))
    return dx if sign else dx * flag(ops.greater_equal(x, 0.0))


# -- integers ------------------------------------------------------------------------------------------------------
#: Least and largest integer by the code of NumPy's type.
_RANGES = {1: (-128, 127), 2: (0, 255), 3: (-(2**15), 2**15 - 1), 4: (0, 2**16 - 1), 5: (-(2**31), 2**31 - 1),
           6: (0, 2**32 - 1)}  # fmt: skip


def _check_scale(name: str, x: Any, scale: Any, zero_point: Any) -> None:
    if tuple(scale) != tuple(zero_point):
        raise ShapeError(f"{name}: scale {tuple(scale)} and zero_point {tuple(zero_point)} must have the same shape")
    if len(scale) != len(x) or any(n not in (1, m) for n, m in zip(scale, x)):
        raise ShapeError(
            f"{name}: scale {tuple(scale)} must have as many dimensions as x {tuple(x)}, each of size 1 or that of x"
        )


@operator("QuantizeLinear", group=GROUP, depends=("x", "scale", "zero_point"))
def quantize_linear(
    x: Float,
    scale: Float,
    zero_point: Float,
    round_mode: Literal["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"] = "HALF_AWAY_FROM_ZERO",
    narrow_range: Boolean = False,
    dtype: Int = 1,
) -> Any:
    """Affine quantization to integers, which are kept as floating-point numbers.

    :math:`y = \\mathrm{clip}(\\mathrm{round}(x / s) + z)` to the range of the integers, with the scale s and the
    zero point z.

    Args:
        x: Any shape; its gradient is that of the output divided by ``scale``.
        scale: Of one element along each axis, or as many as ``x`` has; it gets no gradient.
        zero_point: Integer that stands for 0, the shape of ``scale``; it gets no gradient.
        round_mode: What becomes of halves.
        narrow_range: Leave out the least integer.
        dtype: Code of the integer type: int8 1, uint8 2, int16 3, uint16 4, int32 5, uint32 6.
    Returns:
        The shape of ``x``.
    Source: the operator QuantizeLinear of ONNX.
    Example:
        >>> x = nn.NdArray.from_numpy_array([-1.0, 0.26, 100.0])
        >>> scale = nn.NdArray.from_numpy_array([0.5])
        >>> zero_point = nn.NdArray.from_numpy_array([10.0])
        >>> print(F.quantize_linear(x, scale, zero_point).data)
        [  8.  11. 127.]
    """
    low, high = _RANGES[dtype]
    nearest = round_to_even if round_mode == "HALF_TO_EVEN" else ops.round
    return _clip(nearest(x / scale) + zero_point, float(low + narrow_range), float(high))


@quantize_linear.resolve
def _(x: Any, scale: Any, zero_point: Any, round_mode: str, narrow_range: bool, dtype: int) -> None:
    _check_scale("quantize_linear", x, scale, zero_point)
    if dtype not in _RANGES:
        raise ArgumentError(
            f"quantize_linear: dtype={dtype} is no code of an integer type; use np.int8 (1), np.uint8 (2), "
            "np.int16 (3), np.uint16 (4), np.int32 (5) or np.uint32 (6)"
        )


@quantize_linear.gradient
def _(scale: Any, dy: Any) -> Any:
    return dy / scale, None, None


@operator("DequantizeLinear", group=GROUP)
def dequantize_linear(x: Float, scale: Float, zero_point: Float) -> Any:
    """The inverse of :func:`quantize_linear` but for its rounding, :math:`y = (x - z) s`.

    Args:
        x: Any shape.
        scale: Of one element along each axis, or as many as ``x`` has; it gets no gradient.
        zero_point: Integer that stands for 0, the shape of ``scale``; it gets no gradient.
    Returns:
        The shape of ``x``.
    Source: the operator DequantizeLinear of ONNX.
    Example:
        >>> x = nn.NdArray.from_numpy_array([8.0, 11.0, 127.0])
        >>> scale = nn.NdArray.from_numpy_array([0.5])
        >>> zero_point = nn.NdArray.from_numpy_array([10.0])
        >>> print(F.dequantize_linear(x, scale, zero_point).data)
        [-1.   0.5 58.5]
    """
    return (x - zero_point) * scale


@dequantize_linear.resolve
def _(x: Any, scale: Any, zero_point: Any) -> None:
    _check_scale("dequantize_linear", x, scale, zero_point)


@dequantize_linear.gradient
def _(scale: Any, dy: Any) -> Any:
    return dy * scale, None, None


# -- two values, and none --------------------------------------------------------------------------------------------
@operator("BinarySigmoid", group=GROUP)
def binary_sigmoid(x: Float) -> Any:
    """The step function: :math:`y = 1` where :math:`x > 0`, else 0.

    Its gradient is taken as 1/2 from -1 to 1 and 0 at and beyond these.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Source: Courbariaux, Hubara, Soudry, El-Yaniv, Bengio 2016, "Binarized neural networks".
    Example:
        >>> print(F.binary_sigmoid(nn.NdArray.from_numpy_array([-0.5, 0.0, 0.5])).data)
        [0. 0. 1.]
    """
    return flag(ops.greater(x, 0.0))


@binary_sigmoid.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * flag(ops.less(ops.abs(x), 1.0)) * 0.5


@operator("BinaryTanh", group=GROUP)
def binary_tanh(x: Float) -> Any:
    """The sign: :math:`y = 1` where :math:`x > 0`, else -1.

    Its gradient is taken as 1 from -1 to 1 and 0 at and beyond these.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Source: Courbariaux, Hubara, Soudry, El-Yaniv, Bengio 2016, "Binarized neural networks".
    Example:
        >>> print(F.binary_tanh(nn.NdArray.from_numpy_array([-0.5, 0.0, 0.5])).data)
        [-1. -1.  1.]
    """
    return flag(ops.greater(x, 0.0)) * 2.0 - 1.0


@binary_tanh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * flag(ops.less(ops.abs(x), 1.0))


@operator("Prune", group=GROUP)
def prune(x: Float, rate: FloatArg = 0.9) -> Any:
    """Set the smallest elements (in absolute value) to 0; all of the gradient passes.

    :math:`y = x` where :math:`|x| \\ge t`, else 0. The threshold t is the element at ``int((size - 1) * rate)`` of
    the sorted absolute values; with a rate of 1 all elements become 0.

    Args:
        x: Any shape.
        rate: Share that becomes 0, 0 to 1.
    Returns:
        The shape of ``x``.
    Source: Han, Pool, Tran, Dally 2015, "Learning both weights and connections for efficient neural networks".
    Example:
        >>> print(F.prune(nn.NdArray.from_numpy_array([0.1, -3.0, 0.2, 2.0]), rate=0.7).data)
        [ 0. -3.  0.  2.]
    """
    size, at = ops.abs(x), int((prod(x.shape) - 1) * rate)
    if rate == 1 or not prod(x.shape):
        return zeros(x.shape)
    ordered = ops.sort(ops.reshape(size, (prod(x.shape),), False), 0, False, False, False)
    threshold = ops.slice(ordered, (at,), (at + 1,), (1,))
    return ops.where(ops.greater_equal(size, ops.reshape(threshold, (1,) * len(x.shape), False)), x, zeros(x.shape))


@prune.resolve
def _(x: Any, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ArgumentError(f"prune: rate={rate} must be from 0 to 1")


@prune.gradient
def _(dy: Any) -> Any:
    return dy
