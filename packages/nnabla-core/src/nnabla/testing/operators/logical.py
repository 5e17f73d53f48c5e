"""Comparisons, logic and choosing, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, normal

NAN, INF = np.nan, np.inf
A = given([1.0, 2.0, NAN, 1.0, INF, -INF, 0.0, NAN])
B = given([1.0, 1.0, 1.0, NAN, INF, 2.0, -0.0, NAN])
COMPARISONS = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]


def truth(name):
    function = getattr(np, name)
    return lambda *x, **args: function(*x, *args.values()).astype(float)


CASES = [
    *(
        case
        for name in [*COMPARISONS, *LOGIC]
        for case in [
            *cases(getattr(F, name), [A, B], expect=truth(name), grad=False),
            *cases(
                getattr(F, name),
                [choice([0, 1, 2], 2, 1, 3), choice([0, 1], 4, 1)],
                expect=truth(name),
                grad=False,
                label="broadcast",
            ),
            *cases(getattr(F, name), [normal(0, 2), normal(2)], expect=truth(name), grad=False, label="empty"),
            *cases(getattr(F, name), [normal(), normal()], expect=truth(name), grad=False, label="0-d"),
        ]
    ),
    *(
        case
        for name in COMPARISONS
        for case in cases(getattr(F, name + "_scalar"), [A], {"val": [1.0, -INF]}, expect=truth(name), grad=False)
    ),
    *(
        case
        for name in LOGIC
        for case in cases(getattr(F, name + "_scalar"), [A], {"val": [True, False]}, expect=truth(name), grad=False)
    ),
    *cases(F.logical_not, [A], expect=truth("logical_not"), grad=False),
    *cases(F.isnan, [A], expect=truth("isnan"), grad=False),
    *cases(F.isinf, [A], expect=truth("isinf"), grad=False),
    *cases(F.reset_nan, [A], {"val": [0, 2.5]}, expect=lambda x, val: np.where(np.isnan(x), val, x), grad=False),
    *cases(F.reset_inf, [A], {"val": [0, 2.5]}, expect=lambda x, val: np.where(np.isinf(x), val, x), grad=False),
    *cases(F.reset_nan, [normal(2, 3)], expect=lambda x: x),
    *cases(F.reset_inf, [normal(2, 3)], expect=lambda x: x),
    *(
        case
        for f, expect in ((F.maximum2, np.maximum), (F.minimum2, np.minimum))
        for case in [
            *cases(f, [A, B], expect=expect, grad=False),
            *cases(f, [normal(2, 3), normal(2, 3)], expect=expect),
            *cases(f, [normal(2, 1, 3), normal(4, 1)], expect=expect, label="broadcast"),
            *cases(f, [normal(0, 2), normal(2)], expect=expect, label="empty"),
        ]
    ),
    *cases(F.maximum_scalar, [normal(2, 3)], {"val": [1.0, -0.5]}, expect=lambda x, val: np.maximum(x, val)),
    *cases(F.minimum_scalar, [normal(2, 3)], {"val": [1.0, -0.5]}, expect=lambda x, val: np.minimum(x, val)),
    *cases(
        F.sign,
        [given([-2.0, 0.0, 3.0, -0.0])],
        {"alpha": [1.0, 0.0, -0.5]},
        expect=lambda x, alpha: np.where(x == 0, alpha, np.sign(x)),
        grad=False,
    ),
    *cases(F.where, [choice([0, 1], 2, 3), normal(2, 3), normal(2, 3)], expect=np.where, grad=[1, 2]),
    *cases(
        F.where,
        [choice([0, 2], 2, 3), normal(2, 3, 4), normal(2, 3, 4)],
        expect=lambda c, x, y: np.where(c[..., None], x, y),
        grad=[1, 2],
        label="leading",
    ),
    *cases(F.where, [choice([0, 2], 2, 3), normal(3), normal(2, 1)], expect=np.where, grad=[1, 2], label="broadcast"),
    *cases(F.where, [given([0.0, 1.0, NAN]), given([NAN, 1, 2]), given([3, INF, 4])], expect=np.where, grad=False),
    *cases(F.where, [given(1.0), normal(), normal()], expect=np.where, grad=[1, 2], label="0-d"),
    *cases(F.where, [normal(0, 2), normal(0, 2), normal(0, 2)], expect=np.where, grad=[1, 2], label="empty"),
]

SEQUENCE = np.array([[1, 2, 2, 3], [-4, 0, 6, 7]], np.float32)
VALUES = np.array([[0, 2, 2.5, 3, 9], [-5, -4, 0, 1, 8]], np.float32)


def per_row(sequence, values, right=False):
    rows = zip(sequence.reshape(-1, sequence.shape[-1]), values.reshape(-1, values.shape[-1]))
    return np.array([np.searchsorted(s, v, "right" if right else "left") for s, v in rows]).reshape(values.shape)


SEARCHSORTED = [
    *cases(F.searchsorted, [given(SEQUENCE), given(VALUES)], {"right": [False, True]}, expect=per_row, grad=False),
    *cases(F.searchsorted, [given(SEQUENCE[0]), given(VALUES[0])], expect=per_row, grad=False),
    *cases(
        F.searchsorted,
        [given(SEQUENCE.reshape(2, 1, 4)), given(VALUES.reshape(2, 1, 5))],
        {"right": True},
        expect=per_row,
        grad=False,
    ),
    *cases(
        F.searchsorted,
        [given(np.zeros((2, 0))), given(VALUES)],
        expect=lambda s, v: np.zeros((2, 5)),
        grad=False,
        label="empty",
    ),
]
