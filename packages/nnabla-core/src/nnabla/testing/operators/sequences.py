"""Sequences of different lengths, against a loop over steps."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal


def packed(x, lengths, batch_first=False):
    x = np.swapaxes(x, 0, 1) if batch_first else x
    rows = [x[t, b] for t in range(len(x)) for b in range(len(lengths)) if t < lengths[b]]
    return np.array(rows), np.array([sum(n > t for n in lengths) for t in range(len(x))])


def padded(rows, batch_sizes, batch_first=False, padding_value=0.0, total_length=-1):
    steps = max(len(batch_sizes), total_length)
    y = np.full((steps, batch_sizes[0], *rows.shape[1:]), float(padding_value))
    at = 0
    for t, count in enumerate(batch_sizes):
        y[t, :count] = rows[at : at + count]
        at += count
    lengths = np.array([sum(count > b for count in batch_sizes) for b in range(batch_sizes[0])])
    return (np.swapaxes(y, 0, 1) if batch_first else y), lengths


def first(function):
    """Only floating outputs have gradients to check."""
    return lambda *inputs, **args: function(*inputs, **args)[0]


LENGTHS, SIZES = given([3, 2, 1]), given([3, 2, 1, 1])
PACK, PAD = first(F.pack_padded_sequence), first(F.pad_packed_sequence)
CASES = [
    *cases(F.pack_padded_sequence, [normal(4, 3, 2), LENGTHS], expect=packed, grad=False),
    *cases(F.pad_packed_sequence, [normal(7, 2), SIZES], expect=padded, grad=False),
    *cases(PACK, [normal(4, 3, 2), LENGTHS], expect=first(packed)),
    *cases(PACK, [normal(3, 4), LENGTHS], {"batch_first": True}, expect=first(packed)),
    *cases(
        PAD,
        [normal(7, 2), SIZES],
        {"batch_first": [False, True], "padding_value": [0.0, -1.5], "total_length": [-1, 2, 6]},
        expect=first(padded),
    ),
    *cases(PAD, [normal(7), SIZES], expect=first(padded)),
]
