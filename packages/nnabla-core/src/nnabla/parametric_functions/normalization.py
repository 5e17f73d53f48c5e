"""Layers that normalize their input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnabla import functions as F
from nnabla.errors import ArgumentTypeError
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import (
    Initial,
    axis_of,
    parameter,
    parametric_function_api,
    statistic,
)

if TYPE_CHECKING:
    from nnabla import Variable
    from nnabla.parametric_functions.api import Input

__all__ = [
    "batch_normalization",
    "fused_batch_normalization",
    "group_normalization",
    "instance_normalization",
    "layer_normalization",
    "mean_subtraction",
    "sync_batch_normalization",
]

ParameterInit = Mapping[str, Initial]

_STATISTICS = [
    ("beta", "Offset", "the input's, 1 except along the axes", True),
    ("gamma", "Scale", "as beta", True),
    ("mean", "Running mean", "as beta", False),
    ("var", "Running variance", "as beta", False),
]
_AFFINE = [
    ("beta", "Offset", "the input's, 1 along what is not normalized alike", True),
    ("gamma", "Scale", "as beta", True),
]


@parametric_function_api("bn", _STATISTICS)
def batch_normalization(
    inp: Input,
    axes: Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Batch normalization with a learned scale and offset.

    :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`, with the mean and
    variance over all dimensions but ``axes``.
    Source: Ioffe, Szegedy 2015, "Batch normalization", algorithm 1.

    Args:
        inp: Any number of dimensions.
        axes: Dimensions with a mean and variance for each index.
        decay_rate: Weight of the present running statistics when they are updated, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the batch's statistics and update the running ones; otherwise
            normalize by the running ones.
        output_stat: Also return the batch's mean and variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'``, ``'gamma'``, ``'mean'``, ``'var'``; 0, 1, 0, 1 by
            default.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    shape = _shape_along("batch_normalization", inp, axes)
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    mean, var = _running(shape, param_init)
    return F.batch_normalization(inp, beta, gamma, mean, var, axes, decay_rate, eps, batch_stat, output_stat)


@parametric_function_api("bn", _STATISTICS)
def fused_batch_normalization(
    inp: Input,
    z: Input | None = None,
    axes: Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    nonlinearity: str = "relu",
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Batch normalization, addition of ``z`` and a nonlinearity as one operator.

    Args:
        inp: Any number of dimensions.
        z: As ``inp``; added before the nonlinearity.
        axes: Dimensions with a mean and variance for each index.
        decay_rate: Weight of the present running statistics when they are updated, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the batch's statistics and update the running ones.
        nonlinearity: ``'relu'`` or ``'identity'``.
        output_stat: Also return the batch's mean and variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'``, ``'gamma'``, ``'mean'``, ``'var'``.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    shape = _shape_along("fused_batch_normalization", inp, axes)
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    mean, var = _running(shape, param_init)
    return F.fused_batch_normalization(
        inp,
        beta,
        gamma,
        mean,
        var,
        z,
        axes,
        decay_rate,
        eps,
        batch_stat,
        nonlinearity,
        output_stat,
    )


@parametric_function_api("bn", _STATISTICS)
def sync_batch_normalization(
    inp: Input,
    comm: Any,
    group: str = "world",
    axes: Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Batch normalization by the statistics of all processes of a communicator's group.

    Args:
        inp: Any number of dimensions.
        comm: Communicator of the processes.
        group: Name of the group.
        axes: Dimensions with a mean and variance for each index.
        decay_rate: Weight of the present running statistics when they are updated, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the batches' statistics and update the running ones.
        output_stat: Also return the batches' mean and variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'``, ``'gamma'``, ``'mean'``, ``'var'``.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    shape = _shape_along("sync_batch_normalization", inp, axes)
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    mean, var = _running(shape, param_init)
    return F.sync_batch_normalization(
        inp,
        beta,
        gamma,
        mean,
        var,
        comm,
        group,
        axes,
        decay_rate,
        eps,
        batch_stat,
        output_stat,
    )


@parametric_function_api("layer_normalization", _AFFINE)
def layer_normalization(
    inp: Input,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Normalization of each sample by its own mean and variance, with learned scale and offset.

    Source: Ba, Kiros, Hinton 2016, "Layer normalization", eq. 4.

    Args:
        inp: Any number of dimensions.
        batch_axis: Dimension, or several, over which no statistics are taken.
        eps: Added to the variance.
        output_stat: Also return the mean and the variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'`` and ``'gamma'``; 0 and 1 by default.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    ndim = len(inp.shape)
    axes = batch_axis if isinstance(batch_axis, Sequence) else (batch_axis,)
    batch = {axis_of("layer_normalization", "batch_axis", axis, ndim) for axis in axes}
    shape = tuple(1 if i in batch else size for i, size in enumerate(inp.shape))
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    return F.layer_normalization(inp, beta, gamma, batch_axis, eps, output_stat)


@parametric_function_api("instance_normalization", _AFFINE)
def instance_normalization(
    inp: Input,
    channel_axis: int = 1,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Normalization of each channel of each sample, with learned scale and offset.

    Source: Ulyanov, Vedaldi, Lempitsky 2016, "Instance normalization".

    Args:
        inp: Any number of dimensions.
        channel_axis: Dimension of the channels.
        batch_axis: Dimension, or several, of the samples.
        eps: Added to the variance.
        output_stat: Also return the mean and the variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'`` and ``'gamma'``; 0 and 1 by default.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    shape = _shape_along("instance_normalization", inp, (channel_axis,))
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    return F.instance_normalization(inp, beta, gamma, channel_axis, batch_axis, eps, output_stat)


@parametric_function_api("group_normalization", _AFFINE)
def group_normalization(
    inp: Input,
    num_groups: int,
    channel_axis: int = 1,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
    fix_parameters: bool = False,
    param_init: ParameterInit | None = None,
    no_scale: bool = False,
    no_bias: bool = False,
) -> Any:
    """Normalization of each group of channels of each sample, with learned scale and offset.

    Source: Wu, He 2018, "Group normalization".

    Args:
        inp: Any number of dimensions.
        num_groups: Number of groups, a divisor of the number of channels.
        channel_axis: Dimension of the channels.
        batch_axis: Dimension, or several, of the samples.
        eps: Added to the variance.
        output_stat: Also return the mean and the variance.
        fix_parameters: Use scale and offset without training them here.
        param_init: Initial values of ``'beta'`` and ``'gamma'``; 0 and 1 by default.
        no_scale: Leave out ``gamma``.
        no_bias: Leave out ``beta``.

    Returns:
        As the input; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    shape = _shape_along("group_normalization", inp, (channel_axis,))
    beta, gamma = _offset_and_scale(shape, param_init, fix_parameters, no_scale, no_bias)
    return F.group_normalization(inp, beta, gamma, num_groups, channel_axis, batch_axis, eps, output_stat)


@parametric_function_api(
    "mean_subtraction",
    [
        ("mean", "Running mean", "inp.shape[base_axis:]", False),
        ("t", "Number of updates so far", "(1,)", False),
    ],
)
def mean_subtraction(
    inp: Input,
    base_axis: int = 1,
    update_running_mean: bool = True,
    fix_parameters: bool = False,
) -> Input:
    """Subtract the running mean over the batch dimensions.

    Args:
        inp: At least ``base_axis`` dimensions.
        base_axis: Number of leading batch dimensions.
        update_running_mean: Update the mean by this batch first.
        fix_parameters: Has no effect, since nothing is trained.
    """
    base_axis = axis_of("mean_subtraction", "base_axis", base_axis, len(inp.shape) + 1)
    mean = statistic("mean", inp.shape[base_axis:], None, ConstantInitializer)
    t = statistic("t", (1,), None, ConstantInitializer)
    return F.mean_subtraction(inp, mean, t, base_axis, update_running_mean)


def _shape_along(function: str, inp: Input, axes: Sequence[int]) -> tuple[int, ...]:
    """The input's shape with 1 except along ``axes``."""
    if not isinstance(axes, Sequence):
        raise ArgumentTypeError(f"{function}: axes must be a sequence of dimensions such as [1], got {axes!r}")
    kept = {axis_of(function, "axis", axis, len(inp.shape)) for axis in axes}
    return tuple(size if i in kept else 1 for i, size in enumerate(inp.shape))


def _offset_and_scale(
    shape: tuple[int, ...],
    param_init: ParameterInit | None,
    fix_parameters: bool,
    no_scale: bool,
    no_bias: bool,
) -> tuple[Variable | None, Variable | None]:
    inits = param_init or {}
    beta = gamma = None
    if not no_bias:
        beta = parameter("beta", shape, inits.get("beta"), ConstantInitializer, fix_parameters)
    if not no_scale:
        gamma = parameter("gamma", shape, inits.get("gamma"), _one, fix_parameters)
    return beta, gamma


def _running(shape: tuple[int, ...], param_init: ParameterInit | None) -> tuple[Variable, Variable]:
    inits = param_init or {}
    mean = statistic("mean", shape, inits.get("mean"), ConstantInitializer)
    var = statistic("var", shape, inits.get("var"), _one)
    return mean, var


def _one() -> ConstantInitializer:
    return ConstantInitializer(1)
