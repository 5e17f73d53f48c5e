"""Gathering and scattering, against NumPy's indexing."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
import nnabla.ops as ops
from nnabla.testing.cases import cases, given, integers, normal


def gathered(x, index, axis=None, batch_dims=None):
    axis, batch = (axis or 0) % x.ndim, batch_dims or 0
    if batch == 0:
        return np.take(x, index, axis)
    return np.stack([gathered(a, i, axis - 1, batch - 1) for a, i in zip(x, index)])


def scattered(data, index, out=None, shape=None, add=False):
    y = np.zeros(shape) if out is None else out.copy()
    if add:
        np.add.at(y, tuple(index), data)
    else:
        y[tuple(index)] = data
    return y


def added(x0, index, x1, axis=None):
    y, axis = x0.copy(), (axis or 0) % x0.ndim
    for place in np.ndindex(*index.shape):
        target = list(place)
        target[axis] = index[place]
        y[tuple(target)] += x1[place]
    return y


COORDINATES = given([[0, 2, -1], [1, 0, -2]])
TWICE = given([[0, 2, 0, 0], [1, 0, 1, 2]])
CASES = [
    *cases(F.gather, [normal(3, 4, 2), given([[0, 1], [-1, 1]])], {"axis": [None, 0, 1, 2, -1]}, expect=gathered),
    *cases(F.gather, [normal(2, 3, 4), integers(0, 3, 2, 5)], {"axis": [1, 2, -1], "batch_dims": 1}, expect=gathered),
    *cases(F.gather, [normal(2, 3, 4, 2), integers(0, 4, 2, 3, 2)], {"axis": 2, "batch_dims": 2}, expect=gathered),
    *cases(F.gather, [normal(2, 3, 4), integers(0, 3, 2)], {"axis": 1, "batch_dims": 1}, expect=gathered),
    *cases(F.gather, [normal(3, 2), given(np.array(1))], expect=gathered),
    *cases(F.gather, [normal(3, 2), given(np.zeros((0,), np.int64))], expect=gathered),
    *cases(F.gather_nd, [normal(3, 4, 2), COORDINATES], expect=lambda x, i: x[tuple(i)]),
    *cases(F.gather_nd, [normal(3, 4, 2), given([[0, 2, 2]])], expect=lambda x, i: x[tuple(i)]),
    *cases(F.gather_nd, [normal(3, 4, 2), given([[[0, 1]], [[3, 3]], [[1, -1]]])], expect=lambda x, i: x[tuple(i)]),
    *cases(ops.scatter_nd, [normal(3), COORDINATES, None], {"shape": (4, 3), "add": [False, True]}, expect=scattered),
    *cases(ops.scatter_nd, [normal(4), TWICE, None], {"shape": (3, 3), "add": [False, True]}, expect=scattered),
    *cases(ops.scatter_nd, [normal(4, 2), TWICE, None], {"shape": (3, 3, 2), "add": [False, True]}, expect=scattered),
    *cases(ops.scatter_nd, [normal(4, 2), TWICE, normal(3, 3, 2)], {"add": [False, True]}, expect=scattered),
    *cases(ops.scatter_nd, [normal(2, 3), given([[2, 0]]), normal(4, 3)], expect=scattered),
    *cases(F.scatter_add, [normal(3, 4), given([[0, 2, 2, 0]]), normal(1, 4)], expect=added),
    *cases(F.scatter_add, [normal(3, 4), given([[0, 3], [2, 2]]), normal(3, 3)], {"axis": [1, -1]}, expect=added),
    *cases(F.scatter_add, [normal(2, 3, 2), integers(0, 3, 2, 5, 1), normal(2, 6, 2)], {"axis": 1}, expect=added),
]
