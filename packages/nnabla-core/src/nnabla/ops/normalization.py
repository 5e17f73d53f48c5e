"""Normalization of activations by statistics of the batch, the sample or a group of channels.

All of these standardize over some axes, then scale and shift. Forward keeps the mean and the inverse deviation, so
that backward computes neither again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.definition import Result, normalize_axis, operator
from nnabla.ops.elementwise import sum_to
from nnabla.ops.internal import sqrt
from nnabla.ops.reduction import mean as mean_
from nnabla.ops.spec import Boolean, Float, FloatArg, Int, Ints, per_input

__all__ = [
    "group_normalization",
    "instance_normalization",
    "layer_normalization",
    "standardization_gradient",
    "tensor_normalization",
    "weight_standardization",
]

GROUP = "Normalization"
#: Offset and scale are optional, and functions say so in arguments.
ABSENT = {"beta": "no_bias", "gamma": "no_scale"}
_DEPENDS = {"x": ("x", "beta", "gamma"), "beta": ("x", "beta"), "gamma": ("x", "gamma")}


# -- standardizing ----------------------------------------------------------------------------------------------
def moments(x: Any, axes: Sequence[int]) -> tuple[Any, Any]:
    """Return mean and variance over ``axes``, which are kept with size 1."""
    center = mean_(x, tuple(axes), True)
    shifted = x - center
    return center, mean_(shifted * shifted, tuple(axes), True)


def scale_and_shift(y: Any, gamma: Any, beta: Any) -> Any:
    """Return ``y * gamma + beta``; both may be None."""
    if gamma is not None:
        y = y * gamma
    return y if beta is None else y + beta


def standardized_gradient(
    x: Any, gamma: Any, center: Any, inverse: Any, dy: Any, axes: Sequence[int]
) -> tuple[Any, Any]:
    """Return the gradients of x and gamma (None without), as :func:`standardization_gradient` computes them."""
    found = standardization_gradient(x, dy, center, inverse, gamma, tuple(axes))
    return (found, None) if gamma is None else found


def other_axes(ndim: int, axes: Sequence[int]) -> tuple[int, ...]:
    """Return the axes that are not among ``axes`` (which may count from the end)."""
    chosen = {a % ndim for a in axes}
    return tuple(a for a in range(ndim) if a not in chosen)


def kept_shape(x: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """Return the sizes of ``x`` along ``axes``, 1 elsewhere."""
    chosen = {a % len(x) for a in axes}
    return tuple(n if a in chosen else 1 for a, n in enumerate(x))


def check_parameters(name: str, x: Any, expected: Any, **parameters: Any) -> None:
    """Raise unless each of beta and gamma, given by shape or None, is 1 or as ``x`` in every dimension."""
    for key, shape in parameters.items():
        if shape is None or tuple(shape) == tuple(expected):
            continue
        if len(shape) != len(x) or any(n not in (1, m) for n, m in zip(shape, x)):
            raise ShapeError(
                f"{name}: {key} {tuple(shape)} must be {tuple(expected)}, or another shape with 1 or the "
                f"size of x {tuple(x)} in each dimension"
            )


def flags(name: str, beta: Any, gamma: Any, no_scale: bool, no_bias: bool) -> dict[str, bool]:
    """Return no_scale and no_bias as the inputs say; raise where they contradict."""
    for key, flag, what, value in (
        ("no_bias", no_bias, "beta", beta),
        ("no_scale", no_scale, "gamma", gamma),
    ):
        if flag and value is not None:
            raise ArgumentError(f"{name}: {key}=True but {what} {tuple(value)} was given; pass None for it")
    return {"no_scale": gamma is None, "no_bias": beta is None}


@operator("StandardizationGradient", internal=True, outputs="dx, dgamma")
def standardization_gradient(
    x: Float, dy: Float, center: Float, inverse: Float, gamma: Float | None = None, axes: Ints = ()
) -> Any:
    """Gradients of ``(x - center) * inverse * gamma``, where ``center`` and ``inverse`` are statistics of ``x``.

    Args:
        x: The input.
        dy: Gradient of the output, the shape of ``x``.
        center, inverse: Mean and inverse deviation over ``axes``, which are kept with size 1.
        gamma: Scale that broadcasts to ``x``, or None.
        axes: What was averaged over.
    Returns:
        Gradients of ``x`` and, if it is given, of ``gamma``.
    """
    unit = (x - center) * inverse
    seed = dy if gamma is None else dy * gamma
    average = mean_(seed, axes, True)
    along = mean_(seed * unit, axes, True)
    dx = inverse * (seed - average - unit * along)
    return dx if gamma is None else (dx, sum_to(dy * unit, gamma.shape))


# -- over the sample -----------------------------------------------------------------------------------------
@operator(
    "LayerNormalization",
    group=GROUP,
    absent=ABSENT,
    depends=_DEPENDS,
    saved_values=("center", "inverse"),
)
def layer_normalization(
    x: Float,
    beta: Float | None = None,
    gamma: Float | None = None,
    batch_axis: Ints = (0,),
    eps: FloatArg = 1e-5,
    no_scale: Boolean = False,
    no_bias: Boolean = False,
) -> Any:
    """Normalization of each sample, :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`.

    The mean and the variance are those over all axes but ``batch_axis``.

    Args:
        x: Any shape with at least one dimension that is no batch axis.
        beta: Offset, the shape of ``x`` with size 1 along ``batch_axis``; optional.
        gamma: Scale, as ``beta``; optional.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        no_scale: True where ``gamma`` is not given.
        no_bias: True where ``beta`` is not given.
    Returns:
        The shape of ``x``.
    Source: Ba, Kiros, Hinton 2016, "Layer normalization", eq. 4.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 3.0], [10.0, 30.0]])
        >>> print(F.layer_normalization(x, None, None).data.round(2))
        [[-1.  1.]
         [-1.  1.]]
    """
    center, variance = moments(x, other_axes(len(x.shape), batch_axis))
    inverse = 1.0 / sqrt(variance + eps)
    y = scale_and_shift((x - center) * inverse, gamma, beta)
    return Result(y, saved={"center": center, "inverse": inverse})


@layer_normalization.resolve
def _(x: Any, beta: Any, gamma: Any, batch_axis: Any, eps: float, no_scale: bool, no_bias: bool) -> dict[str, bool]:
    name = "layer_normalization"
    for axis in batch_axis:
        normalize_axis(name, axis, len(x), "batch_axis")
    expected = kept_shape(x, other_axes(len(x), batch_axis))
    check_parameters(name, x, expected, beta=beta, gamma=gamma)
    return flags(name, beta, gamma, no_scale, no_bias)


@layer_normalization.gradient
def _(x: Any, beta_shape: Any, gamma: Any, center: Any, inverse: Any, dy: Any, batch_axis: Any) -> Any:
    axes = other_axes(len(x.shape), batch_axis)
    dx, dgamma = standardized_gradient(x, gamma, center, inverse, dy, axes)
    return dx, None if beta_shape is None else sum_to(dy, beta_shape), dgamma


@operator("InstanceNormalization", group=GROUP, absent=ABSENT, depends=_DEPENDS, keep=True)
def instance_normalization(
    x: Float,
    beta: Float | None = None,
    gamma: Float | None = None,
    channel_axis: Int = per_input(lambda *_: 1),
    batch_axis: Ints = (0,),
    eps: FloatArg = 1e-5,
    no_scale: Boolean = False,
    no_bias: Boolean = False,
) -> Any:
    """Normalization of each channel of each sample, with scale and offset.

    :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`, where :math:`\\mu` and
    :math:`\\sigma^2` are mean and variance over the dimensions that are neither batch nor channel.

    Args:
        x: Any shape with ``batch_axis`` and ``channel_axis`` and at least one further dimension.
        beta: Offset, the size of ``x`` along ``channel_axis`` (and ``batch_axis``, if wanted), 1 elsewhere;
            optional.
        gamma: Scale, as ``beta``; optional.
        channel_axis: Axis of the channels.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        no_scale: True where ``gamma`` is not given.
        no_bias: True where ``beta`` is not given.
    Returns:
        The shape of ``x``.
    Source: Ulyanov, Vedaldi, Lempitsky 2016, "Instance normalization", eq. 2.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[1.0, 3.0], [10.0, 30.0]]])
        >>> print(F.instance_normalization(x, None, None).data.round(2))
        [[[-1.  1.]
          [-1.  1.]]]
    """
    y = layer_normalization(x, None, None, (*batch_axis, channel_axis), eps)
    return scale_and_shift(y, gamma, beta)


@instance_normalization.resolve
def _(
    x: Any,
    beta: Any,
    gamma: Any,
    channel_axis: int,
    batch_axis: Any,
    eps: float,
    no_scale: bool,
    no_bias: bool,
) -> dict[str, bool]:
    name = "instance_normalization"
    _check_axes(name, x, channel_axis, batch_axis)
    check_parameters(name, x, kept_shape(x, (channel_axis,)), beta=beta, gamma=gamma)
    return flags(name, beta, gamma, no_scale, no_bias)


def _check_axes(name: str, x: Any, channel_axis: int, batch_axis: Any) -> None:
    channel = normalize_axis(name, channel_axis, len(x), "channel_axis")
    if channel in [normalize_axis(name, axis, len(x), "batch_axis") for axis in batch_axis]:
        raise ArgumentError(
            f"{name}: channel_axis={channel_axis} is among batch_axis={tuple(batch_axis)}; choose another"
        )


@operator("GroupNormalization", group=GROUP, absent=ABSENT, depends=_DEPENDS, keep=True)
def group_normalization(
    x: Float,
    beta: Float | None = None,
    gamma: Float | None = None,
    num_groups: Int = per_input(lambda *_: 1),
    channel_axis: Int = per_input(lambda *_: 1),
    batch_axis: Ints = (0,),
    eps: FloatArg = 1e-5,
    no_scale: Boolean = False,
    no_bias: Boolean = False,
) -> Any:
    """Normalization of each group of channels of each sample, with scale and offset.

    :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`, where :math:`\\mu` and
    :math:`\\sigma^2` are mean and variance of the sample's elements in the channel's group.

    Args:
        x: Any shape with ``batch_axis`` and ``channel_axis``.
        beta: Offset, the size of ``x`` along ``channel_axis``, 1 elsewhere; optional.
        gamma: Scale, as ``beta``; optional.
        num_groups: Number of groups, a divisor of the number of channels.
        channel_axis: Axis of the channels.
        batch_axis: Axes of the samples.
        eps: Added to the variance.
        no_scale: True where ``gamma`` is not given.
        no_bias: True where ``beta`` is not given.
    Returns:
        The shape of ``x``.
    Source: Wu, He 2018, "Group normalization", eq. 7.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 3.0, 10.0, 30.0]])
        >>> print(F.group_normalization(x, None, None, num_groups=2).data.round(2))
        [[-1.  1. -1.  1.]]
    """
    grouped, kept = grouping(x.shape, num_groups, channel_axis, batch_axis)
    y = layer_normalization(reshape(x, grouped, False), None, None, kept, eps)
    return scale_and_shift(reshape(y, x.shape, False), gamma, beta)


def grouping(
    x: Sequence[int], num_groups: int, channel_axis: int, batch_axis: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape with the channels split into groups, and the axes of samples and groups in it."""
    channel = channel_axis % len(x)
    shape = (*x[:channel], num_groups, x[channel] // num_groups, *x[channel + 1 :])
    batch = [a % len(x) for a in batch_axis]
    return shape, (*(a if a < channel else a + 1 for a in batch), channel)


@group_normalization.resolve
def _(
    x: Any,
    beta: Any,
    gamma: Any,
    num_groups: int,
    channel_axis: int,
    batch_axis: Any,
    eps: float,
    no_scale: bool,
    no_bias: bool,
) -> dict[str, bool]:
    name = "group_normalization"
    _check_axes(name, x, channel_axis, batch_axis)
    if num_groups < 1 or x[channel_axis] % num_groups:
        raise ArgumentError(
            f"{name}: num_groups={num_groups} must divide the {x[channel_axis]} channels of x {tuple(x)}"
        )
    check_parameters(name, x, kept_shape(x, (channel_axis,)), beta=beta, gamma=gamma)
    return flags(name, beta, gamma, no_scale, no_bias)


# -- over everything but some axes -------------------------------------------------------------------------------
@operator("TensorNormalization", group=GROUP, absent=ABSENT, keep=True)
def tensor_normalization(
    x: Float,
    beta: Float | None = None,
    gamma: Float | None = None,
    axes: Ints = (1,),
    eps: FloatArg = 1e-5,
    no_scale: Boolean = False,
    no_bias: Boolean = False,
) -> Any:
    """Normalization over all axes but ``axes``, with scale and offset.

    :math:`y = \\gamma (x - \\mu) / \\sqrt{\\sigma^2 + \\epsilon} + \\beta`

    Args:
        x: Any shape.
        beta: Offset, the sizes of ``x`` along ``axes``, 1 elsewhere; optional.
        gamma: Scale, as ``beta``; optional.
        axes: Axes with a mean and variance for each index.
        eps: Added to the variance.
        no_scale: True where ``gamma`` is not given.
        no_bias: True where ``beta`` is not given.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 3.0], [10.0, 30.0]])
        >>> print(F.tensor_normalization(x, axes=0).data.round(2))
        [[-1.  1.]
         [-1.  1.]]
    """
    return scale_and_shift(layer_normalization(x, None, None, axes, eps), gamma, beta)


@tensor_normalization.resolve
def _(x: Any, beta: Any, gamma: Any, axes: Any, eps: float, no_scale: bool, no_bias: bool) -> dict[str, bool]:
    name = "tensor_normalization"
    for axis in axes:
        normalize_axis(name, axis, len(x), "axes")
    check_parameters(name, x, kept_shape(x, axes), beta=beta, gamma=gamma)
    return flags(name, beta, gamma, no_scale, no_bias)


@operator("WeightStandardization", group=GROUP, keep=True)
def weight_standardization(w: Float, channel_axis: Int = per_input(lambda w: 0), eps: FloatArg = 1e-5) -> Any:
    """Normalization of the weights of each output map.

    :math:`y = (w - \\mu) / \\sqrt{\\sigma^2 + \\epsilon}`, with mean and variance over all axes but
    ``channel_axis``.

    Args:
        w: Weight of a layer, any shape with at least two dimensions.
        channel_axis: Axis of the output maps.
        eps: Added to the variance.
    Returns:
        The shape of ``w``.
    Source: Qiao et al. 2019, "Micro-batch training with batch-channel normalization and weight standardization",
    eq. 2.
    Example:
        >>> w = nn.NdArray.from_numpy_array([[1.0, 3.0], [10.0, 30.0]])
        >>> print(F.weight_standardization(w).data.round(2))
        [[-1.  1.]
         [-1.  1.]]
    """
    return layer_normalization(w, None, None, (channel_axis,), eps)


@weight_standardization.resolve
def _(w: Any, channel_axis: int, eps: float) -> None:
    normalize_axis("weight_standardization", channel_axis, len(w), "channel_axis")
