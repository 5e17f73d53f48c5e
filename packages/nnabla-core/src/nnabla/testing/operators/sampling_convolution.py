"""Convolutions with computed sampling places or kernels, against loops in NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal, uniform


def bilinear(image, h, w):
    """The value of an image at (h, w), with zeros outside."""
    top, left = int(np.floor(h)), int(np.floor(w))
    total = 0.0
    for i in (top, top + 1):
        for j in (left, left + 1):
            if 0 <= i < image.shape[0] and 0 <= j < image.shape[1]:
                total += image[i, j] * (1 - abs(h - i)) * (1 - abs(w - j))
    return total


def deform(x, weight, offset, mask=None, bias=None, pad=(0, 0), stride=(1, 1), dilation=(1, 1), group=1, **rest):
    """Deformable convolution by its definition."""
    groups = rest.get("deformable_group", 1)
    if rest.get("channel_last"):
        mask = None if mask is None else np.moveaxis(mask, -1, 1)
        x, weight, offset = (np.moveaxis(a, -1, 1) for a in (x, weight, offset))
    samples, channels = x.shape[:2]
    maps, per_group, rows, columns = weight.shape
    out = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, p, d, k, s in zip(x.shape[2:], pad, dilation, weight.shape[2:], stride)
    ]
    y = np.zeros((samples, maps, *out))
    for n, c, i, j, p, q in np.ndindex(samples, channels, rows, columns, *out):
        at = c // (channels // groups) * rows * columns + i * columns + j
        spot = p * stride[0], q * stride[1]
        h = spot[0] - pad[0] + i * dilation[0] + offset[(n, 2 * at, *spot)]
        w = spot[1] - pad[1] + j * dilation[1] + offset[(n, 2 * at + 1, *spot)]
        value = bilinear(x[n, c], h, w) * (1 if mask is None else mask[(n, at, *spot)])
        first = c // per_group * (maps // group)
        y[n, first : first + maps // group, p, q] += weight[first : first + maps // group, c % per_group, i, j] * value
    y = y if bias is None else y + bias.reshape(1, -1, 1, 1)
    return np.moveaxis(y, 1, -1) if rest.get("channel_last") else y


OFFSETS = normal(2, 2 * 2 * 6, 4, 5, scale=1.5)

DEFORMABLE_CONVOLUTION = [
    *cases(
        F.deformable_convolution,
        [normal(2, 4, 4, 5), normal(2, 2, 3, 2), OFFSETS, uniform(0, 1, 2, 12, 4, 5), normal(2)],
        {"group": 2, "deformable_group": 2, "pad": [(0, 0), (1, 0)], "stride": [(1, 1), (2, 1)]},
        expect=deform,
        double=False,
    ),
    *cases(
        F.deformable_convolution,
        [normal(2, 3, 4, 5), normal(2, 3, 2, 2), normal(2, 8, 4, 5)],
        {"dilation": (1, 2)},
        expect=deform,
    ),
    *cases(
        F.deformable_convolution,
        [normal(1, 4, 5, 2), normal(3, 2, 2, 2), normal(1, 4, 5, 8), normal(1, 4, 5, 4)],
        {"channel_last": True},
        expect=deform,
        double=False,
    ),
    *cases(
        F.deformable_convolution,
        [normal(2, 2, 4, 4), normal(3, 2, 2, 2), normal(2, 8, 4, 4)],
        {"base_axis": -3},
        expect=lambda *inputs, base_axis: deform(*inputs),
        double=False,
    ),
    *cases(
        F.deformable_convolution,
        [normal(1, 2, 4, 4), normal(2, 2, 1, 1), uniform(-100, 100, 1, 2, 4, 4)],
        expect=deform,
        double=False,
        label="far outside",
    ),
]


def separable(x, vertical, horizontal):
    """A sum over both kernels' elements."""
    rows, columns = vertical.shape[2:]
    y = np.zeros((*x.shape[:2], rows, columns))
    for i in range(vertical.shape[1]):
        for j in range(horizontal.shape[1]):
            factor = vertical[:, i : i + 1] * horizontal[:, j : j + 1]
            y += factor * x[:, :, i : i + rows, j : j + columns]
    return y


ADAPTIVE_SEPARABLE_CONVOLUTION = cases(
    F.adaptive_separable_convolution,
    [normal(2, 3, 5, 6), normal(2, 2, 4, 4), normal(2, 3, 4, 4)],
    expect=separable,
)
