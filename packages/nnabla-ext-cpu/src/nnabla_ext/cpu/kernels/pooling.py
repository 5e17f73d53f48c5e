"""Pooling without taking the windows apart: one pass for each of a window's elements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.windows import Windows

__all__ = ["FORWARD_KERNELS"]

Array = np.ndarray

#: Bytes of output that is computed at a time.
_BLOCK = 1 << 16


def _windows(shape: Any, args: dict[str, Any]) -> Windows:
    names = ("kernel", "stride", "pad", "ignore_border", "channel_last")
    return Windows(shape, **{name: args[name] for name in names})


class _Taps:
    """The elements of all windows that have one place in them, for each place.

    Arrays are seen as (images, spatial..., channel or 1).
    """

    def __init__(self, w: Windows) -> None:
        self.w = w
        self.reach = tuple(
            max(n + p, (o - 1) * s + k) for n, p, o, s, k in zip(w.sizes, w.pad, w.out, w.stride, w.kernel)
        )
        self.direct = self.reach == w.sizes
        self.outer, self.tail = prod(w.outer), prod(w.tail)
        self.inside = (slice(None), *(slice(p, p + n) for p, n in zip(w.pad, w.sizes)))
        self.apart = all(s >= k for s, k in zip(w.stride, w.kernel))

    def padded(self, x: Array, fill: float) -> Array:
        """Return the input with its padding."""
        x = x.reshape(self.outer, *self.w.sizes, self.tail)
        if self.direct:
            return x
        whole = np.full((self.outer, *self.reach, self.tail), fill, x.dtype)
        whole[self.inside] = x
        return whole

    def empty(self, dtype: Any) -> Array:
        """Return zeros of the padded input's shape."""
        return np.zeros((self.outer, *self.reach, self.tail), dtype)

    def cropped(self, whole: Array) -> Array:
        """Return the input without its padding."""
        x = whole if self.direct else np.ascontiguousarray(whole[self.inside])
        return x.reshape(self.w.shape)

    def of(self, whole: Array) -> Iterator[Array]:
        """Yield views of a padded array, one for each place."""
        w = self.w
        for tap in np.ndindex(*w.kernel):
            yield whole[
                (
                    slice(None),
                    *(slice(t, t + (o - 1) * s + 1, s) for t, o, s in zip(tap, w.out, w.stride)),
                )
            ]

    @property
    def out(self) -> tuple[int, ...]:
        """The output's shape as the views have it."""
        return (self.outer, *self.w.out, self.tail)

    @property
    def shape(self) -> tuple[int, ...]:
        """The output's shape as users see it."""
        return (*self.w.outer, *self.w.out, *self.w.tail)


def max_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> tuple[Array, Array]:
    """Largest values and their places in the windows."""
    (x,) = inputs
    w = _windows(x.shape, args)
    taps = _Taps(w)
    whole = taps.padded(x, -np.inf)
    y = np.empty(taps.out, x.dtype)
    # Places are kept small: they are read once, by backward.
    place = np.zeros(taps.out, np.uint8 if prod(w.kernel) <= 256 else np.int64)
    step = max(1, _BLOCK * max(1, len(y)) // max(1, y.nbytes))
    for start in range(0, len(y), step):
        at = slice(start, start + step)
        _largest(taps.of(whole[at]), y[at], place[at])
    return y.reshape(taps.shape), place.reshape(taps.shape)


def _largest(views: Iterator[Array], y: Array, place: Array) -> None:
    """Write the largest of the views and the number of the first one that holds it."""
    np.copyto(y, next(views))
    element, larger = np.empty_like(y), np.empty(y.shape, bool)
    number = np.empty_like(place)
    for count, view in enumerate(views, 1):
        np.copyto(element, view)
        np.greater(element, y, out=larger)
        np.maximum(element, y, out=y)
        # Numbers grow, so the last that was larger is the largest number.
        np.multiply(larger, place.dtype.type(count), out=number)
        np.maximum(place, number, out=place)


def put_in_windows(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """Values at one place of each window."""
    dy, place = inputs
    w = _windows(args["shape"], args)
    taps = _Taps(w)
    dy = dy.reshape(taps.out)
    place = place.reshape(taps.out)
    whole = taps.empty(dy.dtype)
    step = max(1, _BLOCK * max(1, len(dy)) // max(1, dy.nbytes))
    for start in range(0, len(dy), step):
        at = slice(start, start + step)
        values, places = dy[at], place[at]
        for number, view in enumerate(taps.of(whole[at])):
            here = places == number
            if taps.apart:
                np.multiply(values, here, out=view)
            else:
                view += values * here
    return taps.cropped(whole)


def sum_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """Sums of windows."""
    (x,) = inputs
    taps = _Taps(_windows(x.shape, args))
    if taps.direct and taps.reach == tuple(taps.w.kernel):
        axes = tuple(range(1, 1 + taps.w.ndim))
        return taps.padded(x, 0).sum(axes).reshape(taps.shape)
    views = taps.of(taps.padded(x, 0))
    y = next(views).copy()
    for view in views:
        y += view
    return y.reshape(taps.shape)


def spread_in_windows(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    """Values at all places of each window."""
    (dy,) = inputs
    taps = _Taps(_windows(args["shape"], args))
    dy = dy.reshape(taps.out)
    whole = taps.empty(dy.dtype)
    for view in taps.of(whole):
        if taps.apart:
            view[...] = dy
        else:
            view += dy
    return taps.cropped(whole)


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "MaxPooling": max_pooling,
    "PutInWindows": put_in_windows,
    "SpreadInWindows": spread_in_windows,
    "SumPooling": sum_pooling,
}
