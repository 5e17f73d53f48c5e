"""Limits for values and for gradients, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def by_norm(x, clip_norm, axis=None):
    norm = np.sqrt((x * x).sum(axis, keepdims=True))
    return x * clip_norm / np.maximum(norm, clip_norm)


CASES = [
    *cases(
        F.clip_by_value, [normal(2, 3)], {"min": [-0.5, 0], "max": 0.7}, expect=lambda x, min, max: np.clip(x, min, max)
    ),
    *cases(
        F.clip_by_value,
        [normal(2, 3), normal(2, 3, shift=-1), normal(1, 3, shift=1)],
        expect=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    ),
    *cases(
        F.clip_by_value, [normal(2, 3)], {"min": 1.0, "max": -1.0}, expect=lambda x, min, max: np.full((2, 3), -1.0)
    ),
    *cases(F.clip_by_norm, [normal(2, 3)], {"clip_norm": [0.5, 100.0], "axis": [None, 0, -1, (0, 1)]}, expect=by_norm),
    *cases(F.clip_by_norm, [normal(2, 3), given([[0.5]])], expect=by_norm),
    *cases(F.clip_grad_by_value, [normal(2, 3), normal(2, 3), normal(2, 3)], expect=lambda x, low, high: x, grad=False),
    *cases(F.clip_grad_by_norm, [normal(2, 3)], {"clip_norm": 2.0}, expect=lambda x, clip_norm: x, grad=False),
    *cases(
        F.clip_grad_by_norm,
        [normal(2, 3)],
        {"clip_norm": 2.0, "axes": [(0,), (-1,)]},
        expect=lambda x, clip_norm, axes: x,
        grad=False,
    ),
]
