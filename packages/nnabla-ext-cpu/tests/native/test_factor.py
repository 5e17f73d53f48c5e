"""Native determinants, inverses and triangular factors against NumPy in double precision."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest

from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.factor import FORWARD_KERNELS

Array = np.ndarray

SIZES = [(7, 1), (5, 2), (300, 3), (4, 17), (9, 64), (2, 150), (1, 200)]


def forward(name: str, x: Array, **args: Any) -> Any:
    return FORWARD_KERNELS[name](xp, (x,), (None,), args)


def matrices(count: int, n: int, dtype: Any) -> Array:
    rng = np.random.default_rng(count * n)
    return (rng.standard_normal((count, n, n)) / np.sqrt(n) + np.eye(n)[rng.permutation(n)]).astype(dtype)


def close(found: Any, wanted: Array, dtype: Any, factor: float = 1.0) -> None:
    assert found.dtype == dtype
    tolerance = factor * (1e-5 if dtype == np.float32 else 1e-12)
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max(initial=1e-30))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count, n", SIZES)
def test_determinants(count: int, n: int, dtype: Any, each_target: str, each_count: int) -> None:
    x = matrices(count, n, dtype)
    exact = x.astype(np.float64)
    close(forward("BatchDet", x), np.linalg.det(exact), dtype, 10)
    close(forward("BatchLogdet", x), np.linalg.slogdet(exact)[1], dtype, 10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count, n", SIZES)
def test_inverses(count: int, n: int, dtype: Any, each_target: str, each_count: int) -> None:
    x = matrices(count, n, dtype)
    condition = np.linalg.cond(x.astype(np.float64)).max()
    close(forward("BatchInv", x), np.linalg.inv(x.astype(np.float64)), dtype, max(1, condition / 10))


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count, n", SIZES)
def test_triangular_factors(count: int, n: int, dtype: Any, upper: bool, each_target: str, each_count: int) -> None:
    x = matrices(count, n, np.float64)
    x = (x @ x.swapaxes(1, 2) + np.eye(n)).astype(dtype)
    wanted = np.linalg.cholesky(x.astype(np.float64))
    close(forward("BatchCholesky", x, upper=upper), wanted.swapaxes(1, 2) if upper else wanted, dtype, 10)
    # The upper triangle is not read.
    spoilt = x + 7 * np.triu(np.ones((n, n)), 1).astype(dtype)
    close(forward("BatchCholesky", spoilt, upper=upper), wanted.swapaxes(1, 2) if upper else wanted, dtype, 10)


def test_singular_matrices_are_told(each_target: str) -> None:
    x = np.array([[[1.0, 2], [2, 4]], [[0, 0], [0, 0]], [[0, 1], [1, 0]]])
    np.testing.assert_array_equal(forward("BatchDet", x), [0, 0, -1])
    np.testing.assert_array_equal(forward("BatchLogdet", x), [-np.inf, -np.inf, 0])
    found = forward("BatchInv", x)
    assert np.isnan(found[:2]).all()
    np.testing.assert_array_equal(found[2], x[2])
    with pytest.raises(np.linalg.LinAlgError):
        forward("BatchCholesky", x, upper=False)


def test_dimensions_in_front_and_nan(each_target: str) -> None:
    x = matrices(6, 5, np.float64).reshape(2, 1, 3, 5, 5)
    np.testing.assert_allclose(forward("BatchInv", x), np.linalg.inv(x), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(forward("BatchDet", x.swapaxes(-1, -2)), np.linalg.det(x), rtol=1e-10)
    assert forward("BatchDet", np.zeros((0, 3, 3))).shape == (0,)
    np.testing.assert_array_equal(forward("BatchDet", np.zeros((2, 0, 0))), [1, 1])
    x[1, 0, 2, 3, 3] = np.nan
    assert np.isnan(forward("BatchDet", x)).sum() == 1
    assert np.isnan(forward("BatchLogdet", x)).sum() == 1
