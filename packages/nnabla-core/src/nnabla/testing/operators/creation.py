"""Arrays from numbers, shapes and indices."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def one_hot(x, shape):
    y = np.zeros((*x.shape[:-1], *shape))
    for place in np.ndindex(x.shape[:-1]):
        if all(-n <= i < n for i, n in zip(x[place], shape)):
            y[(*place, *x[place])] = 1
    return y


def sizes(x, start=None, end=None):
    return np.array(x.shape[slice(start or None, end or None)], np.float64)


CASES = [
    *cases(
        F.constant,
        [],
        {"val": [0, 0.5, np.inf, -np.inf], "shape": [(), (2, 3), (0,)]},
        expect=lambda val, shape: np.full(shape, val),
    ),
    *cases(F.arange, [], {"start": [0, 1, -3], "stop": [4, 0.5], "step": [1, 0.5, 2]}, expect=np.arange),
    *cases(F.arange, [], {"start": 4, "stop": 0, "step": [-1, -0.25, 1]}, expect=np.arange),
    *cases(F.linspace, [], {"start": [0, -1.5], "stop": [1, 4], "num": [0, 1, 2, 5]}, expect=np.linspace),
    *cases(F.linspace, [], {"start": 5, "stop": -5, "num": 100_000}, expect=np.linspace),
    *cases(F.one_hot, [given([[0], [3], [-1], [4], [-5], [-4]])], {"shape": (4,)}, expect=one_hot),
    *cases(F.one_hot, [given([[[0, 1], [3, -2]], [[2, 5], [-9, 0]]])], {"shape": (4, 3)}, expect=one_hot),
    *cases(
        F.shape, [normal(2, 3, 4)], {"start": [None, 1, -2, 5], "end": [None, 0, 2, -1, 9]}, expect=sizes, grad=False
    ),
    *cases(F.shape, [given(1.0)], expect=sizes, grad=False),
]
