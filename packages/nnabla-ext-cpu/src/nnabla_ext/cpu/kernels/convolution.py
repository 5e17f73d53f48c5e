"""Convolutions as matrix products over windows, a few samples at a time so that the windows stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.geometry import Geometry, output_size

__all__ = ["FORWARD_KERNELS"]

#: Bytes of windows that are held at a time; measured best near the size of the second-level cache.
_BLOCK = 1 << 21
#: Multiplications of one sample's matrix product under which samples share one: starting it costs too much.
_SMALL = 4_000_000
#: As many output positions per sample are too few for a matrix product of their own.
_FEW = 256

Array = np.ndarray


class _Windows:
    """The windows over an input, as matrices of (channels per group times taps) rows, in blocks of samples.

    Args:
        x: (N, C, sizes...), any strides.
        kernel, stride, dilation, pad, out: One value per spatial dimension.
        group: Number of groups of channels.
        together: Put the samples of a block side by side in one matrix.
    """

    def __init__(
        self,
        x: Array,
        kernel: Any,
        stride: Any,
        dilation: Any,
        pad: Any,
        out: Any,
        group: int,
        together: bool,
    ) -> None:
        self.x, self.pad, self.group, self.out = x, pad, group, tuple(out)
        self.samples, self.channels, *self.sizes = x.shape
        self.taps = prod(kernel)
        self.positions = prod(out)
        self.together = together
        self.pointwise = self.taps == 1 and not any(pad) and set(stride) == {1}
        self.reach = [
            max(n + p, (o - 1) * s + (k - 1) * d + 1)
            for n, p, o, s, k, d in zip(self.sizes, pad, out, stride, kernel, dilation)
        ]
        self.steps = tuple(stride), tuple(dilation), tuple(kernel)
        size = self.channels * self.taps * self.positions * x.itemsize
        self.block = max(1, min(self.samples, _BLOCK // max(1, size)))

    def __iter__(self) -> Iterator[tuple[slice, Array]]:
        """Yield which samples, and their windows.

        These are (group, rows, samples * positions) if they are ``together``, else (samples, group, rows,
        positions), valid until the next are asked for.
        """
        n, rows = self.block, self.channels * self.taps // self.group
        stride, dilation, kernel = self.steps
        lead = (self.channels, *kernel)
        ndim = len(kernel)
        if self.together:
            buffer = np.empty((*lead, n, *self.out), self.x.dtype)
            windows = np.moveaxis(buffer, 1 + ndim, 0)
        else:
            buffer = windows = np.empty((n, *lead, *self.out), self.x.dtype)
        padded = None
        if self.reach != self.sizes:
            padded = np.zeros((n, self.channels, *self.reach), self.x.dtype)
        inside = tuple(slice(p, p + m) for p, m in zip(self.pad, self.sizes))
        for start in range(0, self.samples, n):
            part = self.x[start : start + n]
            count = len(part)
            at = slice(start, start + count)
            if self.pointwise and not self.together:
                yield at, part.reshape(count, self.group, rows, self.positions)
                continue
            if padded is not None:
                padded[(slice(count), slice(None), *inside)] = part
                part = padded[:count]
            step = part.strides[2:]
            view = np.lib.stride_tricks.as_strided(
                part,
                (count, *lead, *self.out),
                (
                    *part.strides[:2],
                    *(b * d for b, d in zip(step, dilation)),
                    *(b * s for b, s in zip(step, stride)),
                ),
                writeable=False,
            )
            np.copyto(windows[:count], view)
            if not self.together:
                yield at, buffer[:count].reshape(count, self.group, rows, self.positions)
            elif count == n:
                yield at, buffer.reshape(self.group, rows, n * self.positions)
            else:
                used = buffer.reshape(self.group, rows, n, self.positions)[:, :, :count]
                yield at, used.reshape(self.group, rows, count * self.positions)


def _first(x: Array, g: Geometry) -> Array:
    """Return an input as (N, C, sizes...), a view if it is contiguous."""
    if g.channel_last:
        return np.moveaxis(x.reshape(g.batch, *g.sizes, g.channels), -1, 1)
    return x.reshape(g.batch, g.channels, *g.sizes)


def _weight_first(weight: Array, channel_last: bool) -> Array:
    return np.moveaxis(weight, -1, 1) if channel_last else weight


def _finish(y: Array, bias: Array | None, g: Geometry, channels: int, sizes: Any) -> Array:
    """Add the bias to (N, channels, positions) and bring it into the layout that users see."""
    if bias is not None:
        y += bias.reshape(-1, 1)
    y = y.reshape(g.batch, channels, *sizes)
    if g.channel_last:
        y = np.ascontiguousarray(np.moveaxis(y, 1, -1))
    return y.reshape(g.shape(channels, sizes))


def _convolve(x: Array, weight: Array, stride: Any, dilation: Any, pad: Any, out: Any, group: int) -> Array:
    """Return (N, maps, positions) of x (N, C, sizes...) and weight (maps, C / group, kernel...)."""
    maps = len(weight)
    if group == x.shape[1] > 1 and weight.shape[1] == 1:
        return _channel_by_channel(x, weight, stride, dilation, pad, out)
    positions = prod(out)
    together = positions < _FEW or weight.size * positions < _SMALL
    windows = _Windows(x, weight.shape[2:], stride, dilation, pad, out, group, together)
    matrix = weight.reshape(group, maps // group, prod(weight.shape[1:]))
    y = np.empty((x.shape[0], maps, positions), x.dtype)
    by_group = y.reshape(x.shape[0], group, maps // group, positions)
    for at, block in windows:
        if together:
            count = at.stop - at.start
            product = np.matmul(matrix, block).reshape(group, maps // group, count, positions)
            by_group[at] = product.transpose(2, 0, 1, 3)
        else:
            np.matmul(matrix, block, out=by_group[at])
    return y


def _channel_by_channel(x: Array, weight: Array, stride: Any, dilation: Any, pad: Any, out: Any) -> Array:
    """As :func:`_convolve` where each map is made of one channel: a sum over the kernel's elements."""
    samples, channels, *sizes = x.shape
    kernel = weight.shape[2:]
    multiplier = len(weight) // channels
    reach = [
        max(n + p, (o - 1) * s + (k - 1) * d + 1) for n, p, o, s, k, d in zip(sizes, pad, out, stride, kernel, dilation)
    ]
    if reach != sizes:
        padded = np.zeros((samples, channels, *reach), x.dtype)
        padded[(slice(None), slice(None), *(slice(p, p + n) for p, n in zip(pad, sizes)))] = x
        x = padded
    y = np.zeros((samples, channels, multiplier, *out), x.dtype)
    scale = weight.reshape(channels, multiplier, *kernel)
    single = (1,) * len(out)
    for n in range(samples):
        term = np.empty(y.shape[1:], x.dtype)
        for tap in np.ndindex(*kernel):
            spots: Any = (n, slice(None), *_strided(tap, dilation, stride, out))
            view = x[spots]
            factor = scale[(slice(None), slice(None), *tap)].reshape(channels, multiplier, *single)
            np.multiply(view[:, None], factor, out=term)
            y[n] += term
    return y.reshape(samples, channels * multiplier, prod(out))


def _strided(tap: Any, dilation: Any, stride: Any, out: Any) -> tuple[slice, ...]:
    """Return what a kernel's element touches of a padded input."""
    return tuple(slice(t * d, t * d + (o - 1) * s + 1, s) for t, d, s, o in zip(tap, dilation, stride, out))


def convolution(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """Convolution."""
    x, weight, bias = inputs
    last = args["channel_last"]
    g = Geometry(x.shape, weight.shape, args["base_axis"], last)
    spatial = args["stride"], args["dilation"], args["pad"]
    sizes = tuple(map(output_size, g.sizes, g.kernel, *spatial))
    y = _convolve(_first(x, g), _weight_first(weight, last), *spatial, sizes, args["group"])
    return _finish(y, bias, g, g.rows, sizes)


def deconvolution(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """Deconvolution: with stride 1 a convolution with the mirrored kernel, else windows added up."""
    x, weight, bias = inputs
    last, group = args["channel_last"], args["group"]
    stride, dilation, pad = args["stride"], args["dilation"], args["pad"]
    g = Geometry(x.shape, weight.shape, args["base_axis"], last)
    sizes = tuple(
        s * (n - 1) + d * (k - 1) + 1 - 2 * p + q
        for n, k, s, d, p, q in zip(g.sizes, g.kernel, stride, dilation, pad, args["output_padding"])
    )
    first, matrix = _first(x, g), _weight_first(weight, last)
    maps = g.per_group * group
    mirrored = [d * (k - 1) - p for d, k, p in zip(dilation, g.kernel, pad)]
    # Windows over many channels cost more than adding up windows of few.
    few = g.channels <= 2 * maps
    if few and set(stride) == {1} and min(mirrored) >= 0 and not any(args["output_padding"]):
        flipped = matrix[(slice(None), slice(None), *(slice(None, None, -1),) * g.ndim)]
        flipped = flipped.reshape(group, g.rows // group, g.per_group, *g.kernel).swapaxes(1, 2)
        flipped = np.ascontiguousarray(flipped).reshape(maps, g.rows // group, *g.kernel)
        y = _convolve(first, flipped, stride, dilation, mirrored, sizes, group)
    else:
        y = _add_windows(first, matrix, stride, dilation, pad, sizes, group)
    return _finish(y, bias, g, maps, sizes)


def _add_windows(x: Array, weight: Array, stride: Any, dilation: Any, pad: Any, sizes: Any, group: int) -> Array:
    """Return (N, maps, positions): the kernel times each element of x (N, C, n...) added up at its place."""
    samples, channels, *n = x.shape
    kernel = weight.shape[2:]
    maps = weight.shape[1] * group
    matrix = weight.reshape(group, channels // group, prod(weight.shape[1:])).transpose(0, 2, 1)
    reach = [
        max(m + p, (o - 1) * s + (k - 1) * d + 1) for m, p, o, s, k, d in zip(sizes, pad, n, stride, kernel, dilation)
    ]
    y = np.empty((samples, maps, *sizes), x.dtype)
    inside = tuple(slice(p, p + m) for p, m in zip(pad, sizes))
    positions = prod(n)
    flat = x.reshape(samples, group, channels // group, positions)
    block = max(1, _BLOCK // max(1, maps * prod(kernel) * positions * x.itemsize))
    for start in range(0, samples, block):
        part = flat[start : start + block].transpose(1, 2, 0, 3)
        count = part.shape[2]
        part = part.reshape(group, channels // group, count * positions)
        product = np.matmul(matrix, part).reshape(maps, *kernel, count, *n)
        total = np.zeros((maps, count, *reach), x.dtype)
        for tap in np.ndindex(*kernel):
            spots = _strided(tap, dilation, stride, n)
            total[(slice(None), slice(None), *spots)] += product[(slice(None), *tap)]
        whole = total[(slice(None), slice(None), *inside)]
        y[start : start + count] = np.moveaxis(whole, 1, 0)
    return y.reshape(samples, maps, prod(sizes))


def weight_gradient(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """The gradient of a convolution with respect to its weight."""
    x, dy = inputs
    last, group, kernel = args["channel_last"], args["group"], args["kernel"]
    base = args["base_axis"] % x.ndim
    of_dy = Geometry(dy.shape, (1,) * (len(kernel) + 2), base, last)
    rows = of_dy.channels
    g = Geometry(x.shape, (1,) * (len(kernel) + 2), base, last)
    first, seeds = _first(x, g), _first(dy, of_dy)
    spatial = args["stride"], args["dilation"], args["pad"]
    windows = _Windows(first, kernel, *spatial, of_dy.sizes, group, True)
    seeds = seeds.reshape(g.batch, group, rows // group, windows.positions)
    total = np.zeros((group, rows // group, g.channels // group * windows.taps), x.dtype)
    for at, block in windows:
        side = seeds[at].transpose(1, 2, 0, 3).reshape(group, rows // group, block.shape[2])
        total += np.matmul(side, block.transpose(0, 2, 1))
    dw = total.reshape(rows, g.channels // group, *kernel)
    return np.ascontiguousarray(np.moveaxis(dw, 1, -1)) if last else dw


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "Convolution": convolution,
    "ConvolutionWeightGradient": weight_gradient,
    "Deconvolution": deconvolution,
}
