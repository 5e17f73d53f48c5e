"""Matrix products and special matrices, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.matrix import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "a, b, message",
    [
        ((3,), (3, 2), r"a \(3,\) and b \(3, 2\) must have two dimensions or more"),
        ((2, 3), (4, 5), r"sum over 3 and 4 elements"),
        ((2, 2, 3), (3, 3, 4), r"shapes \(2,\), \(3,\) do not broadcast"),
    ],
)
def test_batch_matmul_names_shapes_that_do_not_fit(a, b, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.batch_matmul(nn.Variable(a), nn.Variable(b))


def test_eye_like_wants_a_matrix() -> None:
    with pytest.raises(RuntimeError, match=r"eye_like: x must be a matrix, not of the shape \(2, 3, 4\)"):
        F.eye_like(nn.Variable((2, 3, 4)))


def test_half_precision() -> None:
    rng = np.random.RandomState(0)
    a, b = rng.randn(2, 3, 4).astype(np.float32), rng.randn(2, 4, 5).astype(np.float32)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        y = F.batch_matmul(nn.Variable.from_numpy_array(a), nn.Variable.from_numpy_array(b))
        y.forward()
        assert y.data.dtype == np.float16
        np.testing.assert_allclose(y.d, a @ b, atol=0.1)
