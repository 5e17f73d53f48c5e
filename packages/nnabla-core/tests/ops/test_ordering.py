"""Sorting, the largest elements, distinct values, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.ordering import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.sort(x, axis=2), "sort: axis=2 is outside the 2 dimensions"),
        (lambda x: F.top_k_data(x, 5), r"top_k_data: k=5 must be from 1 to the 4 elements of a sample of x \(3, 4\)"),
        (lambda x: F.top_k_data(x, 0), "top_k_data: k=0 must be from 1"),
        (lambda x: F.top_k_data(x, 1, base_axis=2), "top_k_data: base_axis=2 is outside"),
        (lambda x: F.top_k_data(x, 1, reduce=False, with_index=True), "top_k_data: with_index=True needs reduce=True"),
        (lambda x: F.unique(x, flatten=False, axis=2), "unique: axis=2 is outside"),
        (lambda x: F.unique(nn.Variable((0, 4)), flatten=False, axis=0), "unique: x .* has no elements to compare"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(nn.Variable((3, 4)))


def test_indices_are_integers_and_further_outputs_come_in_a_tuple():
    x = nn.NdArray.from_numpy_array(np.array([[2.0, 1.0]]))
    assert isinstance(F.sort(x), nn.NdArray)
    assert F.sort(x, with_index=True)[1].dtype == np.uint64
    assert F.top_k_data(x, 1, with_index=True)[1].dtype == np.uint64
    assert [a.dtype for a in F.unique(x, with_counts=True)] == [np.float32, np.int32]


def test_gradients_follow_the_order_of_the_latest_forward():
    x = nn.Variable.from_numpy_array(np.array([3.0, 1.0, 2.0]), need_grad=True)
    y, index = F.sort(x, with_index=True)
    assert not y.parent.grad_depends_input_data(0, 0)
    for values in ([3.0, 1.0, 2.0], [1.0, 2.0, 3.0]):
        x.d = values
        x.grad.zero()
        nn.forward_all([y, index])
        y.backward(np.array([10.0, 20.0, 30.0], np.float32))
        expected = np.empty(3)
        expected[np.argsort(values)] = [10, 20, 30]
        np.testing.assert_array_equal(x.g, expected)


def test_half_precision():
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.array([[3.0, 1.0, 2.0]]), need_grad=True)
        x.grad.zero()
        y = F.sort(F.top_k_data(x, 2))
        y.forward()
        y.backward()
        assert y.data.dtype == np.float16
        np.testing.assert_array_equal(y.d, [[2, 3]])
        np.testing.assert_array_equal(x.g, [[1, 0, 1]])
