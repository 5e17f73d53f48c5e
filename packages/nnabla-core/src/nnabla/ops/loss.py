"""Losses: one value per sample or element; reduce them with ``mean`` or ``sum``."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ShapeError
from nnabla.ops.definition import Result, broadcast_shapes, normalize_axis, operator
from nnabla.ops.elementwise import sum_to
from nnabla.ops.internal import cast, log1p, one_hot_along
from nnabla.ops.logical import greater
from nnabla.ops.mathematics import exp, log
from nnabla.ops.reduction import sum_
from nnabla.ops.selection import maximum2
from nnabla.ops.softmax import log_softmax
from nnabla.ops.spec import Float, FloatArg, Index, Int, per_input

GROUP = "Loss Functions"

#: Smallest normal number of float32: logarithms and quotients of probabilities are taken of no less.
TINY = 1.1754943508222875e-38


def check_equal_shapes(name: str, x: Any, target: Any) -> None:
    """Raise unless input and target have one shape."""
    if tuple(x) != tuple(target):
        raise ShapeError(f"{name}: x {tuple(x)} and target {tuple(target)} must have the same shape")


def check_labels(name: str, x: Any, target: Any, axis: int) -> None:
    """Raise unless ``target`` has the shape of ``x`` with size 1 along ``axis``."""
    at = normalize_axis(name, axis, len(x))
    expected = tuple(1 if i == at else n for i, n in enumerate(x))
    if tuple(target) != expected:
        raise ShapeError(
            f"{name}: target {tuple(target)} must be {expected}: the shape of x {tuple(x)} with "
            f"size 1 along axis={axis}"
        )


# -- classes ---------------------------------------------------------------------------------------------------
@operator(
    "SoftmaxCrossEntropy", group=GROUP, parameters=("x", "target"), saved_values=("log_p",), keeps=("x", "target")
)
def softmax_cross_entropy(x: Float, target: Index, axis: Int = per_input(lambda x, t: len(x) - 1)) -> Any:
    """Cross entropy of the softmax of ``x`` with labels, :math:`y = -\\log \\mathrm{softmax}(x)_t`.

    Args:
        x: Scores; the classes lie along ``axis``.
        target: Labels, the shape of ``x`` with size 1 along ``axis``; -1 gives loss 0 and no gradient.
        axis: Axis of the classes.
    Returns:
        The shape of ``target``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        >>> print(F.softmax_cross_entropy(x, nn.NdArray.from_numpy_array([[0], [0]])).data.round(4))
        [[1.0986]
         [0.2395]]
    """
    log_p = log_softmax(x, axis)
    chosen = cast(one_hot_along(target, x.shape[axis], axis), "float")
    return Result(-sum_(log_p * chosen, (axis,), True), saved={"log_p": log_p})


@softmax_cross_entropy.resolve
def _(x: Any, target: Any, axis: int) -> Any:
    check_labels("softmax_cross_entropy", x, target, axis)


@softmax_cross_entropy.gradient
def _(target: Any, log_p: Any, dy: Any, axis: int) -> Any:
    chosen = cast(one_hot_along(target, log_p.shape[axis], axis), "float")
    return dy * (exp(log_p) * sum_(chosen, (axis,), True) - chosen)


@operator("CategoricalCrossEntropy", group=GROUP, parameters=("x", "target"))
def categorical_cross_entropy(x: Float, target: Index, axis: Int = per_input(lambda x, t: len(x) - 1)) -> Any:
    """Cross entropy of probabilities with labels, :math:`y = -\\log x_t`.

    Args:
        x: Probabilities; the classes lie along ``axis``. They are taken as 1.2e-38 or more.
        target: Labels, the shape of ``x`` with size 1 along ``axis``; -1 gives loss 0 and no gradient.
        axis: Axis of the classes.
    Returns:
        The shape of ``target``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]])
        >>> target = nn.NdArray.from_numpy_array([[0], [1]])
        >>> print(F.categorical_cross_entropy(x, target).data.round(4))
        [[0.6931]
         [2.3026]]
    """
    chosen = cast(one_hot_along(target, x.shape[axis], axis), "float")
    return -sum_(log(maximum2(x, TINY)) * chosen, (axis,), True)


@categorical_cross_entropy.resolve
def _(x: Any, target: Any, axis: int) -> Any:
    check_labels("categorical_cross_entropy", x, target, axis)


@categorical_cross_entropy.gradient
def _(x: Any, target: Any, dy: Any, axis: int) -> Any:
    chosen = cast(one_hot_along(target, x.shape[axis], axis), "float")
    return -(dy * chosen) / maximum2(x, TINY)


# -- two classes -----------------------------------------------------------------------------------------------
@operator("SigmoidCrossEntropy", group=GROUP, parameters=("x", "target"))
def sigmoid_cross_entropy(x: Float, target: Float) -> Any:
    """Cross entropy of the sigmoid of ``x`` with targets.

    :math:`y = -t \\log \\sigma(x) - (1 - t) \\log (1 - \\sigma(x))`, element by element, computed without overflow.

    Args:
        x: Scores of any shape.
        target: Probabilities (or labels 0 and 1), the shape of ``x``; it gets no gradient.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([0.0, 3.0])
        >>> target = nn.NdArray.from_numpy_array([1, 1])
        >>> print(F.sigmoid_cross_entropy(x, target).data.round(4))
        [0.6931 0.0486]
    """
    positive = maximum2(x, 0.0)
    # x - 2 max(x, 0) is -|x|.
    return positive - x * target + log1p(exp(x - positive * 2.0))


@sigmoid_cross_entropy.resolve
def _(x: Any, target: Any) -> Any:
    check_equal_shapes("sigmoid_cross_entropy", x, target)


@sigmoid_cross_entropy.gradient
def _(x: Any, target: Any, dy: Any) -> Any:
    return dy * (ops.sigmoid(x) - target), None


@operator("BinaryCrossEntropy", group=GROUP)
def binary_cross_entropy(x: Float, target: Float) -> Any:
    """Cross entropy of probabilities with targets, :math:`y = -t \\log x - (1 - t) \\log (1 - x)`.

    Args:
        x: Probabilities of any shape; the arguments of the logarithms are taken as 1.2e-38 or more.
        target: Probabilities (or labels 0 and 1), the shape of ``x``.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([0.5, 0.9])
        >>> target = nn.NdArray.from_numpy_array([1.0, 1.0])
        >>> print(F.binary_cross_entropy(x, target).data.round(4))
        [0.6931 0.1054]
    """
    return -(target * log(maximum2(x, TINY)) + (1.0 - target) * log(maximum2(1.0 - x, TINY)))


@binary_cross_entropy.resolve
def _(x: Any, target: Any) -> Any:
    check_equal_shapes("binary_cross_entropy", x, target)


@binary_cross_entropy.gradient
def _(x: Any, target: Any, dy: Any) -> Any:
    dx = dy * (x - target) / maximum2(x - x * x, TINY)
    return dx, dy * (log(maximum2(1.0 - x, TINY)) - log(maximum2(x, TINY)))


# -- distances -------------------------------------------------------------------------------------------------
def _both(slope: Any, x0: Any, x1: Any) -> Any:
    """Return the gradients of a function of ``x0 - x1`` from that of the difference."""
    return sum_to(slope, x0.shape), sum_to(-slope, x1.shape)


def _above(x0: Any, x1: Any) -> Any:
    return cast(greater(x0, x1), "float")


@operator("SquaredError", group=GROUP)
def squared_error(x0: Float, x1: Float) -> Any:
    """Squared difference, :math:`y = (x_0 - x_1)^2`, with broadcasting.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 5.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0, 5.0])
        >>> print(F.squared_error(x0, x1).data)
        [4. 0.]
    """
    d = x0 - x1
    return d * d


@squared_error.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    return _both(dy * (x0 - x1) * 2.0, x0, x1)


@operator("AbsoluteError", group=GROUP)
def absolute_error(x0: Float, x1: Float) -> Any:
    """Absolute difference, :math:`y = |x_0 - x_1|`, with broadcasting; where it is 0, the gradient of ``x0`` is -1.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
    Returns:
        The broadcast shape.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([1.0, 5.0])
        >>> x1 = nn.NdArray.from_numpy_array([3.0, 4.0])
        >>> print(F.absolute_error(x0, x1).data)
        [2. 1.]
    """
    d = x0 - x1
    return maximum2(d, -d)


@absolute_error.gradient
def _(x0: Any, x1: Any, dy: Any) -> Any:
    return _both(dy * (_above(x0, x1) * 2.0 - 1.0), x0, x1)


@operator("HuberLoss", group=GROUP)
def huber_loss(x0: Float, x1: Float, delta: FloatArg = 1.0) -> Any:
    """Squared difference that goes on linearly, with broadcasting.

    :math:`y = d^2` where :math:`d = |x_0 - x_1|` is below :math:`\\delta`, else :math:`\\delta (2 d - \\delta)`.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        delta: Where the square ends.
    Returns:
        The broadcast shape.
    Source: Huber 1964, "Robust estimation of a location parameter", up to a factor of 2.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([0.5, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([0.0, 0.0])
        >>> print(F.huber_loss(x0, x1, delta=1.0).data)
        [0.25 5.  ]
    """
    d = x0 - x1
    size = maximum2(d, -d)
    square = _above(delta, size)
    return square * size * size + (1.0 - square) * ((size * 2.0 - delta) * delta)


@huber_loss.gradient
def _(x0: Any, x1: Any, dy: Any, delta: float) -> Any:
    d = x0 - x1
    square = _above(delta, maximum2(d, -d))
    sign = _above(d, 0.0) * 2.0 - 1.0
    return _both(dy * (square * d + (1.0 - square) * (sign * delta)) * 2.0, x0, x1)


@operator("EpsilonInsensitiveLoss", group=GROUP)
def epsilon_insensitive_loss(x0: Float, x1: Float, epsilon: FloatArg) -> Any:
    """Absolute difference beyond a tolerance, with broadcasting.

    :math:`y = |x_0 - x_1| - \\epsilon` where that is above 0, else 0.

    Args:
        x0: Any shape.
        x1: A shape that broadcasts with that of ``x0``.
        epsilon: The tolerance.
    Returns:
        The broadcast shape.
    Source: Vapnik 1995, "The nature of statistical learning theory".
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([0.5, 3.0])
        >>> x1 = nn.NdArray.from_numpy_array([0.0, 0.0])
        >>> print(F.epsilon_insensitive_loss(x0, x1, epsilon=1.0).data)
        [0. 2.]
    """
    d = x0 - x1
    return maximum2(maximum2(d, -d) - epsilon, 0.0)


@epsilon_insensitive_loss.gradient
def _(x0: Any, x1: Any, dy: Any, epsilon: float) -> Any:
    d = x0 - x1
    outside = _above(maximum2(d, -d), epsilon)
    return _both(dy * outside * (_above(d, 0.0) * 2.0 - 1.0), x0, x1)


for _distance in (squared_error, absolute_error, huber_loss, epsilon_insensitive_loss):

    @_distance.resolve
    def _(x0: Any, x1: Any, _name: str = _distance.snake_name, **_: Any) -> Any:
        broadcast_shapes(_name, x0, x1)


# -- distributions ---------------------------------------------------------------------------------------------
@operator("KLMultinomial", group=GROUP, outputs="D")
def kl_multinomial(p: Float, q: Float, base_axis: Int = 1) -> Any:
    """Kullback-Leibler divergence of multinomial distributions, :math:`D = \\sum_i p_i \\log (p_i / q_i)`.

    Args:
        p: Probabilities; the sum goes over the dimensions from ``base_axis`` on.
        q: Probabilities, the shape of ``p``. To both 1e-8 is added within the logarithm.
        base_axis: Number of batch dimensions.
    Returns:
        The batch dimensions, and one of size 1.
    Source: Kullback, Leibler 1951, "On information and sufficiency".
    Example:
        >>> p, q = nn.NdArray.from_numpy_array([[0.5, 0.5]]), nn.NdArray.from_numpy_array([[0.25, 0.75]])
        >>> print(F.kl_multinomial(p, q).data.round(4))
        [[0.1438]]
    """
    base = base_axis % len(p.shape)
    terms = p * (log(p + 1e-8) - log(q + 1e-8))
    total = sum_(terms, tuple(range(base, len(p.shape))), False)
    return ops.reshape(total, (*p.shape[:base], 1), False)


@kl_multinomial.resolve
def _(p: Any, q: Any, base_axis: int) -> Any:
    if tuple(p) != tuple(q):
        raise ShapeError(f"kl_multinomial: p {tuple(p)} and q {tuple(q)} must have the same shape")
    normalize_axis("kl_multinomial", base_axis, len(p), "base_axis")
