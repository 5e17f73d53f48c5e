"""Fourier transforms of whole arrays and of short stretches of signals.

Complex numbers are pairs along a last dimension of size 2: real part, imaginary part.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import literal
from nnabla.ops.joining import concatenate
from nnabla.ops.scatter import add_rows
from nnabla.ops.slicing import flip, part, place
from nnabla.ops.slicing import pad as pad_
from nnabla.ops.spec import Boolean, Float, Int
from nnabla.ops.windows import fold, unfold

__all__ = ["fft", "ifft", "istft", "stft"]

GROUP = "Signal Processing"

# The window is a literal of the graph.
_LARGEST_WINDOW = 2**20


# -- whole arrays ----------------------------------------------------------------------------------------------
@operator("FFT", group=GROUP)
def fft(x: Float, signal_ndim: Int, normalized: Boolean = False) -> Any:
    """Discrete Fourier transform, :math:`y_k = \\sum_j x_j e^{-2 \\pi i j k / n}` along each signal dimension.

    Args:
        x: Batch dimensions, then the signal's, then 2 (real and imaginary part).
        signal_ndim: Number of signal dimensions, 1 or more.
        normalized: Divide by the square root of the signal's number of elements.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 0.0], [2.0, 0.0], [4.0, 0.0]])
        >>> print(F.fft(x, 1).data.round(4))
        [[ 7.      0.    ]
         [-2.      1.7321]
         [-2.     -1.7321]]
        >>> print(np.fft.fft([1, 2, 4]).round(4))
        [ 7.+0.j     -2.+1.7321j -2.-1.7321j]
    """


@fft.shape
def _(x: Any, signal_ndim: int, normalized: bool) -> Any:
    return x


def _check_signal(name: str, x: Any, signal_ndim: int) -> None:
    if len(x) < 1 or x[-1] != 2:
        raise ShapeError(f"{name}: the last dimension of x {tuple(x)} must be 2: real and imaginary part")
    if not 1 <= signal_ndim < len(x):
        raise ArgumentError(
            f"{name}: signal_ndim={signal_ndim} must be from 1 to {len(x) - 1}, the dimensions of x {tuple(x)} "
            "before the last"
        )
    if min(x[-1 - signal_ndim :]) < 1:
        raise ShapeError(f"{name}: the signal dimensions {tuple(x[-1 - signal_ndim : -1])} must not be empty")


@fft.resolve
def _(x: Any, signal_ndim: int, normalized: bool) -> None:
    _check_signal("fft", x, signal_ndim)


@fft.reference
def _(xp: Any, x: Any, signal_ndim: int, normalized: bool) -> Any:
    real, imaginary = x[..., 0], x[..., 1]
    axes = tuple(range(real.ndim - signal_ndim, real.ndim))
    if not hasattr(xp, "fft"):
        return _by_matrices(xp, real, imaginary, axes, normalized)
    if 0 in x.shape:  # PyTorch's transform refuses empty batches
        return xp.zeros_like(x)
    kind = xp.complex64 if x.dtype == xp.float32 else xp.complex128
    z = xp.astype(real, kind) + 1j * xp.astype(imaginary, kind)
    z = xp.fft.fftn(z, axes=axes, norm="ortho" if normalized else "backward")
    return xp.astype(xp.stack((xp.real(z), xp.imag(z)), axis=-1), x.dtype, copy=False)


def _by_matrices(xp: Any, real: Any, imaginary: Any, axes: Any, normalized: bool) -> Any:
    """The transform for namespaces without the standard's optional FFT."""
    for axis in axes:
        n = real.shape[axis]
        steps = xp.arange(n, dtype=xp.int64)
        # Reducing the product first keeps the angles, and so the rounding errors, small.
        turns = xp.astype(steps[:, None] * steps[None, :] % n, real.dtype)
        angle = turns * (2.0 * math.pi / n)
        scale = 1.0 / math.sqrt(n) if normalized else 1.0
        cos, sin = xp.cos(angle) * scale, xp.sin(angle) * scale
        order = (*(a for a in range(real.ndim) if a != axis), axis)
        back = (*range(axis), real.ndim - 1, *range(axis, real.ndim - 1))
        real, imaginary = xp.permute_dims(real, order), xp.permute_dims(imaginary, order)
        real, imaginary = (
            xp.matmul(real, cos) + xp.matmul(imaginary, sin),
            xp.matmul(imaginary, cos) - xp.matmul(real, sin),
        )
        real, imaginary = xp.permute_dims(real, back), xp.permute_dims(imaginary, back)
    return xp.stack((real, imaginary), axis=-1)


def _adjoint(x: Any, signal_ndim: int, normalized: bool) -> Any:
    """The transform with the other sign in the exponent: exchanging the parts conjugates, up to a factor i."""
    return flip(fft(flip(x), signal_ndim, normalized))


@fft.gradient
def _(dy: Any, signal_ndim: int, normalized: bool) -> Any:
    return _adjoint(dy, signal_ndim, normalized)


@operator("IFFT", group=GROUP)
def ifft(x: Float, signal_ndim: Int, normalized: Boolean = False) -> Any:
    """Inverse discrete Fourier transform, :math:`y_j = \\frac{1}{n} \\sum_k x_k e^{2 \\pi i j k / n}`.

    Args:
        x: Batch dimensions, then the signal's, then 2 (real and imaginary part).
        signal_ndim: Number of signal dimensions, 1 or more.
        normalized: Divide by the square root of the signal's number of elements n instead of by n.
    Returns:
        The shape of ``x``.
    Example:
        >>> spectrum = nn.NdArray.from_numpy_array([[7.0, 0.0], [-2.0, 3**0.5], [-2.0, -(3**0.5)]])
        >>> print(F.ifft(spectrum, 1).data[:, 0].round(4))  # the real parts
        [1. 2. 4.]
    """
    y = _adjoint(x, signal_ndim, normalized)
    count = prod(x.shape[-1 - signal_ndim : -1])
    return y if normalized or count == 1 else y * (1.0 / count)


@ifft.resolve
def _(x: Any, signal_ndim: int, normalized: bool) -> None:
    _check_signal("ifft", x, signal_ndim)


# -- short stretches -------------------------------------------------------------------------------------------
def _window(kind: str, width: int, size: int) -> np.ndarray:
    """A periodic window of ``width`` elements in the middle of ``size``."""
    angle = 2 * np.pi * np.arange(width) / width
    values = {
        "hanning": 0.5 - 0.5 * np.cos(angle),
        "hamming": 0.54 - 0.46 * np.cos(angle),
        "rectangular": np.ones(width),
    }[kind]
    before = (size - width) // 2
    return np.pad(values, (before, size - width - before))


def _window_along(kind: str, width: int, size: int) -> Any:
    """The window as it multiplies windows of (1, size, batch, frames)."""
    return reshape(literal(_window(kind, width, size).tolist()), (1, size, 1, 1), False)


def _overlap(kind: str, width: int, size: int, stride: int, frames: int) -> Any:
    """Return the sum of the squared windows that overlap at each element: (1, 1, elements)."""
    window = _window(kind, width, size) ** 2
    squares = reshape(literal(window.tolist()), (1, size, 1, 1), False)
    squares = broadcast(squares, (1, size, 1, frames))
    return fold(squares, (size,), (stride,), (1,), (0,), ((frames - 1) * stride + size,))


def _frames(x: Any, size: int, stride: int) -> Any:
    """Return windows of a signal (batch, elements): (1, size, batch, frames)."""
    batch, length = x.shape
    count = (length - size) // stride + 1
    return unfold(reshape(x, (batch, 1, length), False), (size,), (stride,), (1,), (0,), (count,))


def _one_sided(size: int) -> list[float]:
    """Return what each frequency of a real signal's spectrum counts in the inverse transform."""
    return [(1.0 if k in (0, size / 2) else 2.0) / size for k in range(size // 2 + 1)]


def _check_window(name: str, window_size: int, stride: int, fft_size: int) -> None:
    if window_size < 1 or stride < 1:
        raise ArgumentError(f"{name}: window_size={window_size} and stride={stride} must be 1 or more")
    if not window_size <= fft_size <= _LARGEST_WINDOW:
        raise ArgumentError(
            f"{name}: fft_size={fft_size} must be at least window_size={window_size} and at most {_LARGEST_WINDOW:,}"
        )


def _check_inverse(
    name: str, window_size: int, stride: int, fft_size: int, window_type: str, center: bool, length: int
) -> None:
    """Raise unless windows of a signal of ``length`` elements, padding included, can be put together again."""
    if fft_size % stride:
        raise ArgumentError(f"{name}: fft_size={fft_size} must be a multiple of stride={stride}")
    blocks = (_window(window_type, window_size, fft_size) ** 2).reshape(-1, stride)
    frames = (length - fft_size) // stride + 1
    total = np.zeros((frames + len(blocks) - 1, stride))
    for at, block in enumerate(blocks):
        total[at : at + frames] += block
    skip = fft_size // 2 if center else 0
    inner = total.reshape(-1)[skip : length - skip]
    if inner.size and inner.min() < 1e-11:
        raise ArgumentError(
            f"{name}: NOLA(Nonzero Overlap Add) condition is not met. The squared windows add up to "
            f"{inner.min():g} at element {int(inner.argmin())} with window_size={window_size}, stride={stride}, "
            f"fft_size={fft_size}, window_type={window_type!r}, center={center}; make stride smaller"
            + ("" if center else " or pass center=True")
        )


@operator("STFT", group=GROUP, outputs="y_r, y_i")
def stft(
    x: Float,
    window_size: Int,
    stride: Int,
    fft_size: Int,
    window_type: Literal["hanning", "hamming", "rectangular"] = "hanning",
    center: Boolean = True,
    pad_mode: Literal["constant", "reflect"] = "reflect",
    as_istft_backward: Boolean = False,
) -> Any:
    """Short-time Fourier transform: the spectra of overlapping windows of signals.

    :math:`y_{k,t} = \\sum_j w_j \\, x_{t s + j} \\, e^{-2 \\pi i j k / n}`, where w is the window, s the stride,
    and n ``fft_size``.

    Args:
        x: (B, L), signals.
        window_size: Elements of the window, periodic and in the middle of ``fft_size`` elements.
        stride: Distance of the windows.
        fft_size: Elements of a transform, ``window_size`` to 2**20.
        window_type: ``'hanning'``, ``'hamming'`` or ``'rectangular'``.
        center: Pad the signals by ``fft_size // 2`` at both ends, so that windows have their middles on the
            elements 0, ``stride``, ...
        pad_mode: How, ``'reflect'`` or ``'constant'`` (zeros).
        as_istft_backward: Compute the gradient of :func:`istft` instead; ``pad_mode`` must be ``'constant'``.
    Returns:
        y_r: Real parts, (B, fft_size // 2 + 1, (L - fft_size) // stride + 1) with the padded L.
        y_i: Imaginary parts, likewise.
    Source: Allen, Rabiner 1977, "A unified approach to short-time Fourier analysis and synthesis".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.cos(np.pi / 2 * np.arange(16.0)).reshape(1, 16))
        >>> real, imaginary = F.stft(x, window_size=8, stride=4, fft_size=8)
        >>> print(real.shape)
        (1, 5, 5)
        >>> print(np.hypot(real.data, imaginary.data)[0, :, 2].round(2))  # a period of 4 elements
        [0. 1. 2. 1. 0.]
    """
    batch, length = x.shape
    half = fft_size // 2 if center else 0
    frames = (length + 2 * half - fft_size) // stride + 1
    if as_istft_backward:
        # What comes after the last frame has no part in it.
        total = _overlap(window_type, window_size, fft_size, stride, frames)
        length = min(length, total.shape[2] - half)
        x = part(x, 1, 0, length) / reshape(part(total, 2, half, half + length), (1, length), False)
    if half:
        x = pad_(x, (half, half), pad_mode)
    parts = _frames(x, fft_size, stride) * _window_along(window_type, window_size, fft_size)
    parts = reshape(transpose(parts, (0, 2, 3, 1)), (batch, frames, fft_size, 1), False)
    y = fft(place(parts, (batch, frames, fft_size, 2), (0,) * 4, parts.shape, (1,) * 4), 1)
    count = fft_size // 2 + 1
    y = transpose(part(y, 2, 0, count), (0, 2, 1, 3))
    if as_istft_backward:
        y = y * reshape(literal(_one_sided(fft_size)), (1, count, 1, 1), False)
    return tuple(reshape(part(y, 3, i, i + 1), (batch, count, frames), False) for i in (0, 1))


@stft.resolve
def _(
    x: Any,
    window_size: int,
    stride: int,
    fft_size: int,
    window_type: str,
    center: bool,
    pad_mode: str,
    as_istft_backward: bool,
) -> None:
    if len(x) != 2:
        raise ShapeError(f"stft: x {tuple(x)} must be (batch, elements)")
    _check_window("stft", window_size, stride, fft_size)
    length = x[1] + (2 * (fft_size // 2) if center else 0)
    if length < fft_size or x[1] < 1:
        raise ShapeError(
            f"stft: x {tuple(x)} has {length} elements with padding (center={center}), fewer than "
            f"fft_size={fft_size}; give longer signals or a smaller fft_size"
        )
    if as_istft_backward:
        if pad_mode != "constant":
            raise ArgumentError(
                f"stft: pad_mode={pad_mode!r} must be 'constant' with as_istft_backward=True: istft cuts its result "
                "and does not fold what was padded"
            )
        _check_inverse("stft", window_size, stride, fft_size, window_type, center, length)


@operator("ISTFT", group=GROUP, outputs="x")
def istft(
    y_r: Float,
    y_i: Float,
    window_size: Int,
    stride: Int,
    fft_size: Int,
    window_type: Literal["hanning", "hamming", "rectangular"] = "hanning",
    center: Boolean = True,
    pad_mode: Literal["constant", "reflect"] = "reflect",
    as_stft_backward: Boolean = False,
) -> Any:
    """Inverse of :func:`stft`: windowed stretches are added up and divided by the sum of the squared windows.

    :math:`x_j = \\sum_t w_{j - t s} \\, z_{t,\\, j - t s} / \\sum_t w_{j - t s}^2`, where z are the inverse
    transforms of the spectra, w is the window, and s the stride.

    Args:
        y_r, y_i: Real and imaginary parts, (B, fft_size // 2 + 1, frames).
        window_size, fft_size, window_type: As of :func:`stft`.
        stride: Distance of the windows, a divisor of ``fft_size``.
        center: Cut ``fft_size // 2`` elements from both ends.
        pad_mode: Must be ``'constant'``, as it has no effect, but for ``as_stft_backward``.
        as_stft_backward: Compute the gradient of :func:`stft` instead.
    Returns:
        (B, (frames - 1) * stride + fft_size), without what ``center`` cuts.
    Source: Griffin, Lim 1984, "Signal estimation from modified short-time Fourier transform", eq. 6.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 16))
        >>> real, imaginary = F.stft(x, window_size=8, stride=4, fft_size=8)
        >>> back = F.istft(real, imaginary, window_size=8, stride=4, fft_size=8, pad_mode="constant")
        >>> print(np.abs(back.data - x.data).max() < 1e-4)
        True
    """
    batch, count, frames = y_r.shape
    pairs = [reshape(transpose(y, (0, 2, 1)), (batch, frames, count, 1), False) for y in (y_r, y_i * -1.0)]
    z = concatenate(*pairs, axis=3)
    if not as_stft_backward:
        z = z * reshape(literal(_one_sided(fft_size)), (1, 1, count, 1), False)
    z = place(z, (batch, frames, fft_size, 2), (0,) * 4, z.shape, (1,) * 4)
    # The real part of the transform of the conjugate is that of the inverse transform.
    parts = reshape(part(fft(z, 1), 3, 0, 1), (batch, frames, fft_size), False)
    parts = reshape(transpose(parts, (2, 0, 1)), (1, fft_size, batch, frames), False)
    parts = parts * _window_along(window_type, window_size, fft_size)
    length = (frames - 1) * stride + fft_size
    x = reshape(fold(parts, (fft_size,), (stride,), (1,), (0,), (length,)), (batch, length), False)
    half = fft_size // 2 if center else 0
    inner = length - 2 * half
    if as_stft_backward:
        return _unreflect(x, half) if half and pad_mode == "reflect" else part(x, 1, half, half + inner)
    total = _overlap(window_type, window_size, fft_size, stride, frames)
    return part(x, 1, half, half + inner) / reshape(part(total, 2, half, half + inner), (1, inner), False)


def _unreflect(x: Any, half: int) -> Any:
    """The adjoint of padding signals (batch, elements) by reflection."""
    inner = x.shape[1] - 2 * half
    source = np.abs(np.arange(-half, inner + half)) % max(2 * inner - 2, 1)
    source = np.minimum(source, max(2 * inner - 2, 0) - source)
    return transpose(add_rows(transpose(x, (1, 0)), literal(source.tolist(), "index"), inner), (1, 0))


@istft.resolve
def _(
    y_r: Any,
    y_i: Any,
    window_size: int,
    stride: int,
    fft_size: int,
    window_type: str,
    center: bool,
    pad_mode: str,
    as_stft_backward: bool,
) -> None:
    _check_window("istft", window_size, stride, fft_size)
    count = fft_size // 2 + 1
    if len(y_r) != 3 or tuple(y_r) != tuple(y_i) or y_r[1] != count or y_r[2] < 1:
        raise ShapeError(
            f"istft: y_r {tuple(y_r)} and y_i {tuple(y_i)} must both be (batch, {count}, frames) for "
            f"fft_size={fft_size}, with one frame or more"
        )
    length = (y_r[2] - 1) * stride + fft_size
    if center and length <= 2 * (fft_size // 2):
        raise ShapeError(
            f"istft: nothing is left of {length} elements when center=True cuts {fft_size // 2} at both ends; "
            "give more frames"
        )
    if not as_stft_backward and pad_mode != "constant":
        raise ArgumentError(
            f"istft: pad_mode={pad_mode!r} must be 'constant': it has no effect, unless as_stft_backward=True"
        )
    if not as_stft_backward:
        _check_inverse("istft", window_size, stride, fft_size, window_type, center, length)
    elif fft_size % stride:
        raise ArgumentError(f"istft: fft_size={fft_size} must be a multiple of stride={stride}")
