"""Arithmetic operators, against NumPy."""

from __future__ import annotations

import functools

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal, uniform

TWO = [
    (F.add2, np.add),
    (F.bc_add2, np.add),
    (F.sub2, np.subtract),
    (F.mul2, np.multiply),
]
SHAPES = [((2, 3), (2, 3)), ((2, 3), (1, 3)), ((3,), (2, 1, 3)), ((), (2,)), ((), ()), ((0, 3), (1, 3))]


def without_flag(function):
    return lambda *arrays, inplace=False: function(*arrays)


CASES = [
    *(
        case
        for f, expect in TWO
        for a, b in SHAPES
        for case in cases(f, [normal(*a), normal(*b)], expect=expect, label=f"{a}{b}")
    ),
    *(c for f, e in TWO for c in cases(f, [normal(2), normal(2)], {"inplace": True}, expect=without_flag(e))),
    *(
        case
        for a, b in SHAPES
        for case in [
            *cases(F.div2, [normal(*a), uniform(0.5, 2, *b)], expect=np.divide, label=f"{a}{b}"),
            *cases(F.pow2, [uniform(0.5, 2, *a), normal(*b)], expect=np.power, label=f"{a}{b}"),
        ]
    ),
    *cases(F.div2, [normal(2), uniform(0.5, 2, 2)], {"inplace": True}, expect=without_flag(np.divide)),
    *cases(F.pow2, [uniform(0.5, 2, 2), normal(2)], {"inplace": True}, expect=without_flag(np.power)),
    *cases(F.pow_scalar, [uniform(0.5, 2, 2)], {"val": 3, "inplace": True}, expect=lambda x, val, inplace: x**val),
    *cases(F.pow2, [given([-2.0, -1.5]), given([2.0, 3.0])], expect=np.power, grad=[0]),
    *cases(F.add_scalar, [normal(2, 3)], {"val": [1, -2.5], "inplace": True}, expect=lambda x, val, inplace: x + val),
    *cases(F.mul_scalar, [normal(2, 3)], {"val": [1, -2.5], "inplace": True}, expect=lambda x, val, inplace: x * val),
    *cases(F.pow_scalar, [uniform(0.5, 2, 2, 3)], {"val": [0, 1, 2, -1.5, 0.5]}, expect=lambda x, val: x**val),
    *cases(F.pow_scalar, [given([-1.0, 2.0, 0.0])], {"val": [1, 2, 3]}, expect=lambda x, val: x**val),
    *cases(F.r_sub_scalar, [normal(2, 3)], {"val": [1, -2.5]}, expect=lambda x, val: val - x),
    *cases(F.r_div_scalar, [uniform(0.5, 2, 2, 3)], {"val": [1, -2.5]}, expect=lambda x, val: val / x),
    *cases(F.r_pow_scalar, [normal(2, 3)], {"val": [1, 2.5]}, expect=lambda x, val: val**x),
    *cases(F.add_scalar, [normal()], expect=lambda x: x + 1),
    *cases(F.mul_scalar, [normal(0, 2)], {"val": 3}, expect=lambda x, val: x * val),
    *(
        case
        for f, expect in ((F.add_n, np.add), (F.mul_n, np.multiply))
        for n, shape in ((1, (2, 3)), (2, ()), (4, (2, 3)), (3, (0, 2)))
        for case in cases(
            f,
            [normal(*shape)] * n,
            expect=lambda *x, _f=expect: functools.reduce(_f, x),
            label=f"{n}x{shape}",
        )
    ),
]

REMAINDER = [
    *cases(
        F.mod2,
        [normal(2, 3, scale=5), uniform(0.5, 2, 3)],
        {"fmod": [False, True]},
        expect=lambda a, b, fmod: np.fmod(a, b),
    ),
    *cases(F.mod2, [normal(2, 3, scale=5), uniform(-2, -0.5, 2, 1)], expect=np.fmod),
    *cases(F.mod2, [given([7.0, -7.0, 1.0, -0.5]), given([0.0, np.inf, -np.inf, 1.0])], expect=np.fmod, grad=False),
]
