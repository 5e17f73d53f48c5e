"""Convolutions of more than three dimensions: sums of convolutions with one dimension fewer.

One for each element of the kernel along the first dimension; what that element meets are more images of a batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nnabla.ops.geometry import Geometry, output_size
from nnabla_ext.cpu.native import module

__all__ = ["convolution", "deconvolution", "weight_gradient"]

Array = np.ndarray

#: Spatial dimensions that the native kernels have.
MOST = 3


def _first(x: Array, g: Geometry) -> Array:
    """Return an input as (N, C, sizes...)."""
    if g.channel_last:
        return np.moveaxis(x.reshape(g.batch, *g.sizes, g.channels), -1, 1)
    return x.reshape(g.batch, g.channels, *g.sizes)


def _finish(y: Array, bias: Array | None, g: Geometry) -> Array:
    """Add the bias to (N, channels, sizes...) and bring it into the layout that users see."""
    channels, sizes = y.shape[1], y.shape[2:]
    if bias is not None:
        y += bias.reshape(-1, *(1,) * len(sizes))
    return np.ascontiguousarray(np.moveaxis(y, 1, -1) if g.channel_last else y).reshape(g.shape(channels, sizes))


def _images(x: Array) -> Array:
    """Return (N, C, n, rest...) as (N n, C, rest...)."""
    turned = x.swapaxes(1, 2)
    return turned.reshape(-1, *turned.shape[2:])


def _spots(kernel: int, dilation: int, out: int, stride: int) -> Iterator[tuple[int, slice]]:
    """Yield the elements of a kernel and what they meet of a padded axis."""
    for k in range(kernel):
        yield k, slice(k * dilation, k * dilation + (out - 1) * stride + 1, stride)


def _padded(x: Array, pad: int) -> Array:
    return np.pad(x, [(pad, pad) if axis == 2 else (0, 0) for axis in range(x.ndim)]) if pad else x


def _convolve(x: Array, weight: Array, stride: Any, dilation: Any, pad: Any, group: int) -> Array:
    if len(stride) <= MOST:
        return module.convolution(x, weight, None, 1, pad, stride, dilation, group, False)
    out = output_size(x.shape[2], weight.shape[2], stride[0], dilation[0], pad[0])
    padded, total = _padded(x, pad[0]), None
    for k, spots in _spots(weight.shape[2], dilation[0], out, stride[0]):
        images = _images(padded[:, :, spots])
        term = _convolve(images, weight[:, :, k], stride[1:], dilation[1:], pad[1:], group)
        total = term if total is None else np.add(total, term, out=total)
    assert total is not None
    return total.reshape(len(x), out, *total.shape[1:]).swapaxes(1, 2)


def _deconvolve(x: Array, weight: Array, sizes: Any, stride: Any, dilation: Any, pad: Any, group: int) -> Array:
    if len(stride) <= MOST:
        return module.convolution_data_gradient(x, weight, None, 1, sizes, pad, stride, dilation, group, False)
    out, kernel = x.shape[2], weight.shape[2]
    images, total = _images(x), None
    for k, spots in _spots(kernel, dilation[0], out, stride[0]):
        term = _deconvolve(images, weight[:, :, k], sizes[1:], stride[1:], dilation[1:], pad[1:], group)
        if total is None:
            length = max(sizes[0] + 2 * pad[0], (out - 1) * stride[0] + (kernel - 1) * dilation[0] + 1)
            total = np.zeros((len(x), length, *term.shape[1:]), x.dtype)
        total[:, spots] += term.reshape(len(x), out, *term.shape[1:])
    assert total is not None
    return total[:, pad[0] : pad[0] + sizes[0]].swapaxes(1, 2)


def _weight_gradient(x: Array, dy: Array, kernel: Any, stride: Any, dilation: Any, pad: Any, group: int) -> Array:
    if len(stride) <= MOST:
        return module.convolution_weight_gradient(x, dy, kernel, 1, pad, stride, dilation, group, False)
    padded, seeds = _padded(x, pad[0]), _images(dy)
    parts = [
        _weight_gradient(_images(padded[:, :, spots]), seeds, kernel[1:], stride[1:], dilation[1:], pad[1:], group)
        for _, spots in _spots(kernel[0], dilation[0], dy.shape[2], stride[0])
    ]
    return np.stack(parts, axis=2)


def _spatial(args: dict[str, Any]) -> tuple[Any, Any, Any]:
    return args["stride"], args["dilation"], args["pad"]


def convolution(x: Array, weight: Array, bias: Array | None, args: dict[str, Any]) -> Array:
    """Convolution."""
    g = Geometry(x.shape, weight.shape, args["base_axis"], args["channel_last"])
    matrix = np.moveaxis(weight, -1, 1) if g.channel_last else weight
    return _finish(_convolve(_first(x, g), matrix, *_spatial(args), args["group"]), bias, g)


def deconvolution(x: Array, weight: Array, bias: Array | None, sizes: Any, args: dict[str, Any]) -> Array:
    """Deconvolution that gives the spatial ``sizes``."""
    g = Geometry(x.shape, weight.shape, args["base_axis"], args["channel_last"])
    matrix = np.moveaxis(weight, -1, 1) if g.channel_last else weight
    return _finish(_deconvolve(_first(x, g), matrix, sizes, *_spatial(args), args["group"]), bias, g)


def weight_gradient(x: Array, dy: Array, args: dict[str, Any]) -> Array:
    """The gradient of a convolution with respect to its weight."""
    last, kernel = args["channel_last"], args["kernel"]
    single = (1,) * (len(kernel) + 2)
    g, of_dy = (Geometry(v.shape, single, args["base_axis"] % x.ndim, last) for v in (x, dy))
    dw = _weight_gradient(_first(x, g), _first(dy, of_dy), kernel, *_spatial(args), args["group"])
    return np.ascontiguousarray(np.moveaxis(dw, 1, -1) if last else dw)
