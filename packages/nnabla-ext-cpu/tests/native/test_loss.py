"""Native losses and rectifiers against NumPy in float64, on every target, with broadcasting and in both orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import loss

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = loss.FORWARD_KERNELS, loss.BACKWARD_KERNELS
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-13}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])

#: Loss and slope of a difference, and the arguments.
DISTANCES: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, float]]] = {
    "SquaredError": (lambda d: d * d, lambda d: 2 * d, {}),
    "AbsoluteError": (np.abs, np.sign, {}),
    "HuberLoss": (
        lambda d: np.where(np.abs(d) < 0.7, d * d, 0.7 * (2 * np.abs(d) - 0.7)),
        lambda d: np.where(np.abs(d) < 0.7, 2 * d, 1.4 * np.sign(d)),
        {"delta": 0.7},
    ),
    "EpsilonInsensitiveLoss": (
        lambda d: np.maximum(np.abs(d) - 0.3, 0),
        lambda d: np.sign(d) * (np.abs(d) > 0.3),
        {"epsilon": 0.3},
    ),
}


def drawn(shape: tuple[int, ...], dtype: Any, seed: int = 0, order: str = "C") -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=shape).astype(dtype)
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1) if order == "last" else x


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0), 1)
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[actual.dtype.type])


def summed(value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Sum to a shape of as many dimensions."""
    axes = tuple(a for a, (n, m) in enumerate(zip(shape, value.shape)) if n != m)
    return value.sum(axes, keepdims=True)


SHAPES = [((5, 7), (5, 7)), ((300, 70), (300, 70)), ((4, 1, 9), (1, 6, 9)), ((2, 3, 4, 5), (2, 3, 4, 5))]


@DTYPES
@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize(("first", "second"), SHAPES)
@pytest.mark.parametrize("name", list(DISTANCES))
def test_distances(name: str, first: Any, second: Any, order: str, dtype: Any, each_target: str) -> None:
    value, slope, args = DISTANCES[name]
    x0, x1 = drawn(first, dtype, 0, order), drawn(second, dtype, 1)
    d = x0.astype(float) - x1
    y = FORWARD[name](None, (x0, x1), (None,), args)
    close(y, value(d))
    dy = drawn(d.shape, dtype, 2)
    d0, d1 = BACKWARD[name].compute(None, (x0, x1), (dy,), (True, True), args)
    close(d0, summed(slope(d) * dy, first))
    close(d1, -summed(slope(d) * dy, second))
    none, only = BACKWARD[name].compute(None, (x0, x1), (dy,), (False, True), args)
    assert none is None
    np.testing.assert_array_equal(only, d1)
    only, none = BACKWARD[name].compute(None, (x0, x1), (dy,), (True, False), args)
    assert none is None
    np.testing.assert_array_equal(only, d0)


def test_distances_of_what_is_not_a_number_are_none() -> None:
    x0, x1 = np.array([np.nan, np.inf, 1], np.float32), np.array([0, 0, np.nan], np.float32)
    for name, (_, _, args) in DISTANCES.items():
        y = FORWARD[name](None, (x0, x1), (None,), args)
        assert np.isnan(y[[0, 2]]).all(), name
        assert y[1] == np.inf, name


@DTYPES
@pytest.mark.parametrize("shape", [(3, 5), (70, 300)])
def test_binary_cross_entropy(shape: tuple[int, ...], dtype: Any, each_target: str) -> None:
    rng = np.random.default_rng(0)
    x, t = rng.uniform(0.05, 0.95, shape).astype(dtype), rng.uniform(0, 1, shape).astype(dtype)
    dy, p = drawn(shape, dtype, 1), x.astype(float)
    y = FORWARD["BinaryCrossEntropy"](None, (x, t), (None,), {})
    close(y, -(t * np.log(p) + (1 - t) * np.log(1 - p)))
    dx, dt = BACKWARD["BinaryCrossEntropy"].compute(None, (x, t), (dy,), (True, True), {})
    close(dx, dy * (p - t) / (p * (1 - p)))
    close(dt, dy * (np.log(1 - p) - np.log(p)))


def test_binary_cross_entropy_of_certainties_is_finite(each_target: str) -> None:
    x, t = np.array([0, 1, 0, 1], np.float32), np.array([0, 1, 1, 0], np.float32)
    y = FORWARD["BinaryCrossEntropy"](None, (x, t), (None,), {})
    np.testing.assert_allclose(y, [0, 0, 87.33655, 87.33655], rtol=1e-5)


def test_binary_error(each_target: str) -> None:
    x, t = np.array([0.5, 0.4, 0.6, 0.1, np.nan] * 9, np.float32), np.array([1, 1, 0, 0, 1] * 9, np.float32)
    y = FORWARD["BinaryError"](None, (x, t), (None,), {})
    np.testing.assert_array_equal(y, np.array([0, 1, 1, 0, 1] * 9))


@DTYPES
@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize(
    ("shape", "axis", "slopes"), [((3, 4, 5), 1, (4,)), ((2, 6, 9, 70), -1, (70,)), ((4, 5), 1, (1,))]
)
def test_learned_slopes(shape: Any, axis: int, slopes: Any, order: str, dtype: Any, each_target: str) -> None:
    x, slope, dy = drawn(shape, dtype, 0, order), drawn(slopes, dtype, 1), drawn(shape, dtype, 2)
    args = {"base_axis": axis}
    along = [1] * len(shape)
    along[axis] = slopes[0]
    spread = slope.reshape(along).astype(float)
    y = FORWARD["PReLU"](None, (x, slope), (None,), args)
    close(y, np.where(x >= 0, x, x * spread))
    dx, dslope = BACKWARD["PReLU"].compute(None, (x, slope), (dy,), (True, True), args)
    close(dx, np.where(x >= 0, dy, dy * spread))
    close(dslope, summed(np.where(x >= 0, 0, dy * x.astype(float)), tuple(along)).reshape(slopes))


@DTYPES
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_both_signs_rectified(axis: int, dtype: Any) -> None:
    x = drawn((3, 4, 5), dtype, 0, "last")
    x[0, 0, :2] = np.nan, 0
    y = FORWARD["CReLU"](None, (x,), (None,), {"axis": axis})
    np.testing.assert_array_equal(y, np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis))
