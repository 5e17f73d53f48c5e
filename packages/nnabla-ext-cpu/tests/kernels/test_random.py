"""Random kernels give the reference kernels' numbers, bit by bit."""

from __future__ import annotations

import array_api_compat.numpy as xp
import numpy as np
import pytest

from nnabla.ops.randomness import random_integers, random_words
from nnabla_ext.cpu.kernels.random import FORWARD_KERNELS, words

STATE = (0x0123456789ABCDEF, (7 << 32) + 5)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 1000, 4 * 16384, 4 * 16384 + 1, 3 * 4 * 16384 - 2])
def test_words_are_those_of_the_reference_also_at_the_borders_of_blocks(count: int) -> None:
    found = words(count, STATE, 3)
    assert found.dtype == np.uint32 and found.shape == (count,)
    np.testing.assert_array_equal(found, random_words(np, count, STATE, 3)[:count])


@pytest.mark.parametrize("span", [1, 2, 3, 10, 1 << 16, (1 << 24) - 1, 1 << 24, 1 << 31, (1 << 32) - 1, 1 << 32])
@pytest.mark.parametrize(("low", "dtype"), [(0, np.uint32), (-7, np.int64), (0, np.float64)])
def test_integers_are_those_of_the_reference(span: int, low: int, dtype: type) -> None:
    args = {"shape": (5, 3), "span": span, "low": low, "kind": "index"}
    kernel = random_integers.reference_kernel
    assert kernel is not None
    expected = kernel(xp, STATE, 1, (5, 3), span, low, dtype)
    found = FORWARD_KERNELS["RandomIntegers"](np, (), (None,), {**args, "state": STATE, "lane": 1, "dtype": dtype})
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("p", [2.0**-24, 0.1, 0.25, 0.5, 0.75, 0.9, 1 - 2.0**-24])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout_keeps_where_a_uniform_number_reaches_p(p: float, dtype: type) -> None:
    x = np.ones((301, 7), dtype)
    args = {"p": p, "state": STATE, "lane": 2, "dtype": np.dtype(dtype)}
    y, mask = FORWARD_KERNELS["Dropout"](np, (x,), (None, None), args)
    u = FORWARD_KERNELS["RandomUniform"](np, (), (None,), {**args, "shape": x.shape})
    np.testing.assert_array_equal(mask, u >= dtype(p))
    np.testing.assert_array_equal(y, np.where(mask, dtype(1 / (1 - p)), 0))
    assert y.dtype == dtype and u.dtype == dtype
