"""Incremental network quantization: weights become powers of two, more of them after each stage of training.

Source: Zhou, Yao, Guo, Xu, Chen 2017, "Incremental network quantization".
"""

from __future__ import annotations

from typing import Any, Literal

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.binary_layers import gradients
from nnabla.ops.convolution import convolution, spatial_default
from nnabla.ops.definition import Operator, Result, operator, prod
from nnabla.ops.fully_connected import affine
from nnabla.ops.internal import cast
from nnabla.ops.ordering import arg_sort
from nnabla.ops.randomness import draw_count, random_uniform
from nnabla.ops.spec import Float, Index, Int, Ints, Shape

GROUP = "Quantization Neural Network Layers"
_TRAITS: dict[str, Any] = {
    "group": GROUP,
    "updates": ("weight", "indicator_fixedweights"),
    "parameters": ("weight", "indicator_fixedweights", "bias"),
}
_LOG2 = 1 / 0.6931471805599453


def _flag(condition: Any) -> Any:
    return cast(condition, "float")


def _power(weight: Any, num_bits: int) -> Any:
    """Return the nearest of the powers of two that ``num_bits`` bits can tell apart, or 0, with the weights' signs."""
    size = ops.abs(weight)
    tiny = 1.1754943508222875e-38
    largest = ops.max(size, tuple(range(len(size.shape))), False, False, False)
    # 2 ** k is the nearest one from 3/4 of it on up to 3/2 of it; just there the largest weight counts as below.
    top = ops.ceil(ops.log(ops.maximum2(largest * (4.0 / 3.0), tiny)) * _LOG2) - 1.0
    bottom = top + 1.0 - 2.0 ** (num_bits - 2)
    k = ops.floor(ops.log(ops.maximum2(size * (4.0 / 3.0), tiny)) * _LOG2)
    power = ops.pow2(2.0, ops.minimum2(ops.maximum2(k, bottom), top))
    power = power * _flag(ops.greater_equal(size, ops.pow2(2.0, bottom - 1.0)))
    return power * (_flag(ops.greater(weight, 0.0)) - _flag(ops.less(weight, 0.0)))


@operator("FixHalf", internal=True, differentiable=False)
def fix_half(score: Float, fixed: Float, now: Index, iterations: Ints) -> Any:
    """Fix the half of what is not yet fixed that has the highest scores, if the time has come.

    Args:
        score: 0 or more, any shape.
        fixed: The same shape, 1 where something is fixed, else 0.
        now: The number of the present iteration, shape ().
        iterations: Those in which a half becomes fixed.
    Returns:
        ``fixed``, with more ones in one of these iterations; of equal scores the first counts as higher.
    """
    size = prod(score.shape)
    # What is fixed comes last.
    open_score = ops.reshape(score * (1.0 - fixed) - fixed, (size,), False)
    rank = cast(arg_sort(cast(arg_sort(open_score, 0, True), "float"), 0), "float")
    half = ops.floor((float(size) - ops.sum(fixed, tuple(range(len(score.shape))), False)) * 0.5)
    chosen = ops.reshape(_flag(ops.less(rank, half)), score.shape, False)
    for at in iterations:
        fixed = ops.maximum2(fixed, chosen * _flag(ops.equal(cast(now, "float"), float(at))))
    return fixed


def _fixed(weight: Any, indicator: Any, num_bits: int, iterations: Any, algorithm: str) -> tuple[Any, Any]:
    """Return the weights and which of them are fixed (1), after what the present iteration adds to these."""
    fixed = _flag(ops.greater(cast(indicator, "float"), 0.5))
    if iterations:
        now = draw_count()
        score = ops.abs(weight) if algorithm == "largest_abs" else random_uniform(weight.shape)
        fixed = fix_half(score, fixed, now, tuple(iterations[:-1]))
        fixed = ops.maximum2(fixed, _flag(ops.equal(cast(now, "float"), float(iterations[-1]))))
    return ops.where(fixed, _power(weight, num_bits), weight), fixed


def _check(name: str, layer: Operator, x: Any, weight: Any, indicator: Any, bias: Any, **args: Any) -> Any:
    if tuple(indicator) != tuple(weight):
        raise ShapeError(
            f"{name}: indicator_fixedweights {tuple(indicator)} must have the shape of weight {tuple(weight)}"
        )
    num_bits, iterations = args.pop("num_bits"), args.pop("inq_iterations")
    args.pop("selection_algorithm"), args.pop("seed")
    if num_bits < 2:
        raise ArgumentError(f"{name}: num_bits={num_bits} must be 2 or more")
    if list(iterations) != sorted(iterations):
        raise ArgumentError(f"{name}: inq_iterations={tuple(iterations)} must not decrease")
    rule = layer.resolve_rule
    return rule(x, weight, bias, **args) if rule is not None else None


@operator("INQAffine", **_TRAITS)
def inq_affine(
    x: Float,
    weight: Float,
    indicator_fixedweights: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    num_bits: Int = 4,
    inq_iterations: Ints = (),
    selection_algorithm: Literal["largest_abs", "random"] = "largest_abs",
    seed: Int = -1,
) -> Any:
    """:func:`affine` whose weights become powers of two step by step, :math:`y = x Q(W) + b`.

    A fixed weight is 0 or :math:`\\pm 2^k`, the other ones are as they are.

    Args:
        x, bias, base_axis: As in :func:`affine`.
        weight: As in :func:`affine`; forward writes the powers of two into the weights that are fixed.
        indicator_fixedweights: The shape of ``weight``, 1 where a weight is fixed; forward sets it.
        num_bits: Number of bits of a weight, one of them for 0; 2 or more.
        inq_iterations: Numbers of forward runs (from 0) in which half of the weights not yet fixed become fixed, in
            the last one all of them.
        selection_algorithm: Which half: the largest absolute weights, or random ones.
        seed: Seed of the random choice; -1 follows ``nn.seed``.
    Returns:
        Batch dimensions, then the outputs of ``weight``.
    Source: Zhou, Yao, Guo, Xu, Chen 2017, "Incremental network quantization".
    Example:
        >>> x = nn.Variable.from_numpy_array([[1.0, 1.0]])
        >>> weight = nn.Variable.from_numpy_array([[0.9, 0.3], [0.26, 0.6]])
        >>> fixed = nn.Variable.from_numpy_array(np.zeros((2, 2)))
        >>> y = F.inq_affine(x, weight, fixed, inq_iterations=(0, 1))
        >>> y.forward()
        >>> print(weight.d.round(4))  # the larger half is fixed
        [[1.   0.3 ]
         [0.26 0.5 ]]
        >>> print(fixed.d)
        [[1. 0.]
         [0. 1.]]
    """
    weight, fixed = _fixed(weight, indicator_fixedweights, num_bits, inq_iterations, selection_algorithm)
    y = affine(x, weight, bias, base_axis)
    return Result(y, updates={"weight": weight, "indicator_fixedweights": fixed})


@inq_affine.resolve
def _(x: Any, weight: Any, indicator_fixedweights: Any, bias: Any, **args: Any) -> Any:
    return _check("inq_affine", affine, x, weight, indicator_fixedweights, bias, **args)


@inq_affine.gradient
def _(x: Any, weight: Any, bias_shape: Any, dy: Any, base_axis: int) -> Any:
    dx, dw, db = gradients(affine, x, weight, bias_shape, dy, base_axis=base_axis)
    return dx, dw, None, db


@operator("INQConvolution", **_TRAITS)
def inq_convolution(
    x: Float,
    weight: Float,
    indicator_fixedweights: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    num_bits: Int = 4,
    inq_iterations: Ints = (),
    selection_algorithm: Literal["largest_abs", "random"] = "largest_abs",
    seed: Int = -1,
) -> Any:
    """:func:`convolution` whose weights become powers of two step by step, :math:`y = Q(W) * x + b`.

    A fixed weight is 0 or :math:`\\pm 2^k`, the other ones are as they are.

    Args:
        x: Batch dimensions, then (C, spatial...).
        bias, base_axis, pad, stride, dilation, group: As in :func:`convolution`.
        weight: (M, C / group, kernel...); forward writes the powers of two into the weights that are fixed.
        indicator_fixedweights, num_bits, inq_iterations, selection_algorithm, seed: As in :func:`inq_affine`.
    Returns:
        Batch dimensions, then (M, out...), sizes as of :func:`convolution`.
    Source: Zhou, Yao, Guo, Xu, Chen 2017, "Incremental network quantization".
    Example:
        >>> x = nn.Variable.from_numpy_array([[[1.0, 2.0, 4.0]]])
        >>> weight = nn.Variable.from_numpy_array([[[0.9, -0.3]]])
        >>> y = F.inq_convolution(x, weight, nn.Variable.from_numpy_array(np.zeros((1, 1, 2))), inq_iterations=(0,))
        >>> y.forward()
        >>> print(y.d.round(4), weight.d.round(4))
        [[[0.5 1. ]]] [[[ 1.   -0.25]]]
    """
    weight, fixed = _fixed(weight, indicator_fixedweights, num_bits, inq_iterations, selection_algorithm)
    y = convolution(x, weight, bias, base_axis, pad, stride, dilation, group, False)
    return Result(y, updates={"weight": weight, "indicator_fixedweights": fixed})


@inq_convolution.resolve
def _(x: Any, weight: Any, indicator_fixedweights: Any, bias: Any, **args: Any) -> Any:
    return _check("inq_convolution", convolution, x, weight, indicator_fixedweights, bias, **args, channel_last=False)


@inq_convolution.gradient
def _(
    x: Any, weight: Any, bias_shape: Any, dy: Any, base_axis: int, pad: Any, stride: Any, dilation: Any, group: int
) -> Any:
    dx, dw, db = gradients(
        convolution,
        x,
        weight,
        bias_shape,
        dy,
        base_axis=base_axis,
        pad=pad,
        stride=stride,
        dilation=dilation,
        group=group,
        channel_last=False,
    )
    return dx, dw, None, db
