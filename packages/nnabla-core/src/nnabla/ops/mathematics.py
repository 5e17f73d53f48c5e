"""Elementary functions."""

from __future__ import annotations

import math
from typing import Any

from nnabla.ops.definition import operator
from nnabla.ops.elementwise import elementwise, sum_to
from nnabla.ops.internal import expm1, log1p, sqrt
from nnabla.ops.selection import minimum2, where
from nnabla.ops.spec import Float

GROUP = "Math"


@operator("Identity", group=GROUP)
def identity(x: Float) -> Any:
    """The input itself, :math:`y = x`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.identity(nn.NdArray.from_numpy_array([1.0, 2.0])).data)
        [1. 2.]
    """
    return x


@operator("Abs", group=GROUP, snake_name="abs")
def abs_(x: Float) -> Any:
    """Absolute value, :math:`y = |x|`; the gradient at 0 is that of positive values.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.abs(nn.NdArray.from_numpy_array([-2.0, 0.0, 3.0])).data)
        [2. 0. 3.]
    """


elementwise(abs_, "abs")


@abs_.gradient
def _(x: Any, dy: Any) -> Any:
    return where(x >= 0.0, dy, -dy)


@operator("Exp", group=GROUP)
def exp(x: Float) -> Any:
    """Natural exponential, :math:`y = e^x`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.exp(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [0.3679 1.     2.7183]
    """


elementwise(exp, "exp")


@exp.gradient
def _(y: Any, dy: Any) -> Any:
    return dy * y


@operator("Log", group=GROUP)
def log(x: Float) -> Any:
    """Natural logarithm, :math:`y = \\log x`.

    Args:
        x: Any shape; the result is -inf at 0 and NaN below.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.log(nn.NdArray.from_numpy_array([1.0, np.e, 10.0])).data.round(4))
        [0.     1.     2.3026]
    """


elementwise(log, "log")


@log.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / x


# -- rounding: all gradients pass straight through ---------------------------------------------------------
@operator("Floor", group=GROUP)
def floor(x: Float) -> Any:
    """The largest integer that is not above ``x``, :math:`y = \\lfloor x \\rfloor`; the gradient passes unchanged.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Source: Bengio, Leonard, Courville 2013, "Estimating or propagating gradients through stochastic neurons", for
    the straight-through gradient.
    Example:
        >>> print(F.floor(nn.NdArray.from_numpy_array([-1.5, 0.2, 2.0])).data)
        [-2.  0.  2.]
    """


elementwise(floor, "floor")


@operator("Ceil", group=GROUP)
def ceil(x: Float) -> Any:
    """The smallest integer that is not below ``x``, :math:`y = \\lceil x \\rceil`; the gradient passes unchanged.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Source: Bengio, Leonard, Courville 2013, "Estimating or propagating gradients through stochastic neurons", for
    the straight-through gradient.
    Example:
        >>> print(F.ceil(nn.NdArray.from_numpy_array([-1.5, 0.2, 2.0])).data)
        [-1.  1.  2.]
    """
    return -floor(-x)


@operator("Round", group=GROUP, snake_name="round")
def round_(x: Float) -> Any:
    """The nearest integer, :math:`y = \\mathrm{sgn}(x) \\lfloor |x| + \\frac{1}{2} \\rfloor`: halves away from 0; the
    gradient passes unchanged.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Source: Bengio, Leonard, Courville 2013, "Estimating or propagating gradients through stochastic neurons", for
    the straight-through gradient.
    Example:
        >>> print(F.round(nn.NdArray.from_numpy_array([-1.5, -0.6, 0.5, 2.5])).data)
        [-2. -1.  1.  3.]
    """
    # Adding a half first would round up the float just below a half.
    size = abs_(x)
    whole = floor(size)
    nearest = where(size - whole >= 0.5, whole + 1.0, whole)
    return where(x < 0.0, -nearest, nearest)


def _straight_through(dy: Any) -> Any:
    return dy


for _op in (floor, ceil, round_):
    _op.gradient(_straight_through)


# -- trigonometric -----------------------------------------------------------------------------------------
@operator("Sin", group=GROUP)
def sin(x: Float) -> Any:
    """Sine, :math:`y = \\sin x`.

    Args:
        x: Any shape, radians.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.sin(nn.NdArray.from_numpy_array([0.0, np.pi / 6, np.pi / 2])).data.round(4))
        [0.  0.5 1. ]
    """


elementwise(sin, "sin")


@sin.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * cos(x)


@operator("Cos", group=GROUP)
def cos(x: Float) -> Any:
    """Cosine, :math:`y = \\cos x`.

    Args:
        x: Any shape, radians.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.cos(nn.NdArray.from_numpy_array([0.0, np.pi / 3, np.pi])).data.round(4))
        [ 1.   0.5 -1. ]
    """


elementwise(cos, "cos")


@cos.gradient
def _(x: Any, dy: Any) -> Any:
    return -dy * sin(x)


@operator("Tan", group=GROUP)
def tan(x: Float) -> Any:
    """Tangent, :math:`y = \\tan x`.

    Args:
        x: Any shape, radians.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.tan(nn.NdArray.from_numpy_array([0.0, np.pi / 4])).data.round(4))
        [0. 1.]
    """
    return sin(x) / cos(x)


@tan.gradient
def _(x: Any, dy: Any) -> Any:
    c = cos(x)
    return dy / (c * c)


@operator("ATan2", group=GROUP)
def atan2(x0: Float, x1: Float) -> Any:
    """Angle of the point :math:`(x_1, x_0)`, the arctangent of :math:`x_0 / x_1` in the right quadrant.

    Args:
        x0: Any shape, ordinates.
        x1: A shape that broadcasts with that of ``x0``, abscissas.
    Returns:
        The broadcast shape; radians from :math:`-\\pi` to :math:`\\pi`.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 1.0, -1.0])
        >>> x1 = nn.NdArray.from_numpy_array([1.0, -1.0, -1.0])
        >>> print(F.atan2(x0, x1).data.round(4))
        [ 0.7854  2.3562 -2.3562]
    """


elementwise(atan2, "atan2")


@atan2.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    scaled = dy / (x0 * x0 + x1 * x1)
    return sum_to(scaled * x1, x0.shape), sum_to(-scaled * x0, x1.shape)


@operator("ASin", group=GROUP)
def asin(x: Float) -> Any:
    """Arcsine, :math:`y = \\arcsin x`.

    Args:
        x: Any shape, -1 to 1; the result is NaN elsewhere.
    Returns:
        The shape of ``x``; radians from :math:`-\\pi/2` to :math:`\\pi/2`.
    Example:
        >>> print(F.asin(nn.NdArray.from_numpy_array([0.0, 0.5, 1.0])).data.round(4))
        [0.     0.5236 1.5708]
    """
    return atan2(x, _leg(x))


@asin.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / _leg(x)


@operator("ACos", group=GROUP)
def acos(x: Float) -> Any:
    """Arccosine, :math:`y = \\arccos x`.

    Args:
        x: Any shape, -1 to 1; the result is NaN elsewhere.
    Returns:
        The shape of ``x``; radians from 0 to :math:`\\pi`.
    Example:
        >>> print(F.acos(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [3.1416 1.5708 0.    ]
    """
    return atan2(_leg(x), x)


@acos.gradient
def _(x: Any, dy: Any) -> Any:
    return -dy / _leg(x)


def _leg(x: Any) -> Any:
    """Return the square root of 1 - x^2, without losing digits near -1 and 1."""
    return sqrt((1.0 - x) * (1.0 + x))


@operator("ATan", group=GROUP)
def atan(x: Float) -> Any:
    """Arctangent, :math:`y = \\arctan x`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; radians from :math:`-\\pi/2` to :math:`\\pi/2`.
    Example:
        >>> print(F.atan(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.7854  0.      0.7854]
    """
    return atan2(x, 1.0)


@atan.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / (1.0 + x * x)


# -- hyperbolic --------------------------------------------------------------------------------------------
@operator("Sinh", group=GROUP)
def sinh(x: Float) -> Any:
    """Hyperbolic sine, :math:`y = (e^x - e^{-x}) / 2`, accurate near 0.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.sinh(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-1.1752  0.      1.1752]
    """
    size = abs_(x)
    # In halves, since e^|x| overflows a little before the result does.
    half = exp(0.5 * size)
    value = (0.5 * half) * -expm1(-2.0 * size) * half
    return where(x < 0.0, -value, value)


@sinh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * cosh(x)


@operator("Cosh", group=GROUP)
def cosh(x: Float) -> Any:
    """Hyperbolic cosine, :math:`y = (e^x + e^{-x}) / 2`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.cosh(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [1.5431 1.     1.5431]
    """
    size = abs_(x)
    half = exp(0.5 * size)
    return (0.5 * half) * half + 0.5 * exp(-size)


@cosh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * sinh(x)


#: From here on the square of a value hides the 1 that is added to it, in single and double precision.
_LARGE = 1e8


@operator("ASinh", group=GROUP)
def asinh(x: Float) -> Any:
    """Inverse hyperbolic sine, :math:`y = \\log(x + \\sqrt{x^2 + 1})`, accurate near 0.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.asinh(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.8814  0.      0.8814]
    """
    size = abs_(x)
    small = minimum2(size, _LARGE)
    square = small * small
    near = log1p(small + square / (1.0 + sqrt(square + 1.0)))
    value = where(size > _LARGE, log(size) + math.log(2.0), near)
    return where(x < 0.0, -value, value)


@asinh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / sqrt(x * x + 1.0)


@operator("ACosh", group=GROUP)
def acosh(x: Float) -> Any:
    """Inverse hyperbolic cosine, :math:`y = \\log(x + \\sqrt{x^2 - 1})`, accurate near 1.

    Args:
        x: Any shape, 1 or more; the result is NaN elsewhere.
    Returns:
        The shape of ``x``; 0 or more.
    Example:
        >>> print(F.acosh(nn.NdArray.from_numpy_array([1.0, 2.0])).data.round(4))
        [0.    1.317]
    """
    over = minimum2(x, _LARGE) - 1.0
    # One root each, so that what is far below 1 gives NaN.
    near = log1p(over + sqrt(over) * sqrt(over + 2.0))
    return where(x > _LARGE, log(x) + math.log(2.0), near)


@acosh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / sqrt((x - 1.0) * (x + 1.0))


@operator("ATanh", group=GROUP)
def atanh(x: Float) -> Any:
    """Inverse hyperbolic tangent, :math:`y = \\frac{1}{2} \\log\\frac{1 + x}{1 - x}`, accurate near 0.

    Args:
        x: Any shape, -1 to 1; the result is NaN elsewhere.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.atanh(nn.NdArray.from_numpy_array([-0.5, 0.0, 0.5])).data.round(4))
        [-0.5493  0.      0.5493]
    """
    return 0.5 * (log1p(x) - log1p(-x))


@atanh.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / ((1.0 - x) * (1.0 + x))


# -- error function ----------------------------------------------------------------------------------------
# Coefficients of rational functions, highest power first: x P(x^2) / Q(x^2) up to 0.46875, and
# 1 - exp(-x^2) P(x) / Q(x) above; the second, meant for up to 4, is exact enough for all that follows, where the
# subtrahend is below 2e-8.
_ERF_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021, 3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)
_ERF_FAR = (
    (
        2.15311535474403846e-8,
        0.564188496988670089,
        8.88314979438837594,
        66.1191906371416295,
        298.635138197400131,
        881.952221241769090,
        1712.04761263407058,
        2051.07837782607147,
        1230.33935479799725,
    ),
    (
        1.0,
        15.7449261107098347,
        117.693950891312499,
        537.181101862009858,
        1621.38957456669019,
        3290.79923573345963,
        4362.61909014324716,
        3439.36767414372164,
        1230.33935480374942,
    ),
)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    first, second, *rest = coefficients
    value = (x if first == 1.0 else x * first) + second
    for c in rest:
        value = value * x + c
    return value


@operator("Erf", group=GROUP)
def erf(x: Float) -> Any:
    """Error function, :math:`y = \\frac{2}{\\sqrt{\\pi}} \\int_0^x e^{-t^2} dt`.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``; -1 to 1.
    Source: Cody 1969, "Rational Chebyshev approximations for the error function"; the relative error is below 1e-6
    in single and 1e-15 in double precision.
    Example:
        >>> print(F.erf(nn.NdArray.from_numpy_array([-1.0, 0.0, 1.0])).data.round(4))
        [-0.8427  0.      0.8427]
    """
    # Beyond 6 the result is 1 in double precision.
    size = minimum2(abs_(x), 6.0)
    square = size * size
    near = x * (_polynomial(_ERF_NEAR[0], square) / _polynomial(_ERF_NEAR[1], square))
    far = 1.0 - exp(-square) * (_polynomial(_ERF_FAR[0], size) / _polynomial(_ERF_FAR[1], size))
    return where(size < 0.46875, near, where(x < 0.0, -far, far))


@erf.gradient
def _(x: Any, dy: Any) -> Any:
    return dy * (exp(-(x * x)) * (2.0 / math.sqrt(math.pi)))
