"""Convolution layers: a matrix product over windows.

Three operators are closed under differentiation: a convolution, its adjoint in the input (a deconvolution) and its
adjoint in the weight. The others are written in terms of them, and backends speed up all by three kernels.
"""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.geometry import (
    Geometry,
    add_bias,
    check_bias,
    check_fit,
    check_group,
    check_layer,
    deconvolved,
    output_size,
    spatial_default,
    sum_for_bias,
)
from nnabla.ops.internal import zeros
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.slicing import slice_
from nnabla.ops.spec import Boolean, Float, Int, Shape
from nnabla.ops.windows import fold, unfold

__all__ = ["convolution", "convolution_weight_gradient", "deconvolution"]

GROUP = "Neural Network Layer"


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

    :math:`y_{m,o} = b_m + \\sum_c \\sum_k W_{m,c,k} \\, x_{c,\\, s o + d k - p}`

    For each sample; o and k are positions in the output and in the kernel, s is the stride, d the dilation, p the
    padding, and c goes over the channels of the map's group. Elements outside of the input are 0.

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
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> weight = nn.NdArray.from_numpy_array([[[[0.0, 1.0], [1.0, 0.0]]]])
        >>> print(F.convolution(x, weight).data[0, 0])
        [[ 5.  7.  9.]
         [13. 15. 17.]
         [21. 23. 25.]]
        >>> print(F.convolution(x, weight, pad=(1, 1), stride=(2, 2)).shape)
        (1, 1, 3, 3)
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
    check_group("convolution", group, weight[0], "weight's output maps")
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
    least = deconvolved(g, pad, stride, dilation, (0,) * g.ndim)
    rest = tuple(n - m for n, m in zip(sizes, least))
    return deconvolution(dy, weight, None, base, pad, stride, dilation, group, channel_last, rest)


# -- deconvolution --------------------------------------------------------------------------------------------
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

    It is the gradient of :func:`convolution`, with the same arguments, with respect to its input:

    :math:`y_{m,j} = b_m + \\sum_c \\sum_{(i, k):\\, s i + d k - p = j} W_{c,m,k} \\, x_{c,i}`

    where s is the stride, d the dilation, and p the padding.

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
    Source: Zeiler, Krishnan, Taylor, Fergus 2010, "Deconvolutional networks".
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> weight = nn.NdArray.from_numpy_array(np.ones((1, 1, 2, 2)))
        >>> print(F.deconvolution(x, weight, stride=(2, 2)).data[0, 0])
        [[1. 1. 2. 2.]
         [1. 1. 2. 2.]
         [3. 3. 4. 4.]
         [3. 3. 4. 4.]]
    """
    g = Geometry(x.shape, weight.shape, base_axis, channel_last)
    out = deconvolved(g, pad, stride, dilation, output_padding)
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
    check_group(name, group, g.channels, "the channels of x")
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
    out = deconvolved(g, pad, stride, dilation, output_padding)
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
    if 0 in g.sizes:
        # Of no window there is nothing to compute, and the kernel may be larger than what it would slide over.
        dx, dw = zeros(x.shape), zeros(weight.shape)
    else:
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
