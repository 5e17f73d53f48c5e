"""Activations."""

from __future__ import annotations

import math
from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import normalize_axis, operator, prod
from nnabla.ops.elementwise import elementwise
from nnabla.ops.internal import expm1, log1p
from nnabla.ops.logical import equal, less, less_equal, logical_and, maximum2, minimum2, where
from nnabla.ops.mathematics import abs_, cos, exp, log, sin
from nnabla.ops.reduction import max_, sum_
from nnabla.ops.spec import Boolean, Double, Float, FloatArg, Int, per_input

GROUP = "Neural Network Activation Functions"
QUANTIZATION = "Quantization Neural Network Layers"


# -- of the logistic family --------------------------------------------------------------------------------
@operator("Sigmoid", group=GROUP)
def sigmoid(x: Float) -> Any:
    """Logistic function, :math:`y = 1 / (1 + e^{-x})`.

    Args:
        x: Any shape.
    """
    e = exp(-abs_(x))
    return where(x >= 0.0, 1.0, e) / (1.0 + e)


@sigmoid.gradient
def _(y: Any, dy: Any) -> Any:
    return dy * (y * (1.0 - y))


@operator("LogSigmoid", group=GROUP)
def log_sigmoid(x: Float) -> Any:
    """Logarithm of :func:`sigmoid`, without its underflow.

    Args:
        x: Any shape.
    """
    return minimum2(x, 0.0) - log1p(exp(-abs_(x)))


@log_sigmoid.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * sigmoid(-x)


@operator("SoftPlus", group=GROUP)
def softplus(x: Float, beta: Double = 1.0) -> Any:
    """Smooth form of :func:`relu`, :math:`y = \\frac{1}{\\beta} \\log(1 + e^{\\beta x})`.

    Args:
        x: Any shape.
        beta: Sharpness, not 0: the larger, the nearer to :func:`relu`.
    """
    z = x if beta == 1 else x * beta
    y = maximum2(z, 0.0) + log1p(exp(-abs_(z)))
    return y if beta == 1 else y * (1.0 / beta)


@softplus.resolve
def _(x: Any, beta: float) -> None:
    if beta == 0:
        raise ArgumentError(f"softplus: beta={beta} must not be 0, since the result is divided by it")


@softplus.gradient
def _(x: Any, dy: Any, beta: float) -> Any:
    return dy * sigmoid(x if beta == 1 else x * beta)


@operator("Swish", group=GROUP)
def swish(x: Float) -> Any:
    """Swish, :math:`y = x / (1 + e^{-x})`.

    Args:
        x: Any shape.
    Source: Ramachandran, Zoph, Le 2017, "Searching for activation functions".
    """
    return x * sigmoid(x)


@swish.gradient
def _(x: Any, y: Any, dy: Any) -> Any:
    s = sigmoid(x)
    return dy * (s + y * (1.0 - s))


@operator("Mish", group=GROUP)
def mish(x: Float) -> Any:
    """Mish, :math:`y = x \\tanh(\\log(1 + e^x))`.

    Args:
        x: Any shape.
    Source: Misra 2019, "Mish: a self regularized non-monotonic activation function".
    """
    return x * tanh(softplus(x))


@mish.gradient
def _(x: Any, dy: Any) -> Any:
    t = tanh(softplus(x))
    return dy * (t + x * (1.0 - t * t) * sigmoid(x))


@operator("GELU", group=GROUP)
def gelu(x: Float) -> Any:
    """Gaussian error linear unit, :math:`y = \\frac{x}{2} (1 + \\tanh(\\sqrt{2/\\pi} (x + 0.044715 x^3)))`.

    Args:
        x: Any shape.
    Source: Hendrycks, Gimpel 2016, "Gaussian error linear units", the approximation by tanh.
    """
    return 0.5 * x * (1.0 + tanh(_gelu_argument(x)))


_GELU_SCALE, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_argument(x: Any) -> Any:
    return x * (x * x * (_GELU_SCALE * _GELU_CUBIC) + _GELU_SCALE)


@gelu.gradient
def _(x: Any, y: Any, dy: Any) -> Any:
    t = tanh(_gelu_argument(x))
    slope = x * x * (3.0 * _GELU_SCALE * _GELU_CUBIC) + _GELU_SCALE
    return dy * (0.5 * (1.0 + t) + y * (1.0 - t) * slope)


# -- of the tanh family ------------------------------------------------------------------------------------
@operator("Tanh", group=GROUP)
def tanh(x: Float) -> Any:
    """Hyperbolic tangent, :math:`y = \\tanh x`.

    Args:
        x: Any shape.
    """


elementwise(tanh, "tanh")


@tanh.gradient
def _(y: Any, dy: Any) -> Any:
    return dy * (1.0 - y * y)


@operator("TanhShrink", group=GROUP)
def tanh_shrink(x: Float) -> Any:
    """What :func:`tanh` takes away, :math:`y = x - \\tanh x`.

    Args:
        x: Any shape.
    """
    return x - tanh(x)


@tanh_shrink.gradient
def _(x: Any, dy: Any) -> Any:
    t = tanh(x)
    return dy * (t * t)


@operator("SoftSign", group=GROUP)
def softsign(x: Float) -> Any:
    """Softsign, :math:`y = x / (1 + |x|)`.

    Args:
        x: Any shape.
    """
    return x / (1.0 + abs_(x))


@softsign.gradient
def _(x: Any, dy: Any) -> Any:
    d = 1.0 + abs_(x)
    return dy / (d * d)


@operator("HardTanh", group=GROUP)
def hard_tanh(x: Float) -> Any:
    """Tanh of straight lines: x cut off at -1 and 1, where the gradient still passes.

    Args:
        x: Any shape.
    """
    return minimum2(maximum2(x, -1.0), 1.0)


@hard_tanh.gradient
def _(x: Any, dy: Any) -> Any:
    return where(less_equal(abs_(x), 1.0), dy, 0.0)


@operator("HardSigmoid", group=GROUP)
def hard_sigmoid(x: Float) -> Any:
    """Sigmoid of straight lines, :math:`y = \\min(\\max(0.2 x + 0.5, 0), 1)`.

    Args:
        x: Any shape.
    """
    return minimum2(maximum2(x * 0.2 + 0.5, 0.0), 1.0)


@hard_sigmoid.gradient
def _(x: Any, dy: Any) -> Any:
    return where(less_equal(abs_(x), 2.5), dy * 0.2, 0.0)


# -- rectifiers --------------------------------------------------------------------------------------------
@operator("ReLU", group=GROUP)
def relu(x: Float, inplace: Boolean = False) -> Any:
    """Rectified linear unit, :math:`y = \\max(0, x)`; the gradient at 0 is 0.

    Args:
        x: Any shape.
        inplace: Obsolete; accepted without effect.
    """
    return maximum2(x, 0.0)


@relu.gradient
def _(y: Any, dy: Any) -> Any:
    return where(y > 0.0, dy, 0.0)


@operator("LeakyReLU", group=GROUP)
def leaky_relu(x: Float, alpha: FloatArg = 0.1, inplace: Boolean = False) -> Any:
    """Rectifier with a slope for negative values, :math:`y = x` where :math:`x > 0`, else :math:`\\alpha x`.

    Args:
        x: Any shape.
        alpha: The slope, also of the gradient at 0.
        inplace: Obsolete; accepted without effect.
    Source: Maas, Hannun, Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """
    return where(x > 0.0, x, x * alpha)


@leaky_relu.gradient
def _(x: Any, y: Any, dy: Any, alpha: float) -> Any:
    # The output tells the sign of the input, unless a negative slope makes all of it positive.
    return where((y if alpha >= 0 else x) > 0.0, dy, dy * alpha)


@operator("PReLU", group=GROUP)
def prelu(x0: Float, x1: Float, base_axis: Int = 1) -> Any:
    """Rectifier with learned slopes, :math:`y = x_0` where :math:`x_0 \\ge 0`, else :math:`x_1 x_0`.

    Args:
        x0: Any shape.
        x1: A single slope (of any shape), or (C,): one for each position along ``base_axis``.
        base_axis: The axis of ``x0`` with the C channels.
    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers".
    """
    return where(x0 >= 0.0, x0, x0 * _slopes(x0, x1, base_axis))


def _slopes(x0: Any, x1: Any, base_axis: int) -> Any:
    """Return the slopes in a shape that broadcasts with ``x0``."""
    from nnabla.ops.array_manipulation import reshape

    axis = base_axis % x0.ndim if x0.ndim else 0
    return reshape(x1, (x1.size, *(1,) * max(x0.ndim - axis - 1, 0)) if x1.size > 1 else (), False)


@prelu.resolve
def _(x0: Any, x1: Any, base_axis: int) -> None:
    if prod(x1) == 1:
        return
    axis = normalize_axis("prelu", base_axis, len(x0), "base_axis")
    if tuple(x1) != (x0[axis],):
        raise ShapeError(
            f"prelu: x1 {tuple(x1)} must hold one slope, or have the shape ({x0[axis]},) for the channels of x0 "
            f"{tuple(x0)} along base_axis={base_axis}"
        )


@prelu.gradient
def _(x0: Any, x1: Any, dy: Any, base_axis: int) -> Any:
    from nnabla.ops.array_manipulation import reshape
    from nnabla.ops.elementwise import sum_to

    slopes = _slopes(x0, x1, base_axis)
    positive = x0 >= 0.0
    d1 = reshape(sum_to(where(positive, 0.0, dy * x0), slopes.shape), x1.shape, False)
    return where(positive, dy, dy * slopes), d1


@operator("ReLU6", group=GROUP)
def relu6(x: Float) -> Any:
    """Rectifier with a ceiling, :math:`y = \\min(\\max(0, x), 6)`; the gradient at 0 and at 6 is 0.

    Args:
        x: Any shape.
    """
    return minimum2(maximum2(x, 0.0), 6.0)


@relu6.gradient
def _(x: Any, dy: Any) -> Any:
    return where(logical_and(x > 0.0, x < 6.0), dy, 0.0)


@operator("CReLU", group=GROUP)
def crelu(x: Float, axis: Int = 1) -> Any:
    """:func:`relu` of the input and of its negative, side by side along an axis.

    Args:
        x: Any shape with at least one dimension.
        axis: The axis that becomes twice as long.
    Source: Shang, Sohn, Almeida, Lee 2016, "Understanding and improving convolutional neural networks via
    concatenated rectified linear units".
    """
    from nnabla.ops.joining import concatenate

    return concatenate(relu(x), relu(-x), axis=axis)


@crelu.resolve
def _(x: Any, axis: int) -> None:
    normalize_axis("crelu", axis, len(x))


@crelu.gradient
def _(x: Any, dy: Any, axis: int) -> Any:
    positive, negative = _halves(dy, x.shape, axis)
    return where(x > 0.0, positive, -negative)


def _halves(dy: Any, shape: Any, axis: int) -> tuple[Any, Any]:
    """Split the gradient of two arrays that lie side by side along an axis."""
    from nnabla.ops.slicing import slice_

    axis %= len(shape)
    size = shape[axis]
    start = tuple(size if i == axis else 0 for i in range(len(shape)))
    return slice_(dy, (0,) * len(shape), tuple(shape)), slice_(dy, start, tuple(dy.shape))


@operator("ELU", group=GROUP)
def elu(x: Float, alpha: Double = 1.0) -> Any:
    """Exponential linear unit, :math:`y = x` where :math:`x \\ge 0`, else :math:`\\alpha (e^x - 1)`.

    Args:
        x: Any shape.
        alpha: The limit for large negative inputs is ``-alpha``.
    Source: Clevert, Unterthiner, Hochreiter 2016, "Fast and accurate deep network learning by exponential
    linear units", eq. 15.
    """
    return where(x >= 0.0, x, alpha * expm1(minimum2(x, 0.0)))


@elu.gradient
def _(x: Any, dy: Any, alpha: float) -> Any:
    return where(x >= 0.0, dy, dy * (alpha * exp(minimum2(x, 0.0))))


@operator("SELU", group=GROUP)
def selu(x: Float, scale: Double = 1.05070098735548, alpha: Double = 1.673263242354377) -> Any:
    """Scaled exponential linear unit, ``scale`` times :func:`elu` with ``alpha``.

    Args:
        x: Any shape.
        scale: The slope for positive inputs.
        alpha: The limit for large negative inputs is ``-scale * alpha``.
    Source: Klambauer, Unterthiner, Mayr, Hochreiter 2017, "Self-normalizing neural networks".
    """
    return scale * where(x > 0.0, x, alpha * expm1(minimum2(x, 0.0)))


@selu.gradient
def _(x: Any, dy: Any, scale: float, alpha: float) -> Any:
    return where(x > 0.0, dy * scale, dy * (scale * alpha * exp(minimum2(x, 0.0))))


@operator("CELU", group=GROUP)
def celu(x: Float, alpha: Double = 1.0, axis: Int = 1) -> Any:
    """:func:`elu` of the input and of its negative, side by side along an axis.

    Args:
        x: Any shape with at least one dimension.
        alpha: As for :func:`elu`.
        axis: The axis that becomes twice as long.
    """
    from nnabla.ops.joining import concatenate

    return concatenate(elu(x, alpha), elu(-x, alpha), axis=axis)


@celu.resolve
def _(x: Any, alpha: float, axis: int) -> None:
    normalize_axis("celu", axis, len(x))


@celu.gradient
def _(x: Any, dy: Any, alpha: float, axis: int) -> Any:
    positive, negative = _halves(dy, x.shape, axis)
    decay = alpha * exp(-abs_(x))
    return where(x >= 0.0, positive, positive * decay) - where(x <= 0.0, negative, negative * decay)


@operator("Sinc", group=GROUP)
def sinc(x: Float) -> Any:
    """Cardinal sine (not normalised), :math:`y = \\sin(x) / x`, 1 at 0.

    Args:
        x: Any shape, radians.
    """
    zero = equal(x, 0.0)
    return where(zero, 1.0, sin(x) / where(zero, 1.0, x))


@sinc.gradient
def _(x: Any, dy: Any) -> Any:
    # Near 0 the difference of two nearly equal terms is replaced by the power series, which up to 0.5 is exact
    # in double precision.
    near = less(abs_(x), 0.5)
    square = where(near, x * x, 0.0)
    series = 14.0 / math.factorial(15)
    for k in range(6, 0, -1):
        series = 2.0 * k / math.factorial(2 * k + 1) - square * series
    far = where(near, 1.0, x)
    return dy * where(near, -x * series, (far * cos(far) - sin(far)) / (far * far))


# -- over an axis ------------------------------------------------------------------------------------------
@operator("Softmax", group=GROUP)
def softmax(x: Float, axis: Int = per_input(lambda x: len(x) - 1)) -> Any:
    """Softmax along an axis, :math:`y_i = e^{x_i} / \\sum_j e^{x_j}`.

    Args:
        x: Any shape with at least one dimension.
        axis: Axis along which the outputs sum to 1.
    """
    e = exp(x - max_(x, (axis,), True))
    return e / sum_(e, (axis,), True)


@softmax.resolve
def _(x: Any, axis: int) -> None:
    normalize_axis("softmax", axis, len(x))


@softmax.gradient
def _(y: Any, dy: Any, axis: int) -> Any:
    scaled = dy * y
    return scaled - y * sum_(scaled, (axis,), True)


@operator("LogSoftmax", group=GROUP)
def log_softmax(x: Float, axis: Int = per_input(lambda x: len(x) - 1)) -> Any:
    """Logarithm of :func:`softmax`, without its overflow and underflow.

    Args:
        x: Any shape with at least one dimension.
        axis: Axis along which the exponentials of the outputs sum to 1.
    """
    shifted = x - max_(x, (axis,), True)
    return shifted - log(sum_(exp(shifted), (axis,), True))


@log_softmax.resolve
def _(x: Any, axis: int) -> None:
    normalize_axis("log_softmax", axis, len(x))


@log_softmax.gradient
def _(y: Any, dy: Any, axis: int) -> Any:
    return dy - exp(y) * sum_(dy, (axis,), True)


# -- of two values -----------------------------------------------------------------------------------------
