"""Rectifiers: activations that are linear on one side, and their smooth and doubled kin."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import normalize_axis, operator, prod
from nnabla.ops.internal import expm1
from nnabla.ops.logical import logical_and
from nnabla.ops.mathematics import abs_, exp
from nnabla.ops.selection import maximum2, minimum2, where
from nnabla.ops.spec import Boolean, Double, Float, FloatArg, Int

GROUP = "Neural Network Activation Functions"


# -- rectifiers --------------------------------------------------------------------------------------------
@operator("ReLU", group=GROUP)
def relu(x: Float, inplace: Boolean = False) -> Any:
    """Rectified linear unit, :math:`y = \\max(0, x)`; the gradient at 0 is 0.

    Args:
        x: Any shape.
        inplace: Obsolete; accepted without effect.
    Returns:
        The shape of ``x``.
    Source: Nair, Hinton 2010, "Rectified linear units improve restricted Boltzmann machines".
    Example:
        >>> print(F.relu(nn.NdArray.from_numpy_array([-1.0, 0.0, 2.0])).data)
        [0. 0. 2.]
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
    Returns:
        The shape of ``x``.
    Source: Maas, Hannun, Ng 2013, "Rectifier nonlinearities improve neural network acoustic models".
    Example:
        >>> x = nn.NdArray.from_numpy_array([-1.0, 0.0, 2.0])
        >>> print(F.leaky_relu(x, alpha=0.2).data.round(4))
        [-0.2  0.   2. ]
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
    Returns:
        The shape of ``x0``.
    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers".
    Example:
        >>> x = nn.NdArray.from_numpy_array([[-1.0, 2.0], [-3.0, -4.0]])
        >>> slopes = nn.NdArray.from_numpy_array([0.1, 0.5])
        >>> print(F.prelu(x, slopes).data.round(4))
        [[-0.1  2. ]
         [-0.3 -2. ]]
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
    Returns:
        The shape of ``x``; 0 to 6.
    Source: Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10".
    Example:
        >>> print(F.relu6(nn.NdArray.from_numpy_array([-1.0, 3.0, 8.0])).data)
        [0. 3. 6.]
    """
    return minimum2(maximum2(x, 0.0), 6.0)


@relu6.gradient
def _(x: Any, dy: Any) -> Any:
    return where(logical_and(x > 0.0, x < 6.0), dy, 0.0)


@operator("CReLU", group=GROUP)
def crelu(x: Float, axis: Int = 1) -> Any:
    """:func:`relu` of the input and of its negative, side by side along an axis.

    :math:`y = (\\max(0, x), \\max(0, -x))`

    Args:
        x: Any shape with at least one dimension.
        axis: The axis that becomes twice as long.
    Returns:
        The shape of ``x``, but twice as long along ``axis``.
    Source: Shang, Sohn, Almeida, Lee 2016, "Understanding and improving convolutional neural networks via
    concatenated rectified linear units".
    Example:
        >>> print(F.crelu(nn.NdArray.from_numpy_array([[-1.0, 2.0]]), axis=1).data)
        [[0. 2. 1. 0.]]
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
    Returns:
        The shape of ``x``.
    Source: Clevert, Unterthiner, Hochreiter 2016, "Fast and accurate deep network learning by exponential linear
    units", eq. 15.
    Example:
        >>> print(F.elu(nn.NdArray.from_numpy_array([-1.0, 0.0, 2.0])).data.round(4))
        [-0.6321  0.      2.    ]
    """
    return where(x >= 0.0, x, alpha * expm1(minimum2(x, 0.0)))


@elu.gradient
def _(x: Any, dy: Any, alpha: float) -> Any:
    return where(x >= 0.0, dy, dy * (alpha * exp(minimum2(x, 0.0))))


@operator("SELU", group=GROUP)
def selu(x: Float, scale: Double = 1.05070098735548, alpha: Double = 1.673263242354377) -> Any:
    """Scaled exponential linear unit, ``scale`` times :func:`elu` with ``alpha``.

    :math:`y = \\lambda x` where :math:`x > 0`, else :math:`\\lambda \\alpha (e^x - 1)`, with the scale
    :math:`\\lambda`.

    Args:
        x: Any shape.
        scale: The slope for positive inputs.
        alpha: The limit for large negative inputs is ``-scale * alpha``.
    Returns:
        The shape of ``x``.
    Source: Klambauer, Unterthiner, Mayr, Hochreiter 2017, "Self-normalizing neural networks".
    Example:
        >>> print(F.selu(nn.NdArray.from_numpy_array([-1.0, 0.0, 2.0])).data.round(4))
        [-1.1113  0.      2.1014]
    """
    return scale * where(x > 0.0, x, alpha * expm1(minimum2(x, 0.0)))


@selu.gradient
def _(x: Any, dy: Any, scale: float, alpha: float) -> Any:
    return where(x > 0.0, dy * scale, dy * (scale * alpha * exp(minimum2(x, 0.0))))


@operator("CELU", group=GROUP)
def celu(x: Float, alpha: Double = 1.0, axis: Int = 1) -> Any:
    """:func:`elu` of the input and of its negative, side by side along an axis.

    :math:`y = (\\mathrm{elu}(x), \\mathrm{elu}(-x))`

    Args:
        x: Any shape with at least one dimension.
        alpha: The limits for large inputs are ``-alpha``, as of :func:`elu`.
        axis: The axis that becomes twice as long.
    Returns:
        The shape of ``x``, but twice as long along ``axis``.
    Source: Shang, Sohn, Almeida, Lee 2016, "Understanding and improving convolutional neural networks via
    concatenated rectified linear units", with :func:`elu` in place of :func:`relu`.
    Example:
        >>> print(F.celu(nn.NdArray.from_numpy_array([[-1.0, 2.0]]), axis=1).data.round(4))
        [[-0.6321  2.      1.     -0.8647]]
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
