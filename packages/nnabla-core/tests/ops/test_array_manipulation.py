"""Shapes, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.array_manipulation import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.reshape(x, (4, 2)), r"reshape: x \(2, 3\) has 6 elements, which shape=\(4, 2\) can't hold"),
        (lambda x: F.reshape(x, (-1, -1)), r"reshape: x \(2, 3\)"),
        (lambda x: F.transpose(x, (0, 0)), r"transpose: axes=\(0, 0\) is no permutation of the 2 dimensions"),
        (lambda x: F.transpose(x, (0,)), "transpose: axes"),
        (lambda x: F.broadcast(x, (2, 4)), r"broadcast: x \(2, 3\) does not broadcast to shape=\(2, 4\)"),
        (lambda x: F.broadcast(x, (3,)), "broadcast: x"),
        (lambda x: F.broadcast(nn.Variable((1, 3)), (-1, 3)), "broadcast: x"),
        (lambda x: F.broadcast_to(x, nn.Variable((4,))), r"broadcast_to: y \(4,\) does not equal the sizes of x"),
        (lambda x: F.broadcast_to(x, nn.Variable((3,)), axis=0), "broadcast_to: y .* from axis=0 on"),
        (lambda x: F.tile(x, (0, 1)), r"tile: reps=\(0, 1\) must be 1 or more each"),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, message):
    with pytest.raises(RuntimeError, match=message) as error:
        call(nn.Variable((2, 3)))
    assert isinstance(error.value, ValueError)


def test_arguments():
    x = nn.Variable((2, 3, 4))
    assert F.reshape(x, (-1, 4)).parent.info.args == {"shape": [-1, 4], "inplace": True}
    assert F.transpose(x, (-1, 0, 1)).parent.info.args == {"axes": [-1, 0, 1]}
    assert F.tile(x, 2).parent.info.args == {"reps": [2]}
    assert F.broadcast_to(x, nn.Variable((3, 4))).parent.info.args == {"axis": -1}


@pytest.mark.parametrize("inplace", [True, False])
def test_reshape_shares_memory_if_asked_to(inplace):
    x = nn.Variable.from_numpy_array(np.arange(6.0))
    y = F.reshape(x, (2, 3), inplace=inplace)
    y.forward()
    assert y.parent.inplace_data(0) == int(inplace)
    y.d[0, 0] = 7
    assert x.d[0] == (7 if inplace else 0)


def test_half_precision():
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.arange(6, dtype=np.float32).reshape(2, 3), need_grad=True)
        x.grad.zero()
        y = F.transpose(F.tile(F.broadcast(F.reshape(x, (2, 1, 3)), (2, 2, 3)), (1, 1, 2)), (2, 0, 1))
        y.forward()
        y.backward()
        assert y.data.dtype == np.float16
        expected = np.tile(np.broadcast_to(x.d.reshape(2, 1, 3), (2, 2, 3)), (1, 1, 2)).transpose(2, 0, 1)
        np.testing.assert_array_equal(y.d, expected)
        np.testing.assert_array_equal(x.g, np.full((2, 3), 4))
