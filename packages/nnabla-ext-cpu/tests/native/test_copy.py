"""Native copies against NumPy: every order in memory, dtypes, arrays put into others and joined."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest

from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.copy import FORWARD_KERNELS

Array = np.ndarray

_VIEWS = {
    "turned": lambda x: x.transpose(3, 2, 1, 0),
    "channels last": lambda x: x.transpose(0, 2, 3, 1),
    "channels first": lambda x: x.transpose(0, 3, 1, 2),
    "matrices turned": lambda x: x.transpose(2, 3, 0, 1),
    "every second": lambda x: x[:, ::2, 1:, ::2],
    "every third": lambda x: x[::2, :, :, 1::3],
    "backwards": lambda x: x[:, :, :, ::-1],
    "backwards throughout": lambda x: x[::-1, ::-1, ::-1, ::-1],
    "backwards in steps": lambda x: x[:, ::-2, ::-1, ::-3],
    "spread": lambda x: np.broadcast_to(x[:, :1], (2, *x[:, :1].shape[:1], 6, *x.shape[2:])),
    "one number": lambda x: np.broadcast_to(x[0, 0, 0, 0], (7, 9)),
    "column": lambda x: np.broadcast_to(x[..., :1], (*x.shape[:3], 50)),
    "nothing": lambda x: x[:, :0],
}


@pytest.mark.parametrize("view", _VIEWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.uint64])
def test_copies_are_the_array_in_memory_of_their_own(view: str, dtype: Any, each_target: str, each_count: int) -> None:
    base = np.arange(3 * 5 * 33 * 70).reshape(3, 5, 33, 70).astype(dtype)
    x = _VIEWS[view](base)
    for c_order in (True, False):
        found = module.copied(x, c_order)
        assert found.dtype == x.dtype and found.flags.writeable and not np.shares_memory(found, base)
        assert found.flags.c_contiguous or not c_order
        np.testing.assert_array_equal(found, x)
    if view.startswith("channels"):
        assert module.copied(x, False).strides == x.strides


def test_what_is_no_number_of_four_or_eight_bytes_is_left_to_numpy(each_target: str) -> None:
    for dtype in (np.float16, np.complex128, np.uint8, ">f4", "S4"):
        assert module.copied(np.zeros((5, 5), dtype).T, True) is None
    packed = np.zeros(9, np.dtype([("a", np.uint8), ("b", np.float32)]))["b"]
    assert module.copied(packed, True) is None


_NUMBERS = [np.nan, np.inf, -np.inf, -1.0, -0.0, 0.0, 0.5, 1.5, -2.5, 2.0**33, -(2.0**33), 1e30, -1e30]


@pytest.mark.parametrize("wanted", [bool, np.float32, np.float64, np.int64, np.uint64])
@pytest.mark.parametrize("given", [bool, np.int32, np.int64, np.uint64, np.float32, np.float64])
def test_dtypes_are_converted_as_numpy_does(given: Any, wanted: Any, each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (40, 70)).astype(given)
    if np.dtype(given).kind == "f":
        x.flat[: len(_NUMBERS)] = _NUMBERS
    for array in (x, x.T, x.reshape(4, 10, 70).transpose(0, 2, 1)):
        found = module.converted(array, np.dtype(wanted))
        if found is None:
            assert (given, wanted) in _LEFT_TO_NUMPY or given is wanted
            continue
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(found, array.astype(wanted))
        assert found.dtype == wanted
        assert [n // found.itemsize for n in found.strides] == [n // array.itemsize for n in array.strides]
    assert module.converted(x[:, ::2], np.dtype(wanted)) is None


_LEFT_TO_NUMPY = [(given, np.uint64) for given in (bool, np.int32, np.float32, np.float64)]


def _place(x: Array, shape: Any, start: Any, stop: Any, step: Any, fill: float) -> Array:
    args = {"shape": shape, "start": start, "stop": stop, "step": step, "fill": fill}
    found: Array = FORWARD_KERNELS["Place"](xp, (x,), (None,), args)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
@pytest.mark.parametrize("fill", [0.0, 2.0])
def test_an_array_is_placed_into_a_larger_one(dtype: Any, fill: float, each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(1)
    for shape, start, stop, step in (
        ((9, 7), (1, 2), (8, 6), (2, 1)),
        ((9, 7), (8, 6), (0, 1), (-3, -2)),
        ((70, 80), (0, 79), (70, -81), (1, -1)),
        ((70, 80), (69, 79), (-71, -81), (-1, -1)),
        ((70, 80), (0, 0), (70, 80), (1, 1)),
        ((4, 6, 40, 50), (0, 0, 1, 2), (4, 6, 39, 45), (1, 1, 1, 1)),
        ((3, 100), (0, 0), (3, 100), (1, 11)),
        ((3, 100), (0, 5), (3, 5), (1, 1)),
        ((1000,), (17,), (990,), (7,)),
    ):
        wanted = np.full(shape, fill, dtype)
        into = wanted[tuple(slice(*bounds) for bounds in zip(start, stop, step))]
        x = rng.integers(0, 9, into.shape).astype(dtype)
        into[...] = x
        np.testing.assert_array_equal(_place(x, shape, start, stop, step, fill), wanted)
        turned = np.ascontiguousarray(x.T).T
        np.testing.assert_array_equal(_place(turned, shape, start, stop, step, fill), wanted)
    with pytest.raises(ValueError, match="dimension 1 reaches beyond"):
        module.placed(np.zeros((2, 3), np.float32), (2, 4), (0, 2), (1, 1), 0.0)


def test_arrays_are_joined(each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(2)
    for dtype in (np.float32, np.float64, np.int64, bool):
        parts = [rng.integers(0, 9, (300, n, 40)).astype(dtype) for n in (1, 0, 5, 2)]
        found = FORWARD_KERNELS["Concatenate"](xp, tuple(parts), (None,), {"axis": 1})
        np.testing.assert_array_equal(found, np.concatenate(parts, 1))
        turned = tuple(np.asfortranarray(p) for p in parts)
        np.testing.assert_array_equal(
            FORWARD_KERNELS["Concatenate"](xp, turned, (None,), {"axis": -2}), np.concatenate(parts, 1)
        )
        one, others = (
            np.ascontiguousarray(parts[2]),
            tuple(np.moveaxis(np.moveaxis(p, 1, 2).copy(), 2, 1) for p in parts),
        )
        mixed = FORWARD_KERNELS["Concatenate"](xp, (one, *others), (None,), {"axis": 1})
        np.testing.assert_array_equal(mixed, np.concatenate((one, *parts), 1))
        assert dtype is bool or mixed.strides[1] == mixed.itemsize
    assert module.joined((np.zeros((2, 3)), np.zeros((3, 3))), 1) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_triangles(dtype: Any, each_target: str, each_count: int) -> None:
    x = np.random.default_rng(3).standard_normal((5, 70, 90)).astype(dtype)
    x[0, 0, 0] = np.nan
    for k in (-100, -70, -3, 0, 1, 89, 90, 200):
        np.testing.assert_array_equal(module.triangle(x, k, True), np.triu(x, k))
        np.testing.assert_array_equal(module.triangle(x, k, False), np.tril(x, k))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_diagonals_of_ones(dtype: Any, each_target: str) -> None:
    for rows, columns in ((1, 1), (3, 5), (7, 4), (300, 200)):
        for k in (0, 1, 2, -1, -3, columns, -rows, columns - 1, 1 - rows):
            x = np.zeros((rows, columns), dtype)
            found = FORWARD_KERNELS["EyeLike"](xp, (x,), (None,), {"k": k})
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, np.eye(rows, columns, k))


def test_tiles_and_fills(each_target: str, each_count: int) -> None:
    x = np.random.default_rng(4).standard_normal((30, 41)).astype(np.float32)
    for reps in ((2, 3), (3,), (2, 1, 2), (1, 1), (2, 1, 1)):
        found = FORWARD_KERNELS["Tile"](xp, (x,), (None,), {"reps": reps})
        np.testing.assert_array_equal(found, np.tile(x, reps))
        assert not np.shares_memory(found, x)
    for shape, val in (((3, 1000), 2.5), ((0, 2), 1.0), ((50000,), 0.0), ((7,), -0.0)):
        args = {"shape": shape, "val": val, "dtype": np.float64}
        found = FORWARD_KERNELS["Full"](xp, (), (None,), args)
        np.testing.assert_array_equal(found, np.full(shape, val))
        assert (np.signbit(found) == np.signbit(val)).all()


def test_rows_by_index(each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(5)
    for dtype in (np.float32, np.float64, np.int64, bool):
        for tail in ((), (1,), (3, 5), (300,)):
            x = rng.integers(0, 9, (11, *tail)).astype(dtype)
            for shape in ((), (0,), (40,), (3, 4)):
                index = rng.integers(0, 11, shape)
                np.testing.assert_array_equal(module.rows_at(x, index), x[index])
    assert module.rows_at(x, np.array([3, 11])) is None
    assert module.rows_at(x, np.array([-1])) is None


def test_sequences_of_numbers(each_target: str, each_count: int) -> None:
    for dtype in (np.float32, np.float64):
        for n, start in ((0, 3), (1, -2), (50001, -7), (20000, 2**23)):
            found = FORWARD_KERNELS["Iota"](xp, (), (None,), {"n": n, "start": start, "dtype": dtype})
            np.testing.assert_array_equal(found, np.arange(start, start + n, dtype=dtype))
            assert found.dtype == dtype
        for n, start, stop in ((0, 1, 2), (1, 1, 2), (2, -1, 3), (20001, 5.5, -3.25)):
            args = {"num": n, "start": start, "stop": stop, "dtype": dtype}
            found = FORWARD_KERNELS["Linspace"](xp, (), (None,), args)
            np.testing.assert_allclose(found, np.linspace(start, stop, n), rtol=1e-6, atol=1e-6)
            if n > 1:
                assert found[0] == start and found[-1] == stop
