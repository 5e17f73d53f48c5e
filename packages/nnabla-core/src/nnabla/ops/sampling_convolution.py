"""Convolutions that sample their input at places, or with kernels, that the network itself computes."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.geometry import (
    Geometry,
    add_bias,
    check_bias,
    check_fit,
    check_layer,
    output_size,
    spatial_default,
)
from nnabla.ops.internal import iota
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.reduction import sum_
from nnabla.ops.scatter import take_rows
from nnabla.ops.slicing import pad as pad_
from nnabla.ops.slicing import slice_
from nnabla.ops.spec import Boolean, Float, Int, Shape
from nnabla.ops.windows import unfold

__all__ = ["adaptive_separable_convolution", "corners", "deformable_convolution"]

GROUP = "Neural Network Layer"


@operator(
    "Corners", internal=True, differentiable=False, outputs=("i00:index, i01:index, i10:index, i11:index, top, left")
)
def corners(h: Float, w: Float, height: Int, width: Int) -> Any:
    """The four elements around positions in images that have two zeros on every side.

    Args:
        h, w: (images, positions), counted without the zeros.
        height, width: Size of the images without the zeros.
    Returns:
        Flat numbers of the elements above left, above right, below left and below right over all images, each
        (images, positions); and row and column of the first, without the zeros. Positions far outside lie
        between zeros.
    """


@corners.shape
def _(h: Any, w: Any, height: int, width: int) -> Any:
    return [h] * 6


@corners.reference
def _(xp: Any, h: Any, w: Any, height: int, width: int, dtype: Any) -> Any:
    # A position right on the first zero counts as before it: its slope is 0, as farther outside.
    top = xp.floor(xp.clip(h, -2.0, float(height))) - xp.astype(h == -1, h.dtype)
    left = xp.floor(xp.clip(w, -2.0, float(width))) - xp.astype(w == -1, w.dtype)
    rows, columns = xp.astype(top, dtype) + 2, xp.astype(left, dtype) + 2
    stride = width + 4
    image = xp.reshape(xp.arange(h.shape[0], dtype=dtype), (h.shape[0], 1))
    first = (image * (height + 4) + rows) * stride + columns
    return first, first + 1, first + stride, first + stride + 1, top, left


@operator(
    "DeformableConvolution", group=GROUP, parameters=("weight", "bias"), depends=("x", "weight", "offset", "mask")
)
def deformable_convolution(
    x: Float,
    weight: Float,
    offset: Float,
    mask: Float | None = None,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    deformable_group: Int = 1,
    channel_last: Boolean = False,
) -> Any:
    """Convolution of images whose windows' elements are shifted, each by an offset of its own.

    Values between the pixels are interpolated bilinearly; outside there are zeros. The offsets have the sizes of the
    input; with a stride those at multiples of it count.

    :math:`y_{m,o} = b_m + \\sum_{c,k} W_{m,c,k} \\, \\mu_{k,o} \\, x_c(s o + d k - p + \\delta_{k,o})`, where
    :math:`\\delta` are the offsets and :math:`\\mu` is the mask; the rest as of :func:`convolution`.

    Args:
        x: Batch dimensions, then (C, H, W), or (H, W, C) with ``channel_last``.
        weight: (M, C / group, kernel...), or (M, kernel..., C / group) with ``channel_last``.
        offset: As ``x`` with 2 * deformable_group * (elements of the kernel) channels: for each element of the
            kernel its shift down and to the right.
        mask: As ``x`` with deformable_group * (elements of the kernel) channels: factors of the samples. Optional.
        bias: (M,), optional.
        base_axis: Number of batch dimensions.
        pad, stride, dilation, group, channel_last: As of :func:`convolution`.
        deformable_group: Number of groups of channels with offsets of their own.
    Returns:
        Batch dimensions, then (M, out...) (or channel last), sizes as of :func:`convolution`.
    Source: Zhu et al. 2018, "Deformable ConvNets v2", eq. 1.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(9.0).reshape(1, 1, 3, 3))
        >>> weight = nn.NdArray.from_numpy_array(np.ones((1, 1, 1, 1)))
        >>> offset = np.zeros((1, 2, 3, 3))
        >>> offset[:, 1] = 0.5  # half a pixel to the right
        >>> mask = nn.NdArray.from_numpy_array(np.ones((1, 1, 3, 3)))
        >>> offset = nn.NdArray.from_numpy_array(offset)
        >>> print(F.deformable_convolution(x, weight, offset, mask).data[0, 0])
        [[0.5 1.5 1. ]
         [3.5 4.5 2.5]
         [6.5 7.5 4. ]]
    """
    g = Geometry(x.shape, weight.shape, base_axis, channel_last)
    out = tuple(map(output_size, g.sizes, g.kernel, stride, dilation, pad))
    taps, images = prod(g.kernel), g.batch * deformable_group
    per_image = g.channels // deformable_group
    shape = (g.batch, deformable_group, *g.kernel)
    shifts = reshape(_at_windows(offset, x, g, stride, out), (*shape, 2, *out), False)
    h = _positions(shifts, 0, g, out, stride, dilation, pad)
    w = _positions(shifts, 1, g, out, stride, dilation, pad)
    *index, top, left = corners(h, w, *g.sizes)
    below, right = h - top, w - left
    factors = ((1.0 - below) * (1.0 - right), (1.0 - below) * right, below * (1.0 - right), below * right)
    padded = pad_(g.first(x), (2, 2, 2, 2), "constant", 0.0)
    elements = (g.sizes[0] + 4) * (g.sizes[1] + 4)
    rows = reshape(padded, (images, per_image, elements), False)
    rows = reshape(transpose(rows, (0, 2, 1)), (images * elements, per_image), False)
    if mask is not None:
        factor = reshape(_at_windows(mask, x, g, stride, out), h.shape, False)
        factors = tuple(f * factor for f in factors)
    sampled = None
    for at, factor in zip(index, factors):
        term = take_rows(rows, at) * reshape(factor, (*h.shape, 1), False)
        sampled = term if sampled is None else sampled + term
    columns = reshape(sampled, (g.batch, deformable_group, taps, prod(out), per_image), False)
    columns = transpose(columns, (1, 4, 2, 0, 3))
    columns = reshape(columns, (group, g.per_group * taps, g.batch * prod(out)), False)
    matrix = reshape(g.weight_first(weight), (group, g.rows // group, g.per_group * taps), False)
    y = reshape(batch_matmul(matrix, columns), (g.rows, g.batch, *out), False)
    return add_bias(g.maps(y, out), bias, g.ndim, channel_last)


def _at_windows(value: Any, x: Any, g: Geometry, stride: Any, out: Any) -> Any:
    """Return (batch, channels, out...) of offsets or masks, which have the sizes of the input."""
    channels = value.shape[-1] if g.channel_last else value.shape[len(g.outer)]
    if g.channel_last:
        value = transpose(reshape(value, (g.batch, *g.sizes, channels), False), (0, 3, 1, 2))
    value = reshape(value, (g.batch, channels, *g.sizes), False)
    stop = (g.batch, channels, *((o - 1) * s + 1 for o, s in zip(out, stride)))
    return slice_(value, (0, 0, 0, 0), stop, (1, 1, *stride))


def _positions(shifts: Any, axis: int, g: Geometry, out: Any, stride: Any, dilation: Any, pad: Any) -> Any:
    """Return rows (``axis`` 0) or columns (1) of all samples: (images, taps * positions)."""
    start, stop = [0] * 7, list(shifts.shape)
    start[4], stop[4] = axis, axis + 1
    part = slice_(shifts, tuple(start), tuple(stop), (1,) * 7)
    lead = shifts.shape[:2]
    part = reshape(part, (*lead, *g.kernel, *out), False)
    of_tap, of_window = [1] * 6, [1] * 6
    of_tap[2 + axis], of_window[4 + axis] = g.kernel[axis], out[axis]
    base = reshape(iota(g.kernel[axis], "float") * float(dilation[axis]), tuple(of_tap), False)
    window = iota(out[axis], "float") * float(stride[axis]) - float(pad[axis])
    part = part + (base + reshape(window, tuple(of_window), False))
    return reshape(part, (prod(lead), prod(g.kernel) * prod(out)), False)


@deformable_convolution.resolve
def _(
    x: Any,
    weight: Any,
    offset: Any,
    mask: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    deformable_group: int,
    channel_last: bool,
) -> None:
    name = "deformable_convolution"
    check_layer(name, x, weight, base_axis, pad=pad, stride=stride, dilation=dilation)
    g = Geometry(x, weight, base_axis, channel_last)
    if g.ndim != 2:
        raise ShapeError(f"{name}: x {tuple(x)} must have 2 spatial dimensions, not {g.ndim}")
    if group < 1 or g.rows % group or g.per_group * group != g.channels:
        raise ShapeError(
            f"{name}: weight {tuple(weight)} does not fit the {g.channels} channels of x {tuple(x)} with group={group}"
        )
    if deformable_group < 1 or g.channels % deformable_group:
        raise ArgumentError(f"{name}: deformable_group={deformable_group} must divide the {g.channels} channels of x")
    check_fit(name, g.sizes, g.kernel, stride, dilation, pad)
    out = tuple(map(output_size, g.sizes, g.kernel, stride, dilation, pad))
    if any((o - 1) * s >= n for o, s, n in zip(out, stride, g.sizes)):
        raise ShapeError(
            f"{name}: pad={tuple(pad)} gives more windows {out} than there are offsets, which have the "
            f"sizes {g.sizes} of x; make pad smaller"
        )
    taps = deformable_group * prod(g.kernel)
    for key, shape, channels in (("offset", offset, 2 * taps), ("mask", mask, taps)):
        expected = g.shape(channels, g.sizes)
        if shape is not None and tuple(shape) != expected:
            raise ShapeError(f"{name}: {key} {tuple(shape)} must be {expected} for x {tuple(x)}")
    check_bias(name, bias, g.rows)


@operator("AdaptiveSeparableConvolution", group=GROUP)
def adaptive_separable_convolution(x: Float, vertical_kernel: Float, horizontal_kernel: Float) -> Any:
    """Convolution of images with a separable kernel for each position.

    :math:`y_{n,c,i,j} = \\sum_{k,l} V_{n,k,i,j} H_{n,l,i,j} \\, x_{n,c,i+k,j+l}`

    Args:
        x: (N, C, H, W).
        vertical_kernel: (N, K_v, H - K_v + 1, W - K_h + 1).
        horizontal_kernel: (N, K_h, H - K_v + 1, W - K_h + 1).
    Returns:
        (N, C, H - K_v + 1, W - K_h + 1).
    Source: Niklaus, Mai, Liu 2017, "Video frame interpolation via adaptive separable convolution".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(9.0).reshape(1, 1, 3, 3))
        >>> vertical = nn.NdArray.from_numpy_array(np.ones((1, 2, 2, 2)))
        >>> horizontal = nn.NdArray.from_numpy_array(np.full((1, 2, 2, 2), 0.5))
        >>> print(F.adaptive_separable_convolution(x, vertical, horizontal).data[0, 0])
        [[ 4.  6.]
         [10. 12.]]
    """
    samples, channels = x.shape[:2]
    rows, columns = vertical_kernel.shape[1], horizontal_kernel.shape[1]
    out = vertical_kernel.shape[2:]
    windows = unfold(x, (rows, columns), (1, 1), (1, 1), (0, 0), out)
    windows = reshape(windows, (channels, rows, columns, samples, *out), False)
    vertical = reshape(transpose(vertical_kernel, (1, 0, 2, 3)), (rows, 1, samples, *out), False)
    horizontal = transpose(horizontal_kernel, (1, 0, 2, 3))
    inner = sum_(windows * horizontal, (2,), True)
    return transpose(sum_(inner * vertical, (1, 2), False), (1, 0, 2, 3))


@adaptive_separable_convolution.resolve
def _(x: Any, vertical_kernel: Any, horizontal_kernel: Any) -> None:
    name = "adaptive_separable_convolution"
    if len(x) != 4 or len(vertical_kernel) != 4 or len(horizontal_kernel) != 4:
        raise ShapeError(
            f"{name}: x {tuple(x)}, vertical_kernel {tuple(vertical_kernel)} and horizontal_kernel "
            f"{tuple(horizontal_kernel)} must have 4 dimensions"
        )
    sizes = (x[2] - vertical_kernel[1] + 1, x[3] - horizontal_kernel[1] + 1)
    for key, shape in (("vertical_kernel", vertical_kernel), ("horizontal_kernel", horizontal_kernel)):
        expected = (x[0], shape[1], *sizes)
        if tuple(shape) != expected or min(sizes) < 1:
            raise ShapeError(f"{name}: {key} {tuple(shape)} must be {expected} for x {tuple(x)}")
