"""Measures of classification, against counting in NumPy and scikit-learn's definitions."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, integers, normal


def top_n_error(x, target, axis=-1, n=1):
    score = np.take_along_axis(x, target, axis)
    return ((x >= score).sum(axis, keepdims=True) > n) * 1.0


def confusion_matrix(x, target, axis=-1):
    best = x.argmax(axis)
    counts = np.zeros((x.shape[axis],) * 2)
    np.add.at(counts, (target.squeeze(axis).ravel(), best.ravel()), 1)
    return counts


TIED = choice([0.0, 0.5, 1.0], 6, 4)
CASES = [
    *cases(F.top_n_error, [normal(6, 4), integers(0, 4, 6, 1)], dict(n=[1, 2, 4]), expect=top_n_error, grad=False),
    *cases(F.top_n_error, [TIED, integers(0, 4, 6, 1)], dict(n=[1, 2]), expect=top_n_error, grad=False),
    *cases(
        F.top_n_error, [normal(2, 5, 3), integers(0, 5, 2, 1, 3)], dict(axis=[1, -2]), expect=top_n_error, grad=False
    ),
    *cases(
        F.binary_error,
        [choice([0.2, 0.5, 0.7], 3, 5), choice([0, 0.5, 1], 3, 5)],
        expect=lambda x, t: ((x >= 0.5) != (t >= 0.5)) * 1.0,
        grad=False,
    ),
    *cases(F.confusion_matrix, [normal(9, 4), integers(0, 4, 9, 1)], expect=confusion_matrix, grad=False),
    *cases(F.confusion_matrix, [TIED, integers(0, 4, 6, 1)], expect=confusion_matrix, grad=False),
    *cases(
        F.confusion_matrix,
        [normal(2, 5, 3), integers(0, 5, 2, 1, 3)],
        dict(axis=[1, -2]),
        expect=confusion_matrix,
        grad=False,
    ),
    *cases(F.top_n_error, [given([[np.inf, -np.inf]]), given([[0]])], expect=top_n_error, grad=False),
]
