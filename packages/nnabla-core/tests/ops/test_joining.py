"""Joining arrays, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal
from nnabla.testing.conformance import conformance

CASES = [
    *cases(
        F.concatenate,
        [normal(2, 3), normal(2, 3), normal(2, 3)],
        {"axis": [0, 1, -1, -2]},
        expect=lambda *x, axis: np.concatenate(x, axis),
    ),
    *cases(F.concatenate, [normal(2, 1, 3), normal(2, 1, 4)], expect=lambda *x: np.concatenate(x, -1)),
    *cases(F.concatenate, [normal(0, 2), normal(3, 2)], {"axis": 0}, expect=lambda *x, axis: np.concatenate(x, axis)),
    *cases(F.concatenate, [normal(2, 3)], {"axis": 1}, expect=lambda x, axis: x),
    *cases(
        F.stack, [normal(2, 3), normal(2, 3)], {"axis": [0, 1, 2, -1, -3]}, expect=lambda *x, axis: np.stack(x, axis)
    ),
    *cases(F.stack, [given(1.0), given(2.0)], expect=lambda *x: np.stack(x)),
    *cases(
        F.meshgrid,
        [normal(2), normal(3), normal(4)],
        {"ij_indexing": [False, True]},
        expect=lambda *x, ij_indexing: tuple(np.meshgrid(*x, indexing="ij" if ij_indexing else "xy")),
    ),
    *cases(F.meshgrid, [normal(2), normal(3)], expect=lambda *x: tuple(np.meshgrid(*x))),
    *cases(F.meshgrid, [normal(2)], expect=lambda x: x),
]
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
