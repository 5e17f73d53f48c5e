"""Joining arrays, against NumPy."""

from __future__ import annotations

import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.joining import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: F.concatenate(nn.Variable((2, 3)), nn.Variable((3, 3)), axis=1),
            r"concatenate: shapes \(2, 3\), \(3, 3\)",
        ),
        (lambda: F.concatenate(nn.Variable((2, 3)), nn.Variable((2, 3, 1))), "concatenate: shapes"),
        (lambda: F.concatenate(nn.Variable((2, 3)), axis=2), "concatenate: axis=2 is outside"),
        (lambda: F.concatenate(), "concatenate: at least one input"),
        (lambda: F.stack(nn.Variable((2,)), nn.Variable((3,))), r"stack: all shapes must be equal, .* \(2,\), \(3,\)"),
        (lambda: F.stack(nn.Variable((2,)), axis=2), "stack: axis=2 is outside"),
        (lambda: F.meshgrid(nn.Variable((2, 2)), nn.Variable((2,))), "meshgrid: every input has one dimension"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_arguments_and_what_gradients_read():
    x = nn.Variable((2, 3), need_grad=True)
    assert F.concatenate(x, x).parent.info.args == {"axis": 1}
    assert F.concatenate(x, x, axis=-2).parent.info.args == {"axis": -2}
    assert F.stack(x, x).parent.info.args == {"axis": 0}
    for y in (F.concatenate(x, x), F.stack(x, x), F.meshgrid(nn.Variable((2,), True), nn.Variable((3,), True))[0]):
        f = y.parent
        assert not any(f.grad_depends_input_data(i, j) for i in range(2) for j in range(2))
