"""Sliding windows: taking them apart (unfold) and its adjoint (fold).

Convolution, deconvolution and pooling are these two and a matrix product or a reduction, so their derivatives of
any order are as well. Backends have faster kernels for the layers themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from nnabla.ops.definition import operator, prod
from nnabla.ops.spec import Double, Float, Shape

__all__ = ["fold", "unfold"]


def _taps(kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], out: Sequence[int]) -> Any:
    """Yield for each kernel position the slices of the padded input that it touches."""
    for position in itertools.product(*map(range, kernel)):
        yield tuple(
            slice(k * d, k * d + (o - 1) * s + 1 if o else k * d, s)
            for k, d, s, o in zip(position, dilation, stride, out)
        )


def _padded(sizes: Sequence[int], kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any) -> tuple[int, ...]:
    return tuple(
        max(n + p, (o - 1) * s + (k - 1) * d + 1) for n, k, s, d, p, o in zip(sizes, kernel, stride, dilation, pad, out)
    )


@operator("Unfold", internal=True)
def unfold(x: Float, kernel: Shape, stride: Shape, dilation: Shape, pad: Shape, out: Shape, fill: Double = 0.0) -> Any:
    """Windows of ``x``.

    Args:
        x: (N, C, spatial...).
        kernel, stride, dilation: One size per spatial dimension.
        pad: Elements of ``fill`` before each spatial dimension; after it as many as the windows reach.
        out: Number of windows along each spatial dimension.
        fill: Value of the padding.
    Returns:
        (C, prod(kernel), N, out...).
    """


@unfold.shape
def _(x: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any, fill: float) -> Any:
    return (x[1], prod(kernel), x[0], *out)


@unfold.reference
def _(xp: Any, x: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any, fill: float) -> Any:
    n, c, *sizes = x.shape
    full = _padded(sizes, kernel, stride, dilation, pad, out)
    if full != tuple(sizes):
        padded = xp.full((n, c, *full), fill, dtype=x.dtype)
        padded[(slice(None), slice(None), *(slice(p, p + m) for p, m in zip(pad, sizes)))] = x
        x = padded
    axes = (1, 0, *range(2, x.ndim))
    x = xp.permute_dims(x, axes)
    whole = (slice(None), slice(None))
    return xp.stack([x[(*whole, *tap)] for tap in _taps(kernel, stride, dilation, out)], axis=1)


@unfold.gradient
def _(x_shape: Any, dy: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any) -> Any:
    return fold(dy, kernel, stride, dilation, pad, x_shape[2:])


@operator("Fold", internal=True)
def fold(x: Float, kernel: Shape, stride: Shape, dilation: Shape, pad: Shape, size: Shape) -> Any:
    """Sum of windows at their places, the adjoint of :func:`unfold`.

    Args:
        x: (C, prod(kernel), N, out...).
        size: Spatial sizes of the result; the others as in :func:`unfold`.
    Returns:
        (N, C, size...).
    """


@fold.shape
def _(x: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, size: Any) -> Any:
    return (x[2], x[0], *size)


@fold.reference
def _(xp: Any, x: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, size: Any) -> Any:
    c, _, n, *out = x.shape
    full = _padded(size, kernel, stride, dilation, pad, out)
    total = xp.zeros((c, n, *full), dtype=x.dtype)
    whole = (slice(None), slice(None))
    for at, tap in enumerate(_taps(kernel, stride, dilation, out)):
        total[(*whole, *tap)] += x[:, at, ...]
    total = xp.permute_dims(total, (1, 0, *range(2, total.ndim)))
    inner = total[(*whole, *(slice(p, p + m) for p, m in zip(pad, size)))]
    return xp.asarray(inner, copy=True)


@fold.gradient
def _(x_shape: Any, dy: Any, kernel: Any, stride: Any, dilation: Any, pad: Any) -> Any:
    return unfold(dy, kernel, stride, dilation, pad, x_shape[3:])
