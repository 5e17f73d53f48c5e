"""Slices and what is made of them, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.ndimage

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


def sliced(x, start=None, stop=None, step=None):
    count = len(start or stop or step or ())
    bounds = [b if b is not None else (None,) * count for b in (start, stop, step)]
    return x[(..., *(slice(*b) for b in zip(*bounds)))]


def padded(x, pad_width, mode="constant", constant_value=0.0):
    widths = [(0, 0)] * (x.ndim - len(pad_width) // 2) + list(zip(pad_width[::2], pad_width[1::2]))
    if mode == "constant":
        return np.pad(x, widths, constant_values=constant_value)
    return np.pad(x, widths, "edge" if mode == "repeat" else "reflect")


def shifted(x, shifts=None, border_mode="nearest"):
    for axis, by in enumerate(shifts or (), x.ndim - len(shifts or ())):
        x = scipy.ndimage.shift(x, [by if a == axis else 0 for a in range(x.ndim)], order=0, mode=border_mode)
    return x


CASES = [
    *cases(F.slice, [normal(3, 4, 5)], expect=sliced),
    *[
        case
        for start, stop, step in [
            ((0, 1, 2), (2, 3, 5), (1, 1, 2)),
            ((-2, None, 4), (None, -1, 0), (1, 2, -2)),
            ((None, -1, 3), (None, None, None), (-1, -1, -2)),
            ((-100, 2, 1), (100, 3, 2), (1, 1, 1)),
            ((2, 0, 0), (1, 4, 5), (1, 1, 1)),
            ((1, -3), (3, None), (1, 2)),
        ]
        for case in cases(F.slice, [normal(3, 4, 5)], {"start": start, "stop": stop, "step": step}, expect=sliced)
    ],
    *cases(F.slice, [normal(3, 4)], {"step": (-1, 2)}, expect=sliced),
    *cases(
        F.flip,
        [normal(2, 3, 4)],
        {"axes": [None, (0,), (0, -1), ()]},
        expect=lambda x, axes: np.flip(x, (2,) if axes is None else axes),
    ),
    *cases(F.split, [normal(3, 2, 4)], {"axis": [0, 1, -1]}, expect=lambda x, axis: tuple(np.moveaxis(x, axis, 0))),
    *cases(F.split, [normal(3)], expect=tuple),
    *cases(
        F.pad,
        [normal(2, 3)],
        {
            "pad_width": [(1, 2), (1, 0, 0, 2), (0, 0, 0, 0), (7, 5), (3, 4, 9, 8)],
            "mode": ["constant", "reflect", "repeat"],
        },
        expect=padded,
    ),
    *cases(F.pad, [normal(2, 1)], {"pad_width": (2, 1), "mode": ["reflect", "repeat"]}, expect=padded),
    *cases(F.pad, [normal(2, 3)], {"pad_width": (2, 1), "constant_value": [0.3, -np.inf]}, expect=padded, grad=False),
    *cases(F.pad, [normal(0, 2)], {"pad_width": (1, 1, 1, 0), "constant_value": 0.5}, expect=padded),
    *cases(
        F.shift,
        [normal(4, 5)],
        {"shifts": [None, (1, -2), (0, 3), (-3,), (7, -9)], "border_mode": ["nearest", "reflect"]},
        expect=shifted,
    ),
]
