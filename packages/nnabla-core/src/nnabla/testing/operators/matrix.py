"""Matrix products and special matrices, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


def matmul(a, b, transpose_a=False, transpose_b=False):
    return (np.swapaxes(a, -1, -2) if transpose_a else a) @ (np.swapaxes(b, -1, -2) if transpose_b else b)


CASES = [
    *(
        case
        for ta, a in ((False, (2, 3, 4)), (True, (2, 4, 3)))
        for tb, b in ((False, (2, 4, 5)), (True, (2, 5, 4)))
        for case in cases(
            F.batch_matmul, [normal(*a), normal(*b)], {"transpose_a": ta, "transpose_b": tb}, expect=matmul
        )
    ),
    *(
        case
        for a, b in [
            ((3, 4), (4, 5)),
            ((1, 3, 4), (2, 4, 5)),
            ((5, 1, 2, 3), (1, 6, 3, 4)),
            ((2, 3, 4), (4, 5)),
            ((2, 3, 0), (2, 0, 4)),
            ((0, 2, 3), (0, 3, 4)),
            ((2, 1, 1), (2, 1, 1)),
        ]
        for case in cases(F.batch_matmul, [normal(*a), normal(*b)], expect=matmul, label=f"{a}{b}")
    ),
    *cases(
        F.batch_matmul,
        [normal(1, 4, 3), normal(2, 5, 4)],
        {"transpose_a": True, "transpose_b": True},
        expect=matmul,
        label="broadcast",
    ),
    *(
        case
        for shape in ((3, 3), (2, 4), (4, 2), (0, 2))
        for case in cases(
            F.eye_like,
            [normal(*shape)],
            {"k": [0, 1, -1, 3, -5]},
            expect=lambda x, k: np.eye(x.shape[0], x.shape[1], k),
            grad=False,
            label=str(shape),
        )
    ),
]
