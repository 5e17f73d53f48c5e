"""Native suppression of boxes against a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import detection

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD = detection.FORWARD_KERNELS


def boxes(count: int, dtype: Any) -> np.ndarray:
    """Boxes (2, count, 4): lower corners, upper corners."""
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 3, (2, count, 2))
    return np.concatenate([low, low + rng.uniform(0, 2, (2, count, 2))], 2).astype(dtype)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return sides.prod() / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - sides.prod())


def stay(corners: np.ndarray, scores: np.ndarray, least: float, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(scores)), key=lambda i: (-scores[i], i)):
        if scores[i] > least and all(overlap(corners[k], corners[i]) <= threshold for k in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0])
def test_boxes_that_stay(threshold: float, dtype: Any) -> None:
    corners = boxes(40, dtype)
    # Some scores are equal, and some boxes are not there.
    scores = np.random.default_rng(1).integers(0, 10, (2, 3, 40)).astype(dtype) / 10
    kept = FORWARD["Suppress"](np, (corners, scores), (None,), {"overlap": threshold})
    assert kept.dtype == bool
    for b, k in np.ndindex(2, 3):
        assert np.flatnonzero(kept[b, k]).tolist() == sorted(stay(corners[b], scores[b, k], 0, threshold))


@pytest.mark.parametrize("center", [0, 1])
@pytest.mark.parametrize("most", [0, 3, 100])
def test_rows_of_boxes_that_stay(most: int, center: int) -> None:
    corners = boxes(30, np.float64)
    scores = np.random.default_rng(1).uniform(-1, 1, (2, 3, 30))
    given = corners[..., [2, 1, 0, 3]]
    if center:
        given = np.concatenate([(corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]], 2)
    args = {
        "center_point_box": center,
        "max_output_boxes_per_class": most,
        "iou_threshold": 0.25,
        "score_threshold": 0.1,
        "dtype": np.dtype(np.int64),
    }
    expected = [[b, c, i] for b, c in np.ndindex(2, 3) for i in stay(corners[b], scores[b, c], 0.1, 0.25)[:most]]
    found = FORWARD["ONNXNonMaxSuppression"](np, (given, scores), (None,), args)
    np.testing.assert_array_equal(found, np.reshape(np.array(expected, int), (-1, 3)))


def test_boxes_and_scores_must_go_together() -> None:
    with pytest.raises(ValueError, match="boxes must be"):
        native.module.suppress(np.zeros((1, 3, 4), np.float32), np.zeros((1, 1, 2), np.float32), 0.5)
