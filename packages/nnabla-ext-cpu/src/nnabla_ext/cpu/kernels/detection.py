"""Suppression of overlapping boxes, best first, among those that have a score."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.plugins.backend import ForwardKernel

__all__ = ["FORWARD_KERNELS"]

Array = np.ndarray


def _overlaps(box: Array) -> Array:
    """Return the intersection over union of all pairs of (n, 4) boxes: lower corner, upper corner."""
    left, low, right, high = (np.ascontiguousarray(side) for side in box.T)
    common = np.minimum(right[:, None], right)
    common -= np.maximum(left[:, None], left)
    np.maximum(common, 0, out=common)
    height = np.minimum(high[:, None], high)
    height -= np.maximum(low[:, None], low)
    common *= np.maximum(height, 0, out=height)
    area = (right - left) * (high - low)
    union = area[:, None] + area
    union -= common
    union[union <= 0] = 1
    common /= union
    return common


def _suppress(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    corners, scores = inputs
    kept = np.zeros(scores.shape, np.bool_)
    for place in np.ndindex(scores.shape[:-1]):
        present = np.flatnonzero(scores[place] > 0)
        order = present[np.argsort(-scores[place][present], kind="stable")]
        apart = _overlaps(corners[place[0]][order]) <= args["overlap"]
        stays = np.ones(order.size, np.bool_)
        for i in range(order.size):
            if stays[i]:
                stays[i + 1 :] &= apart[i, i + 1 :]
        kept[place][order] = stays
    return kept


FORWARD_KERNELS: dict[str, ForwardKernel] = {"Suppress": _suppress}
