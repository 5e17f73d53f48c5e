"""Joining arrays, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal

CASES = [
    *cases(
        F.concatenate,
        [normal(2, 3), normal(2, 3), normal(2, 3)],
        {"axis": [0, 1, -1, -2]},
        expect=lambda *x, axis: np.concatenate(x, axis),
    ),
    *cases(F.concatenate, [normal(2, 1, 3), normal(2, 1, 4)], expect=lambda *x: np.concatenate(x, -1)),
    *cases(F.concatenate, [normal(0, 2), normal(3, 2)], {"axis": 0}, expect=lambda *x, axis: np.concatenate(x, axis)),
    *cases(F.concatenate, [normal(2, 3)], {"axis": 1}, expect=lambda x, axis: x),
    *cases(
        F.stack, [normal(2, 3), normal(2, 3)], {"axis": [0, 1, 2, -1, -3]}, expect=lambda *x, axis: np.stack(x, axis)
    ),
    *cases(F.stack, [given(1.0), given(2.0)], expect=lambda *x: np.stack(x)),
    *cases(
        F.meshgrid,
        [normal(2), normal(3), normal(4)],
        {"ij_indexing": [False, True]},
        expect=lambda *x, ij_indexing: tuple(np.meshgrid(*x, indexing="ij" if ij_indexing else "xy")),
    ),
    *cases(F.meshgrid, [normal(2), normal(3)], expect=lambda *x: tuple(np.meshgrid(*x))),
    *cases(F.meshgrid, [normal(2)], expect=lambda x: x),
]
