"""Native products of matrices against NumPy's in float64: sizes around those of tiles, all orders, what is fused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

matmul = native.module.matmul
SIZES = [1, 2, 3, 5, 7, 12, 13, 16, 31, 32, 33, 64, 100, 129, 200, 300, 700]
TOLERANCE = {np.float32: 1e-6, np.float64: 3e-15}

both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def matrix(rng: np.random.Generator, rows: int, columns: int, dtype: Any) -> np.ndarray:
    """Normal numbers whose memory is in one of several orders."""
    order = rng.integers(4)
    if order == 0:
        return rng.standard_normal((rows, columns)).astype(dtype)
    if order == 1:
        return rng.standard_normal((columns, rows)).astype(dtype).T
    if order == 2:
        return rng.standard_normal((rows, columns + 3)).astype(dtype)[:, 1:-2]
    return rng.standard_normal((2 * rows, columns)).astype(dtype)[::-2]


def assert_near(found: np.ndarray, expected: np.ndarray, depth: int) -> None:
    assert found.shape == expected.shape
    allowed = TOLERANCE[found.dtype.type] * max(1, depth**0.5 / 4)
    assert np.abs(found - expected).max(initial=0) <= allowed * max(np.abs(expected).max(initial=0), 1e-30)


@both_types
@pytest.mark.parametrize("seed", range(6))
def test_products_of_random_sizes_and_orders(each_target: str, each_count: int, seed: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(15):
        m, n, k = (int(size) for size in rng.choice(SIZES, 3))
        a, b = matrix(rng, m, k, dtype), matrix(rng, k, n, dtype)
        bias = rng.standard_normal(n).astype(dtype) if rng.random() < 0.5 else None
        rectify, add = bool(rng.random() < 0.3), bool(rng.random() < 0.3)
        out = rng.standard_normal((m, n)).astype(dtype) if add else None
        expected = a.astype(np.float64) @ b.astype(np.float64)
        expected = expected + (0 if out is None else out) + (0 if bias is None else bias)
        found = matmul(a, b, bias, rectify, out, add)
        assert out is None or np.shares_memory(found, out)
        assert_near(found, np.maximum(expected, 0) if rectify else expected, k)


@both_types
@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((4, 9, 17), (4, 17, 33)),
        ((1, 9, 17), (4, 17, 33)),
        ((4, 9, 17), (1, 17, 33)),
        ((9, 17), (4, 17, 33)),
        ((4, 70, 50), (50, 90)),
        ((0, 3, 4), (0, 4, 5)),
        ((2, 0, 4), (2, 4, 5)),
        ((2, 3, 0), (2, 0, 5)),
    ],
)
def test_stacks_broadcast_and_may_be_empty(each_target: str, left: Any, right: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(left).astype(dtype), rng.standard_normal(right).astype(dtype)
    assert_near(matmul(a, b), a.astype(np.float64) @ b.astype(np.float64), left[-1])


def test_a_product_over_nothing_is_the_bias(each_target: str) -> None:
    found = matmul(np.ones((3, 0), np.float32), np.ones((0, 2), np.float32), np.array([1, 2], np.float32))
    np.testing.assert_array_equal(found, [[1, 2]] * 3)


def test_infinity_and_nan_go_where_they_belong(each_target: str) -> None:
    a, b = np.ones((40, 50), np.float32), np.ones((50, 60), np.float32)
    a[3, 7], b[5, 11] = np.inf, np.nan
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(matmul(a, b), a @ b)


ONES = np.ones((3, 4), np.float32)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((ONES, ONES), ValueError),
        ((ONES, np.ones((4, 5))), TypeError),
        ((np.ones((3, 4), int), np.ones((4, 5), int)), TypeError),
        ((ONES.astype(np.float16), ONES.T.astype(np.float16)), TypeError),
        ((ONES, np.array(1, np.float32)), ValueError),
        ((ONES, np.ones(4, np.float32)), ValueError),
        ((np.ones((2, 3, 4), np.float32), np.ones((5, 4, 3), np.float32)), ValueError),
        ((ONES, ONES.T, np.ones(2, np.float32)), ValueError),
        ((ONES, ONES.T, np.ones(3)), ValueError),
        ((ONES, ONES.T, np.ones(6, np.float32)[::2]), ValueError),
        ((ONES, np.array(1, np.float32), np.ones(1, np.float32)), ValueError),
        ((ONES, ONES.T, None, False, np.ones((3, 4), np.float32)), ValueError),
        ((ONES, ONES.T, None, False, np.ones((3, 3))), ValueError),
        ((ONES, ONES.T, None, False, np.broadcast_to(np.float32(0), (3, 3))), ValueError),
        ((ONES, ONES.T, None, False, np.ones((3, 3), np.float32).T), ValueError),
        ((np.zeros(3, "f4,i1")["f0"].reshape(1, 3), np.ones((3, 2), np.float32)), ValueError),
    ],
)
def test_what_is_no_product_is_refused(arguments: Any, error: Any) -> None:
    with pytest.raises(error):
        matmul(*arguments)
