"""Matrices in the last two dimensions, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.linear_algebra import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize("name", ["matrix_diag_part", "batch_det", "batch_inv", "batch_logdet", "batch_cholesky"])
@pytest.mark.parametrize("shape", [(3, 4), (4,)])
def test_matrices_must_be_square(name, shape):
    with pytest.raises(RuntimeError, match=f"{name}: the last two dimensions of x .* square"):
        getattr(F, name)(nn.Variable(shape))


def test_shapes_that_are_too_small():
    with pytest.raises(RuntimeError, match=r"trilu: x .* two or more"):
        F.trilu(nn.Variable((3,)))
    with pytest.raises(RuntimeError, match="matrix_diag: x must have"):
        F.matrix_diag(nn.Variable(()))


def test_infinity_outside_of_a_triangle_leaves_no_trace():
    x = nn.Variable.from_numpy_array(np.array([[1.0, 2.0], [np.inf, np.nan]]))
    y = F.trilu(x)
    y.forward()
    np.testing.assert_array_equal(np.nan_to_num(y.d), [[1, 2], [0, 0]])


def test_what_gradients_read():
    x = nn.Variable((2, 3, 3), need_grad=True)
    reads = {
        "batch_det": (1, 1),
        "batch_inv": (0, 1),
        "batch_logdet": (1, 0),
        "batch_cholesky": (0, 1),
        "trilu": (0, 0),
    }
    for name, expected in reads.items():
        f = getattr(F, name)(x).parent
        assert (f.grad_depends_input_data(0, 0), f.grad_depends_output_data(0, 0)) == expected, name


@pytest.mark.parametrize("name", ["batch_det", "batch_inv", "batch_logdet", "matrix_diag", "trilu"])
def test_half_precision(name):
    values = (np.random.RandomState(0).randn(2, 3, 3) + 3 * np.eye(3)).astype(np.float32)
    results = []
    for config in ("float", "half"):
        with nn.context_scope(get_extension_context("cpu", type_config=config)):
            y = getattr(F, name)(nn.Variable.from_numpy_array(values))
            y.forward()
            results.append(y.d)
    assert results[1].dtype == np.float16
    np.testing.assert_allclose(results[1], results[0], atol=0.1)


def test_a_singular_matrix_has_no_inverse_and_leaves_the_others_theirs():
    x = nn.Variable.from_numpy_array([[[2.0, 0], [0, 4]], [[1, 1], [1, 1]]], need_grad=True)
    y = F.batch_inv(x)
    y.forward()
    np.testing.assert_allclose(y.d[0], [[0.5, 0], [0, 0.25]])
    assert np.isnan(y.d[1]).all()
    d = F.batch_det(x)
    d.forward()
    x.grad.zero()
    d.backward()
    np.testing.assert_allclose(d.d, [8, 0])
    np.testing.assert_allclose(x.g[0], [[4, 0], [0, 2]])
