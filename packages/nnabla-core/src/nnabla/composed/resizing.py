"""Resizing with the signature of ``nnabla.functions``: by scales or sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ArgumentTypeError

__all__ = ["interpolate"]


def interpolate(
    x: Any,
    scale: Sequence[float] | None = None,
    output_size: Sequence[int] | None = None,
    mode: str = "linear",
    align_corners: bool = False,
    half_pixel: bool = False,
    half_pixel_for_nn: bool = False,
    channel_last: bool = False,
) -> Any:
    """Resize the last one, two or three dimensions by factors or to sizes.

    Args:
        x: Leading dimensions, then (spatial...), or (spatial..., C) with ``channel_last``.
        scale: Factor of each spatial dimension; the sizes are rounded down.
        output_size: Sizes of the spatial dimensions of the result; it counts if both are given.
        mode: ``'linear'`` or ``'nearest'``.
        align_corners: The outermost entries of input and result lie on each other.
        half_pixel: Positions are those of the middles of entries.
        half_pixel_for_nn: The same for ``'nearest'``, where the middle then lies within the entry it takes.
        channel_last: The last dimension is the channel and keeps its size.

    Returns:
        ``x`` resized; :func:`nnabla.function_bases.interpolate` tells how.

    Raises:
        ArgumentError: Neither ``scale`` nor ``output_size`` is given, or ``scale`` does not fit ``x``.
        ArgumentTypeError: ``scale`` or ``output_size`` is not a sequence.
    """
    if scale is None and output_size is None:
        raise ArgumentError("interpolate: scale or output_size must be given")
    for name, value in (("scale", scale), ("output_size", output_size)):
        if value is not None and not hasattr(value, "__len__"):
            raise ArgumentTypeError(
                f"interpolate: {name}={value!r} must be a sequence with one entry for each spatial dimension, "
                f"not {type(value).__name__}"
            )
    if output_size is None:
        assert scale is not None
        first = len(x.shape) - len(scale) - int(channel_last)
        if first < 0:
            raise ArgumentError(
                f"interpolate: scale={tuple(scale)} (channel_last={channel_last}) has more entries than "
                f"x {tuple(x.shape)} has spatial dimensions"
            )
        output_size = [math.floor(s * n) for s, n in zip(scale, x.shape[first:])]
    return ops.interpolate(x, output_size, mode, align_corners, half_pixel, half_pixel_for_nn, channel_last)
