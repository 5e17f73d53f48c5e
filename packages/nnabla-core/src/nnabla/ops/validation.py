"""Measures of classification. They have no gradient."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError
from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import arg_max, cast, one_hot_along, zeros
from nnabla.ops.loss import check_equal_shapes, check_labels
from nnabla.ops.spec import Float, Index, Int, per_input

GROUP = "Validation"


@operator("TopNError", group=GROUP, differentiable=False, outputs="output")
def top_n_error(x: Float, target: Index, axis: Int = per_input(lambda x, t: len(x) - 1), n: Int = 1) -> Any:
    """1 where the label is not among the ``n`` highest scores, else 0; equal scores count against the label.

    :math:`y = 1` where n or more classes :math:`j \\ne t` have :math:`x_j \\ge x_t`, else 0.

    Args:
        x: Scores; the classes lie along ``axis``.
        target: Labels, the shape of ``x`` with size 1 along ``axis``; one that is no class is an error.
        axis: Axis of the classes.
        n: Number of scores that count as right, 1 or more.
    Returns:
        The shape of ``target``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]])
        >>> print(F.top_n_error(x, nn.NdArray.from_numpy_array([[1], [2]])).data)
        [[0.]
         [1.]]
    """
    chosen = cast(one_hot_along(target, x.shape[axis], axis), "float")
    score = ops.sum(ops.where(chosen, x, zeros(x.shape)), (axis,), True)
    count = ops.sum(cast(ops.greater_equal(x, score), "float"), (axis,), True)
    wrong = ops.logical_or(ops.greater(count, float(n)), ops.less(ops.sum(chosen, (axis,), True), 0.5))
    return cast(wrong, "float")


@top_n_error.resolve
def _(x: Any, target: Any, axis: int, n: int) -> None:
    check_labels("top_n_error", x, target, axis)
    if n < 1:
        raise ArgumentError(f"top_n_error: n={n} must be 1 or more")


@operator("BinaryError", group=GROUP, differentiable=False, outputs="output")
def binary_error(x: Float, target: Float) -> Any:
    """1 where exactly one of prediction and label is 1/2 or more,
    :math:`[x \\ge \\frac{1}{2}] \\ne [t \\ge \\frac{1}{2}]`, else 0.

    Args:
        x: Probabilities of any shape.
        target: Labels, the shape of ``x``.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([0.2, 0.7, 0.9])
        >>> target = nn.NdArray.from_numpy_array([0.0, 0.0, 1.0])
        >>> print(F.binary_error(x, target).data)
        [0. 1. 0.]
    """
    return cast(ops.logical_xor(ops.greater_equal(x, 0.5), ops.greater_equal(target, 0.5)), "float")


@binary_error.resolve
def _(x: Any, target: Any) -> None:
    check_equal_shapes("binary_error", x, target)


@operator("ConfusionMatrix", group=GROUP, differentiable=False, outputs="output:int32")
def confusion_matrix(x: Float, target: Index, axis: Int = per_input(lambda x, t: len(x) - 1)) -> Any:
    """Number of samples by label (rows) and class of the highest score (columns), kept as int32.

    :math:`y_{t,k}` is the number of samples with label t whose highest score is that of class k. Of equal scores
    the first class counts. Samples whose label is no class are left out.

    Args:
        x: Scores; the classes lie along ``axis``.
        target: Labels, the shape of ``x`` with size 1 along ``axis``.
        axis: Axis of the classes.
    Returns:
        (classes, classes).
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> print(F.confusion_matrix(x, nn.NdArray.from_numpy_array([[0], [1], [1]])).data)
        [[1 0]
         [1 1]]
    """
    at, classes = axis % len(x.shape), x.shape[axis]
    order = (*(i for i in range(len(x.shape)) if i != at), at)
    scores = ops.reshape(ops.transpose(x, order), (prod(target.shape), classes), False)
    label = ops.reshape(ops.transpose(target, order), (prod(target.shape), 1), False)
    best = cast(one_hot_along(arg_max(scores, 1), classes, 1), "float")
    rows = cast(one_hot_along(label, classes, 1), "float")
    return cast(ops.batch_matmul(rows, best, True, False), "int32")


@confusion_matrix.resolve
def _(x: Any, target: Any, axis: int) -> None:
    check_labels("confusion_matrix", x, target, axis)
