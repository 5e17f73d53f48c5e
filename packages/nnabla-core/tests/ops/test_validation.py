"""Measures of classification, against counting in NumPy and scikit-learn's definitions."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.validation import CASES

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
