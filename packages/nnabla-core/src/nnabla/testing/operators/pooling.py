"""Pooling, against loops over windows in NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


def windows(x, kernel, stride, ignore_border, pad, channel_last):
    """Yield output position and (elements inside x, number with padding) of each window, x as (..., spatial)."""
    ndim = len(kernel)
    stride, pad = stride or kernel, pad or (0,) * ndim
    sizes = x.shape[x.ndim - ndim :]
    out = [
        (n + 2 * p - k) // s + 1 if ignore_border else int(np.ceil((n + p) / s))
        for n, k, s, p in zip(sizes, kernel, stride, pad)
    ]
    for spot in itertools.product(*map(range, out)):
        start = [i * s - p for i, s, p in zip(spot, stride, pad)]
        stop = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, sizes, pad)]
        inside = tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(start, stop, sizes))
        yield out, spot, inside, np.prod([b - a for a, b in zip(start, stop)])


def pool(reduce):
    """Return pooling that gives ``reduce(elements, number with padding, including_pad)`` of each window."""

    def expect(
        x,
        kernel,
        stride=None,
        ignore_border=True,
        pad=None,
        channel_last=False,
        including_pad=True,
    ):
        if channel_last:
            x = np.moveaxis(x, -1, x.ndim - len(kernel) - 1)
        outer = x.shape[: x.ndim - len(kernel)]
        y: Any = None
        for out, spot, inside, count in windows(x, kernel, stride, ignore_border, pad, channel_last):
            if y is None:
                y = np.zeros((*outer, *out))
            elements = x[(..., *inside)].reshape(*outer, -1)
            y[(..., *spot)] = reduce(elements, count, including_pad)
        return np.moveaxis(y, y.ndim - len(kernel) - 1, -1) if channel_last else y

    return expect


MAX = pool(lambda e, count, including: e.max(-1))
SUM = pool(lambda e, count, including: e.sum(-1))
AVERAGE = pool(lambda e, count, including: e.sum(-1) / (count if including else e.shape[-1]))

GEOMETRIES: list[dict[str, Any]] = [
    {"kernel": (2, 2)},
    {"kernel": (3, 2), "stride": (1, 2), "pad": (1, 0)},
    {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 1), "ignore_border": False},
    {"kernel": (2, 3), "stride": (3, 2), "ignore_border": False},
    {"kernel": (2, 2), "stride": (1, 2), "channel_last": True},
]
CASES = [
    case
    for function, expect in ((F.max_pooling, MAX), (F.sum_pooling, SUM), (F.average_pooling, AVERAGE))
    for case in (
        *(c for g in GEOMETRIES for c in cases(function, [normal(2, 3, 5, 6)], g, expect=expect)),
        *cases(function, [normal(2, 7)], {"kernel": (3,), "stride": (2,)}, expect=expect),
        *cases(function, [normal(2, 3, 4, 4)], {"kernel": (2, 2, 2)}, expect=expect),
        *cases(function, [normal(4, 5)], {"kernel": (2, 2)}, expect=expect),
        *cases(function, [normal(0, 2, 4, 4)], {"kernel": (2, 2)}, expect=lambda x, kernel: np.zeros((0, 2, 2, 2))),
    )
] + [
    case
    for g in GEOMETRIES[1:4]
    for case in cases(F.average_pooling, [normal(2, 5, 6)], {**g, "including_pad": False}, expect=AVERAGE)
]

GLOBAL_AVERAGE_POOLING = [
    *cases(F.global_average_pooling, [normal(2, 3, 4, 5)], expect=lambda x: x.mean((2, 3), keepdims=True)),
    *cases(F.global_average_pooling, [normal(2, 3, 4)], expect=lambda x: x.mean(2)[:, :, None, None]),
    *cases(F.global_average_pooling, [normal(2, 3, 2, 3, 2)], expect=lambda x: x.mean((2, 3, 4))[:, :, None, None]),
]


def repeat(x, kernel, channel_last=False):
    """Each element ``kernel`` times along the last axes (before the channel)."""
    last = x.ndim - int(channel_last)
    for axis, k in zip(range(last - len(kernel), last), kernel):
        x = np.repeat(x, k, axis)
    return x


UNPOOLING = [
    *cases(F.unpooling, [normal(2, 3, 4, 5)], {"kernel": [(2, 3), (1, 2), (2, 2, 2)]}, expect=repeat),
    *cases(F.unpooling, [normal(2, 3, 4)], {"kernel": (2,), "channel_last": [False, True]}, expect=repeat),
    *cases(F.unpooling, [normal(3, 4)], {"kernel": (2, 3)}, expect=repeat, label="kernel over all dimensions"),
]


def max_back(dy, x, kernel, **args):
    """The gradient of max pooling by its definition."""
    dx = np.zeros_like(x)
    rest = {"stride": None, "ignore_border": True, "pad": None, "channel_last": False, **args}
    for _, spot, inside, _ in windows(x, kernel, **rest):
        for outer in np.ndindex(x.shape[: x.ndim - len(kernel)]):
            elements = x[(*outer, *inside)]
            at = np.unravel_index(elements.argmax(), elements.shape)
            dx[(*outer, *(s.start + a for s, a in zip(inside, at)))] += dy[(*outer, *spot)]
    return dx


MAX_POOLING_BACKWARD = [
    *cases(F.max_pooling_backward, [normal(2, 3, 2, 3), normal(2, 3, 5, 6)], {"kernel": (2, 2)}, expect=max_back),
    *cases(
        F.max_pooling_backward,
        [normal(2, 3, 3, 3), normal(2, 3, 5, 6)],
        {"kernel": (3, 2), "stride": (2, 2), "ignore_border": False},
        expect=max_back,
    ),
    *cases(
        F.max_pooling_backward,
        [normal(2, 4, 3, 3), normal(2, 5, 6, 3)],
        {"kernel": (2, 2), "stride": (1, 2), "channel_last": True},
        expect=lambda dy, x, channel_last, **args: np.moveaxis(
            max_back(np.moveaxis(dy, -1, 1), np.moveaxis(x, -1, 1), **args), 1, -1
        ),
    ),
]
