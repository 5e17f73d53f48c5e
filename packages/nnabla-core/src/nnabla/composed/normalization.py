"""Normalizations as ``nnabla.functions`` has them: statistics as further outputs, parameters may be None."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from nnabla import ops
from nnabla.errors import ArgumentError
from nnabla.ops.normalization import kept_shape

if TYPE_CHECKING:
    from nnabla import NdArray, Variable

    Input: TypeAlias = Variable | NdArray

__all__ = [
    "batch_normalization",
    "fused_batch_normalization",
    "group_normalization",
    "instance_normalization",
    "layer_normalization",
    "mean_subtraction",
    "norm_normalization",
    "spectral_norm",
    "sync_batch_normalization",
    "tensor_normalization",
    "weight_standardization",
]


def _axes(value: int | Sequence[int]) -> tuple[int, ...]:
    return (value,) if isinstance(value, int) else tuple(value)


def _number(output_stat: bool) -> int:
    """Return how many outputs there are."""
    return 3 if output_stat else 1


def _filled(value: float, like: Any, axes: Sequence[int]) -> Any:
    """Return a Variable of parameters' shape that holds ``value``."""
    from nnabla import Variable

    variable = Variable(kept_shape(like.shape, axes))
    variable.data.fill(value)
    return variable


def batch_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    mean: Input | None,
    variance: Input | None,
    axes: int | Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    output_stat: bool = False,
    n_outputs: int | None = None,
) -> Any:
    """Batch normalization, :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`.

    With ``batch_stat`` the mean and the variance are those of the batch, over all axes but ``axes``, and the
    running ones are updated; otherwise the running ones are used.

    Args:
        x: Any shape.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere; None for none.
        gamma: Scale, as ``beta``; None for none.
        mean: Running mean, as ``beta``; updated in place. None with ``batch_stat``: nothing is kept.
        variance: Running variance, as ``mean``.
        axes: Axes with a mean and variance for each index.
        decay_rate: Weight of the present running statistics in their update, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the statistics of the batch.
        output_stat: Also return the batch's mean and (biased) variance.
        n_outputs: 3 is the same as ``output_stat``.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.

    Raises:
        ValueError: ``mean`` or ``variance`` is None without ``batch_stat``, or a shape does not fit.
    """
    kept = _axes(axes)
    if batch_stat:
        mean = _filled(0, x, kept) if mean is None else mean
        variance = _filled(0, x, kept) if variance is None else variance
    args = (kept, decay_rate, eps, batch_stat)
    return ops.batch_normalization(x, beta, gamma, mean, variance, *args, n_outputs=3 if output_stat else n_outputs)


def fused_batch_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    mean: Input | None,
    variance: Input | None,
    z: Input | None = None,
    axes: int | Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    nonlinearity: str = "relu",
    output_stat: bool = False,
    n_outputs: int | None = None,
) -> Any:
    """Batch normalization, addition of ``z`` and a nonlinearity as one operator: relu(bn(x) + z).

    Args:
        x: Any shape.
        beta, gamma, mean, variance: As of :func:`batch_normalization`.
        z: The shape of ``x``, added before the nonlinearity; None for none.
        axes, decay_rate, eps, batch_stat: As of :func:`batch_normalization`.
        nonlinearity: ``'relu'``.
        output_stat: Also return the batch's mean and (biased) variance.
        n_outputs: 3 is the same as ``output_stat``.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.

    Raises:
        ValueError: As :func:`batch_normalization`.
    """
    name = "fused_batch_normalization"
    kept = _axes(axes)
    parameters = _complete(name, x, kept, batch_stat, beta, gamma, mean, variance)
    args = (kept, decay_rate, eps, batch_stat, nonlinearity)
    return ops.fused_batch_normalization(x, *parameters, z, *args, n_outputs=3 if output_stat else n_outputs)


def _complete(name: str, x: Any, axes: Sequence[int], batch_stat: bool, *given: Any) -> list[Any]:
    """Return beta, gamma, mean and variance with neutral values for those that are None."""
    if not batch_stat and None in given[2:]:
        raise ArgumentError(f"{name}: mean and variance must be given with batch_stat=False")
    return [_filled(value, x, axes) if g is None else g for g, value in zip(given, (0.0, 1.0, 0.0, 1.0))]


def sync_batch_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    mean: Input | None,
    variance: Input | None,
    comm: Any,
    group: str = "world",
    axes: int | Sequence[int] = [1],
    decay_rate: float = 0.9,
    eps: float = 1e-5,
    batch_stat: bool = True,
    output_stat: bool = False,
    n_outputs: int | None = None,
) -> Any:
    """Batch normalization by the statistics of all processes of a communicator's group.

    Args:
        x: Any shape.
        beta, gamma, mean, variance: As of :func:`batch_normalization`.
        comm: The communicator.
        group: Name of the group of processes.
        axes, decay_rate, eps, batch_stat: As of :func:`batch_normalization`.
        output_stat: Also return the mean and (biased) variance.
        n_outputs: 3 is the same as ``output_stat``.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.

    Raises:
        ValueError: As :func:`batch_normalization`.
    """
    name = "sync_batch_normalization"
    kept = _axes(axes)
    parameters = _complete(name, x, kept, batch_stat, beta, gamma, mean, variance)
    args = (comm, group, kept, decay_rate, eps, batch_stat)
    return ops.sync_batch_normalization(x, *parameters, *args, n_outputs=3 if output_stat else n_outputs)


def layer_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
) -> Any:
    """Normalization of each sample over all axes but ``batch_axis``, with scale and offset.

    Args:
        x: Any shape.
        beta: Offset, the shape of ``x`` with size 1 along ``batch_axis``; None for none.
        gamma: Scale, as ``beta``; None for none.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        output_stat: Also return the mean and (biased) variance of each sample.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    return ops.layer_normalization(x, beta, gamma, _axes(batch_axis), eps, n_outputs=_number(output_stat))


def instance_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    channel_axis: int = 1,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
) -> Any:
    """Normalization of each channel of each sample, with scale and offset.

    Args:
        x: Any shape.
        beta: Offset, the size of ``x`` along ``channel_axis`` (and ``batch_axis``, if wanted), 1 elsewhere; None
            for none.
        gamma: Scale, as ``beta``; None for none.
        channel_axis: Axis of the channels.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        output_stat: Also return the mean and (biased) variance.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    args = (channel_axis, _axes(batch_axis), eps)
    return ops.instance_normalization(x, beta, gamma, *args, n_outputs=_number(output_stat))


def group_normalization(
    x: Input,
    beta: Input | None,
    gamma: Input | None,
    num_groups: int,
    channel_axis: int = 1,
    batch_axis: int | Sequence[int] = 0,
    eps: float = 1e-5,
    output_stat: bool = False,
) -> Any:
    """Normalization of each group of channels of each sample, with scale and offset.

    Args:
        x: Any shape.
        beta: Offset, the size of ``x`` along ``channel_axis``, 1 elsewhere; None for none.
        gamma: Scale, as ``beta``; None for none.
        num_groups: Number of groups, a divisor of the number of channels.
        channel_axis: Axis of the channels.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        output_stat: Also return the mean and (biased) variance, with one more axis for what is in a group.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    args = (num_groups, channel_axis, _axes(batch_axis), eps)
    return ops.group_normalization(x, beta, gamma, *args, n_outputs=_number(output_stat))


def tensor_normalization(
    x: Input,
    axes: int | Sequence[int],
    beta: Input | None = None,
    gamma: Input | None = None,
    eps: float = 1e-5,
    output_stat: bool = False,
) -> Any:
    """Normalization over all axes but ``axes``, with scale and offset: batch normalization that keeps no statistics.

    Args:
        x: Any shape.
        axes: Axes with a mean and variance for each index.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere; None for none.
        gamma: Scale, as ``beta``; None for none.
        eps: Added to the variance.
        output_stat: Also return the mean and (biased) variance.

    Returns:
        The shape of ``x``; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    return batch_normalization(x, beta, gamma, None, None, axes, 0.0, eps, True, output_stat)


def weight_standardization(w: Input, channel_axis: int = 0, eps: float = 1e-5, output_stat: bool = False) -> Any:
    """Normalization of the weights of each output map.

    Args:
        w: Weight of a layer, any shape.
        channel_axis: Axis of the output maps.
        eps: Added to the variance.
        output_stat: Also return the mean and (biased) variance.

    Returns:
        The shape of ``w``; with ``output_stat`` a tuple of it, the mean and the variance.
    """
    return ops.weight_standardization(w, channel_axis, eps, n_outputs=_number(output_stat))


def spectral_norm(
    w: Input,
    u: Input,
    dim: int = 0,
    itr: int = 1,
    eps: float = 1e-12,
    test: bool = False,
    output_u: bool = False,
) -> Any:
    """Weights divided by their largest singular value, which power iteration estimates.

    Args:
        w: Weight of a layer; seen as a matrix with the size along ``dim`` as its rows.
        u: (rows,), estimate of the first left singular vector; updated in place.
        dim: Axis of the rows.
        itr: Number of iterations, 1 or more.
        eps: Added to squared norms.
        test: Leave ``u`` as it is.
        output_u: Also return ``u`` as it was before the update.

    Returns:
        The shape of ``w``; with ``output_u`` a tuple of it and ``u``.
    """
    return ops.spectral_norm(w, u, dim, itr, eps, test, output_u)


def norm_normalization(
    x: Input,
    p: float | None = None,
    axes: int | Sequence[int] | None = None,
    eps: float = 1e-12,
) -> Any:
    """Vectors of norm 1, :math:`x / (\\sum |x|^p + \\epsilon)^{1/p}`.

    Args:
        x: Any shape.
        p: Order of the norm, more than 0 (default 2).
        axes: Axes of the vectors (default: all).
        eps: Added to the sum.

    Returns:
        The shape of ``x``.
    """
    return ops.norm_normalization(x, 2 if p is None else p, None if axes is None else _axes(axes), eps)


def mean_subtraction(x: Input, mean: Input, t: Input, base_axis: int = 1, update_running_mean: bool = True) -> Any:
    """Samples less their running mean.

    Args:
        x: Batch dimensions, then any.
        mean: Running mean, the dimensions of ``x`` from ``base_axis`` on; updated in place.
        t: Number of updates so far, (1,); updated in place.
        base_axis: Number of batch dimensions.
        update_running_mean: Update the mean by the batch first; otherwise use it as it is.

    Returns:
        The shape of ``x``.
    """
    return ops.mean_subtraction(x, mean, t, base_axis, update_running_mean)
