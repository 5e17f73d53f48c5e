"""Batch normalization, by itself, with a nonlinearity behind it, and over processes."""

from __future__ import annotations

from typing import Any, Literal

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.elementwise import sum_to
from nnabla.ops.internal import cast, sqrt
from nnabla.ops.normalization import (
    ABSENT,
    flags,
    kept_shape,
    moments,
    other_axes,
    scale_and_shift,
    standardized_gradient,
)
from nnabla.ops.rectifier import relu
from nnabla.ops.spec import Boolean, Communicator, Float, FloatArg, Ints, String, per_input

__all__ = ["batch_normalization", "fused_batch_normalization", "sync_batch_normalization"]

GROUP = "Normalization"
_TRAITS: dict[str, Any] = {
    "group": GROUP,
    "updates": ("mean", "variance"),
    "saved_values": ("center", "inverse"),
    "keeps": ("x", "beta", "gamma", "mean", "variance", "z"),
}


def _normalize(
    x: Any,
    beta: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    axes: Any,
    decay_rate: float,
    eps: float,
    batch_stat: bool,
) -> Result:
    """Batch normalization with what it updates and saves."""
    if not batch_stat:
        unit = (x - mean) * (1.0 / sqrt(variance + eps))
        return Result(scale_and_shift(unit, gamma, beta))
    reduced = other_axes(len(x.shape), axes)
    center, spread = moments(x, reduced)
    inverse = 1.0 / sqrt(spread + eps)
    y = scale_and_shift((x - center) * inverse, gamma, beta)
    count = prod([x.shape[a] for a in reduced])
    unbiased = count / max(count - 1, 1)
    updates = {}
    if mean is not None:
        updates["mean"] = mean * decay_rate + center * (1.0 - decay_rate)
    if variance is not None:
        updates["variance"] = variance * decay_rate + spread * ((1.0 - decay_rate) * unbiased)
    return Result(y, updates, {"center": center, "inverse": inverse})


def _differentiate(
    x: Any,
    beta_shape: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    center: Any,
    inverse: Any,
    dy: Any,
    axes: Any,
    eps: float,
    batch_stat: bool,
) -> list[Any]:
    """Gradients of :func:`_normalize` for x, beta, gamma; the running statistics have none."""
    dbeta = None if beta_shape is None else sum_to(dy, beta_shape)
    if batch_stat:
        reduced = other_axes(len(x.shape), axes)
        dx, dgamma = standardized_gradient(x, gamma, center, inverse, dy, reduced)
        return [dx, dbeta, dgamma, None, None]
    scale = 1.0 / sqrt(variance + eps)
    dx = dy * (scale if gamma is None else scale * gamma)
    dgamma = None if gamma is None else sum_to(dy * (x - mean), gamma.shape) * scale
    return [dx, dbeta, dgamma, None, None]


def _check(name: str, x: Any, axes: Any, batch_stat: bool, **shapes: Any) -> tuple[int, ...]:
    """Return the axes counted from the front; raise unless all parameters have their shape."""
    found = tuple(normalize_axis(name, axis, len(x), "axes") for axis in axes)
    expected = kept_shape(x, found)
    for key, shape in shapes.items():
        if shape is None:
            if not batch_stat and key in ("mean", "variance"):
                raise ArgumentError(f"{name}: {key} must be given with batch_stat=False, which normalizes by it")
        elif tuple(shape) != expected:
            raise ShapeError(
                f"{name}: {key} {tuple(shape)} must be {expected}: the sizes of x {tuple(x)} along "
                f"axes={tuple(axes)}, 1 elsewhere"
            )
    return found


@operator("BatchNormalization", absent=ABSENT, **_TRAITS)
def batch_normalization(
    x: Float,
    beta: Float | None = None,
    gamma: Float | None = None,
    mean: Float | None = None,
    variance: Float | None = None,
    axes: Ints = (1,),
    decay_rate: FloatArg = 0.9,
    eps: FloatArg = 1e-5,
    batch_stat: Boolean = True,
    no_scale: Boolean = False,
    no_bias: Boolean = False,
) -> Any:
    """Batch normalization, :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`.

    With ``batch_stat`` the mean and the variance are those of the batch, over all axes but ``axes``, and the
    running ones are updated: ``mean`` by :math:`d m + (1 - d) \\mu`, ``variance`` likewise by the unbiased
    variance of the batch. Otherwise the running ones are used.

    Args:
        x: Any shape.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere; optional.
        gamma: Scale, as ``beta``; optional.
        mean: Running mean, as ``beta``; updated in place. Optional with ``batch_stat``.
        variance: Running variance, as ``mean``.
        axes: Axes with a mean and variance for each index.
        decay_rate: Weight d of the present running statistics in their update, 0 to 1.
        eps: Added to the variance.
        batch_stat: Normalize by the statistics of the batch.
        no_scale: True where ``gamma`` is not given.
        no_bias: True where ``beta`` is not given.
    Returns:
        The shape of ``x``.
    Source: Ioffe, Szegedy 2015, "Batch normalization", algorithms 1 and 2.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 10.0], [3.0, 30.0]])
        >>> beta = nn.NdArray.from_numpy_array([[0.0, 5.0]])
        >>> gamma = nn.NdArray.from_numpy_array([[1.0, 1.0]])
        >>> mean = nn.NdArray.from_numpy_array([[0.0, 0.0]])
        >>> variance = nn.NdArray.from_numpy_array([[1.0, 1.0]])
        >>> print(F.batch_normalization(x, beta, gamma, mean, variance).data.round(2))
        [[-1.  4.]
         [ 1.  6.]]
        >>> print(mean.data.round(2))  # a tenth of the batch's
        [[0.2 2. ]]
    """
    return _normalize(x, beta, gamma, mean, variance, axes, decay_rate, eps, batch_stat)


@batch_normalization.resolve
def _(
    x: Any,
    beta: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    axes: Any,
    decay_rate: float,
    eps: float,
    batch_stat: bool,
    no_scale: bool,
    no_bias: bool,
) -> dict[str, Any]:
    name = "batch_normalization"
    shapes = {"beta": beta, "gamma": gamma, "mean": mean, "variance": variance}
    found = _check(name, x, axes, batch_stat, **shapes)
    return {"axes": found, **flags(name, beta, gamma, no_scale, no_bias)}


@batch_normalization.gradient
def _(
    x: Any,
    beta_shape: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    center: Any,
    inverse: Any,
    dy: Any,
    axes: Any,
    eps: float,
    batch_stat: bool,
) -> Any:
    return _differentiate(x, beta_shape, gamma, mean, variance, center, inverse, dy, axes, eps, batch_stat)


@operator("FusedBatchNormalization", depends=("y",), **_TRAITS)
def fused_batch_normalization(
    x: Float,
    beta: Float,
    gamma: Float,
    mean: Float,
    variance: Float,
    z: Float | None = None,
    axes: Ints = (1,),
    decay_rate: FloatArg = 0.9,
    eps: FloatArg = 1e-5,
    batch_stat: Boolean = True,
    nonlinearity: Literal["relu"] = "relu",
) -> Any:
    """Batch normalization, addition of ``z`` and a rectified linear unit.

    :math:`y = \\max(0, \\mathrm{bn}(x) + z)`, where bn is :func:`batch_normalization`.

    Args:
        x: Any shape.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere.
        gamma: Scale, as ``beta``.
        mean: Running mean, as ``beta``; updated in place.
        variance: Running variance, as ``mean``.
        z: The shape of ``x``, added before the nonlinearity; optional.
        axes, decay_rate, eps, batch_stat: As of :func:`batch_normalization`.
        nonlinearity: What is applied last.
    Returns:
        The shape of ``x``.
    Source: Ioffe, Szegedy 2015, "Batch normalization", algorithms 1 and 2.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0], [3.0]])
        >>> z = nn.NdArray.from_numpy_array([[2.0], [0.5]])
        >>> print(F.fused_batch_normalization(x, None, None, None, None, z).data.round(2))
        [[1. ]
         [1.5]]
    """
    result = _normalize(x, beta, gamma, mean, variance, axes, decay_rate, eps, batch_stat)
    total = result.outputs if z is None else result.outputs + z
    return Result(relu(total), result.updates, result.saved)


@fused_batch_normalization.resolve
def _(
    x: Any,
    beta: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    z: Any,
    axes: Any,
    decay_rate: float,
    eps: float,
    batch_stat: bool,
    nonlinearity: str,
) -> dict[str, Any]:
    name = "fused_batch_normalization"
    if z is not None and tuple(z) != tuple(x):
        raise ShapeError(f"{name}: z {tuple(z)} must have the shape of x {tuple(x)}")
    shapes = {"beta": beta, "gamma": gamma, "mean": mean, "variance": variance}
    return {"axes": _check(name, x, axes, batch_stat, **shapes)}


@fused_batch_normalization.gradient
def _(
    x: Any,
    beta_shape: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    z_shape: Any,
    y: Any,
    center: Any,
    inverse: Any,
    dy: Any,
    axes: Any,
    eps: float,
    batch_stat: bool,
) -> Any:
    passed = dy * cast(y > 0.0, "float")
    grads = _differentiate(x, beta_shape, gamma, mean, variance, center, inverse, passed, axes, eps, batch_stat)
    return [*grads, None if z_shape is None else passed]


@operator("SyncBatchNormalization", **_TRAITS)
def sync_batch_normalization(
    x: Float,
    beta: Float,
    gamma: Float,
    mean: Float,
    variance: Float,
    comm: Communicator,
    group: String = per_input(lambda *_: "world"),
    axes: Ints = (1,),
    decay_rate: FloatArg = 0.9,
    eps: FloatArg = 1e-5,
    batch_stat: Boolean = True,
) -> Any:
    """Batch normalization by the statistics of all processes of a communicator's group.

    This definition holds for one process; a backend with collective operations supplies its kernel.

    :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`, as :func:`batch_normalization` of the
    joint batch.

    Args:
        x: Any shape.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere.
        gamma: Scale, as ``beta``.
        mean: Running mean, as ``beta``; updated in place.
        variance: Running variance, as ``mean``.
        comm: The communicator.
        group: Name of the group of processes.
        axes, decay_rate, eps, batch_stat: As of :func:`batch_normalization`.
    Returns:
        The shape of ``x``.
    Source: Peng et al. 2018, "MegDet: a large mini-batch object detector".
    Example:
        >>> class OneProcess:
        ...     size = 1
        >>> x = nn.NdArray.from_numpy_array([[1.0], [3.0]])
        >>> print(F.sync_batch_normalization(x, None, None, None, None, OneProcess()).data.round(2))
        [[-1.]
         [ 1.]]
    """
    return _normalize(x, beta, gamma, mean, variance, axes, decay_rate, eps, batch_stat)


@sync_batch_normalization.resolve
def _(
    x: Any,
    beta: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    comm: Any,
    group: str,
    axes: Any,
    decay_rate: float,
    eps: float,
    batch_stat: bool,
) -> dict[str, Any]:
    name = "sync_batch_normalization"
    if batch_stat and getattr(comm, "size", 1) > 1:
        raise ArgumentError(f"{name}: comm has {comm.size} processes, and no installed backend normalizes over several")
    shapes = {"beta": beta, "gamma": gamma, "mean": mean, "variance": variance}
    return {"axes": _check(name, x, axes, batch_stat, **shapes)}


@sync_batch_normalization.gradient
def _(
    x: Any,
    beta_shape: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    center: Any,
    inverse: Any,
    dy: Any,
    axes: Any,
    eps: float,
    batch_stat: bool,
) -> Any:
    return _differentiate(x, beta_shape, gamma, mean, variance, center, inverse, dy, axes, eps, batch_stat)
