"""Matrices in the last two dimensions, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.cases import cases, normal
from nnabla.testing.conformance import conformance


def regular(*shape):
    """Matrices away from singular ones."""
    return lambda rng: rng.randn(*shape) + 2 * np.eye(shape[-1])


def cholesky_of_square(x, upper=False):
    """A symmetric argument whatever ``x`` is, so that differences along any direction make sense."""
    return F.batch_cholesky(F.batch_matmul(x, x, transpose_b=True), upper=upper)


def expected_cholesky(x, upper):
    factor = np.linalg.cholesky(x @ np.swapaxes(x, -1, -2))
    return np.swapaxes(factor, -1, -2) if upper else factor


CASES = [
    *cases(F.matrix_diag, [normal(2, 3, 4)], expect=lambda x: x[..., None] * np.eye(4)),
    *cases(F.matrix_diag, [normal(1)], expect=lambda x: x[:, None]),
    *cases(F.matrix_diag, [normal(2, 0)], expect=lambda x: np.zeros((2, 0, 0))),
    *cases(F.matrix_diag_part, [normal(2, 3, 3)], expect=lambda x: np.diagonal(x, 0, -2, -1)),
    *cases(F.trilu, [normal(2, 3, 4)], {"k": [-1, 0, 2, 9], "upper": True}, expect=lambda x, k, upper: np.triu(x, k)),
    *cases(F.trilu, [normal(4, 3)], {"k": [-9, -1, 0, 1], "upper": False}, expect=lambda x, k, upper: np.tril(x, k)),
    *cases(F.batch_det, [regular(2, 3, 3)], expect=np.linalg.det),
    *cases(F.batch_det, [regular(2, 2, 1, 1)], expect=np.linalg.det),
    *cases(F.batch_inv, [regular(2, 3, 3)], expect=np.linalg.inv, rtol=1e-4, atol=1e-5),
    *cases(F.batch_logdet, [regular(2, 3, 3)], expect=lambda x: np.log(np.abs(np.linalg.det(x)))),
    *cases(
        cholesky_of_square,
        [regular(2, 3, 3)],
        {"upper": [False, True]},
        expect=expected_cholesky,
        rtol=1e-4,
        atol=1e-5,
    ),
]
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
