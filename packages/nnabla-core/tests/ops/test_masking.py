"""Elements chosen by truth values, and shapes that follow from data."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.masking import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: F.bool_gather(nn.Variable((2, 3)), nn.Variable((2, 4))),
            r"bool_gather: mask \(2, 4\) must have the first",
        ),
        (lambda: F.bool_gather(nn.Variable((2, 3)), nn.Variable((2, 3, 1))), "bool_gather: mask"),
        (lambda: F.bool_scatter(nn.Variable((3,)), nn.Variable((2, 3)), nn.Variable((2, 4))), "bool_scatter: output"),
        (lambda: F.bool_scatter(nn.Variable(()), nn.Variable((2, 3))), "bool_scatter: input must have a dimension"),
        (lambda: F.bool_fill(nn.Variable((2, 3)), nn.Variable((2,))), "bool_fill: shapes"),
        (lambda: F.bool_fill(nn.Variable((2, 3)), nn.Variable((4, 2, 3))), "bool_fill: mask .* does not broadcast"),
    ],
)
def test_shapes_that_do_not_fit_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_a_wrong_number_of_rows_is_noticed_when_the_mask_is_read():
    y = F.bool_scatter(nn.Variable((2, 4)), nn.Variable.from_numpy_array(np.ones((2, 3))))
    with pytest.raises(RuntimeError, match="bool_scatter: input has 2 rows, but mask has 6 non-zero elements"):
        y.forward()


def test_a_leaf_given_as_output_is_changed():
    output = nn.Variable.from_numpy_array(np.zeros(3))
    y = F.bool_scatter(nn.Variable.from_numpy_array([5.0]), nn.Variable.from_numpy_array([0.0, 1.0, 0.0]), output)
    y.forward()
    np.testing.assert_array_equal(output.d, [0, 5, 0])


def test_sizes_are_known_at_once_where_there_is_data():
    x = nn.Variable((2, 3))
    assert F.bool_gather(x, nn.Variable((2, 3))).shape == (0,)
    x.d = [[1, 0, 1], [0, 0, 2]]
    assert F.bool_gather(x, nn.Variable.from_numpy_array(x.d)).shape == (3,)
    assert F.nonzero(x).shape == (2, 3)


def test_what_follows_takes_the_size_that_the_data_gives_at_every_forward():
    x = nn.Variable.from_numpy_array(np.arange(6.0).reshape(3, 2), need_grad=True)
    mask = nn.Variable((3,))
    # The mask is computed, so that its size is known only when forward runs.
    chosen = F.bool_gather(x * 1.0, F.identity(mask))
    y = F.sum(F.concatenate(chosen, chosen * 2.0, axis=0), axis=1)
    for wanted in ([1, 0, 1], [0, 1, 0], [1, 1, 1], [0, 0, 0]):
        mask.d = wanted
        y.forward(clear_no_need_grad=True)
        rows = x.d[np.array(wanted, bool)]
        assert (chosen.shape, y.shape) == (rows.shape, (2 * len(rows),))
        np.testing.assert_array_equal(y.d, np.r_[rows.sum(1), 2 * rows.sum(1)])
        x.grad.zero()
        y.backward()
        np.testing.assert_array_equal(x.g, 3 * np.repeat(np.array(wanted)[:, None], 2, 1))


def test_sizes_from_data_in_dynamic_graphs():
    with nn.auto_forward():
        for wanted in ([1, 0, 1], [0, 1, 0]):
            x = nn.Variable.from_numpy_array(np.arange(3.0), need_grad=True)
            x.grad.zero()
            mask = F.identity(nn.Variable.from_numpy_array(np.array(wanted)))
            y = F.bool_gather(x, mask) * 2.0
            assert y.shape == (sum(wanted),)
            y.backward()
            np.testing.assert_array_equal(x.g, 2 * np.array(wanted))


def test_sizes_from_data_of_ndarrays():
    y = F.bool_gather(nn.NdArray.from_numpy_array(np.arange(3.0)), nn.NdArray.from_numpy_array(np.array([1, 0, 1])))
    np.testing.assert_array_equal(y.data, [0, 2])
    assert F.nonzero(y).dtype == np.uint64


def test_half_precision():
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.arange(3, dtype=np.float32), need_grad=True)
        x.grad.zero()
        mask = nn.Variable.from_numpy_array(np.array([1, 0, 1]))
        y = F.bool_fill(F.bool_scatter(F.bool_gather(x, mask), mask), nn.Variable.from_numpy_array([1, 1, 0]), 0.5)
        y.forward()
        y.backward()
        assert y.data.dtype == np.float16
        np.testing.assert_array_equal(y.d, [0.5, 0.5, 2])
        np.testing.assert_array_equal(x.g, [0, 0, 1])
