"""Matrices in the last two dimensions, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


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
