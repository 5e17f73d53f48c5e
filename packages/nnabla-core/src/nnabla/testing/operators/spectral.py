"""Fourier transforms, against NumPy's and SciPy's."""

from __future__ import annotations

import numpy as np
from scipy.signal import get_window

import nnabla.functions as F
from nnabla.testing.cases import Case, cases, normal


def transformed(x, signal_ndim, normalized=False, inverse=False):
    """NumPy's transform of pairs."""
    axes = tuple(range(-signal_ndim, 0))
    function = np.fft.ifftn if inverse else np.fft.fftn
    y = function(x[..., 0] + 1j * x[..., 1], axes=axes, norm="ortho" if normalized else "backward")
    return np.stack([y.real, y.imag], axis=-1)


def window(kind, width, size):
    """SciPy's periodic window in the middle of zeros."""
    names = {"hanning": "hann", "hamming": "hamming", "rectangular": "boxcar"}
    before = (size - width) // 2
    return np.pad(get_window(names[kind], width), (before, size - width - before))


def spectra(
    x, window_size, stride, fft_size, window_type="hanning", center=True, pad_mode="reflect", as_istft_backward=False
):
    """The definition, frame by frame."""
    if center:
        x = np.pad(x, [(0, 0), (fft_size // 2,) * 2], mode=pad_mode)
    starts = range(0, x.shape[1] - fft_size + 1, stride)
    shape = window(window_type, window_size, fft_size)
    y = np.stack([np.fft.rfft(x[:, s : s + fft_size] * shape, axis=1) for s in starts], axis=2)
    return y.real, y.imag


def signals(y_r, y_i, window_size, stride, fft_size, window_type="hanning", center=True, pad_mode="constant", **_):
    """The least-squares inverse (Griffin and Lim 1984), frame by frame."""
    shape = window(window_type, window_size, fft_size)
    frames = np.fft.irfft(y_r + 1j * y_i, fft_size, axis=1) * shape[:, None]
    total = np.zeros((len(y_r), (y_r.shape[2] - 1) * stride + fft_size))
    weight = np.zeros(total.shape[1])
    for t in range(y_r.shape[2]):
        total[:, t * stride : t * stride + fft_size] += frames[:, :, t]
        weight[t * stride : t * stride + fft_size] += shape**2
    cut = slice(fft_size // 2, total.shape[1] - fft_size // 2) if center else slice(None)
    return total[:, cut] / weight[cut]


SIZES = {"window_size": 6, "stride": 4, "fft_size": 8}
ODD = {"window_size": 5, "stride": 3, "fft_size": 9}
BACK = {"pad_mode": "constant"}
CASES = [
    *cases(F.fft, [normal(2, 6, 2)], {"signal_ndim": 1, "normalized": [False, True]}, expect=transformed),
    *cases(F.fft, [normal(2, 3, 4, 5, 2)], {"signal_ndim": [2, 3, 4], "normalized": True}, expect=transformed),
    *cases(F.fft, [normal(7, 2)], {"signal_ndim": 1}, expect=transformed),
    *cases(F.fft, [normal(0, 3, 2)], {"signal_ndim": 1}, expect=transformed),
    *cases(
        F.ifft,
        [normal(2, 3, 4, 2)],
        {"signal_ndim": [1, 2], "normalized": [False, True]},
        expect=lambda x, **a: transformed(x, **a, inverse=True),
    ),
    *cases(
        F.stft,
        [normal(2, 19)],
        {**SIZES, "window_type": ["hanning", "hamming", "rectangular"], "center": [True, False]},
        expect=spectra,
    ),
    Case(F.stft, [normal(2, 19)], {**SIZES, "pad_mode": "constant"}, spectra),
    Case(F.stft, [normal(1, 20)], ODD, spectra),
    Case(F.stft, [normal(2, 3)], SIZES, spectra, label="padded again and again"),
    *cases(
        F.istft,
        [normal(2, 5, 4), normal(2, 5, 4)],
        {**SIZES, **BACK, "window_type": ["hanning", "hamming", "rectangular"]},
        expect=signals,
    ),
    Case(
        F.istft,
        [normal(2, 5, 4), normal(2, 5, 4)],
        {"window_size": 8, "stride": 4, "fft_size": 8, "window_type": "hamming", "center": False, **BACK},
        signals,
    ),
    Case(F.istft, [normal(2, 5, 4), normal(2, 5, 4)], {**ODD, **BACK}, signals),
    *cases(F.istft, [normal(1, 5, 4)] * 2, {**SIZES, "as_stft_backward": True, "pad_mode": ["constant", "reflect"]}),
    *cases(F.stft, [normal(1, 12)], {**SIZES, **BACK, "as_istft_backward": True}),
]
