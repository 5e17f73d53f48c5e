"""Sliding windows: taking them apart (unfold) and its adjoint (fold).

Convolution, deconvolution and pooling are these two and a matrix product or a reduction, so their derivatives of
any order are as well. Backends have faster kernels for the layers themselves.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import ones
from nnabla.ops.reduction import sum_
from nnabla.ops.spec import Double, Float, Shape

__all__ = ["Windows", "complete", "fold", "unfold"]


def _taps(kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int], out: Sequence[int]) -> Any:
    """Yield for each kernel position the slices of the padded input that it touches."""
    for position in itertools.product(*map(range, kernel)):
        yield tuple(
            slice(k * d, k * d + (o - 1) * s + 1 if o else k * d, s)
            for k, d, s, o in zip(position, dilation, stride, out)
        )


def padded_sizes(sizes: Sequence[int], kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any) -> tuple[int, ...]:
    """Return the sizes of an input with its padding that all windows fit into."""
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
    full = padded_sizes(sizes, kernel, stride, dilation, pad, out)
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
    full = padded_sizes(size, kernel, stride, dilation, pad, out)
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


# -- pooling ---------------------------------------------------------------------------------------------------
def pooled_size(n: int, k: int, s: int, p: int, ignore_border: bool) -> int:
    """Return the number of windows over ``n`` elements padded by ``p`` on both sides.

    With ``ignore_border`` only whole windows count, except that one window larger than everything counts if it
    is no more than a stride too large; else every window counts that starts before the padding after the end.
    """
    if not ignore_border:
        return -(-(n + p) // s)
    return int((n + 2 * p - k) / s) + 1


class Windows:
    """How pooling sees its input: images one below the other, and the windows over each.

    Attributes:
        outer, sizes, tail: The input's shape: leading dimensions, spatial ones, the channel if it is last.
        out: Number of windows in each spatial dimension.
        images: Number of images.
    """

    def __init__(self, x: Any, kernel: Any, stride: Any, pad: Any, ignore_border: bool, channel_last: bool) -> None:
        ndim = len(kernel)
        self.shape = tuple(x)
        self.channel_last = channel_last
        self.tail = (x[-1],) if channel_last else ()
        end = len(x) - len(self.tail)
        self.outer, self.sizes = tuple(x[: end - ndim]), tuple(x[end - ndim : end])
        self.kernel, self.stride, self.pad = kernel, stride, pad
        self.ndim = ndim
        self.out = tuple(pooled_size(n, k, s, p, ignore_border) for n, k, s, p in zip(self.sizes, kernel, stride, pad))
        self.images = prod(self.outer) * prod(self.tail)

    def columns(self, x: Any, fill: float) -> Any:
        """Return (images, taps, out...)."""
        if self.channel_last:
            x = reshape(x, (prod(self.outer), *self.sizes, *self.tail), False)
            x = transpose(x, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        x = reshape(x, (1, self.images, *self.sizes), False)
        dilation = (1,) * self.ndim
        columns = unfold(x, self.kernel, self.stride, dilation, self.pad, self.out, fill)
        return reshape(columns, (self.images, prod(self.kernel), *self.out), False)

    def spread(self, columns: Any) -> Any:
        """The adjoint of :meth:`columns`."""
        shape = (self.images, prod(self.kernel), 1, *self.out)
        dilation = (1,) * self.ndim
        columns = reshape(columns, shape, False)
        x = fold(columns, self.kernel, self.stride, dilation, self.pad, self.sizes)
        if self.channel_last:
            x = reshape(x, (prod(self.outer), *self.tail, *self.sizes), False)
            x = transpose(x, (0, *range(2, 2 + self.ndim), 1))
        return reshape(x, self.shape, False)

    def result(self, y: Any) -> Any:
        """Bring (images, out...) into the layout of the input."""
        if self.channel_last:
            y = reshape(y, (prod(self.outer), *self.tail, *self.out), False)
            y = transpose(y, (0, *range(2, 2 + self.ndim), 1))
        return reshape(y, (*self.outer, *self.out, *self.tail), False)

    def images_of(self, dy: Any) -> Any:
        """The inverse of :meth:`result`, with an axis of size 1 for the taps."""
        if self.channel_last:
            dy = reshape(dy, (prod(self.outer), *self.out, *self.tail), False)
            dy = transpose(dy, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return reshape(dy, (self.images, 1, *self.out), False)

    def inside(self) -> bool:
        """Whether every window is full: none reaches over the padding's end."""
        return all(
            (o - 1) * s + k <= n + 2 * p
            for o, s, k, n, p in zip(self.out, self.stride, self.kernel, self.sizes, self.pad)
        )

    def counts(self, including_pad: bool) -> Any:
        """Return how many elements each window has, padding included or not: (out...)."""
        pad = (0,) * self.ndim if including_pad else self.pad
        sizes = tuple(n + 2 * (p - q) for n, p, q in zip(self.sizes, self.pad, pad))
        dilation = (1,) * self.ndim
        found = unfold(ones((1, 1, *sizes)), self.kernel, self.stride, dilation, pad, self.out)
        return reshape(sum_(found, (1,), False), self.out, False)


def complete(name: str, x: Any, kernel: Any, stride: Any, pad: Any, **flags: bool) -> dict[str, Any]:
    """Fill in stride and pad, and check that they fit ``x``; ``flags`` as :class:`Windows` takes them."""
    ndim = len(kernel)
    if ndim < 1 or len(x) < ndim + int(flags["channel_last"]):
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} must have one entry per spatial dimension, at most as many "
            f"as x {tuple(x)} has"
        )
    found = {"stride": kernel if stride is None else stride, "pad": (0,) * ndim if pad is None else pad}
    for key, value in found.items():
        if len(value) != ndim:
            raise ShapeError(f"{name}: {key}={tuple(value)} needs {ndim} entries as kernel={tuple(kernel)} has")
    if min(found["stride"]) < 1 or min(kernel) < 1 or min(found["pad"]) < 0:
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} and stride={tuple(found['stride'])} must be 1 or more, "
            f"pad={tuple(found['pad'])} 0 or more"
        )
    w = Windows(x, kernel, **found, **flags)
    if min(w.out) < 1:
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} does not fit into the spatial sizes {w.sizes} of x with "
            f"pad={tuple(found['pad'])}; make the kernel smaller or pad larger"
        )
    return found
