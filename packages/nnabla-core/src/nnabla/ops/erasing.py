"""Random erasing: rectangles of images are replaced by noise."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.internal import cast, iota, sqrt
from nnabla.ops.randomness import random_uniform
from nnabla.ops.spec import Boolean, Float, FloatArg, Floats, Int


@operator("RandomErase", group="Stochasticity", saved=("erased",))
def random_erase(
    x: Float,
    prob: FloatArg = 0.5,
    area_ratios: Floats = (0.02, 0.4),
    aspect_ratios: Floats = (0.3, 3.3333),
    replacements: Floats = (0.0, 255.0),
    n: Int = 1,
    share: Boolean = True,
    inplace: Boolean = False,
    base_axis: Int = 1,
    seed: Int = -1,
    channel_last: Boolean = False,
    ste_fine_grained: Boolean = True,
) -> Any:
    """Replace random rectangles of each image by evenly distributed noise.

    :math:`y_{c,i,j} \\sim U` (the range of ``replacements``) within a rectangle, else :math:`x_{c,i,j}`.

    Args:
        x: Batch dimensions, then (C, H, W), or (H, W, C) with ``channel_last``.
        prob: Probability of each rectangle.
        area_ratios: Range of the rectangle's share of the image.
        aspect_ratios: Range of height over width.
        replacements: Range of the noise.
        n: Number of rectangles.
        share: Whether all channels have the same rectangles.
        inplace: Obsolete; accepted without effect.
        base_axis: Number of batch dimensions.
        seed: Seed of the draws; -1 follows ``nn.seed``.
        channel_last: The channel is the last dimension.
        ste_fine_grained: Let no gradient pass where the image was erased; else all of it passes.
    Returns:
        The shape of ``x``.
    Source: Zhong, Zheng, Kang, Li, Yang 2017, "Random erasing data augmentation".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.full((1, 1, 20, 20), -1.0))
        >>> y = F.random_erase(x, prob=1.0, replacements=(0.0, 1.0), seed=1)
        >>> print(y.shape, 0.02 < (y.data >= 0).mean() < 0.4)
        (1, 1, 20, 20) True
    """
    base = base_axis % len(x.shape)
    batch, rest = prod(x.shape[:base]), x.shape[base:]
    channels, height, width = (rest[2], *rest[:2]) if channel_last else rest
    kinds = 1 if share else channels
    draws = (batch, kinds, n, 1, 1)

    def between(low: float, high: float) -> Any:
        return random_uniform(draws) * (high - low) + low

    area, aspect = between(*area_ratios) * float(height * width), between(*aspect_ratios)
    tall = ops.minimum2(ops.floor(sqrt(area * aspect)), float(height))
    wide = ops.minimum2(ops.floor(sqrt(area / aspect)), float(width))
    rows = _covered(tall, height, random_uniform(draws), (height, 1))
    columns = _covered(wide, width, random_uniform(draws), (1, width))
    hit = cast(ops.less(random_uniform(draws), prob), "float")
    # (batch, kinds, height, width): erased by any of the rectangles.
    mask = cast(ops.max(rows * columns * hit, (2,), False, False, False), "bool")
    if channel_last:
        mask = ops.transpose(mask, (0, 2, 3, 1))
    low, high = replacements
    images = (batch, *rest)
    noise = random_uniform(images) * (high - low)
    if low:
        noise = noise + low
    y = ops.where(mask, noise, ops.reshape(x, images, False))
    return Result(ops.reshape(y, x.shape, False), saved={"erased": mask})


def _covered(length: Any, size: int, u: Any, shape: tuple[int, int]) -> Any:
    """Return 1.0 where a line of ``size`` is covered by an interval of ``length`` at a random place."""
    start = ops.floor(u * (float(size + 1) - length))
    line = ops.reshape(iota(size, "float"), (1, 1, 1, *shape), False)
    return cast(ops.greater_equal(line, start), "float") * cast(ops.less(line, start + length), "float")


@random_erase.resolve
def _(x: Any, base_axis: int, prob: float, n: int, channel_last: bool, **args: Any) -> None:
    base = normalize_axis("random_erase", base_axis, len(x), "base_axis")
    if len(x) - base != 3:
        raise ShapeError(
            f"random_erase: x {tuple(x)} must have three dimensions, a channel and two of space, after "
            f"base_axis={base_axis}"
        )
    if not 0 <= prob <= 1 or n < 1:
        raise ArgumentError(f"random_erase: prob={prob} must be from 0 to 1 and n={n} 1 or more")
    for name in ("area_ratios", "aspect_ratios", "replacements"):
        value = args[name]
        if len(value) != 2 or value[0] > value[1] or (value[0] <= 0 and name == "aspect_ratios"):
            raise ArgumentError(f"random_erase: {name}={tuple(value)} must be a least and a largest value")
    if args["area_ratios"][0] < 0 or args["area_ratios"][1] > 1:
        raise ArgumentError(f"random_erase: area_ratios={tuple(args['area_ratios'])} must be from 0 to 1")


@random_erase.gradient
def _(erased: Any, dy: Any, ste_fine_grained: bool) -> Any:
    if not ste_fine_grained:
        return dy
    images = ops.reshape(dy, (erased.shape[0], *dy.shape[-3:]), False)
    return ops.reshape(ops.where(erased, 0.0, images), dy.shape, False)
