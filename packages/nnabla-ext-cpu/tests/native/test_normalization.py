"""Native normalization against NumPy in float64, on every target, in both memory orders, with several threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import normalization

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = normalization.FORWARD_KERNELS, normalization.BACKWARD_KERNELS
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-13}


@pytest.fixture(params=native.module.targets(), autouse=True)
def target(request: Any) -> Iterator[str]:
    before, threads = native.module.target(), native.module.thread_count()
    native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)
    native.module.set_thread_count(threads)


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same values, the second axis innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


ORDERS = {"C": np.ascontiguousarray, "last": channels_last, "strided": lambda x: np.repeat(x, 2, -1)[..., ::2]}


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare relative to the largest value."""
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0), 1e-3)
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[actual.dtype.type])


def standardized(x: np.ndarray, axes: tuple[int, ...], eps: float) -> tuple[np.ndarray, ...]:
    center = x.mean(axes, keepdims=True)
    variance = ((x - center) ** 2).mean(axes, keepdims=True)
    return center, variance, (variance + eps) ** -0.5


def gradients(
    x: np.ndarray, gamma: np.ndarray, dy: np.ndarray, axes: tuple[int, ...], eps: float
) -> tuple[np.ndarray, ...]:
    """Gradients of x, gamma and beta for ``(x - center) * inverse * gamma + beta``."""
    center, _, inverse = standardized(x, axes, eps)
    unit = (x - center) * inverse
    others = tuple(a for a in range(x.ndim) if gamma.shape[a] == 1)
    seed = dy * gamma
    along = (seed * unit).mean(axes, keepdims=True)
    dx = inverse * (seed - seed.mean(axes, keepdims=True) - unit * along)
    return dx, (dy * unit).sum(others, keepdims=True), dy.sum(others, keepdims=True)


def test_the_expected_gradient_is_a_derivative() -> None:
    rng = np.random.default_rng(1)
    x, gamma, dy, direction = rng.normal(size=(4, 3, 5, 2, 4))
    gamma = gamma[:1, :, :1]
    axes = (0, 2)
    dx, _, _ = gradients(x, gamma, dy, axes, 1e-5)
    center, _, inverse = standardized(x + 1e-30j * direction, axes, 1e-5)
    y = (x + 1e-30j * direction - center) * inverse * gamma
    np.testing.assert_allclose((dx * direction).sum(), (y * dy).sum().imag / 1e-30, rtol=1e-10)


SHAPES = [(5, 3), (64, 70), (3, 5, 7), (2, 37, 1, 1), (3, 17, 3, 5), (4, 64, 8, 8), (1, 5, 9, 300), (40, 1100, 2, 1)]


def arrays(shape: tuple[int, ...], parameters: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(sum(shape))
    x = (rng.normal(size=shape) * 2 + 3).astype(dtype)
    rest = [rng.uniform(0.5, 2, parameters).astype(dtype) for _ in range(4)]
    return x, rng.normal(size=shape).astype(dtype), *rest


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "last", "strided"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_batch_normalization(shape: tuple[int, ...], order: str, dtype: Any, threads: int) -> None:
    native.module.set_thread_count(threads)
    channel = (1, shape[1], *(1,) * (len(shape) - 2))
    x, dy, beta, gamma, mean, variance = arrays(shape, channel, dtype)
    x, dy = ORDERS[order](x), np.ascontiguousarray(dy)
    args = {"axes": (1,), "decay_rate": 0.75, "eps": 1e-3, "batch_stat": True}
    results = FORWARD["BatchNormalization"](None, (x, beta, gamma, mean, variance), (None,), args)
    axes = tuple(a for a in range(x.ndim) if a != 1)
    wide = x.astype(np.float64)
    center, spread, inverse = standardized(wide, axes, 1e-3)
    count = wide.size / shape[1]
    close(results[0], (wide - center) * inverse * gamma + beta)
    close(results[1], mean * 0.75 + center * 0.25)
    close(results[2], variance * 0.75 + spread * 0.25 * count / max(count - 1, 1))
    close(results[3], center)
    close(results[4], inverse)
    if order == "last":
        assert results[0].strides == x.strides
    values = (x, gamma, mean, variance, results[3], results[4])
    found = BACKWARD["BatchNormalization"].compute(None, values, (dy,), (True, True, True, False, False), args)
    dx, dgamma, dbeta = gradients(wide, gamma.astype(float), dy.astype(float), axes, 1e-3)
    close(found[0], dx)
    close(found[1], dbeta)
    close(found[2], dgamma)
    assert found[3] is None and found[4] is None


@pytest.mark.parametrize("order", ["C", "last"])
def test_batch_normalization_by_running_statistics(order: str) -> None:
    x, dy, beta, gamma, mean, variance = arrays((3, 6, 4, 5), (1, 6, 1, 1), np.float32)
    x = ORDERS[order](x)
    args = {"axes": (1,), "decay_rate": 0.9, "eps": 1e-2, "batch_stat": False}
    y = FORWARD["BatchNormalization"](None, (x, beta, gamma, mean, variance), (None,), args)
    inverse = 1 / np.sqrt(variance.astype(float) + 1e-2)
    close(y, (x.astype(float) - mean) * inverse * gamma + beta)
    values = (x, gamma, mean, variance, None, None)
    found = BACKWARD["BatchNormalization"].compute(None, values, (dy,), (True, True, True, False, False), args)
    close(found[0], dy * inverse * gamma)
    close(found[1], dy.sum((0, 2, 3), keepdims=True, dtype=float))
    close(found[2], (dy * (x.astype(float) - mean) * inverse).sum((0, 2, 3), keepdims=True))


@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize("size", [2, 9])
def test_normalize_add_and_rectify(order: str, add: bool, size: int) -> None:
    x, dy, beta, gamma, mean, variance = arrays((3, 6, size, size), (1, 6, 1, 1), np.float32)
    x = ORDERS[order](x)
    z = np.random.default_rng(5).normal(size=x.shape).astype(np.float32) if add else None
    args = {"axes": (1,), "decay_rate": 0.9, "eps": 1e-3, "batch_stat": True}
    results = FORWARD["FusedBatchNormalization"](None, (x, beta, gamma, mean, variance, z), (None,), args)
    axes = (0, 2, 3)
    center, _, inverse = standardized(x.astype(float), axes, 1e-3)
    total = (x.astype(float) - center) * inverse * gamma + beta + (0 if z is None else z)
    close(results[0], np.maximum(total, 0))
    values = (x, gamma, mean, variance, results[3], results[4], results[0])
    need = (True, True, True, False, False, add)
    found = BACKWARD["FusedBatchNormalization"].compute(None, values, (dy,), need, args)
    passed = dy * (total > 0)
    for actual, expected in zip((found[0], found[2], found[1]), gradients(x.astype(float), gamma, passed, axes, 1e-3)):
        close(actual, expected)
    if add:
        np.testing.assert_array_equal(found[5], passed.astype(np.float32))
    else:
        assert found[5] is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "batch_axis"),
    [
        ((7, 13), (0,)),
        ((300, 257), (0,)),
        ((2, 3, 4, 5000), (0, 1)),
        ((4, 6, 5, 7), (0,)),
        ((4, 6, 5, 7), (0, 1)),
        ((4, 40, 3, 3), (0, 1)),
        ((3, 4, 8, 6, 5), (0, 2)),
        ((5, 4, 3), (0, 2)),
    ],
)
@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize("scaled", ["samples", "statistics", "no"])
def test_layer_normalization(
    shape: tuple[int, ...], batch_axis: tuple[int, ...], order: str, scaled: str, dtype: Any
) -> None:
    native.module.set_thread_count(2)
    axes = tuple(a for a in range(len(shape)) if a not in batch_axis)
    kept = axes if scaled == "samples" else batch_axis
    x, dy, beta, gamma, *_ = arrays(shape, tuple(n if a in kept else 1 for a, n in enumerate(shape)), dtype)
    x = ORDERS[order](x)
    parameters = (None, None) if scaled == "no" else (beta, gamma)
    args = {"batch_axis": batch_axis, "eps": 1e-3}
    y, center, inverse = FORWARD["LayerNormalization"](None, (x, *parameters), (None,), args)
    wide = x.astype(float)
    expected_center, _, expected_inverse = standardized(wide, axes, 1e-3)
    unit = (wide - expected_center) * expected_inverse
    close(y, unit if scaled == "no" else unit * gamma + beta)
    close(center, expected_center)
    close(inverse, expected_inverse)
    need = (True, scaled != "no", scaled != "no")
    values = (x, None if scaled == "no" else beta.shape, parameters[1], center, inverse)
    found = BACKWARD["LayerNormalization"].compute(None, values, (dy,), need, args)
    expected = gradients(wide, np.ones((1,) * len(shape)) if scaled == "no" else gamma, dy.astype(float), axes, 1e-3)
    close(found[0], expected[0])
    if scaled == "no":
        assert found[1] is None and found[2] is None
    else:
        close(found[1], expected[2])
        close(found[2], expected[1])
    made = FORWARD["StandardizationGradient"](
        None, (x, dy, center, inverse, parameters[1]), (None, None), {"axes": axes}
    )
    close(made if scaled == "no" else made[0], expected[0])


@pytest.mark.parametrize(
    ("beta_shape", "gamma_shape"), [((1, 1, 1), (1, 4, 5)), ((1, 4, 5), None), ((1, 4, 1), (1, 1, 5))]
)
def test_offset_and_scale_of_other_shapes(beta_shape: Any, gamma_shape: Any) -> None:
    x, dy, *_ = arrays((3, 4, 5), (1,), np.float32)
    rng = np.random.default_rng(3)
    beta = nn.Variable.from_numpy_array(rng.normal(size=beta_shape).astype(np.float32), need_grad=True)
    gamma = None
    if gamma_shape is not None:
        gamma = nn.Variable.from_numpy_array(rng.normal(size=gamma_shape).astype(np.float32), need_grad=True)
    v = nn.Variable.from_numpy_array(x, need_grad=True)
    y = F.layer_normalization(v, beta, gamma, eps=1e-3)
    y.forward()
    y.backward(dy)
    scale = np.ones((1, 1, 1)) if gamma is None else gamma.d.astype(float)
    center, _, inverse = standardized(x.astype(float), (1, 2), 1e-3)
    close(y.d, ((x - center) * inverse * scale + beta.d).astype(np.float32))
    dx, _, _ = gradients(x.astype(float), scale, dy.astype(float), (1, 2), 1e-3)
    close(v.g, dx)
    summed = tuple(a for a in range(3) if beta_shape[a] == 1)
    close(beta.g, dy.sum(summed, keepdims=True, dtype=float))


@pytest.mark.parametrize("order", ["C", "last"])
def test_a_mean_far_from_zero_costs_no_accuracy(order: str) -> None:
    """Sums of squares about anything but the mean would lose the variance altogether."""
    rng = np.random.default_rng(2)
    x = (rng.normal(size=(64, 24, 6, 6)) + 5000).astype(np.float32)
    x[0] = 0
    x = ORDERS[order](x)
    args = {"axes": (1,), "decay_rate": 0.9, "eps": 1e-5, "batch_stat": True}
    results = FORWARD["BatchNormalization"](None, (x, None, None, None, None), (None,), args)
    center, _, inverse = standardized(x.astype(float), (0, 2, 3), 1e-5)
    np.testing.assert_allclose(results[1], center, rtol=3e-7)
    np.testing.assert_allclose(results[2], inverse, rtol=3e-6)
    _, _, inverse = FORWARD["LayerNormalization"](None, (x[1:], None, None), (None,), {"batch_axis": (0,), "eps": 1e-5})
    np.testing.assert_allclose(inverse, standardized(x[1:].astype(float), (1, 2, 3), 1e-5)[2], rtol=3e-6)


@pytest.mark.parametrize("order", ["C", "last"])
def test_not_a_number_stays_in_its_channel(order: str) -> None:
    x = ORDERS[order](np.random.default_rng(0).normal(size=(4, 8, 3, 3)).astype(np.float32))
    x[1, 2, 0, 0], x[0, 5, 1, 1] = np.nan, np.inf
    args = {"axes": (1,), "decay_rate": 0.9, "eps": 1e-5, "batch_stat": True}
    y = FORWARD["BatchNormalization"](None, (x, None, None, None, None), (None,), args)[0]
    assert np.isnan(y[:, 2]).all()
    assert np.isnan(y[0, 5, 1, 1])
    assert np.isfinite(np.delete(y, (2, 5), 1)).all()


def test_empty_input() -> None:
    x = np.zeros((0, 4), np.float32)
    y, center, _ = FORWARD["LayerNormalization"](None, (x, None, None), (None,), {"batch_axis": (0,), "eps": 1e-5})
    assert y.shape == (0, 4) and center.shape == (0, 1)


def test_parameters_of_the_wrong_shape_are_refused() -> None:
    x, scale = np.zeros((2, 3), np.float32), np.zeros((1, 2), np.float32)
    args = {"axes": (1,), "decay_rate": 0.9, "eps": 1e-5, "batch_stat": True}
    with pytest.raises(ValueError, match="gamma"):
        FORWARD["BatchNormalization"](None, (x, None, scale, None, None), (None,), args)
