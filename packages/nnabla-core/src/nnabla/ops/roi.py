"""Pooling of regions of images."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import operator
from nnabla.ops.scatter import IndexRangeError, add_rows
from nnabla.ops.spec import Boolean, Float, Floats, Int, Shape, per_input

__all__ = ["roi_align", "roi_align_gradient"]


@operator("RoiAlign", group="Neural Network Layer", depends=("input", "boxes", "y"))
def roi_align(
    input: Float,
    boxes: Float,
    output_size: Shape,
    spatial_scale: Floats = (1.0, 1.0),
    sampling_ratio: Int = per_input(lambda *_: -1),
    channel_last: Boolean = per_input(lambda *_: False),
) -> Any:
    """Regions of images, each divided into the same number of cells: averages of interpolated samples.

    A box is a rectangle of real coordinates, in which the centre of pixel i is at i + 0.5. Each of its cells is
    sampled at the points of a regular grid by bilinear interpolation; samples more than a pixel outside are 0.

    :math:`y_{r,c,q} = \\frac{1}{|G_q|} \\sum_{g \\in G_q} x_c(g)`, where :math:`G_q` is the grid of cell q in box
    r.

    Args:
        input: (N, C, H, W), or (N, H, W, C) with ``channel_last``.
        boxes: (R, 5): number of the image, then left, top, right and bottom. It gets no gradient.
        output_size: Number of cells down and across.
        spatial_scale: Factors of the boxes' vertical and horizontal coordinates.
        sampling_ratio: Points along each side of a cell; 0 or less for one per pixel, rounded up.
        channel_last: The channel is the last dimension.
    Returns:
        (R, C, cells...), or (R, cells..., C) with ``channel_last``.
    Source: He et al. 2017, "Mask R-CNN", section 3.
    Example:
        >>> input = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> boxes = nn.NdArray.from_numpy_array([[0.0, 0.0, 0.0, 4.0, 2.0]])  # of image 0: left, top, right, bottom
        >>> print(F.roi_align(input, boxes, (1, 2)).data.round(4))
        [[[[2.5 4.5]]]]
    """


@roi_align.shape
def _(
    input: Any,
    boxes: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> Any:
    return _shape(input[-1] if channel_last else input[1], boxes, output_size, channel_last)


def _shape(channels: int, boxes: Any, cells: Any, channel_last: bool) -> tuple[int, ...]:
    return (boxes[0], *cells, channels) if channel_last else (boxes[0], channels, *cells)


@roi_align.resolve
def _(
    input: Any,
    boxes: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> None:
    if len(input) != 4 or len(boxes) != 2 or boxes[1] != 5:
        raise ShapeError(
            f"roi_align: input {tuple(input)} must have 4 dimensions and boxes {tuple(boxes)} be (number, 5)"
        )
    if 0 in (input[1:3] if channel_last else input[2:]):
        raise ShapeError(f"roi_align: input {tuple(input)} has no pixels")
    if len(output_size) != 2 or len(spatial_scale) != 2 or min(output_size) < 1:
        raise ShapeError(
            f"roi_align: output_size={tuple(output_size)} and spatial_scale={tuple(spatial_scale)} must have "
            "2 entries, cells 1 or more"
        )


def _grid(xp: Any, start: Any, size: Any, cells: int, length: int, ratio: int) -> tuple[Any, Any]:
    """Return pixels and their weights along one axis: (R, cells, 2 * points) each."""
    rois = start.shape[0]
    side = size / cells
    points = xp.full_like(start, float(ratio)) if ratio > 0 else xp.ceil(side)
    points = xp.where(points > 0, points, xp.zeros_like(points))
    most = max(int(xp.max(points)), 1) if rois else 1
    safe = xp.reshape(xp.where(points > 0, points, xp.ones_like(points)), (rois, 1, 1))
    number = xp.reshape(xp.arange(most, dtype=start.dtype), (1, 1, most))
    cell = xp.reshape(xp.arange(cells, dtype=start.dtype), (1, cells, 1))
    start, side = xp.reshape(start, (rois, 1, 1)), xp.reshape(side, (rois, 1, 1))
    at = start + (cell + (number + 0.5) / safe) * side
    counts = (number < xp.reshape(points, (rois, 1, 1))) & (at >= -1.0) & (at <= float(length))
    weight = xp.astype(counts, at.dtype) / safe
    at = xp.clip(at, 0.0, float(length - 1))
    first = xp.floor(at)
    fraction = at - first
    index = xp.astype(first, xp.int64)
    after = xp.where(index + 1 < length, index + 1, index)
    weights = xp.concat((weight * (1.0 - fraction), weight * fraction), axis=2)
    return xp.concat((index, after), axis=2), weights


def _samples(xp: Any, boxes: Any, images: int, sizes: Any, cells: Any, scale: Any, ratio: int) -> tuple[Any, Any]:
    """Return numbers of pixels over all images and their weights: (R, down, points, across, points) each."""
    if boxes.shape[0] and not bool(xp.all(xp.isfinite(boxes))):
        raise ArgumentError("roi_align: boxes holds NaN or infinity; its rows are image, left, top, right, bottom")
    if boxes.shape[0] and (float(xp.min(boxes[:, 0])) < 0 or float(xp.max(boxes[:, 0])) >= images):
        raise IndexRangeError(
            f"roi_align: boxes name images {float(xp.min(boxes[:, 0])):g} to {float(xp.max(boxes[:, 0])):g}, but input "
            f"has {images}"
        )
    left, top = boxes[:, 1] * scale[1] - 0.5, boxes[:, 2] * scale[0] - 0.5
    right, bottom = boxes[:, 3] * scale[1] - 0.5, boxes[:, 4] * scale[0] - 0.5
    rows, down = _grid(xp, top, bottom - top, cells[0], sizes[0], ratio)
    columns, across = _grid(xp, left, right - left, cells[1], sizes[1], ratio)
    image = xp.reshape(xp.astype(boxes[:, 0], xp.int64), (-1, 1, 1, 1, 1))
    rows, columns = rows[:, :, :, None, None], columns[:, None, None, :, :]
    index = (image * sizes[0] + rows) * sizes[1] + columns
    return index, down[:, :, :, None, None] * across[:, None, None, :, :]


@roi_align.reference
def _(
    xp: Any,
    input: Any,
    boxes: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> Any:
    x = input if channel_last else xp.permute_dims(input, (0, 2, 3, 1))
    channels = x.shape[3]
    sizes = x.shape[1:3]
    index, weights = _samples(xp, boxes, x.shape[0], sizes, output_size, spatial_scale, sampling_ratio)
    rows = xp.reshape(x, (x.shape[0] * sizes[0] * sizes[1], channels))
    taken = xp.reshape(xp.take(rows, xp.reshape(index, (-1,)), axis=0), (*index.shape, channels))
    y = xp.sum(taken * weights[..., None], axis=(2, 4))
    return y if channel_last else xp.permute_dims(y, (0, 3, 1, 2))


@roi_align.gradient
def _(
    input_shape: Any,
    boxes: Any,
    dy: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> Any:
    args = (output_size, spatial_scale, sampling_ratio, channel_last)
    return roi_align_gradient(dy, boxes, input_shape, *args), None


@operator("RoiAlignGradient", internal=True, outputs="dx")
def roi_align_gradient(
    dy: Float,
    boxes: Float,
    shape: Shape,
    output_size: Shape,
    spatial_scale: Floats,
    sampling_ratio: Int,
    channel_last: Boolean,
) -> Any:
    """The gradient of :func:`roi_align` with respect to its input of ``shape``."""


@roi_align_gradient.shape
def _(dy: Any, boxes: Any, shape: Any, **_: Any) -> Any:
    return shape


@roi_align_gradient.reference
def _(
    xp: Any,
    dy: Any,
    boxes: Any,
    shape: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> Any:
    dy = dy if channel_last else xp.permute_dims(dy, (0, 2, 3, 1))
    n, *sizes, channels = shape if channel_last else (shape[0], *shape[2:], shape[1])
    index, weights = _samples(xp, boxes, n, sizes, output_size, spatial_scale, sampling_ratio)
    parts = dy[:, :, None, :, None, :] * weights[..., None]
    add = add_rows.reference_kernel
    assert add is not None
    dx = xp.reshape(add(xp, parts, index, n * sizes[0] * sizes[1]), (n, *sizes, channels))
    return dx if channel_last else xp.permute_dims(dx, (0, 3, 1, 2))


@roi_align_gradient.gradient
def _(
    boxes: Any,
    ddx: Any,
    output_size: Any,
    spatial_scale: Any,
    sampling_ratio: int,
    channel_last: bool,
) -> Any:
    return roi_align(ddx, boxes, output_size, spatial_scale, sampling_ratio, channel_last), None
