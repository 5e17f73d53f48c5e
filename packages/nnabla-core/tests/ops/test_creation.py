"""Arrays from numbers, shapes and indices."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.ops as ops
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.creation import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: F.arange(0, 1, 0), ValueError, "arange: step=0.0 must not be 0"),
        (lambda: F.linspace(0, 1, 2.0), TypeError, "linspace: num=2.0 must be an integer, not float"),
        (lambda: F.linspace(0, 1, -2), ValueError, "linspace: num=-2 must be 0 or more"),
        (lambda: ops.linspace(0, 1, -2), ValueError, "linspace: num=-2 must be 0 or more"),
        (lambda: F.one_hot(nn.Variable((2, 1)), (4, 3)), ValueError, "one_hot: the last dimension of x .* 2 sizes"),
        (lambda: F.assign(nn.Variable((2,)), nn.Variable((3,))), ValueError, r"assign: dst \(2,\) and src \(3,\)"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(RuntimeError, match=message) as raised:
        call()
    assert isinstance(raised.value, error)


def test_a_range_ends_exactly_at_both_ends():
    y = F.linspace(0.1, 0.7, 1001)
    y.forward()
    assert (y.d[0], y.d[-1]) == (np.float32(0.1), np.float32(0.7))
    np.testing.assert_allclose(y.d, np.linspace(0.1, 0.7, 1001), rtol=1e-6)


def test_arguments():
    assert F.arange(1, 4, 0.5).parent.info.args == {"start": 1.0, "stop": 4.0, "step": 0.5}
    assert F.linspace(0, 1, 5).parent.info.args == {"start": 0.0, "stop": 1.0, "num": 5}
    assert F.shape(nn.Variable((2, 3)), -1).parent.info.args == {"start": -1, "end": 0}
    assert F.constant(0.3, (2,)).parent.info.args == {"val": float(np.float32(0.3)), "shape": [2]}


def test_assign_copies_when_it_runs_and_passes_the_gradient_to_its_target():
    target = nn.Variable.from_numpy_array(np.zeros(2), need_grad=True)
    source = nn.Variable.from_numpy_array(np.array([1.0, 2.0]), need_grad=True)
    for v in (target, source):
        v.grad.zero()
    y = F.assign(target, source)
    np.testing.assert_array_equal(target.d, [0, 0])
    y.forward()
    np.testing.assert_array_equal(target.d, [1, 2])
    np.testing.assert_array_equal(y.d, [1, 2])
    y.backward(np.array([3.0, 4.0], np.float32))
    np.testing.assert_array_equal(target.g, [3, 4])
    np.testing.assert_array_equal(source.g, [0, 0])
    source.d = [5, 6]
    y.forward()
    np.testing.assert_array_equal(target.d, [5, 6])


def test_assigning_changes_the_memory_that_there_is():
    target, source = nn.Variable((3,)), nn.Variable.from_numpy_array(np.float32([1, 2, 3]))
    target.data.get_data("w", np.float32)[...] = 0
    before = target.data._storage.array
    y = F.assign(target, source)
    y.forward()
    assert target.data._storage.array is before
    np.testing.assert_array_equal(target.d, [1, 2, 3])
    source.d = 7
    np.testing.assert_array_equal(target.d, [1, 2, 3])
    np.testing.assert_array_equal(y.d, [1, 2, 3])
    # Of itself it stays as it is.
    F.assign(target, target).forward()
    np.testing.assert_array_equal(target.d, [1, 2, 3])


def test_a_constant_takes_no_memory_until_it_is_read():
    y = F.constant(1.5, (3, 4))
    y.forward()
    assert y.data._storage.array is None
    np.testing.assert_array_equal(y.d, np.full((3, 4), 1.5, np.float32))
    # Somebody holds its memory now.
    held = y.d
    held[...] = 0
    y.forward()
    np.testing.assert_array_equal(held, np.full((3, 4), 1.5))


def test_a_constant_has_the_dtype_of_its_context():
    with nn.context_scope(nn.Context(["cpu:half"])):
        y = F.constant(0.1, (2,))
        y.forward()
        assert y.data.get_data("r").dtype == np.float16
        np.testing.assert_array_equal(F.add_scalar(y, 1.0).parent.inputs[0].d, np.full(2, 0.1, np.float16))


def test_assigning_ndarrays_is_immediate():
    target = nn.NdArray.from_numpy_array(np.zeros(2))
    F.assign(target, nn.NdArray.from_numpy_array(np.array([1.0, 2.0])))
    np.testing.assert_array_equal(target.data, [1, 2])


@pytest.mark.parametrize(
    "bounds", [(0.1, 1.6, 0.5), (0, 0.3, 0.1), (1, 2, 1 / 3), (5, 0, -0.7), (0, 10, 0.1), (2, 2, 1), (1, 0, 0.5)]
)
def test_the_length_of_a_range_is_that_of_numpy_where_rounding_does_not_decide(bounds):
    y = F.arange(*bounds)
    y.forward()
    np.testing.assert_allclose(y.d, np.arange(*bounds), rtol=1e-5, atol=1e-6)
