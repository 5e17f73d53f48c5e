"""Resizing, against ``numpy.interp`` and sums of weighted pixels along each axis."""

from __future__ import annotations

import functools

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import Case, cases, normal


def interpolated(at, line):
    return np.interp(at, np.arange(len(line)), line)


def resized(
    x, output_size, mode="linear", align_corners=False, half_pixel=False, half_pixel_for_nn=False, channel_last=False
):
    """Each axis by itself: ``numpy.interp`` at the positions that the documentation gives, or the entry there."""
    first = x.ndim - len(output_size) - channel_last
    for axis, m in enumerate(output_size, first):
        n = x.shape[axis]
        o = np.arange(m)
        if half_pixel_for_nn and mode == "nearest":
            at = (o + 0.5) * n / m
        elif align_corners:
            at = o * (n - 1) / max(m - 1, 1)
        else:
            at = (o + 0.5) * n / m - 0.5 if half_pixel and m > 1 else o * n / m
        if mode == "nearest":
            x = np.take(x, np.clip(np.floor(at + 1e-9), 0, n - 1).astype(int), axis)
        else:
            x = np.apply_along_axis(functools.partial(interpolated, at), axis, x)
    return x


def cubic(d):
    """Keys' kernel at distance ``d``, with the slope -0.75 at 1."""
    d = np.abs(d)
    near, far = (1.25 * d - 2.25) * d * d + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def onnx(x, sizes, mode):
    """Values between the middles of pixels; beyond the border its pixels go on."""
    kernel = {"linear": lambda d: np.maximum(1 - np.abs(d), 0), "cubic": cubic}[mode]
    for axis, (n, m) in enumerate(zip(x.shape, sizes)):
        at = (np.arange(m)[:, None] + 0.5) * n / m - 0.5
        taps = np.floor(at) + np.arange(-1, 3)
        weights = np.zeros((m, n))
        np.add.at(weights, (np.arange(m)[:, None], np.clip(taps, 0, n - 1).astype(int)), kernel(at - taps))
        x = np.moveaxis(np.tensordot(x, weights, (axis, 1)), -1, axis)
    return x


GRIDS = [{}, {"align_corners": True}, {"half_pixel": True}]
X = normal(2, 3, 4, 5)
CASES = [
    *(Case(F.interpolate, [X], {"output_size": (7, 3), **a}, expect=resized) for a in GRIDS),
    *(
        Case(F.interpolate, [X], {"output_size": (9, 4), "mode": "nearest", **a}, expect=resized)
        for a in [*GRIDS, {"half_pixel_for_nn": True}]
    ),
    *cases(F.interpolate, [X], {"output_size": [(8,), (3, 8, 2), (4, 5), (4, 1)], "half_pixel": True}, expect=resized),
    *cases(
        F.interpolate,
        [X],
        {"output_size": [(2,), (3, 6), (5, 2, 2)], "mode": ["linear", "nearest"], "channel_last": True},
        expect=lambda x, **a: resized(x, **a),
    ),
    *cases(F.interpolate, [normal(4)], {"output_size": (6,), "align_corners": True}, expect=resized),
    *cases(F.interpolate, [normal(0, 2, 3)], {"output_size": (6,)}, expect=lambda x, output_size: np.zeros((0, 2, 6))),
    *cases(F.onnx_resize, [X], {"sizes": [(2, 3, 7, 9), (2, 3, 2, 5)], "mode": ["linear", "cubic"]}, expect=onnx),
    *cases(
        F.onnx_resize,
        [normal(2, 3, 4)],
        {
            "scales": (1.0, 1.5, 2.0),
            "mode": ["nearest", "linear", "cubic"],
            "coordinate_transformation_mode": "tf_crop_and_resize",
            "roi": (0.0, 0.1, -0.3, 1.0, 0.8, 1.2),
            "extrapolation_value": 5.0,
        },
    ),
    # Their values are golden data of the reference, in the tests of the core.
    *cases(
        F.onnx_resize,
        [normal(2, 4, 5)],
        {"sizes": (2, 7, 3), "mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": [0, 1]},
    ),
    *cases(
        F.onnx_resize,
        [normal(2, 4, 5)],
        {"sizes": (2, 7, 3), "nearest_mode": ["round_prefer_ceil", "floor", "ceil"]},
    ),
]
