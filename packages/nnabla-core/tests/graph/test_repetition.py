"""Imperative calls that repeat earlier ones give what a first call gives."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def array(*shape, dtype=np.float32):
    return nn.NdArray.from_numpy_array(np.arange(np.prod(shape), dtype=dtype).reshape(shape))


def test_a_repeated_call_computes_on_its_own_inputs():
    first, second = array(2, 3), array(2, 3)
    second.data += 1
    np.testing.assert_array_equal(F.add2(first, first).data, 2 * first.data)
    np.testing.assert_array_equal(F.add2(first, second).data, first.data + second.data)


def test_arguments_and_shapes_tell_calls_apart():
    x = array(2, 3)
    for value in (2.0, 3, True):
        np.testing.assert_array_equal(F.mul_scalar(x, value).data, x.data * value)
    assert F.sum(x, (0,)).shape == (3,)
    assert F.sum(x, (1,)).shape == (2,)
    assert F.sum(array(4, 2), (0,)).shape == (2,)


def test_the_context_of_the_call_counts():
    x = array(2, 3)
    assert F.mul_scalar(x, 0.1).dtype == np.float32
    with nn.context_scope(nn.Context(["cpu:double"], "CpuCachedArray")):
        assert F.mul_scalar(x, 0.1).dtype == np.float64
    assert F.mul_scalar(x, 0.1).dtype == np.float32


def test_data_of_another_dtype_is_converted_each_time():
    assert F.mul_scalar(array(3), 2).dtype == np.float32
    y = F.mul_scalar(array(3, dtype=np.int64), 2)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y.data, [0, 2, 4])


@pytest.mark.parametrize("wrong", [(2, 3), 1.0, None, "x"])
def test_something_else_in_an_array_s_place_is_refused_as_in_a_first_call(wrong):
    x = array(2, 3)
    F.add2(x, x)
    with pytest.raises(RuntimeError, match="add2"):
        F.add2(x, wrong)


def test_results_are_memory_of_their_own():
    x = array(2, 2)
    a, b = F.mul_scalar(x, 2), F.mul_scalar(x, 2)
    a.data[0, 0] = 7
    assert b.data[0, 0] == 0 and x.data[0, 0] == 0


def test_variables_among_the_inputs_go_the_general_way():
    x = array(2, 2)
    F.add2(x, x)
    v = nn.Variable.from_numpy_array(np.ones((2, 2)))
    assert isinstance(F.add2(v, v), nn.Variable)
    np.testing.assert_array_equal(F.add2(x, v).data, x.data + 1)
