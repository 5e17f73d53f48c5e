"""Native movement of elements against NumPy, on every target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.movement import ACCUMULATE_KERNELS, BACKWARD_KERNELS, FORWARD_KERNELS

Array = np.ndarray


@pytest.fixture(params=module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = module.target()
    module.use_target(request.param)
    yield request.param
    module.use_target(before)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = module.thread_count()
    module.set_thread_count(request.param)
    yield request.param
    module.set_thread_count(before)


def forward(name: str, *inputs: Array, **args: Any) -> Any:
    return FORWARD_KERNELS[name](np, inputs, (None,), args)


def cumulated(function: Any, x: Array, axis: int, exclusive: bool, reverse: bool) -> Array:
    x = np.flip(x, axis) if reverse else x
    y = function(x, axis=axis)
    if exclusive:
        y = np.roll(y, 1, axis)
        first: list[Any] = [slice(None)] * x.ndim
        first[axis] = slice(0, 1)
        y[tuple(first)] = 0 if function is np.cumsum else 1
    return np.flip(y, axis) if reverse else y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_running_sums_and_products(dtype: Any, exclusive: bool, reverse: bool, target: str, threads: int) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1,), (37,), (5, 300), (300, 270), (3, 4, 5)):
        x = rng.uniform(0.9, 1.1, shape).astype(dtype)
        for axis in range(-1, len(shape)):
            for name, function in (("CumSum", np.cumsum), ("CumProd", np.cumprod)):
                wanted = cumulated(function, x.astype(np.float64), axis, exclusive, reverse)
                for y in (x, np.asfortranarray(x)):
                    found = forward(name, y, axis=axis, exclusive=exclusive, reverse=reverse)
                    assert found.dtype == dtype
                    np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("zeros", [0, 1, 3])
def test_gradient_of_a_running_product(exclusive: bool, reverse: bool, zeros: int, target: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0.5, 1.5, (7, 6))
    x.ravel()[rng.choice(42, zeros, replace=False)] = 0
    dy = rng.standard_normal((7, 6))
    args = {"exclusive": exclusive, "reverse": reverse}
    for axis in (0, 1):
        found = BACKWARD_KERNELS["CumProd"].compute(np, (x,), (dy,), (True,), {"axis": axis, **args})[0]
        wanted = np.zeros_like(x)
        for place in np.ndindex(x.shape):
            # A running product is linear in each element, so that a difference of any size is exact.
            for sign in (1, -1):
                moved = x.copy()
                moved[place] += sign
                wanted[place] += sign / 2 * np.sum(dy * cumulated(np.cumprod, moved, axis, exclusive, reverse))
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


def test_one_hot(target: str, threads: int) -> None:
    rng = np.random.default_rng(2)
    index = rng.integers(-8, 9, (500, 3, 2))
    shape = (5, 7)
    wanted = np.zeros((500, 3, *shape), np.float32)
    for place in np.ndindex(500, 3):
        at = [k + n if k < 0 else k for k, n in zip(index[place], shape)]
        if all(0 <= k < n for k, n in zip(at, shape)):
            wanted[(*place, *at)] = 1
    for dtype in (np.float32, np.float64):
        found = forward("OneHot", index, shape=shape, dtype=np.dtype(dtype))
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ValueError, match="coordinate for each size"):
        forward("OneHot", index, shape=(5,), dtype=np.dtype(np.float32))


def test_split_gives_arrays_of_their_own(target: str) -> None:
    for dtype in (np.float32, np.float64):
        x = np.arange(3 * 4 * 5, dtype=dtype).reshape(3, 4, 5)
        for y in (x, np.asfortranarray(x)):
            for axis in range(-3, 3):
                parts = forward("Split", y, axis=axis)
                assert len(parts) == x.shape[axis]
                for i, part in enumerate(parts):
                    np.testing.assert_array_equal(part, np.take(x, i, axis))
                    assert not np.shares_memory(part, y)


def test_gradient_of_sorting_puts_back(target: str, threads: int) -> None:
    rng = np.random.default_rng(3)
    x, dy = rng.standard_normal((2, 40, 9, 60)).astype(np.float32)
    for axis in range(-1, 3):
        index = np.argsort(x, axis=axis)
        wanted = np.zeros_like(dy)
        np.put_along_axis(wanted, index, dy, axis)
        found = BACKWARD_KERNELS["Sort"].compute(np, (index,), (dy,), (True,), {"axis": axis, "only_index": False})
        np.testing.assert_array_equal(found[0], wanted)
    index[0, 0, 0] = 60
    with pytest.raises(IndexError, match="outside"):
        module.put_along(index, dy, -1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_are_added_in_place(dtype: Any, target: str, threads: int) -> None:
    rng = np.random.default_rng(4)
    for rows, shape in ((11, (2000, 3)), (40, (17,)), (5, (3000,))):
        for tail in ((), (1,), (33,), (4, 5)):
            index = rng.integers(0, rows, shape)
            values = rng.integers(-3, 4, (*shape, *tail)).astype(dtype)
            wanted = np.ones((rows, *tail), dtype)
            np.add.at(wanted, index, values)
            given = np.ones((rows, *tail), dtype)
            ACCUMULATE_KERNELS["AddRows"](np, given, (values, index), {"n": rows})
            np.testing.assert_array_equal(given, wanted)
            np.testing.assert_array_equal(forward("AddRows", values, index, n=rows), wanted - 1)
    for width in (1, 2):
        for wrong in (5, -1):
            with pytest.raises(IndexError, match=f"index {wrong} is outside of 5 rows"):
                module.add_rows(np.zeros((5, width)), np.array([0, wrong, 1]), np.zeros((3, width)))


def test_one_hot_in_double_precision_is_the_context_s() -> None:
    with nn.context_scope(get_extension_context("cpu", type_config="double")):
        y = F.one_hot(nn.NdArray.from_numpy_array(np.array([[1], [2]])), (4,)) * (1 / 3)
        assert y.dtype == np.float64
        np.testing.assert_array_equal(y.data, np.eye(4)[1:3] / 3)
