"""Convolution layers, against loops over windows in NumPy."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


def convolve(x, weight, bias=None, base_axis=1, pad=None, stride=None, dilation=None, group=1, channel_last=False):
    """Convolution by its definition: a sum over kernel positions for each output position."""
    ndim = weight.ndim - 2
    pad, stride, dilation = pad or (0,) * ndim, stride or (1,) * ndim, dilation or (1,) * ndim
    if channel_last:
        x, weight = np.moveaxis(x, -1, base_axis), np.moveaxis(weight, -1, 1)
    outer = x.shape[:base_axis]
    x = x.reshape(-1, *x.shape[base_axis:])
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in pad)])
    maps, per_group, kernel = weight.shape[0], weight.shape[1], weight.shape[2:]
    out = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation)]
    y = np.zeros((len(x), maps, *out))
    for m in range(maps):
        channels = slice(m // (maps // group) * per_group, (m // (maps // group) + 1) * per_group)
        for spot in itertools.product(*map(range, out)):
            window = [slice(o * s, o * s + (k - 1) * d + 1, d) for o, s, k, d in zip(spot, stride, kernel, dilation)]
            at: Any = (slice(None), m, *spot)
            y[at] = (x[(slice(None), channels, *window)] * weight[m]).sum(axis=tuple(range(1, ndim + 2)))
    if bias is not None:
        y += bias.reshape(1, -1, *(1,) * ndim)
    y = y.reshape(*outer, *y.shape[1:])
    return np.moveaxis(y, base_axis, -1) if channel_last else y


def from_end(x, weight, bias=None, base_axis=1, **args):
    """As :func:`convolve` with a negative base axis."""
    return convolve(x, weight, bias, base_axis + x.ndim, **args)


def depthwise(x, weight, bias=None, base_axis=1, multiplier=1, **args):
    """Convolution in as many groups as there are channels."""
    base = base_axis % x.ndim
    return convolve(x, weight[:, None], bias, base, group=x.shape[base], **args)


def deconvolve(
    x,
    weight,
    bias=None,
    base_axis=1,
    pad=None,
    stride=None,
    dilation=None,
    group=1,
    channel_last=False,
    output_padding=None,
):
    """Deconvolution by its definition: each input element adds the kernel to the output."""
    ndim = weight.ndim - 2
    pad, stride, dilation = pad or (0,) * ndim, stride or (1,) * ndim, dilation or (1,) * ndim
    output_padding = output_padding or (0,) * ndim
    base_axis %= x.ndim
    if channel_last:
        x, weight = np.moveaxis(x, -1, base_axis), np.moveaxis(weight, -1, 1)
    outer = x.shape[:base_axis]
    x = x.reshape(-1, *x.shape[base_axis:])
    rows, per_group, kernel = weight.shape[0], weight.shape[1], weight.shape[2:]
    reach = [s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation)]
    y = np.zeros((len(x), per_group * group, *(r + q for r, q in zip(reach, output_padding))))
    for row in range(rows):
        first = row // (rows // group) * per_group
        for spot in itertools.product(*map(range, x.shape[2:])):
            window = tuple(
                slice(i * s, i * s + (k - 1) * d + 1, d) for i, s, k, d in zip(spot, stride, kernel, dilation)
            )
            scale = x[(slice(None), row, *spot)].reshape(-1, *(1,) * (ndim + 1))
            y[(slice(None), slice(first, first + per_group), *window)] += scale * weight[row]
    y = y[(slice(None), slice(None), *(slice(p, n - p) for p, n in zip(pad, y.shape[2:])))]
    if bias is not None:
        y = y + bias.reshape(1, -1, *(1,) * ndim)
    y = y.reshape(*outer, *y.shape[1:])
    return np.moveaxis(y, base_axis, -1) if channel_last else y


def depthwise_deconvolve(x, weight, bias=None, base_axis=1, divisor=1, **args):
    """Deconvolution in groups of ``divisor`` channels that make one map."""
    base = base_axis % x.ndim
    return deconvolve(x, weight[:, None], bias, base, group=x.shape[base] // divisor, **args)


CASES = [
    *cases(F.convolution, [normal(2, 3, 7), normal(4, 3, 3), normal(4)], expect=convolve),
    *cases(
        F.convolution,
        [normal(2, 4, 6, 5), normal(6, 2, 3, 2), normal(6)],
        {"pad": [(0, 0), (1, 2)], "stride": [(1, 1), (2, 3)], "dilation": (2, 1), "group": 2},
        expect=convolve,
    ),
    *cases(F.convolution, [normal(2, 2, 4, 5, 4), normal(3, 2, 2, 3, 2), None], expect=convolve),
    *cases(
        F.convolution,
        [normal(2, 6, 5, 4), normal(6, 3, 2, 2), normal(6)],
        {"channel_last": True, "group": 2, "pad": (1, 0)},
        expect=convolve,
    ),
    *cases(
        F.convolution,
        [normal(2, 2, 3, 5, 5), normal(2, 3, 3, 3)],
        {"base_axis": 2, "pad": (1, 1)},
        expect=convolve,
    ),
    *cases(F.convolution, [normal(2, 3, 5, 5), normal(2, 3, 3, 3)], {"base_axis": -3}, expect=from_end),
    *cases(F.convolution, [normal(3, 4, 4), normal(2, 3, 2, 2)], {"base_axis": 0}, expect=convolve),
    *cases(F.convolution, [normal(0, 3, 4), normal(2, 3, 2), normal(2)], expect=convolve, label="empty"),
    *cases(F.convolution, [normal(2, 3, 4), normal(5, 3, 1), normal(5)], expect=convolve, label="pointwise"),
]

NO_CHANNELS = [
    *cases(F.convolution, [normal(2, 0, 4, 4), normal(3, 0, 3, 3)], expect=lambda x, w: np.zeros((2, 3, 2, 2))),
    *cases(
        F.convolution,
        [normal(2, 4, 4, 0), normal(3, 3, 3, 0)],
        {"channel_last": True},
        expect=lambda x, w, channel_last: np.zeros((2, 2, 2, 3)),
    ),
    *cases(
        F.deconvolution,
        [normal(2, 3, 4, 0), normal(3, 2, 3, 3), normal(2)],
        expect=lambda x, w, b: np.broadcast_to(b.reshape(2, 1, 1), (2, 2, 6, 2)),
    ),
    *cases(F.deconvolution, [normal(2, 0, 4, 4), normal(0, 3, 3, 3)], expect=lambda x, w: np.zeros((2, 3, 6, 6))),
]

DEPTHWISE = [
    *cases(F.depthwise_convolution, [normal(2, 3, 6), normal(3, 3), normal(3)], expect=depthwise),
    *cases(
        F.depthwise_convolution,
        [normal(2, 2, 5, 6), normal(6, 3, 2), normal(6)],
        {"multiplier": 3, "pad": (1, 0), "stride": [(1, 1), (2, 1)], "dilation": (1, 2)},
        expect=depthwise,
    ),
    *cases(F.depthwise_convolution, [normal(2, 2, 3, 4, 3), normal(4, 2, 2, 2)], {"multiplier": 2}, expect=depthwise),
    *cases(F.depthwise_convolution, [normal(2, 3, 4, 4), normal(3, 3, 3)], {"base_axis": -3}, expect=depthwise),
]

DECONVOLUTION = [
    *cases(F.deconvolution, [normal(2, 3, 4), normal(3, 2, 3), normal(2)], expect=deconvolve),
    *cases(
        F.deconvolution,
        [normal(2, 4, 3, 4), normal(4, 3, 3, 2), normal(6)],
        {"group": 2, "pad": (1, 0), "stride": (2, 3), "dilation": (1, 2), "output_padding": [(0, 0), (1, 2)]},
        expect=deconvolve,
    ),
    *cases(
        F.deconvolution,
        [normal(2, 3, 4), normal(3, 2, 2)],
        {"dilation": (3,), "output_padding": (2,)},
        expect=deconvolve,
        label="padding beyond the stride",
    ),
    *cases(
        F.deconvolution,
        [normal(2, 3, 4, 6), normal(6, 2, 3, 2), normal(4)],
        {"channel_last": True, "group": 2, "stride": (1, 2), "pad": (1, 0)},
        expect=deconvolve,
    ),
    *cases(F.deconvolution, [normal(2, 2, 2, 3, 2), normal(2, 3, 2, 1, 2)], {"stride": (2, 1, 2)}, expect=deconvolve),
    *cases(F.deconvolution, [normal(2, 3, 4), normal(3, 2, 3)], {"base_axis": -2}, expect=deconvolve),
    *cases(F.deconvolution, [normal(0, 3, 4), normal(3, 2, 3), normal(2)], expect=deconvolve, label="empty"),
    *cases(
        F.depthwise_deconvolution,
        [normal(2, 4, 5), normal(4, 3), normal(2)],
        {"divisor": 2, "stride": (2,), "pad": (1,)},
        expect=depthwise_deconvolve,
    ),
    *cases(
        F.depthwise_deconvolution,
        [normal(2, 2, 3, 4), normal(2, 2, 3)],
        {"dilation": (1, 2)},
        expect=depthwise_deconvolve,
    ),
    *cases(F.depthwise_deconvolution, [normal(2, 3, 4), normal(3, 3)], {"base_axis": -2}, expect=depthwise_deconvolve),
]
