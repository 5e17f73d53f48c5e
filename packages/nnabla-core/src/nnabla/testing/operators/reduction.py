"""Reductions, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.linalg

import nnabla.functions as F
from nnabla.ops.reduction import amax
from nnabla.testing.cases import cases, given, normal


def reduce_by(function):
    """NumPy's reduction with the arguments of ``nnabla.functions``."""
    return lambda x, axis=None, keepdims=False: np.asarray(function(x, axis=axis, keepdims=keepdims))


def extreme(function, position):
    """Value, position or both; the position is counted over the reduced axes alone."""

    def expect(x, axis=None, keepdims=False, with_index=False, only_index=False):
        axes = tuple(range(x.ndim)) if axis is None else tuple(a % x.ndim for a in np.atleast_1d(axis))
        value = np.asarray(function(x, axis=axes, keepdims=keepdims))
        rest = [a for a in range(x.ndim) if a not in axes]
        flat = x.transpose(*rest, *sorted(axes)).reshape(*(x.shape[a] for a in rest), -1)
        index = position(flat, -1).reshape(value.shape)
        return index if only_index else (value, index) if with_index else value

    return expect


def p_norm(x, p=None, axis=None, keepdims=False):
    return np.sum(np.abs(x) ** (p or 2), axis=axis, keepdims=keepdims) ** (1 / (p or 2))


AXES = {"axis": [None, 0, -1, (0, 2), (2, 1)], "keepdims": [False, True]}
ALL = reduce_by(np.sum), reduce_by(np.mean), reduce_by(np.prod)
TIES = given([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [-1.0, -3.0, -1.0, -3.0]])
ZEROS = given([[[1.0, 0.0, 2.0], [0.5, 0.0, 0.0]], [[3.0, -1.0, 2.0], [0.0, 4.0, -2.0]]])

CASES = [
    *cases(F.sum, [normal(2, 3, 4)], AXES, expect=ALL[0]),
    *cases(F.mean, [normal(2, 3, 4)], AXES, expect=ALL[1]),
    *cases(F.prod, [normal(2, 3, 4)], AXES, expect=ALL[2], rtol=1e-4),
    *cases(F.prod, [ZEROS], {"axis": [None, 1, (0, 2), -1]}, expect=ALL[2], label="zeros"),
    *cases(F.max, [normal(2, 3, 4)], AXES, expect=extreme(np.max, np.argmax)),
    *cases(F.min, [normal(2, 3, 4)], AXES, expect=extreme(np.min, np.argmin)),
    *cases(F.norm, [normal(2, 3, 4)], dict(AXES, p=[None, 1, 3.5]), expect=p_norm),
    *cases(F.norm, [normal(2, 3)], {"p": np.inf, "axis": 1}, expect=lambda x, p, axis: np.abs(x).max(axis)),
    *cases(F.norm, [normal(5)], expect=lambda x: np.asarray(scipy.linalg.norm(x))),
    *cases(F.reduce, [normal(2, 3)], {"op": ["sum", "mean"]}, expect=lambda x, op: np.asarray(getattr(np, op)(x))),
    *cases(
        amax,
        [normal(2, 3, 4)],
        {"axes": [(1,), (0, 2)], "keep_dims": True},
        expect=lambda x, axes, keep_dims: x.max(axes, keepdims=True),
    ),
    # No dimension, no elements, and values that are not numbers.
    *[case for f, e in zip((F.sum, F.mean, F.prod), ALL) for case in cases(f, [given(3.0)], expect=e)],
    *[case for f, e in zip((F.sum, F.prod), ALL[::2]) for case in cases(f, [normal(0, 3)], {"axis": [0, 1]}, expect=e)],
    *cases(F.max, [given(3.0)], expect=lambda x: x),
    *cases(F.sum, [normal(2, 3)], {"axis": ()}, expect=ALL[0]),
    *cases(F.max, [normal(2, 3)], {"axis": ()}, expect=extreme(np.max, np.argmax)),
    *cases(F.prod, [normal(2, 3)], {"axis": ()}, expect=ALL[2]),
    *cases(F.sum, [given([np.inf, 1.0, np.nan])], expect=ALL[0], grad=False),
    *cases(F.max, [given([1.0, np.inf, -np.inf])], expect=lambda x: np.max(x), grad=False),
]

POSITIONS = [
    case
    for function, value, position in ((F.max, np.max, np.argmax), (F.min, np.min, np.argmin))
    for case in cases(
        function,
        [TIES],
        {"axis": [0, 1, None, (1, 0)], "keepdims": [False, True], "with_index": True, "only_index": [False, True]},
        expect=extreme(value, position),
        grad=False,
    )
]
