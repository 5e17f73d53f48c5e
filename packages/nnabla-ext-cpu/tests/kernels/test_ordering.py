"""The largest elements and positions in sorted sequences, against sorting and bisection one by one."""

from __future__ import annotations

import bisect

import numpy as np
import pytest

from nnabla_ext.cpu.kernels import ordering


def samples(kind: str) -> np.ndarray:
    rng = np.random.RandomState(0)
    x = rng.randn(4, 100)
    if kind == "ties":
        x = np.round(x)
    if kind == "special":
        x[0, ::7], x[1, ::3], x[2] = np.nan, np.inf, -np.inf
        x[3, :98] = -np.inf
    return x.astype(np.float32)


def expected_positions(row: np.ndarray, k: int, largest: bool) -> list[int]:
    """The first k positions in order; NaN is larger than all."""
    keys = [(1, 0.0) if np.isnan(v) else (0, float(v)) for v in row]
    if largest:
        keys = [(-nan, -v) for nan, v in keys]
    return sorted(range(len(keys)), key=keys.__getitem__)[:k]


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("k", [1, 5, 12, 40, 100])
@pytest.mark.parametrize("kind", ["different", "ties", "special"])
def test_the_first_of_equal_elements_come_first(kind: str, k: int, largest: bool) -> None:
    x = samples(kind)
    args = dict(k=k, base_axis=1, abs=False, largest=largest, reduce=True, with_index=True)
    values, index, saved = ordering.FORWARD_KERNELS["TopKData"](np, (x,), (None,) * 3, args)
    np.testing.assert_array_equal(index, [expected_positions(row, k, largest) for row in x])
    np.testing.assert_array_equal(values, np.take_along_axis(x, index, 1))
    np.testing.assert_array_equal(saved, index)


def test_all_but_the_largest_become_zero_and_dimensions_after_the_base_axis_are_one_sample() -> None:
    x = samples("different").reshape(2, 2, 10, 10)
    args = dict(k=3, base_axis=2, abs=True, largest=True, reduce=False, with_index=False)
    y, _ = ordering.FORWARD_KERNELS["TopKData"](np, (x,), (None,) * 2, args)
    rows = np.abs(x.reshape(4, 100))
    limit = np.sort(rows, axis=1)[:, -3:-2]
    np.testing.assert_array_equal(y.reshape(4, 100), np.where(rows >= limit, x.reshape(4, 100), 0))
    gradient = ordering.BACKWARD_KERNELS["TopKGrad"].compute
    (dx,) = gradient(np, (), (x,), (True,), dict(k=3, base_axis=-2, abs=True))
    np.testing.assert_array_equal(dx, y)


@pytest.mark.parametrize("right", [False, True])
def test_values_are_placed_before_or_behind_equal_ones(right: bool) -> None:
    rng = np.random.RandomState(0)
    sequences = np.sort(rng.randint(0, 20, (2, 3, 30)), axis=-1).astype(np.float32)
    wanted = rng.randint(-2, 22, (2, 3, 9)).astype(np.float32)
    found = ordering.FORWARD_KERNELS["SearchSorted"](np, (sequences, wanted), (None,), {"right": right})
    place = bisect.bisect_right if right else bisect.bisect_left
    for at in np.ndindex(wanted.shape):
        assert found[at] == place(sequences[at[:-1]].tolist(), wanted[at])
    assert found.dtype == np.float32


def test_nan_is_before_everything() -> None:
    sequence, wanted = np.array([1.0, 2.0]), np.array([np.nan, 3.0])
    found = ordering.FORWARD_KERNELS["SearchSorted"](np, (sequence, wanted), (None,), {"right": False})
    np.testing.assert_array_equal(found, [0, 2])
