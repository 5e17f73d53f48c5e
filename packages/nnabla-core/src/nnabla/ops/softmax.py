"""Softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import normalize_axis, operator
from nnabla.ops.mathematics import exp, log
from nnabla.ops.reduction import max_, sum_
from nnabla.ops.spec import Float, Int, per_input

GROUP = "Neural Network Activation Functions"


# -- over an axis ------------------------------------------------------------------------------------------
@operator("Softmax", group=GROUP)
def softmax(x: Float, axis: Int = per_input(lambda x: len(x) - 1)) -> Any:
    """Softmax along an axis, :math:`y_i = e^{x_i} / \\sum_j e^{x_j}`.

    Args:
        x: Any shape with at least one dimension.
        axis: Axis along which the outputs sum to 1.
    Returns:
        The shape of ``x``; 0 to 1.
    Source: Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0, 3.0]])
        >>> print(F.softmax(x, axis=1).data.round(4))
        [[0.09   0.2447 0.6652]]
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
    """Logarithm of :func:`softmax`, :math:`y_i = x_i - \\log \\sum_j e^{x_j}`, without its overflow and underflow.

    Args:
        x: Any shape with at least one dimension.
        axis: Axis along which the exponentials of the outputs sum to 1.
    Returns:
        The shape of ``x``; 0 or less.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.0, 1000.0]])
        >>> print(F.log_softmax(x, axis=1).data)
        [[-1000.     0.]]
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
