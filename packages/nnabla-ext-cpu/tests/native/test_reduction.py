"""Native reductions against NumPy in double precision, on every target."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.reduction import BACKWARD_KERNELS, FORWARD_KERNELS

Array = np.ndarray


@pytest.fixture(params=module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = module.target()
    module.use_target(request.param)
    yield request.param
    module.use_target(before)


@pytest.fixture(params=[1, 2, 5])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = module.thread_count()
    module.set_thread_count(request.param)
    yield request.param
    module.set_thread_count(before)


def reduce(name: str, x: Array, axes: tuple[int, ...], keep_dims: bool = False, **args: Any) -> Array:
    return FORWARD_KERNELS[name](np, (x,), (None,), {"axes": axes, "keep_dims": keep_dims, **args})


WANTED = {
    "Sum": np.sum,
    "Mean": np.mean,
    "AMax": np.max,
    "Prod": np.prod,
}


def channels_last(x: Array) -> Array:
    axes = (0, *range(2, x.ndim), 1)
    return np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))


def layouts(x: Array) -> Iterator[Array]:
    yield x
    if x.ndim > 2:
        yield channels_last(x)
    yield np.asfortranarray(x)
    yield np.repeat(x, 2, axis=-1)[..., ::2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", WANTED)
def test_any_axes_of_any_layout(name: str, dtype: Any, target: str) -> None:
    rng = np.random.default_rng(0)
    for shape in ((), (1,), (37,), (5, 70), (3, 5, 7, 19), (2, 1, 33, 3), (4, 67, 1, 6)):
        x = rng.uniform(0.8, 1.25, shape).astype(dtype)
        for count in range(len(shape) + 1):
            for axes in itertools.combinations(range(len(shape)), count):
                for keep_dims in (False, True):
                    wanted = WANTED[name](x.astype(np.float64), axis=axes, keepdims=keep_dims)
                    for y in layouts(x) if x.ndim > 1 else [x]:
                        found = reduce(name, y, axes, keep_dims)
                        assert found.dtype == dtype and found.shape == wanted.shape
                        np.testing.assert_allclose(found, wanted, rtol=60 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_of_many_are_accurate(dtype: Any, target: str, threads: int) -> None:
    rng = np.random.default_rng(1)
    for shape, axes in (
        ((1000003,), (0,)),
        ((400001, 3), (0,)),
        ((3, 200003), (1,)),
        ((20000, 70), (0,)),
        ((16, 24, 40, 41), (0, 2, 3)),
        ((300, 700), (0,)),
        ((300, 700), (1,)),
    ):
        x = (rng.standard_normal(shape) + 0.5).astype(dtype)
        for y in [x, channels_last(x)] if x.ndim == 4 else [x]:
            wanted = x.astype(np.longdouble).sum(axis=axes)
            size = np.abs(x.astype(np.longdouble)).sum(axis=axes)
            assert np.max(np.abs(reduce("Sum", y, axes) - wanted) / size) < 2 * np.finfo(dtype).eps
            np.testing.assert_array_equal(reduce("AMax", y, axes), x.max(axis=axes))


def test_the_same_threads_give_the_same_bits() -> None:
    x = np.random.default_rng(2).standard_normal((30, 5000)).astype(np.float32)
    assert len({reduce("Sum", x, (0, 1)).tobytes() for _ in range(20)}) == 1


@pytest.mark.parametrize("p", [1, 2, 3.5, math.inf])
def test_norms(p: float, target: str) -> None:
    x = np.random.default_rng(3).standard_normal((6, 50, 20))
    wanted = np.linalg.norm(x.reshape(6, -1), p, axis=1)
    np.testing.assert_allclose(reduce("Norm", x, (1, 2), p=p), wanted, rtol=1e-12)


def test_nan_and_infinity_go_through(target: str, threads: int) -> None:
    for shape, axis in (((70000,), 0), ((70000, 2), 0), ((3, 41), 1), ((41, 35), 0)):
        x = np.ones(shape, np.float32)
        x[(13,) if axis == 0 else (1, 13)] = math.nan
        with np.errstate(invalid="ignore"):
            for name in WANTED:
                np.testing.assert_array_equal(reduce(name, x, (axis,)), WANTED[name](x, axis=axis))
        x[np.isnan(x)] = math.inf
        for name in WANTED:
            np.testing.assert_array_equal(reduce(name, x, (axis,)), WANTED[name](x, axis=axis))
        np.testing.assert_array_equal(reduce("AMax", -np.abs(x) * math.inf, (axis,)), np.max(-x * math.inf, axis=axis))


def test_nothing_to_reduce() -> None:
    x = np.zeros((3, 0, 2), np.float32)
    np.testing.assert_array_equal(reduce("Sum", x, (1,)), np.zeros((3, 2)))
    np.testing.assert_array_equal(reduce("Prod", x, (1,)), np.ones((3, 2)))
    assert np.isnan(reduce("Mean", x, (1,))).all()
    assert reduce("Sum", x, (0,)).shape == (0, 2)
    with pytest.raises(ValueError, match="no element"):
        reduce("AMax", x, (1,))
    with pytest.raises(ValueError, match="axis 3 is none of 3"):
        reduce("Sum", x, (3,))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_position_of_the_largest(dtype: Any, target: str) -> None:
    rng = np.random.default_rng(4)
    for shape in ((1,), (5, 3), (7, 200), (3, 5000), (2, 3, 65)):
        x = rng.integers(0, 9, shape).astype(dtype)
        for axis in range(-1, len(shape)):
            found = FORWARD_KERNELS["ArgMax"](np, (x,), (None,), {"axis": axis})
            np.testing.assert_array_equal(found, np.argmax(x, axis=axis, keepdims=True))
        x[..., shape[-1] // 2] = math.nan
        found = FORWARD_KERNELS["ArgMax"](np, (x,), (None,), {"axis": -1})
        np.testing.assert_array_equal(found, np.argmax(x, axis=-1, keepdims=True))


def summed(x: Array, shape: tuple[int, ...]) -> Array:
    lead = x.ndim - len(shape)
    x = x.sum(axis=tuple(range(lead)))
    return x.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


@pytest.mark.parametrize("name", ["Mul2", "Div2", "Pow2", "Maximum2", "Minimum2"])
def test_gradients_of_arithmetic_sum_over_what_broadcasting_added(name: str, target: str) -> None:
    rng = np.random.default_rng(5)
    for s0, s1 in (
        ((4, 5), (4, 5)),
        ((4, 5), (5,)),
        ((1, 5), (4, 1)),
        ((), (3, 2)),
        ((2, 3, 8, 9), (1, 3, 1, 1)),
        ((1,), (6, 1)),
    ):
        a, b = rng.uniform(0.5, 2, s0), rng.uniform(0.5, 2, s1)
        dy = rng.standard_normal(np.broadcast_shapes(s0, s1))
        slopes = {
            "Mul2": (dy * b, dy * a),
            "Div2": (dy / b, -dy * a / b**2),
            "Pow2": (dy * b * a ** (b - 1), dy * np.log(a) * a**b),
            "Maximum2": (dy * (a > b), dy * (a <= b)),
            "Minimum2": (dy * (a < b), dy * (a >= b)),
        }[name]
        for x in [a, channels_last(a)] if a.ndim == 4 else [a]:
            for need in ((True, True), (True, False), (False, True)):
                found = BACKWARD_KERNELS[name].compute(np, (x, b), (dy,), need, {})
                for value, slope, shape, wanted in zip(found, slopes, (s0, s1), need):
                    if wanted:
                        assert value.shape == shape
                        np.testing.assert_allclose(value, summed(slope, shape), rtol=1e-12, atol=1e-13)
