"""Measures of classification, against counting in NumPy and scikit-learn's definitions."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, integers, normal
from nnabla.testing.conformance import conformance


def top_n_error(x, target, axis=-1, n=1):
    score = np.take_along_axis(x, target, axis)
    return ((x >= score).sum(axis, keepdims=True) > n) * 1.0


def confusion_matrix(x, target, axis=-1):
    last = x.shape[axis] - 1 - np.flip(x, axis).argmax(axis)
    counts = np.zeros((x.shape[axis],) * 2)
    np.add.at(counts, (target.squeeze(axis).ravel(), last.ravel()), 1)
    return counts


TIED = choice([0.0, 0.5, 1.0], 6, 4)
CASES = [
    *cases(F.top_n_error, [normal(6, 4), integers(0, 4, 6, 1)], dict(n=[1, 2, 4]), expect=top_n_error, grad=False),
    *cases(F.top_n_error, [TIED, integers(0, 4, 6, 1)], dict(n=[1, 2]), expect=top_n_error, grad=False),
    *cases(
        F.top_n_error, [normal(2, 5, 3), integers(0, 5, 2, 1, 3)], dict(axis=[1, -2]), expect=top_n_error, grad=False
    ),
    *cases(
        F.binary_error,
        [choice([0.2, 0.5, 0.7], 3, 5), choice([0, 0.5, 1], 3, 5)],
        expect=lambda x, t: ((x >= 0.5) != (t >= 0.5)) * 1.0,
        grad=False,
    ),
    *cases(F.confusion_matrix, [normal(9, 4), integers(0, 4, 9, 1)], expect=confusion_matrix, grad=False),
    *cases(F.confusion_matrix, [TIED, integers(0, 4, 6, 1)], expect=confusion_matrix, grad=False),
    *cases(
        F.confusion_matrix,
        [normal(2, 5, 3), integers(0, 5, 2, 1, 3)],
        dict(axis=[1, -2]),
        expect=confusion_matrix,
        grad=False,
    ),
    *cases(F.top_n_error, [given([[np.inf, -np.inf]]), given([[0]])], expect=top_n_error, grad=False),
]
test_conformance = conformance(CASES)


def test_labels_that_are_no_class() -> None:
    x = nn.Variable.from_numpy_array(np.array([[0.1, 0.5], [0.4, 0.3], [0.9, 0.8]]))
    t = nn.Variable.from_numpy_array(np.array([[-1], [2], [0]]))
    error, matrix = F.top_n_error(x, t), F.confusion_matrix(x, t)
    nn.forward_all([error, matrix])
    np.testing.assert_array_equal(error.d.ravel(), [1, 1, 0])
    np.testing.assert_array_equal(matrix.d, [[1, 0], [0, 0]])
    assert matrix.data.dtype == np.int32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.top_n_error(v(2, 3), v(2, 3)), r"top_n_error: target \(2, 3\) must be \(2, 1\)"),
        (lambda v: F.top_n_error(v(2, 3), v(2, 1), n=0), "top_n_error: n=0"),
        (lambda v: F.binary_error(v(2, 3), v(2, 1)), "binary_error: x .* same shape"),
        (lambda v: F.confusion_matrix(v(2, 3), v(2)), "confusion_matrix: target"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))
