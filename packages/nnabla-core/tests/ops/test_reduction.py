"""Reductions, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.reduction import CASES, POSITIONS

test_conformance = conformance(CASES)
test_positions = conformance(POSITIONS)


@pytest.mark.parametrize("function", [F.max, F.min])
def test_the_first_of_equal_values_gets_the_gradient(function):
    x = nn.Variable.from_numpy_array(np.array([[2.0, 2.0, 2.0], [1.0, 1.0, 2.0]]), need_grad=True)
    x.grad.zero()
    y = function(x, axis=1)
    y.forward()
    y.backward(np.array([3.0, 5.0], np.float32))
    second = [0, 0, 5] if function is F.max else [5, 0, 0]
    np.testing.assert_array_equal(x.g, [[3, 0, 0], second])


def test_a_product_with_zeros_has_the_gradient_of_the_other_factors():
    x = nn.Variable.from_numpy_array(np.array([[1.0, 0.0, 2.0], [0.0, 0.0, 3.0]]), need_grad=True)
    x.grad.zero()
    y = F.prod(x, axis=1)
    y.forward()
    y.backward()
    np.testing.assert_array_equal(x.g, [[0, 2, 0], [0, 0, 0]])


def test_the_norm_of_zeros_has_a_zero_gradient():
    for p in (None, 2, 3):
        x = nn.Variable.from_numpy_array(np.zeros(3), need_grad=True)
        x.grad.zero()
        y = F.norm(x, p=p)
        y.forward()
        y.backward()
        assert y.d == 0
        np.testing.assert_array_equal(x.g, np.zeros(3))


def test_the_mean_of_nothing_is_not_a_number():
    y = F.mean(nn.Variable((0, 2)), axis=0)
    y.forward()
    assert np.isnan(y.d).all()


@pytest.mark.parametrize(
    "function, arguments, message",
    [
        (F.sum, {"axis": 2}, "sum: axes=2 is outside the 2 dimensions"),
        (F.mean, {"axis": (0, -3)}, "mean: axes=-3 is outside the 2 dimensions"),
        (F.sum, {"axis": (1, -1)}, "sum: axes=.* has an axis twice"),
        (F.max, {"axis": 5}, "max: axes=5 is outside"),
        (F.min, {"axis": 5}, "min: axes=5 is outside"),
        (F.prod, {"axis": 5}, "prod: axes=5 is outside"),
        (F.norm, {"p": 0.5}, "norm: p=0.5 must be 1 or more"),
        (F.reduce, {"op": "max"}, "reduce: op='max' is not known"),
    ],
)
def test_bad_arguments_are_named(function, arguments, message):
    with pytest.raises(RuntimeError, match=message):
        function(nn.Variable((2, 3)), **arguments)


def test_there_is_no_largest_of_nothing():
    with pytest.raises(RuntimeError, match=r"max: x \(0, 3\) has no element along axes=\(0,\)"):
        F.max(nn.Variable((0, 3)), axis=0)


def test_arguments_are_kept_as_given_with_all_axes_filled_in():
    x = nn.Variable((2, 3, 4))
    assert F.sum(x).parent.info.args == {"axes": [0, 1, 2], "keep_dims": False}
    assert F.mean(x, axis=-1, keepdims=True).parent.info.args == {"axes": [-1], "keep_dims": True}
    assert F.norm(x, axis=1).parent.info.args == {"p": 2.0, "axes": [1], "keep_dims": False}
    assert F.max(x, axis=(0, 2), with_index=True)[0].parent.info.args == {
        "axes": [0, 2],
        "keep_dims": False,
        "with_index": True,
        "only_index": False,
    }


def test_positions_are_unsigned_integers():
    value, index = F.max(nn.NdArray.from_numpy_array(np.array([1.0, 5.0])), with_index=True)
    assert (value.dtype, index.dtype) == (np.float32, np.uint64)
    assert F.min(nn.NdArray.from_numpy_array(np.array([1.0, 5.0])), only_index=True).dtype == np.uint64


@pytest.mark.parametrize(
    "function, reads", [(F.sum, False), (F.mean, False), (F.max, False), (F.min, False), (F.prod, True), (F.norm, True)]
)
def test_what_gradients_read(function, reads):
    y = function(nn.Variable((2, 3), need_grad=True))
    assert y.parent.grad_depends_input_data(0, 0) == reads
    # That of the product reads its input alone, but as users of 1.39 expect, its output is kept too.
    assert y.parent.grad_depends_output_data(0, 0) == (function is F.prod)


@pytest.mark.parametrize("function", [F.sum, F.mean, F.max, F.min, F.prod, F.norm])
def test_half_precision(function):
    values = np.random.RandomState(0).randn(3, 4).astype(np.float32)
    results = []
    for config in ("float", "half"):
        with nn.context_scope(get_extension_context("cpu", type_config=config)):
            x = nn.Variable.from_numpy_array(values, need_grad=True)
            x.grad.zero()
            y = function(x, axis=1)
            y.forward()
            y.backward()
            assert y.data.dtype == (np.float16 if config == "half" else np.float32)
            results.append((y.d, x.g))
    np.testing.assert_allclose(results[1][0], results[0][0], atol=0.1)
    np.testing.assert_allclose(results[1][1], results[0][1], atol=0.1)


def test_what_is_not_a_number_is_the_largest_and_the_smallest():
    x = nn.NdArray.from_numpy_array(np.array([1.0, np.nan, 3.0, np.nan]))
    for function in (F.max, F.min):
        value, index = function(x, with_index=True)
        assert np.isnan(value.data) and index.data == 1
