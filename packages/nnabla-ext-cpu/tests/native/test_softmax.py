"""Native softmax and losses against NumPy in float64, on every target, along any axis, in several memory orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import softmax

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = softmax.FORWARD_KERNELS, softmax.BACKWARD_KERNELS
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}


@pytest.fixture(params=native.module.targets(), autouse=True)
def target(request: Any) -> Iterator[str]:
    before, threads = native.module.target(), native.module.thread_count()
    native.module.use_target(request.param)
    native.module.set_thread_count(3)
    yield request.param
    native.module.use_target(before)
    native.module.set_thread_count(threads)


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same values, the second axis innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


ORDERS = {"C": np.ascontiguousarray, "last": channels_last, "strided": lambda x: np.repeat(x, 2, -1)[..., ::2]}

#: Shapes and the axis of the classes.
CASES = [
    ((64, 10), 1),
    ((5, 1), 1),
    ((3, 17), 0),
    ((300, 257), -1),
    ((7, 33, 5), 1),
    ((2, 1000, 3, 4), 1),
    ((2, 9, 3, 40), 1),
    ((4, 3, 50, 6), 2),
]


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare relative to the largest value."""
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(), 1e-3)
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[actual.dtype.type])


def log_probabilities(x: np.ndarray, axis: int) -> np.ndarray:
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def drawn(shape: tuple[int, ...], order: str, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(len(shape) + shape[0])
    x, dy = (rng.normal(size=shape).astype(dtype) * 3 for _ in range(2))
    return ORDERS[order](x), dy


def one_hot(label: np.ndarray, classes: int, axis: int) -> np.ndarray:
    return np.moveaxis(np.moveaxis(label, axis, -1) == np.arange(classes), -1, axis).astype(float)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_softmax_and_its_logarithm(shape: tuple[int, ...], axis: int, order: str, dtype: Any) -> None:
    x, dy = drawn(shape, order, dtype)
    args = {"axis": axis}
    log_p = log_probabilities(x.astype(float), axis)
    p = np.exp(log_p)
    y = FORWARD["Softmax"](None, (x,), (None,), args)
    close(y, p)
    (dx,) = BACKWARD["Softmax"].compute(None, (y,), (dy,), (True,), args)
    close(dx, p * (dy - (p * dy).sum(axis, keepdims=True)))
    y = FORWARD["LogSoftmax"](None, (x,), (None,), args)
    close(y, log_p)
    (dx,) = BACKWARD["LogSoftmax"].compute(None, (y,), (dy,), (True,), args)
    close(dx, dy - p * dy.astype(float).sum(axis, keepdims=True))
    if order == "last":
        assert y.strides == x.strides


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_cross_entropies(shape: tuple[int, ...], axis: int, order: str, dtype: Any) -> None:
    x, _ = drawn(shape, order, dtype)
    classes = shape[axis]
    rng = np.random.default_rng(7)
    some = tuple(1 if a == axis % len(shape) else n for a, n in enumerate(shape))
    label = rng.integers(-1, classes + 1, some)
    dy = rng.normal(size=some).astype(dtype)
    chosen = one_hot(label, classes, axis)
    log_p = log_probabilities(x.astype(float), axis)
    args = {"axis": axis}
    loss, kept = FORWARD["SoftmaxCrossEntropy"](None, (x, label), (None,), args)
    close(kept, log_p)
    close(loss, -(log_p * chosen).sum(axis, keepdims=True))
    dx, nothing = BACKWARD["SoftmaxCrossEntropy"].compute(None, (label, kept), (dy,), (True, False), args)
    close(dx, dy * (np.exp(log_p) * chosen.sum(axis, keepdims=True) - chosen))
    assert nothing is None
    p = ORDERS[order](np.exp(log_p).astype(dtype))
    loss = FORWARD["CategoricalCrossEntropy"](None, (p, label), (None,), args)
    close(loss, -(np.log(p.astype(float)) * chosen).sum(axis, keepdims=True))
    dx, _ = BACKWARD["CategoricalCrossEntropy"].compute(None, (p, label), (dy,), (True, False), args)
    close(dx, -dy * chosen / p.astype(float))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", list(ORDERS))
def test_sigmoid_cross_entropy(order: str, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = ORDERS[order]((rng.normal(size=(7, 11, 5, 60)) * 6).astype(dtype))
    label, dy = rng.uniform(size=x.shape).astype(dtype), rng.normal(size=x.shape).astype(dtype)
    y = FORWARD["SigmoidCrossEntropy"](None, (x, label), (None,), {})
    close(y, np.logaddexp(0, x.astype(float)) - x.astype(float) * label)
    dx, _ = BACKWARD["SigmoidCrossEntropy"].compute(None, (x, label), (dy,), (True, False), {})
    close(dx, dy * (1 / (1 + np.exp(-x.astype(float))) - label))


def test_a_sigmoid_cross_entropy_near_zero_is_accurate() -> None:
    x, label = np.array([20.0, -20, 80, -80, 900, -900], np.float32), np.array([1.0, 0, 1, 0, 1, 0], np.float32)
    y = FORWARD["SigmoidCrossEntropy"](None, (x, label), (None,), {})
    expected = np.logaddexp(0, x.astype(float)) - x.astype(float) * label
    np.testing.assert_allclose(y[:2], np.log1p(np.exp([-20.0, -20.0])), rtol=1e-6)
    np.testing.assert_allclose(y, expected, atol=1e-8)


@pytest.mark.parametrize("axis", [0, 1])
def test_large_values_infinities_and_not_a_number(axis: int) -> None:
    rows = np.zeros((5, 40), np.float32)
    rows[0, 3], rows[1, 39], rows[2, 7], rows[3, 38], rows[4] = 1e30, np.inf, -np.inf, np.nan, -1e30
    x = np.ascontiguousarray(rows.T) if axis == 0 else rows
    y = FORWARD["Softmax"](None, (x,), (None,), {"axis": axis})
    y = y.T if axis == 0 else y
    np.testing.assert_array_equal(y[0], np.arange(40) == 3)
    assert np.isnan(y[1, 39]) and np.isnan(y[3]).all()
    assert y[2, 7] == 0
    np.testing.assert_allclose(y[2, :7], 1 / 39, rtol=1e-6)
    np.testing.assert_allclose(y[4], 1 / 40, rtol=1e-6)


def test_empty_arrays() -> None:
    x = np.zeros((0, 4), np.float32)
    assert FORWARD["Softmax"](None, (x,), (None,), {"axis": 1}).shape == (0, 4)
    x, label = np.zeros((3, 0), np.float32), np.zeros((3, 1), np.int64)
    loss, log_p = FORWARD["SoftmaxCrossEntropy"](None, (x, label), (None,), {"axis": 1})
    np.testing.assert_array_equal(loss, np.zeros((3, 1)))
    assert log_p.shape == (3, 0)


def test_what_does_not_fit_is_refused() -> None:
    x = np.zeros((3, 4), np.float32)
    with pytest.raises(ValueError, match="axis"):
        FORWARD["Softmax"](None, (x,), (None,), {"axis": 2})
    with pytest.raises(ValueError, match="labels"):
        FORWARD["SoftmaxCrossEntropy"](None, (x, np.zeros((4, 1), np.int64)), (None,), {"axis": 1})
    with pytest.raises(TypeError):
        FORWARD["SoftmaxCrossEntropy"](None, (x, np.zeros((3, 1), np.float32)), (None,), {"axis": 1})
