"""Sequences of different lengths, against a loop over steps."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.sequences import CASES

test_conformance = conformance(CASES)


def test_padding_undoes_packing():
    x = np.random.RandomState(0).randn(4, 3, 2).astype(np.float32)
    lengths = np.array([4, 2, 1])
    for b, n in enumerate(lengths):
        x[n:, b] = 0
    rows, sizes = F.pack_padded_sequence(nn.Variable.from_numpy_array(x), nn.Variable.from_numpy_array(lengths))
    again, found = F.pad_packed_sequence(rows, sizes)
    nn.forward_all([again, found])
    np.testing.assert_array_equal(again.d, x)
    np.testing.assert_array_equal(found.d, lengths)
    assert sizes.data.dtype == found.data.dtype == np.int32


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: F.pack_padded_sequence(nn.Variable((4, 3)), nn.Variable((4,))), "pack_padded_sequence: lengths"),
        (lambda: F.pack_padded_sequence(nn.Variable((4,)), nn.Variable((4,))), "pack_padded_sequence: lengths"),
        (
            lambda: F.pad_packed_sequence(nn.Variable((4, 2)), nn.Variable((2, 2))),
            "pad_packed_sequence: packed_sequence",
        ),
        (lambda: F.pad_packed_sequence(nn.Variable((4, 2)), nn.Variable((2,)), total_length=-2), "total_length=-2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call()


def test_a_wrong_number_of_steps_is_noticed_when_sizes_are_read():
    with pytest.raises(RuntimeError, match="packed_sequence has 4 steps, but batch_sizes sums up to 3"):
        F.pad_packed_sequence(nn.Variable.from_numpy_array(np.ones((4, 2))), nn.Variable.from_numpy_array([2, 1]))
