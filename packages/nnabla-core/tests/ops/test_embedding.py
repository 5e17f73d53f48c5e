"""Rows of a table."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.embedding import EMBED

test_embed = conformance(EMBED)


def test_index_may_be_floating() -> None:
    w = nn.Variable.from_numpy_array(np.arange(6.0).reshape(3, 2))
    y = F.embed(nn.Variable.from_numpy_array(np.array([2.0, 0.0], np.float32)), w)
    y.forward()
    np.testing.assert_array_equal(y.d, [[4, 5], [0, 1]])


def test_gradient_adds_up_where_a_row_is_used_often() -> None:
    index = np.random.RandomState(0).randint(0, 3, 1000)
    w = nn.Variable.from_numpy_array(np.zeros((4, 2)), need_grad=True)
    y = F.embed(nn.Variable.from_numpy_array(index), w)
    y.forward()
    w.grad.zero()
    y.backward()
    np.testing.assert_array_equal(w.g, np.stack([np.bincount(index, minlength=4)] * 2, 1))


def test_gradient_reads_the_index_alone() -> None:
    f = F.embed(nn.Variable((3, 2)), nn.Variable((10, 4), need_grad=True)).parent
    assert [f.grad_depends_input_data(1, j) for j in range(2)] == [True, False]


def test_an_index_outside_the_table_is_named() -> None:
    y = F.embed(nn.Variable.from_numpy_array(np.array([1, 7])), nn.Variable((5, 2)))
    with pytest.raises(IndexError, match="embed: index 7 is outside a dimension of size 5"):
        y.forward()


def test_a_table_needs_rows() -> None:
    with pytest.raises(RuntimeError, match=r"embed: w \(\) must have one dimension or more"):
        F.embed(nn.Variable((2,)), nn.Variable(()))
