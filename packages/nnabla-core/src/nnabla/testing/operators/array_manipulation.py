"""Shapes, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def along(x, y, axis=-1):
    start = axis if axis >= 0 else x.ndim - y.ndim
    return np.broadcast_to(y.reshape((*y.shape, *[1] * (x.ndim - start - y.ndim))), x.shape)


CASES = [
    *cases(
        F.reshape,
        [normal(2, 3, 4)],
        {"shape": [(6, 4), (-1,), (4, -1, 1), (24,)], "inplace": [True, False]},
        expect=lambda x, shape, inplace: x.reshape(shape),
    ),
    *cases(F.reshape, [normal(0, 3)], {"shape": [(3, 0), (-1, 3)]}, expect=lambda x, shape: x.reshape(shape)),
    *cases(F.reshape, [given(2.0)], {"shape": [(1, 1)]}, expect=lambda x, shape: x.reshape(shape)),
    *cases(F.transpose, [normal(2, 3, 4)], {"axes": [(2, 0, 1), (0, 1, 2), (-1, 0, -2)]}, expect=np.transpose),
    *cases(F.broadcast, [normal(1, 3, 1)], {"shape": [(5, 3, 4), (2, 1, 3, 2), (0, 3, 1)]}, expect=np.broadcast_to),
    *cases(F.broadcast, [given(1.5)], {"shape": [(2, 3), ()]}, expect=np.broadcast_to),
    *cases(F.broadcast_to, [normal(2, 3, 4), normal(3, 4)], {"axis": [-1, 1, -2]}, expect=along),
    *cases(F.broadcast_to, [normal(2, 3, 4), normal(2)], {"axis": 0}, expect=along),
    *cases(F.broadcast_to, [normal(2, 3, 4), given(2.0)], expect=along),
    *cases(F.tile, [normal(2, 3)], {"reps": [2, (2,), (2, 1), (3, 1, 2), ()]}, expect=np.tile),
    *cases(F.tile, [normal(0, 3)], {"reps": (2, 2)}, expect=np.tile),
]
