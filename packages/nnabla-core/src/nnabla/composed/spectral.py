"""Short-time Fourier transforms with the signatures of ``nnabla.functions``."""

from __future__ import annotations

from typing import Any

from nnabla import ops

__all__ = ["istft", "stft"]


def stft(
    x: Any,
    window_size: int,
    stride: int,
    fft_size: int,
    window_type: str = "hanning",
    center: bool = True,
    pad_mode: str = "reflect",
    as_istft_backward: bool = False,
) -> Any:
    """Short-time Fourier transform: the spectra of overlapping windows of signals.

    Args:
        x: (B, L), signals.
        window_size: Elements of the window, periodic and in the middle of ``fft_size`` elements.
        stride: Distance of the windows.
        fft_size: Elements of a transform, ``window_size`` or more.
        window_type: ``'hanning'``, ``'hamming'`` or ``'rectangular'``.
        center: Pad the signals by ``fft_size // 2`` at both ends.
        pad_mode: How, ``'reflect'`` or ``'constant'`` (zeros).
        as_istft_backward: Compute the gradient of :func:`istft` instead; ``pad_mode`` must be ``'constant'``.

    Returns:
        Real and imaginary parts, (B, fft_size // 2 + 1, frames) each.
    """
    return ops.stft(x, window_size, stride, fft_size, window_type, center, pad_mode, as_istft_backward)


def istft(
    y_r: Any,
    y_i: Any,
    window_size: int,
    stride: int,
    fft_size: int,
    window_type: str = "hanning",
    center: bool = True,
    pad_mode: str = "reflect",
    as_stft_backward: bool = False,
) -> Any:
    """Inverse of :func:`stft`: windowed stretches are added up and divided by the sum of the squared windows.

    Args:
        y_r, y_i: Real and imaginary parts, (B, fft_size // 2 + 1, frames).
        window_size, fft_size, window_type: As of :func:`stft`.
        stride: Distance of the windows, a divisor of ``fft_size``.
        center: Cut ``fft_size // 2`` elements from both ends.
        pad_mode: Pass ``'constant'``; another has a meaning with ``as_stft_backward`` alone.
        as_stft_backward: Compute the gradient of :func:`stft` instead.

    Returns:
        Signals (B, L).

    Raises:
        ArgumentError: The squared windows do not add up to something positive everywhere (the NOLA condition), or
            ``pad_mode`` is not ``'constant'``.
    """
    return ops.istft(y_r, y_i, window_size, stride, fft_size, window_type, center, pad_mode, as_stft_backward)
