"""Activations in place, against formulas in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from nnabla_ext.cpu.kernels import activation

X = np.array([-np.inf, -200, -90, -3, -1e-8, 0, 0.5, 20, 200, np.inf])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(10,), (2, 5)])
def test_sigmoid_and_its_gradient_have_no_overflow(dtype, shape) -> None:
    x = X.astype(dtype).reshape(shape)
    with np.errstate(all="raise", under="ignore"):
        y = activation.FORWARD_KERNELS["Sigmoid"](np, (x,), (None,), {})
    expected = np.where(x < 0, np.exp(np.minimum(x, 0.0)), 1) / (1 + np.exp(-np.abs(x.astype(np.float64))))
    np.testing.assert_allclose(y, expected, 1e-6, np.finfo(dtype).tiny)
    dy = np.full(shape, 2, dtype)
    (dx,) = activation.BACKWARD_KERNELS["Sigmoid"].compute(np, (y,), (dy,), (True,), {})
    np.testing.assert_allclose(dx, 2.0 * y * (1.0 - y), 1e-6)
    assert y.dtype == dx.dtype == dtype


@pytest.mark.parametrize("shape", [(), (10,)])
def test_gradients_without_dimensions_and_of_tanh(shape) -> None:
    x = np.resize(X[4:], shape)
    y, dy = np.asarray(np.tanh(x)), np.full(shape, 3.0)
    (dx,) = activation.BACKWARD_KERNELS["Tanh"].compute(np, (y,), (dy,), (True,), {})
    np.testing.assert_allclose(dx, 3 * (1 - np.tanh(x) ** 2), 1e-12)
    assert dx.shape == shape
    assert activation.FORWARD_KERNELS["Sigmoid"](np, (x,), (None,), {}).shape == shape
