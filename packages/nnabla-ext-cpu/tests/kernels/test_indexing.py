"""Kernels that take, add and put rows by index, against NumPy one by one, on drawn indices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnabla_ext.cpu.kernels import indexing


@st.composite
def rows_by_index(draw):
    """A number of rows, indices of any shape with repetitions, and rows for them."""
    n = draw(st.integers(1, 6))
    shape = draw(st.lists(st.integers(0, 4), max_size=2))
    inner = draw(st.lists(st.integers(0, 3), max_size=2))
    rng = np.random.RandomState(draw(st.integers(0, 1000)))
    return n, rng.randint(0, n, shape), rng.randint(-9, 10, (*shape, *inner)).astype(np.float64)


def expected_sum(n, index, rows):
    y = np.zeros((n, *rows.shape[index.ndim :]))
    np.add.at(y, index, rows)
    return y


@settings(max_examples=150, deadline=None)
@given(rows_by_index())
def test_rows_are_added_where_the_indices_say(case):
    n, index, rows = case
    expected = np.zeros((n, *rows.shape[index.ndim :]))
    np.add.at(expected, index, rows)
    np.testing.assert_array_equal(indexing.add_rows(np, (rows, index), (None,), {"n": n}), expected)
    target = np.ones_like(expected)
    indexing.ACCUMULATE_KERNELS["AddRows"](np, target, (rows, index), {"n": n})
    np.testing.assert_array_equal(target, expected + 1)


@settings(max_examples=150, deadline=None)
@given(rows_by_index())
def test_rows_are_put_where_the_indices_say_the_last_one_counting(case):
    n, index, rows = case
    x = np.full((n, *rows.shape[index.ndim :]), 100.0)
    expected = x.copy()
    for place in np.ndindex(index.shape):
        expected[index[place]] = rows[place]
    np.testing.assert_array_equal(indexing.put_rows(np, (x, rows, index), (None,), {}), expected)
    np.testing.assert_array_equal(indexing.take_rows(np, (x, index), (None,), {}), x[index])


def test_rows_are_put_where_a_mask_holds():
    mask = np.array([True, False, True])
    rows, base = np.ones((2, 2)), np.zeros((3, 2))
    expected = [[1, 1], [0, 0], [1, 1]]
    np.testing.assert_array_equal(indexing.bool_scatter(np, (rows, mask, None), (None,), {}), expected)
    for result in indexing.bool_scatter(np, (rows, mask, base), (None, None), {}):
        np.testing.assert_array_equal(result, expected)
    assert not base.any()
    with pytest.raises(RuntimeError, match="input has 3 rows, but mask has 2"):
        indexing.bool_scatter(np, (np.ones((3, 2)), mask, None), (None,), {})


def test_many_rows_for_few_indices_are_added() -> None:
    rng = np.random.RandomState(0)
    rows, index = rng.randn(200, 300), rng.randint(0, 4, 200)
    found = indexing.add_rows(np, (rows, index), (None,), {"n": 6})
    np.testing.assert_allclose(found, expected_sum(6, index, rows), 1e-12, 1e-12)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_positions_along_an_axis_are_those_of_the_whole_array(axis: int) -> None:
    x = np.random.RandomState(0).randn(3, 4, 5)
    index = np.random.RandomState(1).randint(-x.shape[axis], x.shape[axis], (3, 4, 5))
    before = index.copy()
    flat = indexing.flat_along(np, (index,), (None,), dict(axis=axis, size=x.shape[axis], what="sort"))
    np.testing.assert_array_equal(x.reshape(-1)[flat], np.take_along_axis(x, index, axis))
    np.testing.assert_array_equal(index, before)
    with pytest.raises(IndexError, match="sort: index 9"):
        indexing.flat_along(np, (np.array([[[9]]]),), (None,), dict(axis=axis, size=x.shape[axis], what="sort"))


def test_places_of_samples_follow_from_positions_along_one_axis() -> None:
    from nnabla_ext.cpu.kernels.indexing import FORWARD_KERNELS

    kernel = FORWARD_KERNELS["PlaceIndex"]
    found = kernel(np, (np.array([[4, -1, 0], [6, 2, 2]]),), (None,), {"sizes": (7,), "dtype": np.int64})
    np.testing.assert_array_equal(found, [[4, 0, 0], [13, 9, 9]])
    for shape in ((0, 3), (2, 0), (1, 0)):
        args = {"sizes": (0,), "dtype": np.int64}
        assert kernel(np, (np.zeros(shape, np.int64),), (None,), args).shape == shape
