"""Pooling of regions, against a loop over boxes, cells and points in NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def align(x, boxes, output_size, spatial_scale=(1, 1), sampling_ratio=-1, channel_last=False):
    """The definition; nnabla 1.39.0 agrees with it."""
    x = np.moveaxis(x, -1, 1) if channel_last else x
    height, width = x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *output_size))
    for r, (image, *box) in enumerate(boxes):
        left, top, right, bottom = (v * spatial_scale[1 - i % 2] - 0.5 for i, v in enumerate(box))
        sides = (bottom - top) / output_size[0], (right - left) / output_size[1]
        points = [sampling_ratio if sampling_ratio > 0 else int(np.ceil(s)) for s in sides]
        for p, q in np.ndindex(*output_size):
            for i in range(points[0]):
                for j in range(points[1]):
                    h = top + (p + (i + 0.5) / points[0]) * sides[0]
                    w = left + (q + (j + 0.5) / points[1]) * sides[1]
                    if -1 <= h <= height and -1 <= w <= width:
                        h, w = np.clip(h, 0, height - 1), np.clip(w, 0, width - 1)
                        a, b = int(h), int(w)
                        c, d = min(a + 1, height - 1), min(b + 1, width - 1)
                        x0 = x[int(image), :, a, b] * (1 - w + b) + x[int(image), :, a, d] * (w - b)
                        x1 = x[int(image), :, c, b] * (1 - w + b) + x[int(image), :, c, d] * (w - b)
                        y[r, :, p, q] += (x0 * (1 - h + a) + x1 * (h - a)) / (points[0] * points[1])
    return np.moveaxis(y, 1, -1) if channel_last else y


BOXES = given(
    [
        [0, 1, 1, 6, 5],
        [1, 0.3, 2.2, 7.9, 6.1],
        [0, -3, -2, 4, 3],
        [1, 2, 2, 2.3, 2.4],
        [1, 5, 4, 12, 11],
        [0, 6, 6, 3, 3],
    ]
)

ROI_ALIGN = [
    *cases(
        F.roi_align,
        [normal(2, 3, 8, 9), BOXES],
        {"output_size": (2, 3), "spatial_scale": [(1.0, 1.0), (0.5, 0.75)], "sampling_ratio": [-1, 0, 2]},
        expect=align,
        grad=[0],
    ),
    *cases(
        F.roi_align,
        [normal(2, 8, 9, 3), BOXES],
        {"output_size": (1, 2), "sampling_ratio": 2, "channel_last": True},
        expect=align,
        grad=[0],
    ),
]
