"""Native draws against the reference kernels, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest

from nnabla.ops.randomness import random_integers, random_words
from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built or not wanted", allow_module_level=True)

from nnabla_ext.cpu.native.random import BACKWARD_KERNELS, FORWARD_KERNELS

STATES = [(0x0123456789ABCDEF, (7 << 32) + 5), (0xFFFFFFFFFFFFFFFF, 0)]
COUNTS = [0, 1, 5, 1023, 1024, 1025, 5 * 1024 + 3, 100_001]


@pytest.fixture(params=native.module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = native.module.target()
    assert native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    native.module.set_thread_count(request.param)
    yield request.param
    native.module.set_thread_count(0)


def words(count, state, lane):
    return random_words(np, count, state, lane)[:count]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("count", COUNTS)
def test_words_are_those_of_the_reference(count, state, target, threads) -> None:
    found = native.module.random_integers(count, 1 << 32, state, 3)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, words(count, state, 3))


@pytest.mark.parametrize("span", [1, 2, 3, 10, 1 << 16, (1 << 24) - 1, 1 << 24, 1 << 31, (1 << 32) - 1, 1 << 32])
@pytest.mark.parametrize(("low", "dtype"), [(0, np.uint32), (-7, np.int64), (0, np.float64)])
def test_integers_are_those_of_the_reference(span, low, dtype, target) -> None:
    shape, state = (35, 43), STATES[0]
    kernel = random_integers.reference_kernel
    assert kernel is not None
    args = {"shape": shape, "span": span, "low": low, "kind": "index", "state": state, "lane": 1, "dtype": dtype}
    found = FORWARD_KERNELS["RandomIntegers"](np, (), (None,), args)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, kernel(xp, state, 1, shape, span, low, dtype))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_uniform_numbers_are_the_upper_bits(dtype, target) -> None:
    args = {"shape": (31, 67), "state": STATES[0], "lane": 0, "dtype": dtype}
    found = FORWARD_KERNELS["RandomUniform"](np, (), (None,), args)
    expected = (words(31 * 67, STATES[0], 0) >> np.uint64(8)).astype(dtype) * dtype(2.0**-24)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected.reshape(31, 67))


@pytest.mark.parametrize("p", [2.0**-24, 0.1, 0.25, 0.5, 0.9, 1 - 2.0**-24])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1), (3, 2, 1, 0)])
def test_dropout_and_its_gradient(p, dtype, order, target) -> None:
    rng = np.random.default_rng(1)
    shape = np.array([3, 5, 11, 13])
    x, dy = (rng.standard_normal(shape[list(order)]).astype(dtype).transpose(np.argsort(order)) for _ in range(2))
    u = (words(x.size, STATES[0], 2) >> np.uint64(8)).astype(dtype) * dtype(2.0**-24)
    kept = (u >= dtype(p)).reshape(x.shape)
    args = {"p": p, "state": STATES[0], "lane": 2, "dtype": np.dtype(dtype)}
    y, mask = FORWARD_KERNELS["Dropout"](np, (x,), (None, None), args)
    np.testing.assert_array_equal(mask, kept)
    np.testing.assert_array_equal(y, np.where(kept, x * dtype(1 / (1 - p)), 0))
    (dx,) = BACKWARD_KERNELS["Dropout"].compute(np, (mask,), (dy,), (True,), args)
    np.testing.assert_array_equal(dx, np.where(kept, dy * dtype(1 / (1 - p)), 0))
    assert mask.dtype == bool and y.dtype == dx.dtype == dtype
    assert y.strides == x.strides and dx.strides == dy.strides


@pytest.mark.parametrize("count", COUNTS)
def test_dropout_of_any_length(count, threads) -> None:
    args = {"p": 0.3, "state": STATES[1], "lane": 0, "dtype": np.dtype(np.float32)}
    y, mask = FORWARD_KERNELS["Dropout"](np, (np.ones(count, np.float32),), (None, None), args)
    kept = words(count, STATES[1], 0) >= 0.3 * 2**32
    np.testing.assert_array_equal(mask, kept)
    np.testing.assert_array_equal(y, kept * np.float32(1 / 0.7))
    (dx,) = BACKWARD_KERNELS["Dropout"].compute(np, (mask,), (np.ones(count, np.float32),), (True,), args)
    np.testing.assert_array_equal(dx, y)


def test_without_dropout_the_gradient_is_a_copy() -> None:
    dy = np.ones(3, np.float32)
    (dx,) = BACKWARD_KERNELS["Dropout"].compute(np, (None,), (dy,), (True,), {"p": 0.0})
    np.testing.assert_array_equal(dx, dy)
    assert not np.shares_memory(dx, dy)


def test_what_is_not_finite_makes_nan_where_it_is_dropped() -> None:
    x = np.full(1000, np.inf, np.float32)
    args = {"p": 0.5, "state": STATES[0], "lane": 0, "dtype": np.dtype(np.float32)}
    y, mask = FORWARD_KERNELS["Dropout"](np, (x,), (None, None), args)
    assert np.isposinf(y[mask]).all() and np.isnan(y[~mask]).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="span 1 to"):
        native.module.random_integers(3, 0, STATES[0], 0)
    with pytest.raises(TypeError, match="float32 or float64"):
        native.module.random_uniform((3,), np.dtype(np.int32), STATES[0], 0)
    with pytest.raises(ValueError, match="mask"):
        native.module.dropout_backward(np.ones(3), np.ones(2, bool), 1.0)


def _uniform_of(count: int, state: Any, lane: int) -> Any:
    return (words(count, state, lane) >> np.uint32(8)) * 2.0**-24


def _normal_of(count: int, state: Any, lane: int) -> Any:
    """Box and Muller's numbers in double precision."""
    u = words(count, state, lane).astype(np.float32) * np.float32(2.0**-32) + np.float32(2.0**-33)
    return np.sqrt(-2 * np.log(u.astype(np.float64))) * np.cos(2 * np.pi * _uniform_of(count, state, lane + 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_numbers_are_those_of_two_lanes(dtype: Any, each_target: str, each_count: int) -> None:
    for count in (0, 1, 1023, 70000):
        found = FORWARD_KERNELS["RandomNormal"](
            np, (), (None,), {"shape": (count,), "dtype": dtype, "state": (7, 1 << 33), "lane": 3}
        )
        assert found.dtype == dtype
        np.testing.assert_allclose(found, _normal_of(count, (7, 1 << 33), 3), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("k", [0.05, 0.5, 1.0, 4.0])
def test_gamma_variates_are_those_of_the_attempts_in_turn(
    k: float, dtype: Any, each_target: str, each_count: int
) -> None:
    count, state, lane = 40000, (11, 5), 2
    d = (k if k >= 1 else k + 1) - 1 / 3
    wanted, first = np.zeros(count), True
    for at in (0, 2, 5, 8, 11, 14):
        z = _normal_of(count, state, lane + at)
        root = np.maximum(z / np.sqrt(9 * d) + 1, 1e-12)
        log_u = np.log(_uniform_of(count, state, lane + at + 2) + 2.0**-25)
        accepted = (log_u < z * z / 2 + d + (3 * np.log(root) - root**3) * d) & (root > 1e-12)
        wanted = np.where(accepted | first, 3 * np.log(root), wanted)
        first = False
    if k < 1:
        wanted += np.log(_uniform_of(count, state, lane + 17) + 2.0**-25) / k
    args = {"shape": (count,), "k": k, "dtype": dtype, "state": state, "lane": lane}
    found = FORWARD_KERNELS["RandomLogGamma"](np, (), (None,), args)
    differs = np.abs(found - wanted - np.log(d)) > 2e-4 * (1 + np.abs(wanted))
    # Rounding may accept what is refused by a hair, seldom.
    assert differs.mean() < 1e-4
    # The mean of a gamma distribution is k.
    assert abs(np.exp(found.astype(np.float64)).mean() / k - 1) < 0.05 / min(1, k**0.5)
