"""Gathering and scattering, against NumPy's indexing."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.ops as ops
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.gathering import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.gather(x, nn.Variable((2,)), axis=2), "gather: axis=2 is outside the 2 dimensions"),
        (
            lambda x: F.gather(x, nn.Variable((2,)), axis=0, batch_dims=1),
            "gather: batch_dims=1 must be from 0 to axis=0",
        ),
        (lambda x: F.gather(x, nn.Variable((3, 2)), axis=1, batch_dims=1), "gather: the first 1 sizes of x .* equal"),
        (lambda x: F.gather_nd(x, np.zeros((3, 2))), r"gather_nd: indices \(3, 2\) must have two or more dimensions"),
        (lambda x: F.gather_nd(x, np.zeros((2,))), "gather_nd: indices"),
        (
            lambda x: F.scatter_nd(nn.Variable((3,)), np.zeros((2, 2)), (4, 3)),
            r"scatter_nd: data \(3,\) must have shape",
        ),
        (lambda x: F.scatter_nd(nn.Variable((2,)), np.zeros((2, 2))), "scatter_nd: either shape or out"),
        (lambda x: ops.scatter_nd(nn.Variable((2,)), nn.Variable((2, 2))), "scatter_nd: either shape or out"),
        (lambda x: ops.scatter_nd(nn.Variable((2,)), nn.Variable((2, 2)), x, (9, 9)), "scatter_nd: out has shape"),
        (lambda x: F.scatter_add(x, nn.Variable((1, 4)), nn.Variable((1, 4))), r"scatter_add: indices \(1, 4\)"),
        (lambda x: F.scatter_add(x, nn.Variable((3,)), nn.Variable((3,))), "scatter_add: indices"),
    ],
)
def test_bad_shapes_and_arguments_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(nn.Variable((2, 3)))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.gather(x, nn.Variable.from_numpy_array([2])), "gather: index 2 is outside a dimension of size 2"),
        (
            lambda x: F.gather(x, nn.Variable.from_numpy_array([-4]), axis=1),
            "gather: index -4 is outside a dimension of size 3",
        ),
        (lambda x: F.gather_nd(x, [[0], [3]]), "gather_nd: index 3 is outside a dimension of size 3"),
        (lambda x: F.scatter_nd(nn.Variable((1,)), [[0], [3]], (2, 3)), "scatter_nd: index 3 is outside"),
        (
            lambda x: F.scatter_add(x, nn.Variable.from_numpy_array([[5]]), nn.Variable((1, 1))),
            "scatter_add: index 5 is outside a dimension of size 2",
        ),
    ],
)
def test_an_index_out_of_range_is_named_when_it_is_read(call, message):
    y = call(nn.Variable((2, 3)))
    with pytest.raises(RuntimeError, match=message) as error:
        y.forward()
    assert isinstance(error.value, IndexError)


def test_the_last_of_several_values_for_one_place_counts_and_gets_the_gradient():
    data = nn.Variable.from_numpy_array(np.array([1.0, 2.0, 3.0]), need_grad=True)
    data.grad.zero()
    y = F.scatter_nd(data, [[0, 1, 0]], (3,))
    y.forward()
    y.backward(np.array([5.0, 6.0, 7.0], np.float32))
    np.testing.assert_array_equal(y.d, [3, 2, 0])
    np.testing.assert_array_equal(data.g, [0, 6, 5])


def test_a_leaf_given_as_out_is_changed():
    out = nn.Variable.from_numpy_array(np.zeros((2, 2)))
    y = F.scatter_nd(nn.Variable.from_numpy_array([3.0]), [[0], [1]], out=out)
    assert y.parent.info.args == {"shape": [2, 2], "add": False}
    assert y.parent.inplace_data(2) == 2
    y.forward()
    np.testing.assert_array_equal(out.d, [[0, 3], [0, 0]])
    array = nn.NdArray.from_numpy_array(np.zeros((2, 2)))
    result = F.scatter_nd(nn.NdArray.from_numpy_array(np.array([3.0])), [[0], [1]], out=array)
    np.testing.assert_array_equal(array.data, result.data)
    np.testing.assert_array_equal(array.data, [[0, 3], [0, 0]])


def test_what_a_function_computed_is_not_changed_by_scattering_into_it():
    x = nn.Variable.from_numpy_array(np.array([0.5, -1.0]), need_grad=True)
    x.grad.zero()
    h = F.tanh(x)
    y = F.scatter_nd(nn.Variable.from_numpy_array([5.0]), [[1]], out=h)
    total = y + F.sin(h)
    total.forward()
    total.backward()
    t = np.tanh(x.d)
    np.testing.assert_allclose(y.d, [t[0], 5])
    np.testing.assert_allclose(x.g, (1 - t**2) * (np.array([1, 0]) + np.cos(t)), rtol=1e-6)


def test_plain_arrays_serve_as_indices():
    values = np.arange(6.0).reshape(2, 3)
    index = [[0, 1], [2, 0]]
    y = F.gather_nd(nn.Variable.from_numpy_array(values), index)
    y.forward()
    np.testing.assert_array_equal(y.d, [2, 3])
    np.testing.assert_array_equal(F.gather_nd(nn.NdArray.from_numpy_array(values), np.array(index)).data, [2, 3])


def test_gradients_read_the_indices_alone():
    x, i = nn.Variable((3, 4), need_grad=True), nn.Variable((2, 2))
    for f in (F.gather(x, i).parent, F.gather_nd(x, i).parent, F.scatter_nd(nn.Variable((2,), True), i, (3, 4)).parent):
        assert [f.grad_depends_input_data(0, j) for j in range(2)] == [False, True]
        assert not f.grad_depends_output_data(0, 0)
    f = F.scatter_add(x, i, nn.Variable((2, 2), need_grad=True)).parent
    assert [[f.grad_depends_input_data(a, j) for j in range(3)] for a in (0, 2)] == [[0, 0, 0], [0, 1, 0]]


def test_half_precision():
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.arange(12, dtype=np.float32).reshape(3, 4), need_grad=True)
        x.grad.zero()
        y = F.gather(x, nn.Variable.from_numpy_array([0, 2, 2, 0]), axis=1)
        z = F.scatter_nd(y, [[0, 1, 0]], (2, 4), add=True)
        z.forward()
        z.backward()
        assert z.data.dtype == np.float16
        rows = np.arange(12).reshape(3, 4)[:, [0, 2, 2, 0]]
        np.testing.assert_array_equal(z.d, [rows[0] + rows[2], rows[1]])
        np.testing.assert_array_equal(x.g, np.tile([2, 0, 2, 0], (3, 1)))
