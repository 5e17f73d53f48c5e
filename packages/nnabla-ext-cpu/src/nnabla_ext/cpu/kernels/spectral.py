"""Fourier transforms of pairs seen as complex numbers where they lie, and windows of signals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.ops.windows import fold, padded_sizes
from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray
Arrays = tuple[Any, ...]


def _transform(x: Array, ndim: int, transform: Callable[..., Array], norm: Any) -> Array:
    """Transform the last ``ndim`` dimensions of the complex numbers whose parts lie along the last axis."""
    if 0 in x.shape:
        return np.zeros_like(x)
    kind = np.dtype(np.complex64 if x.dtype == np.float32 else np.complex128)
    z = np.ascontiguousarray(x).view(kind)[..., 0]
    # NumPy before 2.0 computes in double precision.
    y = np.ascontiguousarray(transform(z, axes=tuple(range(z.ndim - ndim, z.ndim)), norm=norm), dtype=kind)
    return y[..., None].view(x.dtype)


def _fft(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return _transform(inputs[0], args["signal_ndim"], np.fft.fftn, "ortho" if args["normalized"] else "backward")


def _ifft(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return _transform(inputs[0], args["signal_ndim"], np.fft.ifftn, "ortho" if args["normalized"] else "backward")


def _fft_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    norm = "ortho" if args["normalized"] else "forward"
    return (_transform(grads[0], args["signal_ndim"], np.fft.ifftn, norm),)


def _ifft_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    norm = "ortho" if args["normalized"] else "forward"
    return (_transform(grads[0], args["signal_ndim"], np.fft.fftn, norm),)


def _unfold(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,) = inputs
    kernel, stride, dilation, pad, counts = (args[k] for k in ("kernel", "stride", "dilation", "pad", "out"))
    n, c, *sizes = x.shape
    full = padded_sizes(sizes, kernel, stride, dilation, pad, counts)
    if full != tuple(sizes):
        padded = np.full((n, c, *full), args["fill"], x.dtype)
        inner: Any = (..., *(slice(p, p + m) for p, m in zip(pad, sizes)))
        padded[inner] = x
        x = padded
    batch, channel, *steps = x.strides
    taps = [d * step for d, step in zip(dilation, steps)]
    moves = [s * step for s, step in zip(stride, steps)]
    view = np.lib.stride_tricks.as_strided(
        x, (c, *kernel, n, *counts), (channel, *taps, batch, *moves), writeable=False
    )
    return HOST.copy(view).reshape(c, math.prod(kernel), n, *counts)


def _fold(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,) = inputs
    kernel, stride, dilation, pad, size = (args[k] for k in ("kernel", "stride", "dilation", "pad", "size"))
    if len(kernel) > 1 or dilation[0] > 1 or kernel[0] % stride[0]:
        reference: Any = fold.reference_kernel
        return reference(xp, x, kernel, stride, dilation, pad, size)
    # Windows are made of pieces as long as the stride, which lie side by side.
    c, taps, n, count = x.shape
    step, pieces = stride[0], taps // stride[0]
    length = padded_sizes(size, kernel, stride, dilation, pad, (count,))[0]
    total = np.zeros((n, c, -(-length // step), step), x.dtype)
    for piece in range(pieces):
        total[:, :, piece : piece + count] += x[:, piece * step : (piece + 1) * step].transpose(2, 0, 3, 1)
    return total.reshape(n, c, -1)[:, :, pad[0] : pad[0] + size[0]].copy()


FORWARD_KERNELS: dict[str, ForwardKernel] = {"FFT": _fft, "Fold": _fold, "IFFT": _ifft, "Unfold": _unfold}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "FFT": BackwardKernel(_fft_backward),
    "IFFT": BackwardKernel(_ifft_backward),
}
