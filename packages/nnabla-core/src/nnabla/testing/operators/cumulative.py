"""Running sums and products, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def running(function, start):
    def expect(x, axis=None, exclusive=False, reverse=False):
        axis = axis or 0
        x = np.flip(x, axis) if reverse else x
        y = function(x, axis=axis)
        if exclusive:
            first = np.full_like(np.take(y, [0], axis), start)
            y = np.concatenate([first, np.delete(y, -1, axis)], axis)
        return np.flip(y, axis) if reverse else y

    return expect


ARGUMENTS = {"axis": [None, 1, -1], "exclusive": [False, True], "reverse": [False, True]}
ZEROS = given([[2.0, 0.0, 3.0, 0.5, 0.0, 4.0], [0.0, 1.0, 2.0, -3.0, 1.0, 1.0]])
CASES = [
    *cases(F.cumsum, [normal(2, 3, 4)], ARGUMENTS, expect=running(np.cumsum, 0)),
    *cases(F.cumprod, [normal(2, 3, 4)], ARGUMENTS, expect=running(np.cumprod, 1)),
    *cases(F.cumprod, [ZEROS], dict(ARGUMENTS, axis=1), expect=running(np.cumprod, 1), label="zeros"),
    *cases(F.cumprod, [normal(1, 1)], ARGUMENTS, expect=running(np.cumprod, 1), label="one"),
    *cases(F.cumsum, [normal(0, 2)], expect=lambda x: x),
]
