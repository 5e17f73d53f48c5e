"""Arithmetic operators, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.arithmetic import CASES, REMAINDER, TWO

test_conformance = conformance(CASES)


def test_add_and_multiply_many_with_zeros_have_finite_gradients() -> None:
    x = [nn.Variable.from_numpy_array(np.array(v, np.float32), need_grad=True) for v in ([2, 0], [3, 5], [0, 0])]
    for v in x:
        v.grad.zero()
    y = F.mul_n(*x)
    y.forward()
    y.backward()
    np.testing.assert_array_equal([v.g for v in x], [[0, 0], [0, 0], [6, 0]])


def test_powers_of_zero_have_the_gradients_of_the_limit() -> None:
    a = nn.Variable.from_numpy_array(np.zeros(3, np.float32), need_grad=True)
    b = nn.Variable.from_numpy_array(np.array([0, 1, 2], np.float32), need_grad=True)
    a.grad.zero()
    b.grad.zero()
    y = F.pow2(a, b)
    with np.errstate(all="ignore"):
        y.forward()
        y.backward()
    np.testing.assert_array_equal(a.g, [0, 1, 0])
    np.testing.assert_array_equal(b.g[1:], [0, 0])
    x = nn.Variable.from_numpy_array(np.zeros(1, np.float32), need_grad=True)
    (first,) = nn.grad([x**2], [x])
    (second,) = nn.grad([first], [x])
    (third,) = nn.grad([second], [x])
    nn.forward_all([first, second, third])
    assert [float(v.d.ravel()[0]) for v in (first, second, third)] == [0, 2, 0]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8, bool, np.float64])
def test_other_dtypes_are_computed_as_floats(dtype: type) -> None:
    a, b = nn.Variable((3,)), nn.Variable((3,))
    a.data.cast(dtype)[...] = [1, 0, 1]
    b.data.cast(dtype)[...] = [1, 1, 1]
    y = F.add2(a, b)
    y.forward()
    assert y.data.dtype == np.float32
    np.testing.assert_array_equal(y.d, [2, 1, 2])


@pytest.mark.parametrize("function", [F.add2, F.sub2, F.mul2, F.div2, F.pow2])
def test_shapes_that_do_not_broadcast_are_named(function) -> None:
    with pytest.raises(RuntimeError, match=rf"{function.snake_name}: shapes \(2,\), \(3,\) do not broadcast"):
        function(nn.Variable((2,)), nn.Variable((3,)))


@pytest.mark.parametrize("function", [F.add_n, F.mul_n])
def test_many_inputs_of_different_shapes_are_named(function) -> None:
    with pytest.raises(RuntimeError, match=r"input 1 has the shape \(1, 2\), input 0 has \(2,\)"):
        function(nn.Variable((2,)), nn.Variable((1, 2)))


def test_a_number_in_the_place_of_a_variable_is_refused() -> None:
    with pytest.raises(AssertionError, match="All inputs must be Variable"):
        F.add2(nn.Variable((2,)), 3)


def test_an_argument_that_is_no_number_is_named() -> None:
    with pytest.raises(TypeError, match="add_scalar: argument val='a'"):
        F.add_scalar(nn.Variable((2,)), val="a")


def test_only_active_inputs_of_many_are_added() -> None:
    x = nn.Variable.from_numpy_array(np.array([1, 2, 3], np.float32), need_grad=True)
    x.grad.zero()
    for function, values, grads in ((F.add_n, [4, 8, 12], [4, 4, 4]), (F.mul_n, [3, 12, 27], [6, 12, 18])):
        y = function(x, x * 2, x * 3)
        y.parent.set_active_input_mask([True, False, True])
        y.forward()
        x.grad.zero()
        y.backward()
        np.testing.assert_array_equal(y.d, values)
        np.testing.assert_array_equal(x.g, grads)


def test_half_precision() -> None:
    rng = np.random.RandomState(0)
    values = [rng.uniform(0.5, 2, (2, 3)).astype(np.float32) for _ in range(2)]
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, expect in [*TWO, (F.div2, np.divide), (F.pow2, np.power), (F.add_n, np.add)]:
            variables = [nn.Variable.from_numpy_array(v, need_grad=True) for v in values]
            for v in variables:
                v.grad.zero()
            y = function(*variables)
            y.forward()
            y.backward()
            assert y.data.dtype == variables[0].grad.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(*values), atol=0.1)


def stored(values, dtype):
    """A Variable whose data are kept in ``dtype``."""
    v = nn.Variable(np.shape(values), need_grad=True)
    v.data.cast(dtype)[...] = values
    return v


test_remainder = conformance(REMAINDER)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.uint8, np.uint32])
@pytest.mark.parametrize("fmod", [False, True])
@pytest.mark.parametrize("kind", ["graph", "ndarray"])
def test_remainders_of_integers_are_integers(dtype, fmod, kind) -> None:
    values, divisors = np.array([7, 100, 7, 9]), np.array([3, 7, 3, 4])
    if np.issubdtype(dtype, np.signedinteger):
        values, divisors = values * [1, -1, -1, 1], divisors * [1, 1, -1, -1]
    a, b = stored(values, dtype), stored(divisors, dtype)
    if kind == "graph":
        y = F.mod2(a, b, fmod=fmod)
        y.forward()
        result = y.data
    else:
        result = F.mod2(a.data, b.data, fmod=fmod)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result.data, (np.fmod if fmod else np.mod)(values, divisors))


def test_a_remainder_follows_the_dtype_of_its_data_from_run_to_run() -> None:
    a, b = stored([7, -7], np.int32), stored([3, 3], np.int32)
    y = F.mod2(a, b)
    for dtype, expected in ((np.int32, [1, 2]), (np.float32, [1, -1]), (np.int64, [1, 2])):
        a.data.cast(dtype)
        y.forward()
        assert y.data.dtype == dtype
        np.testing.assert_array_equal(y.d, expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.int64])
@pytest.mark.parametrize("direction", ["LEFT", "RIGHT"])
def test_bits_are_shifted_in_the_dtype_of_the_data(dtype, direction) -> None:
    values, shifts = np.array([[1, 2, 100], [7, 200, 255]]).astype(dtype), np.array([1, 3, 2]).astype(dtype)
    y = F.bit_shift(stored(values, dtype), stored(shifts, dtype), direction=direction)
    y.forward()
    assert y.data.dtype == dtype
    np.testing.assert_array_equal(y.d, (np.left_shift if direction == "LEFT" else np.right_shift)(values, shifts))


def test_bits_shifted_out_are_lost() -> None:
    x, shift = stored([1, 255], np.uint8), stored([8, 40], np.uint8)
    for direction in ("LEFT", "RIGHT"):
        np.testing.assert_array_equal(F.bit_shift(x.data, shift.data, direction).data, [0, 0])
    negative = stored([-1, -300], np.int32)
    np.testing.assert_array_equal(F.bit_shift(negative.data, stored([40, 40], np.int32).data, "RIGHT").data, [-1, -1])
    large = F.bit_shift(stored([2**31 + 1], np.uint32).data, stored([1], np.uint32).data)
    np.testing.assert_array_equal(large.data, [2])


def test_bits_of_floats_and_unknown_directions_are_refused() -> None:
    x = nn.NdArray.from_numpy_array(np.ones(2, np.float32))
    with pytest.raises(TypeError, match="bit_shift: x must hold integers, not float32"):
        F.bit_shift(x, x)
    with pytest.raises(
        ValueError, match="bit_shift: argument direction='UP' is not known; choose one of 'LEFT', 'RIGHT'"
    ):
        F.bit_shift(x, x, direction="UP")
