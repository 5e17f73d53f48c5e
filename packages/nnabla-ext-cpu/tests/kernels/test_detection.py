"""Suppression of boxes, against taking the best remaining one again and again."""

from __future__ import annotations

import numpy as np

from nnabla_ext.cpu.kernels import detection


def overlap(a, b) -> float:
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    common = np.prod(np.maximum(sides, 0))
    union = np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common
    return common / union if union > 0 else 0.0


def expected(corners, scores, limit) -> np.ndarray:
    kept = np.zeros(scores.shape, bool)
    for b, k in np.ndindex(scores.shape[:2]):
        left = [i for i in range(scores.shape[2]) if scores[b, k, i] > 0]
        while left:
            best = max(left, key=lambda i: (scores[b, k, i], -i))
            kept[b, k, best] = True
            left = [i for i in left if i != best and not overlap(corners[b, i], corners[b, best]) > limit]
    return kept


def test_the_best_of_overlapping_boxes_stay_the_first_of_equals() -> None:
    rng = np.random.RandomState(0)
    corners = np.sort(rng.uniform(0, 10, (2, 40, 2, 2)), axis=2).reshape(2, 40, 4)
    corners[0, :3] = 1  # boxes without area
    scores = np.round(rng.uniform(-1, 5, (2, 3, 40)))
    scores[1, 2] = 0
    for limit in (0.0, 0.2, 0.7):
        found = detection.FORWARD_KERNELS["Suppress"](np, (corners, scores), (None,), {"overlap": limit})
        np.testing.assert_array_equal(found, expected(corners, scores, limit))
