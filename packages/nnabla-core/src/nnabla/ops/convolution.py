"""Convolution layers: a matrix product over windows.

Three operators are closed under differentiation: a convolution, its adjoint in the input (a deconvolution) and its
adjoint in the weight. The others are written in terms of them, and backends speed up all by three kernels.
"""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.reduction import sum_
from nnabla.ops.spec import Boolean, Float, Int, Shape, per_input
from nnabla.ops.windows import fold, unfold

__all__ = [
    "Geometry",
    "convolution",
    "convolution_weight_gradient",
    "deconvolution",
    "depthwise_convolution",
    "depthwise_deconvolution",
]

GROUP = "Neural Network Layer"


def spatial_default(value: int, extra: int = 2) -> Any:
    """Return the default of a per-dimension argument: ``value`` for each spatial dimension.

    ``extra`` is the number of the weight's dimensions that are not spatial.
    """
    return per_input(lambda x, weight, *_: (value,) * max(len(weight) - extra, 0))


def output_size(n: int, k: int, s: int, d: int, p: int) -> int:
    """Return the number of windows over ``n`` elements padded by ``p`` on both sides."""
    return (n + 2 * p - (d * (k - 1) + 1)) // s + 1


class Geometry:
    """How a convolution's sizes hang together; spatial lists have one entry per dimension.

    Attributes:
        outer: Sizes of the batch dimensions; ``batch`` is their product.
        channels: Channels of the input.
        sizes: Spatial sizes of the input.
        kernel: Spatial sizes of the weight.
        ndim: Number of spatial dimensions.
        rows: First dimension of the weight; ``per_group`` its channels.
    """

    def __init__(self, x: Any, weight: Any, base_axis: int, channel_last: bool) -> None:
        base = base_axis % len(x)
        self.outer = tuple(x[:base])
        self.batch = prod(self.outer)
        rest = tuple(x[base:])
        self.channel_last = channel_last
        self.channels = rest[-1] if channel_last else rest[0]
        self.sizes = rest[:-1] if channel_last else rest[1:]
        self.kernel = tuple(weight[1:-1]) if channel_last else tuple(weight[2:])
        self.rows = weight[0]
        self.per_group = weight[-1] if channel_last else weight[1]
        self.ndim = len(self.sizes)

    def shape(self, channels: int, sizes: Any) -> tuple[int, ...]:
        """Return the shape that users see of ``channels`` of ``sizes``."""
        tail = (*sizes, channels) if self.channel_last else (channels, *sizes)
        return (*self.outer, *tail)

    def first(self, x: Any) -> Any:
        """Return an input as (batch, channels, sizes...)."""
        if self.channel_last:
            x = reshape(x, (self.batch, *self.sizes, self.channels), False)
            return transpose(x, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return reshape(x, (self.batch, self.channels, *self.sizes), False)

    def weight_first(self, weight: Any) -> Any:
        """Return the weight as (rows, channels per group, kernel...)."""
        if self.channel_last:
            return transpose(weight, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return weight

    def weight_back(self, weight: Any) -> Any:
        """The inverse of :meth:`weight_first`."""
        if self.channel_last:
            return transpose(weight, (0, *range(2, 2 + self.ndim), 1))
        return weight

    def maps(self, y: Any, sizes: Any) -> Any:
        """Bring (channels, batch, sizes...) into the layout that users see."""
        spatial = range(2, 2 + self.ndim)
        y = transpose(y, (1, *spatial, 0) if self.channel_last else (1, 0, *spatial))
        channels = y.shape[-1] if self.channel_last else y.shape[1]
        return reshape(y, self.shape(channels, sizes), False)

    def to_maps(self, y: Any, channels: int, sizes: Any) -> Any:
        """The inverse of :meth:`maps`."""
        if self.channel_last:
            y = reshape(y, (self.batch, *sizes, channels), False)
            return transpose(y, (self.ndim + 1, *range(self.ndim + 1)))
        y = reshape(y, (self.batch, channels, *sizes), False)
        return transpose(y, (1, 0, *range(2, 2 + self.ndim)))


def add_bias(y: Any, bias: Any, ndim: int, channel_last: bool) -> Any:
    """Add a value per channel."""
    if bias is None:
        return y
    shape = bias.shape if channel_last else (*bias.shape, *(1,) * ndim)
    return y + reshape(bias, shape, False)


def sum_for_bias(dy: Any, base_axis: int, channel_last: bool) -> Any:
    """The adjoint of :func:`add_bias`; ``base_axis`` counts from the front."""
    channel = len(dy.shape) - 1 if channel_last else base_axis
    return sum_(dy, tuple(a for a in range(len(dy.shape)) if a != channel), False)


# -- checks ------------------------------------------------------------------------------------------------
def check_layer(name: str, x: Any, weight: Any, base_axis: int, extra: int = 2, **spatial: Any) -> None:
    """Raise unless dimensions and per-dimension arguments fit together.

    Args:
        name: The operator.
        x, weight: Shapes.
        base_axis: Number of batch dimensions.
        extra: Dimensions of the weight that are not spatial.
        **spatial: Values per spatial dimension, by name.
    """
    if not -len(x) <= base_axis < len(x):
        raise ShapeError(f"{name}: base_axis={base_axis} is outside the {len(x)} dimensions of x {tuple(x)}")
    ndim = len(x) - base_axis % len(x) - 1
    if ndim < 1 or len(weight) != ndim + extra:
        raise ShapeError(
            f"{name}: x {tuple(x)} has {max(ndim, 0)} spatial dimensions after base_axis={base_axis} "
            f"and the channel, but weight {tuple(weight)} has {max(len(weight) - extra, 0)}"
        )
    for key, value in spatial.items():
        if len(value) != ndim:
            raise ShapeError(f"{name}: {key}={tuple(value)} needs one entry for each of {ndim} spatial dimensions")
        least = 0 if "pad" in key else 1
        if min(value) < least:
            raise ShapeError(f"{name}: {key}={tuple(value)} must be {least} or more")


def check_bias(name: str, bias: Any, maps: int) -> None:
    """Raise unless the bias has one value per output map."""
    if bias is not None and tuple(bias) != (maps,):
        raise ShapeError(f"{name}: bias {tuple(bias)} must be ({maps},), one value per output map")


def check_fit(name: str, sizes: Any, kernel: Any, stride: Any, dilation: Any, pad: Any) -> None:
    """Raise unless at least one window fits in each dimension."""
    for n, k, s, d, p in zip(sizes, kernel, stride, dilation, pad):
        if output_size(n, k, s, d, p) < 1:
            raise ShapeError(
                f"{name}: a kernel of {k} with dilation {d} does not fit into {n} elements padded by "
                f"{p} on both sides; make pad larger or the kernel smaller"
            )


def _check_group(name: str, group: int, channels: int, what: str) -> None:
    if group < 1 or channels % group:
        raise ShapeError(f"{name}: group={group} must divide {what}, which is {channels}")


# -- convolution ----------------------------------------------------------------------------------------------
@operator("Convolution", group=GROUP, parameters=("weight", "bias"))
def convolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    channel_last: Boolean = False,
) -> Any:
    """Convolution over any number of spatial dimensions (cross-correlation, as in all frameworks).

    Args:
        x: Batch dimensions, then (C, spatial...), or (spatial..., C) with ``channel_last``.
        weight: (M, C / group, kernel...), or (M, kernel..., C / group) with ``channel_last``.
        bias: (M,), optional.
        base_axis: Number of batch dimensions.
        pad: Zeros before and after each spatial dimension.
        stride: Step of the windows.
        dilation: Distance between a window's elements.
        group: Number of groups; channels and maps are split among them.
        channel_last: The channel is the last dimension.
    Returns:
        Batch dimensions, then (M, out...) (or channel last), with
        out = (n + 2 pad - dilation (k - 1) - 1) // stride + 1.
    """
    g = Geometry(x.shape, weight.shape, base_axis, channel_last)
    out = tuple(map(output_size, g.sizes, g.kernel, stride, dilation, pad))
    taps, spots = g.per_group * prod(g.kernel), g.batch * prod(out)
    columns = unfold(g.first(x), g.kernel, stride, dilation, pad, out)
    columns = reshape(columns, (group, taps, spots), False)
    matrix = reshape(g.weight_first(weight), (group, g.rows // group, taps), False)
    y = reshape(batch_matmul(matrix, columns), (g.rows, g.batch, *out), False)
    return add_bias(g.maps(y, out), bias, g.ndim, channel_last)


@convolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
) -> None:
    check_layer("convolution", x, weight, base_axis, pad=pad, stride=stride, dilation=dilation)
    g = Geometry(x, weight, base_axis, channel_last)
    _check_group("convolution", group, weight[0], "weight's output maps")
    if g.per_group * group != g.channels:
        raise ShapeError(
            f"convolution: weight {tuple(weight)} has {g.per_group} input channels per group but x "
            f"{tuple(x)} gives {g.channels} with group={group}; make weight's channels "
            f"{g.channels // group} or pass another group"
        )
    check_fit("convolution", g.sizes, g.kernel, stride, dilation, pad)
    check_bias("convolution", bias, weight[0])


@convolution.gradient
def _(
    x: Any,
    weight: Any,
    bias_shape: Any,
    dy: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
) -> Any:
    base = base_axis % len(x.shape)
    g = Geometry(x.shape, weight.shape, base, channel_last)
    dx = _adjoint(g.sizes, dy, weight, base, pad, stride, dilation, group, channel_last)
    args = (g.kernel, base, pad, stride, dilation, group, channel_last)
    dw = convolution_weight_gradient(x, dy, *args)
    db = None if bias_shape is None else sum_for_bias(dy, base, channel_last)
    return dx, dw, db


def _adjoint(
    sizes: Any,
    dy: Any,
    weight: Any,
    base: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
) -> Any:
    """Return the gradient of a convolution over ``sizes`` with respect to its input."""
    g = Geometry(dy.shape, weight.shape, base, channel_last)
    least = _deconvolved(g, pad, stride, dilation, (0,) * g.ndim)
    rest = tuple(n - m for n, m in zip(sizes, least))
    return deconvolution(dy, weight, None, base, pad, stride, dilation, group, channel_last, rest)


# -- deconvolution --------------------------------------------------------------------------------------------
def _deconvolved(g: Geometry, pad: Any, stride: Any, dilation: Any, output_padding: Any) -> Any:
    """Return the spatial sizes of a deconvolution's output."""
    return tuple(
        s * (n - 1) + d * (k - 1) + 1 - 2 * p + q
        for n, k, s, d, p, q in zip(g.sizes, g.kernel, stride, dilation, pad, output_padding)
    )


@operator("Deconvolution", group=GROUP, parameters=("weight", "bias"))
def deconvolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    channel_last: Boolean = False,
    output_padding: Shape = spatial_default(0),
) -> Any:
    """Transposed convolution: each input element adds the kernel, scaled, to the output.

    It is the gradient of :func:`convolution`, with the same arguments, with respect to its input.

    Args:
        x: Batch dimensions, then (C, spatial...), or (spatial..., C) with ``channel_last``.
        weight: (C, M / group, kernel...), or (C, kernel..., M / group) with ``channel_last``.
        bias: (M,), optional.
        base_axis: Number of batch dimensions.
        pad: Elements cut off before and after each spatial dimension of the output.
        stride: Distance of the kernel's copies in the output.
        dilation: Distance between the kernel's elements.
        group: Number of groups; channels and maps are split among them.
        channel_last: The channel is the last dimension.
        output_padding: Elements added after each spatial dimension of the output; less than ``stride`` or
            ``dilation``.
    Returns:
        Batch dimensions, then (M, out...) (or channel last), with
        out = stride (n - 1) + dilation (k - 1) + 1 - 2 pad + output_padding.
    """
    g = Geometry(x.shape, weight.shape, base_axis, channel_last)
    out = _deconvolved(g, pad, stride, dilation, output_padding)
    taps, spots = g.per_group * prod(g.kernel), g.batch * prod(g.sizes)
    rows = reshape(g.to_maps(x, g.channels, g.sizes), (group, g.rows // group, spots), False)
    matrix = reshape(g.weight_first(weight), (group, g.rows // group, taps), False)
    columns = batch_matmul(matrix, rows, True, False)
    maps = g.per_group * group
    columns = reshape(columns, (maps, prod(g.kernel), g.batch, *g.sizes), False)
    y = fold(columns, g.kernel, stride, dilation, pad, out)
    if channel_last:
        y = transpose(y, (0, *range(2, 2 + g.ndim), 1))
    return add_bias(reshape(y, g.shape(maps, out), False), bias, g.ndim, channel_last)


@deconvolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
    output_padding: Any,
) -> None:
    name = "deconvolution"
    check_layer(
        name,
        x,
        weight,
        base_axis,
        pad=pad,
        stride=stride,
        dilation=dilation,
        output_padding=output_padding,
    )
    g = Geometry(x, weight, base_axis, channel_last)
    _check_group(name, group, g.channels, "the channels of x")
    if g.rows != g.channels:
        raise ShapeError(
            f"deconvolution: weight {tuple(weight)} takes {g.rows} channels but x {tuple(x)} has "
            f"{g.channels}; make weight's first dimension {g.channels}"
        )
    for q, s, d in zip(output_padding, stride, dilation):
        if q >= max(s, d):
            raise ShapeError(
                f"deconvolution: output_padding={tuple(output_padding)} must be less than stride="
                f"{tuple(stride)} or dilation={tuple(dilation)} in each dimension"
            )
    out = _deconvolved(g, pad, stride, dilation, output_padding)
    if min(out) < 1:
        raise ShapeError(
            f"deconvolution: pad={tuple(pad)} leaves nothing of the output: its spatial sizes would "
            f"be {out}; make pad smaller"
        )
    check_bias(name, bias, g.per_group * group)


@deconvolution.gradient
def _(
    x: Any,
    weight: Any,
    bias_shape: Any,
    dy: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
) -> Any:
    base = base_axis % len(x.shape)
    g = Geometry(x.shape, weight.shape, base, channel_last)
    args = (base, pad, stride, dilation, group, channel_last)
    dx = _windows_of(g.sizes, convolution(dy, weight, None, *args), base, channel_last)
    dw = convolution_weight_gradient(dy, x, g.kernel, *args)
    db = None if bias_shape is None else sum_for_bias(dy, base, channel_last)
    return dx, dw, db


def _windows_of(sizes: Any, y: Any, base: int, channel_last: bool) -> Any:
    """Leave out windows that exist only because of an output padding beyond the stride."""
    at = base if channel_last else base + 1
    found = y.shape[at : at + len(sizes)]
    if tuple(found) == tuple(sizes):
        return y
    from nnabla.ops import slice as slice_

    stop = list(y.shape)
    stop[at : at + len(sizes)] = sizes
    return slice_(y, (0,) * len(stop), tuple(stop), (1,) * len(stop))


# -- gradient with respect to the weight ----------------------------------------------------------------------
@operator("ConvolutionWeightGradient", internal=True, outputs="dw")
def convolution_weight_gradient(
    x: Float,
    dy: Float,
    kernel: Shape,
    base_axis: Int,
    pad: Shape,
    stride: Shape,
    dilation: Shape,
    group: Int,
    channel_last: Boolean,
) -> Any:
    """The gradient of a convolution with respect to its weight: products of windows with output gradients.

    Args:
        x: The convolution's input.
        dy: Gradient of its output; it may have fewer windows than fit into ``x``.
        kernel: Spatial sizes of the weight.
        base_axis, pad, stride, dilation, group, channel_last: Those of the convolution.
    Returns:
        The shape of the weight.
    """
    base = base_axis % len(x.shape)
    of_dy = Geometry(dy.shape, (1, *(1,) * len(kernel), 1), base, channel_last)
    rows, out = of_dy.channels, of_dy.sizes
    channels = x.shape[-1] if channel_last else x.shape[base]
    per_group = channels // group
    weight = (rows, *kernel, per_group) if channel_last else (rows, per_group, *kernel)
    g = Geometry(x.shape, weight, base, channel_last)
    taps, spots = per_group * prod(kernel), g.batch * prod(out)
    columns = unfold(g.first(x), g.kernel, stride, dilation, pad, out)
    columns = reshape(columns, (group, taps, spots), False)
    seeds = reshape(g.to_maps(dy, rows, out), (group, rows // group, spots), False)
    dw = reshape(batch_matmul(seeds, columns, False, True), (rows, per_group, *kernel), False)
    return g.weight_back(dw)


@convolution_weight_gradient.gradient
def _(
    x: Any,
    dy: Any,
    ddw: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
) -> Any:
    base = base_axis % len(x.shape)
    args = (base, pad, stride, dilation, group, channel_last)
    at = base if channel_last else base + 1
    ndim = len(dy.shape) - base - 1
    dx = _adjoint(x.shape[at : at + ndim], dy, ddw, *args)
    ddy = convolution(x, ddw, None, *args)
    return dx, _windows_of(dy.shape[at : at + ndim], ddy, base, channel_last)


# -- channel by channel ---------------------------------------------------------------------------------------
@operator("DepthwiseConvolution", group=GROUP, parameters=("weight", "bias"))
def depthwise_convolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0, 1),
    stride: Shape = spatial_default(1, 1),
    dilation: Shape = spatial_default(1, 1),
    multiplier: Int = 1,
) -> Any:
    """Convolution of each channel by itself.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (C * multiplier, kernel...); map ``m`` is made of channel ``m // multiplier``.
        bias: (C * multiplier,), optional.
        base_axis: Number of batch dimensions.
        pad: Zeros before and after each spatial dimension.
        stride: Step of the windows.
        dilation: Distance between a window's elements.
        multiplier: Number of maps per channel.
    Returns:
        Batch dimensions, then (C * multiplier, out...), sizes as of :func:`convolution`.
    Source: Chollet 2017, "Xception: deep learning with depthwise separable convolutions".
    """
    channels = x.shape[base_axis % len(x.shape)]
    kernel = reshape(weight, (weight.shape[0], 1, *weight.shape[1:]), False)
    return convolution(x, kernel, bias, base_axis, pad, stride, dilation, channels)


@depthwise_convolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    multiplier: int,
) -> None:
    name = "depthwise_convolution"
    check_layer(name, x, weight, base_axis, 1, pad=pad, stride=stride, dilation=dilation)
    base = base_axis % len(x)
    if weight[0] != x[base] * multiplier:
        raise ShapeError(
            f"{name}: weight {tuple(weight)} gives {weight[0]} maps, but x {tuple(x)} has {x[base]} "
            f"channels, times multiplier={multiplier}; make weight's first dimension "
            f"{x[base] * multiplier}"
        )
    check_fit(name, x[base + 1 :], weight[1:], stride, dilation, pad)
    check_bias(name, bias, weight[0])


@operator("DepthwiseDeconvolution", group=GROUP, parameters=("weight", "bias"))
def depthwise_deconvolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0, 1),
    stride: Shape = spatial_default(1, 1),
    dilation: Shape = spatial_default(1, 1),
    divisor: Int = 1,
) -> Any:
    """Transposed convolution of each channel by itself, the adjoint of :func:`depthwise_convolution`.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (C, kernel...).
        bias: (C / divisor,), optional.
        base_axis: Number of batch dimensions.
        pad: Elements cut off before and after each spatial dimension of the output.
        stride: Distance of the kernel's copies in the output.
        dilation: Distance between the kernel's elements.
        divisor: Number of channels that are summed to one map.
    Returns:
        Batch dimensions, then (C / divisor, out...), sizes as of :func:`deconvolution`.
    """
    channels = x.shape[base_axis % len(x.shape)]
    kernel = reshape(weight, (weight.shape[0], 1, *weight.shape[1:]), False)
    group = channels // divisor
    return deconvolution(x, kernel, bias, base_axis, pad, stride, dilation, group)


@depthwise_deconvolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    divisor: int,
) -> None:
    name = "depthwise_deconvolution"
    check_layer(name, x, weight, base_axis, 1, pad=pad, stride=stride, dilation=dilation)
    channels = x[base_axis % len(x)]
    if weight[0] != channels:
        raise ShapeError(
            f"{name}: weight {tuple(weight)} takes {weight[0]} channels but x {tuple(x)} has "
            f"{channels}; make weight's first dimension {channels}"
        )
    if divisor < 1 or channels % divisor:
        raise ShapeError(f"{name}: divisor={divisor} must divide the {channels} channels of x")
    check_bias(name, bias, channels // divisor)
