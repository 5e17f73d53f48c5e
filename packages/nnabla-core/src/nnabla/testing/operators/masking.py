"""Elements chosen by truth values, and shapes that follow from data."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal

MASK = given([[1.0, 0.0, 2.0], [0.0, 0.0, -1.0]])
NONE = given(np.zeros((2, 3)))


def scattered(rows, mask, output=None):
    y = np.zeros((*mask.shape, *rows.shape[1:])) if output is None else output.copy()
    y[mask != 0] = rows
    return y


CASES = [
    *cases(F.bool_gather, [normal(2, 3, 4), MASK], expect=lambda x, m: x[m != 0], grad=[0]),
    *cases(F.bool_gather, [normal(2, 3), MASK], expect=lambda x, m: x[m != 0], grad=[0]),
    *cases(F.bool_gather, [normal(2, 3), given([0.0, 1.0])], expect=lambda x, m: x[m != 0], grad=[0]),
    *cases(F.bool_gather, [normal(2, 3), NONE], expect=lambda x, m: x[m != 0], grad=False),
    *cases(F.bool_scatter, [normal(3, 4), MASK], expect=scattered, grad=[0]),
    *cases(F.bool_scatter, [normal(3), MASK], expect=scattered, grad=[0]),
    *cases(F.bool_scatter, [normal(3, 4), MASK, normal(2, 3, 4)], expect=scattered, grad=[0, 2]),
    *cases(F.bool_scatter, [normal(0, 4), NONE], expect=scattered, grad=False),
    *cases(
        F.bool_fill,
        [normal(2, 3), MASK],
        {"value": [0, 0.5, -np.inf]},
        expect=lambda x, m, value: np.where(m, value, x),
        grad=False,
    ),
    *cases(F.bool_fill, [normal(2, 2, 3), given([1.0, 0.0, 1.0])], expect=lambda x, m: np.where(m, 0, x), grad=[0]),
    *cases(F.nonzero, [MASK], expect=lambda x: np.stack(np.nonzero(x)), grad=False),
    *cases(F.nonzero, [given([0.0, np.nan, -0.0, np.inf])], expect=lambda x: np.stack(np.nonzero(x)), grad=False),
    *cases(F.nonzero, [NONE], expect=lambda x: np.stack(np.nonzero(x)), grad=False),
    *cases(F.nonzero, [given(2.0)], expect=lambda x: np.zeros((0, 1)), grad=False),
    *cases(F.nonzero, [given(0.0)], expect=lambda x: np.zeros((0, 0)), grad=False),
]
