"""Activations."""

from __future__ import annotations

import math
from typing import Any

from nnabla.errors import ArgumentError
from nnabla.ops.definition import operator
from nnabla.ops.elementwise import elementwise
from nnabla.ops.internal import log1p
from nnabla.ops.logical import equal, less, less_equal
from nnabla.ops.mathematics import abs_, cos, exp, sin
from nnabla.ops.selection import maximum2, minimum2, where
from nnabla.ops.spec import Double, Float

GROUP = "Neural Network Activation Functions"
QUANTIZATION = "Quantization Neural Network Layers"


# -- of the logistic family --------------------------------------------------------------------------------
@operator("Sigmoid", group=GROUP)
def sigmoid(x: Float) -> Any:
    """Logistic function, :math:`y = 1 / (1 + e^{-x})`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; 0 to 1.
    Example:
        >>> print(F.sigmoid(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [0.2689 0.5    0.7311]
    """
    e = exp(-abs_(x))
    return where(x >= 0.0, 1.0, e) / (1.0 + e)


@sigmoid.gradient
def _(y: Any, dy: Any) -> Any:
    return dy * (y * (1.0 - y))


@operator("LogSigmoid", group=GROUP)
def log_sigmoid(x: Float) -> Any:
    """Logarithm of :func:`sigmoid`, :math:`y = -\\log(1 + e^{-x})`, without its underflow.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; below 0.
    Example:
        >>> print(F.log_sigmoid(nn.NdArray.from_numpy_array([-100.0, 0.0])).data.round(4))
        [-100.       -0.6931]
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
    Returns:
        The shape of ``x``.
    Source: Dugas, Bengio, Belisle, Nadeau, Garcia 2001, "Incorporating second-order functional knowledge for better
    option pricing".
    Example:
        >>> print(F.softplus(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [0.3133 0.6931 1.3133]
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
    Returns:
        The shape of ``x``.
    Source: Ramachandran, Zoph, Le 2017, "Searching for activation functions"; also known as SiLU.
    Example:
        >>> print(F.swish(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.2689  0.      0.7311]
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
    Returns:
        The shape of ``x``.
    Source: Misra 2019, "Mish: a self regularized non-monotonic activation function".
    Example:
        >>> print(F.mish(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.3034  0.      0.8651]
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
    Returns:
        The shape of ``x``.
    Source: Hendrycks, Gimpel 2016, "Gaussian error linear units", the approximation by tanh.
    Example:
        >>> print(F.gelu(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.1588  0.      0.8412]
    """
    return 0.5 * x * (1.0 + tanh(_gelu_argument(x)))


_GELU_SCALE, _GELU_CUBIC = math.sqrt(2 / math.pi), 0.044715


def _gelu_argument(x: Any) -> Any:
    return x * (x * x * (_GELU_SCALE * _GELU_CUBIC) + _GELU_SCALE)


@gelu.gradient
def _(x: Any, y: Any, dy: Any) -> Any:
    t = tanh(_gelu_argument(x))
    # Beyond 20 the tangent is 1 to the last bit, and nothing may overflow that is multiplied by 1 - 1.
    near = minimum2(maximum2(x, -20.0), 20.0)
    slope = near * near * (3.0 * _GELU_SCALE * _GELU_CUBIC) + _GELU_SCALE
    return dy * (0.5 * (1.0 + t) + y * (1.0 - t) * slope)


# -- of the tanh family ------------------------------------------------------------------------------------
@operator("Tanh", group=GROUP)
def tanh(x: Float) -> Any:
    """Hyperbolic tangent, :math:`y = \\tanh x`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; -1 to 1.
    Example:
        >>> print(F.tanh(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.7616  0.      0.7616]
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
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.tanh_shrink(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.2384  0.      0.2384]
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
    Returns:
        The shape of ``x``; -1 to 1.
    Source: Bergstra, Desjardins, Lamblin, Bengio 2009, "Quadratic polynomials learn better image features".
    Example:
        >>> print(F.softsign(nn.NdArray.from_numpy_array([-1.0, 0.0, 3.0])).data)
        [-0.5   0.    0.75]
    """
    return x / (1.0 + abs_(x))


@softsign.gradient
def _(x: Any, dy: Any) -> Any:
    d = 1.0 + abs_(x)
    return dy / (d * d)


@operator("HardTanh", group=GROUP)
def hard_tanh(x: Float) -> Any:
    """Tanh of straight lines, :math:`y = \\min(\\max(x, -1), 1)`; at -1 and 1 the gradient still passes.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; -1 to 1.
    Source: Collobert 2004, "Large scale machine learning".
    Example:
        >>> print(F.hard_tanh(nn.NdArray.from_numpy_array([-3.0, -0.5, 2.0])).data)
        [-1.  -0.5  1. ]
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
    Returns:
        The shape of ``x``; 0 to 1.
    Example:
        >>> print(F.hard_sigmoid(nn.NdArray.from_numpy_array([-3.0, -1.0, 0.0, 1.0])).data.round(4))
        [0.  0.3 0.5 0.7]
    """
    return minimum2(maximum2(x * 0.2 + 0.5, 0.0), 1.0)


@hard_sigmoid.gradient
def _(x: Any, dy: Any) -> Any:
    return where(less_equal(abs_(x), 2.5), dy * 0.2, 0.0)


@operator("Sinc", group=GROUP)
def sinc(x: Float) -> Any:
    """Cardinal sine (not normalised), :math:`y = \\sin(x) / x`, 1 at 0.

    Args:
        x: Any shape, radians.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.sinc(nn.NdArray.from_numpy_array([0.0, 1.0, 2.0])).data.round(4))
        [1.     0.8415 0.4546]
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
