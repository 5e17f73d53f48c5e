"""Shapes and default initial values of weights, as layers of several kinds need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnabla.initializer import UniformInitializer
from nnabla.parametric_functions.api import axis_of, glorot, sizes_of

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = ["filters", "geometry", "matrix"]

Default = Callable[[], UniformInitializer]


def matrix(
    function: str,
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int,
    rng: np.random.RandomState | None,
) -> tuple[int, tuple[int, ...], Default]:
    """For a fully connected layer: base axis from the front, shape, default initializer.

    Raises:
        AxisError: ``base_axis`` is outside the input's dimensions.
    """
    base_axis = axis_of(function, "base_axis", base_axis, len(inp.shape))
    outmaps = (n_outmaps,) if isinstance(n_outmaps, (int, float)) else tuple(n_outmaps)
    inmaps = math.prod(inp.shape[base_axis:])
    return base_axis, (inmaps, *outmaps), glorot(inmaps, math.prod(outmaps), (1, 1), rng)


def filters(
    function: str,
    inp: Input,
    outmaps: int,
    kernel: Sequence[int],
    group: int,
    base_axis: int,
    rng: np.random.RandomState | None,
    channel_last: bool = False,
) -> tuple[int, tuple[int, ...], Default]:
    """For a convolution: base axis from the front, shape, default initializer.

    That ``group`` divides the channels is checked by the operator.

    Raises:
        AxisError: ``base_axis`` is outside the input's dimensions.
        ArgumentTypeError: ``kernel`` is not a sequence.
    """
    base_axis, inmaps, sizes = geometry(function, inp, kernel, base_axis, channel_last)
    share = inmaps // group
    shape = (outmaps, *sizes, share) if channel_last else (outmaps, share, *sizes)
    return base_axis, shape, glorot(inmaps, outmaps, sizes, rng)


def geometry(
    function: str,
    inp: Input,
    kernel: Sequence[int],
    base_axis: int,
    channel_last: bool = False,
) -> tuple[int, int, tuple[int, ...]]:
    """The base axis from the front, the number of input channels and the kernel's sizes."""
    base_axis = axis_of(function, "base_axis", base_axis, len(inp.shape))
    inmaps = inp.shape[-1 if channel_last else base_axis]
    return base_axis, inmaps, sizes_of(function, "kernel", kernel)
