"""Adding and putting rows by index with nothing but the array API standard, on drawn indices."""

from __future__ import annotations

import array_api_compat.numpy
import array_api_strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnabla.ops.scatter import add_rows, put_rows


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
    expected = expected_sum(n, index, rows)
    strict = [array_api_strict.asarray(a) for a in (rows, index)]
    np.testing.assert_array_equal(np.asarray(add_rows.reference_kernel(array_api_strict, *strict, n)._array), expected)
    target = np.ones_like(expected)
    assert add_rows.accumulate_kernel is not None
    add_rows.accumulate_kernel(array_api_compat.numpy, target, rows, index, n)
    np.testing.assert_array_equal(target, expected + 1)


@settings(max_examples=150, deadline=None)
@given(rows_by_index())
def test_rows_are_put_where_the_indices_say_the_last_one_counting(case):
    n, index, rows = case
    x = np.full((n, *rows.shape[index.ndim :]), 100.0)
    expected = x.copy()
    for place in np.ndindex(index.shape):
        expected[index[place]] = rows[place]
    strict = [array_api_strict.asarray(a) for a in (x, rows, index)]
    np.testing.assert_array_equal(np.asarray(put_rows.reference_kernel(array_api_strict, *strict)._array), expected)


@pytest.mark.parametrize("size", [1, 1000])
def test_many_rows_for_one_place_are_added_accurately(size):
    rows = np.full((size, 2), 0.1, np.float32)
    index = np.zeros(size, np.int64)
    found = add_rows.reference_kernel(array_api_strict, *map(array_api_strict.asarray, (rows, index)), 1)
    np.testing.assert_allclose(np.asarray(found._array), [[0.1 * size] * 2], rtol=1e-6)
