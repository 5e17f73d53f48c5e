"""Elementary functions, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.special

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal, uniform

INF, NAN = np.inf, np.nan


def away_from_zero(x):
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def in_single(function):
    """What is too large for float32 is expected to be infinite."""
    return lambda x: np.float32(function(x))


# Function, expectation, range where it is smooth.
SMOOTH = [
    (F.identity, lambda x: x, (-3, 3)),
    (F.abs, np.abs, (0.1, 3)),
    (F.exp, np.exp, (-3, 3)),
    (F.log, np.log, (0.1, 3)),
    (F.sin, np.sin, (-7, 7)),
    (F.cos, np.cos, (-7, 7)),
    (F.tan, np.tan, (-1.3, 1.3)),
    (F.sinh, np.sinh, (-3, 3)),
    (F.cosh, np.cosh, (-3, 3)),
    (F.asin, np.arcsin, (-0.9, 0.9)),
    (F.acos, np.arccos, (-0.9, 0.9)),
    (F.atan, np.arctan, (-3, 3)),
    (F.asinh, np.arcsinh, (-3, 3)),
    (F.acosh, np.arccosh, (1.2, 3)),
    (F.atanh, np.arctanh, (-0.9, 0.9)),
    (F.erf, scipy.special.erf, (-3, 3)),
]
STEPS = [(F.floor, np.floor), (F.ceil, np.ceil), (F.round, away_from_zero)]
# Where rounding, overflow and cancellation show.
EXTREMES = [1e-30, 1e-4, 0.4687, 0.469, 1.0001, 4.0, 7.0, 88.9, 89.1, 1e5, 1e9, 1e30, INF, 0.0]
EXTREMES = [*EXTREMES, *(-v for v in EXTREMES), NAN]

CASES = [
    *(
        case
        for f, expect, (low, high) in SMOOTH
        for shape in ((2, 3), (), (0, 2))
        for case in cases(f, [uniform(low, high, *shape)], expect=expect, label=str(shape))
    ),
    *(
        case
        for f, expect, _ in SMOOTH
        if f not in (F.tan, F.sin, F.cos)
        for case in cases(f, [given(EXTREMES)], expect=in_single(expect), grad=False, label="extremes")
    ),
    *(
        case
        for f, expect in STEPS
        for case in [
            *cases(f, [given([-2.5, -1.5, -0.5, -0.2, 0.0, 0.2, 0.5, 1.5, 2.5, INF])], expect=expect, grad=False),
            *cases(f, [normal(2, 3, scale=5)], expect=expect, grad=False),
            *cases(f, [given([8388609.0, -16777214.0])], expect=expect, grad=False, label="large"),
        ]
    ),
    *(
        case
        for a, b in [((2, 3), (2, 3)), ((2, 1), (3,)), ((), ()), ((0, 2), (2,))]
        for case in cases(F.atan2, [normal(*a), normal(*b)], expect=np.arctan2, label=f"{a}{b}")
    ),
    *cases(
        F.atan2,
        [given([1.0, 1.0, -1.0, 0.0, 0.0, INF]), given([0.0, -1.0, -1.0, -1.0, 1.0, INF])],
        expect=np.arctan2,
        grad=False,
    ),
]
