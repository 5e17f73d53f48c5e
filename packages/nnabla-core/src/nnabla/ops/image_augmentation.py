"""Random geometry and colour changes of images."""

from __future__ import annotations

import math
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import cast, iota, sqrt
from nnabla.ops.positions import place_index
from nnabla.ops.randomness import random_integers, random_normal, random_uniform
from nnabla.ops.scatter import take_rows
from nnabla.ops.slicing import part
from nnabla.ops.spec import Boolean, Float, FloatArg, Int, Shape, per_input


def _between(low: float, high: float, shape: tuple[int, ...]) -> Any:
    """Return even draws."""
    return random_uniform(shape) * (high - low) + low


def _evenly(low: float, high: float, shape: tuple[int, ...]) -> Any:
    """Return draws of positive factors, even in their logarithm."""
    return ops.exp(_between(math.log(low), math.log(high), shape))


def _line(size: int, shape: tuple[int, ...]) -> Any:
    """Return the distances of elements from the middle of an axis."""
    return ops.reshape(iota(size, "float") + (0.5 - size / 2.0), shape, False)


@operator("SampleImages", internal=True, differentiable=False)
def sample_images(x: Float, place: Float) -> Any:
    """Images at real positions, linearly between pixels, and the nearest pixel beyond the border.

    Args:
        x: (B, C, H, W).
        place: (B, 2, h, w): column and row of each position, in pixels.
    Returns:
        (B, C, h, w).
    """
    batch, channels, height, width = x.shape
    out = place.shape[2:]
    column, row = (ops.reshape(part(place, 1, i, i + 1), (batch, *out), False) for i in (0, 1))
    row = ops.minimum2(ops.maximum2(row, 0.0), height - 1.0)
    column = ops.minimum2(ops.maximum2(column, 0.0), width - 1.0)
    top, left = ops.floor(row), ops.floor(column)
    pixels = ops.reshape(ops.transpose(x, (0, 2, 3, 1)), (batch * height * width, channels), False)
    total = None
    for below in (0, 1):
        for right in (0, 1):
            share = (row - top if below else top + 1.0 - row) * (column - left if right else left + 1.0 - column)
            y, z = ops.minimum2(top + float(below), height - 1.0), ops.minimum2(left + float(right), width - 1.0)
            flat = ops.reshape(cast(y * float(width) + z, "index"), (batch, prod(out)), False)
            values = take_rows(pixels, place_index(flat, sizes=(height * width,)))
            values = values * ops.reshape(share, (batch, prod(out), 1), False)
            total = values if total is None else total + values
    return ops.transpose(ops.reshape(total, (batch, *out, channels), False), (0, 3, 1, 2))


@operator("ImageAugmentation", group="Stochasticity", differentiable=False)
def image_augmentation(
    x: Float,
    shape: Shape = per_input(lambda x: tuple(x)),
    pad: Shape = (0, 0),
    min_scale: FloatArg = 1.0,
    max_scale: FloatArg = 1.0,
    angle: FloatArg = 0.0,
    aspect_ratio: FloatArg = 1.0,
    distortion: FloatArg = 0.0,
    flip_lr: Boolean = False,
    flip_ud: Boolean = False,
    brightness: FloatArg = 0.0,
    brightness_each: Boolean = False,
    contrast: FloatArg = 1.0,
    contrast_center: FloatArg = 0.0,
    contrast_each: Boolean = False,
    noise: FloatArg = 0.0,
    seed: Int = -1,
) -> Any:
    """Change images at random: place, size, rotation, proportions, lens distortion, flips, brightness, contrast,
    noise.

    :math:`y_c(p) = f_c (x_c(q(p)) - m) + m + b_c + e`, where q maps the positions of the result to those of the
    image, f is the contrast with its center m, b the brightness, and e the noise.

    What lies beyond an image is its nearest border pixel. There is no gradient.

    Args:
        x: Batch dimensions, then (C, H, W).
        shape: The last sizes of the output, (C, h, w) or more; a smaller window is cut from a random place.
        pad: Pixels added above and below, and left and right, before that.
        min_scale, max_scale: Range of the magnification, drawn evenly in its logarithm.
        angle: Largest rotation to either side, in radians.
        aspect_ratio: Largest stretching of one direction against the other, 1 or more (or its inverse).
        distortion: Largest strength of the lens distortion.
        flip_lr, flip_ud: Mirror left to right, upside down, with probability 1/2.
        brightness: Largest number added or subtracted.
        brightness_each: Draw it for each channel.
        contrast: Largest factor (its inverse is the least), 1 or more (or its inverse).
        contrast_center: Value that the factor leaves as it is.
        contrast_each: Draw it for each channel.
        noise: Standard deviation of normal noise added to each pixel.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        The shape of ``x`` with ``shape`` at its end.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.zeros((1, 3, 32, 32)))
        >>> y = F.image_augmentation(x, shape=(3, 28, 28), angle=0.2, flip_lr=True, seed=1)
        >>> print(y.shape)
        (1, 3, 28, 28)
    """
    outer, (channels, height, width) = x.shape[:-3], x.shape[-3:]
    batch, (tall, wide) = prod(outer), shape[-2:]
    images = ops.reshape(x, (batch, channels, height, width), False)
    one = (batch, 1, 1)
    scale, stretch = _evenly(min_scale, max_scale, one), _evenly(1.0 / aspect_ratio, aspect_ratio, one)
    down, across = _line(tall, (1, tall, 1)), _line(wide, (1, 1, wide))
    # The window's place within the padded and magnified image.
    for size, extra, span, line in ((height, pad[0], tall, 0), (width, pad[1], wide, 1)):
        room = ops.abs(scale * float(size + 2 * extra) - float(span))
        offset = (random_uniform(one) - 0.5) * room
        down, across = (down + offset, across) if line == 0 else (down, across + offset)
    turn = _between(-angle, angle, one)
    middle = ((height - 1.0) / 2.0, (width - 1.0) / 2.0)
    bend = _between(-distortion, distortion, one) if distortion else None
    # What is done to whole lines costs less than what is done to all positions.
    upright = 1.0 / (scale * sqrt(stretch)) * _mirror(flip_ud, one)
    level = sqrt(stretch) / scale * _mirror(flip_lr, one)
    lines = (down * (ops.cos(turn) * upright), down * (ops.sin(turn) * level))
    if bend is None:
        lines = (lines[0] + middle[0], lines[1] + middle[1])
    row = lines[0] - across * (ops.sin(turn) * upright)
    column = lines[1] + across * (ops.cos(turn) * level)
    if bend is not None:
        bend = (row * row + column * column) * (4.0 / (height * height + width * width)) * bend + 1.0
        row, column = row * bend + middle[0], column * bend + middle[1]
    if (
        (tall, wide) == (height, width)
        and not any(pad)
        and not distortion
        and _keeps_place(min_scale, max_scale, angle, aspect_ratio, flip_lr, flip_ud)
    ):
        y = images
    else:
        y = sample_images(images, ops.stack(column, row, axis=1))
    if contrast != 1:
        factor = _evenly(1.0 / contrast, contrast, (batch, channels if contrast_each else 1, 1, 1))
        y = (y - contrast_center) * factor + contrast_center
    if brightness:
        y = y + _between(-brightness, brightness, (batch, channels if brightness_each else 1, 1, 1))
    if noise:
        y = y + random_normal(y.shape) * noise
    return ops.reshape(y, (*outer, channels, tall, wide), False)


def _mirror(flip: bool, shape: tuple[int, ...]) -> Any:
    return random_integers(shape, 2, 0, "float") * 2.0 - 1.0 if flip else 1.0


def _keeps_place(low: float, high: float, angle: float, aspect: float, *flips: bool) -> bool:
    return (low, high, angle, aspect) == (1, 1, 0, 1) and not any(flips)


@image_augmentation.resolve
def _(
    x: Any,
    shape: Any,
    pad: Any,
    min_scale: float,
    max_scale: float,
    aspect_ratio: float,
    contrast: float,
    noise: float,
    **_: Any,
) -> None:
    if len(x) < 3 or not 2 <= len(shape) <= len(x) or tuple(shape[:-2]) != tuple(x[len(x) - len(shape) : -2]):
        raise ShapeError(
            f"image_augmentation: shape={tuple(shape)} must end the shape of x {tuple(x)}, (..., C, H, W), but for H "
            "and W"
        )
    if 0 in x[-2:] and 0 not in shape:
        raise ShapeError(f"image_augmentation: x {tuple(x)} has no pixels to make shape={tuple(shape)} of")
    if len(pad) != 2 or min(pad) < 0:
        raise ArgumentError(f"image_augmentation: pad={tuple(pad)} must be two integers of 0 or more")
    if not 0 < min_scale <= max_scale or aspect_ratio <= 0 or contrast <= 0 or noise < 0:
        raise ArgumentError(
            f"image_augmentation: min_scale={min_scale} and max_scale={max_scale} must be above 0 and in order, "
            f"aspect_ratio={aspect_ratio} and contrast={contrast} above 0, noise={noise} 0 or more"
        )
