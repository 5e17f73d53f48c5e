"""Slices and what is made of them, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.testing.cases import cases, normal
from nnabla.testing.conformance import conformance


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
test_conformance = conformance(CASES)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: F.slice(x, (0,), (1, 2), (1,)), "slice: start=.* must have equally many entries"),
        (lambda x: F.slice(x, (0,) * 3, (1,) * 3, (1,) * 3), "slice: start=.* at most one for each of the 2"),
        (lambda x: F.slice(x, step=(0, 1)), r"slice: step=\(0, 1\) must not be 0"),
        (lambda x: F.flip(x, (2,)), "flip: axes=2 is outside the 2 dimensions"),
        (lambda x: F.split(x, 2), "split: axis=2 is outside the 2 dimensions"),
        (lambda x: F.split(nn.Variable((0, 2))), r"split: x \(0, 2\) has nothing along axis=0"),
        (lambda x: F.pad(x, (1,)), r"pad: pad_width=\(1,\) needs a pair"),
        (lambda x: F.pad(x, (1,) * 6), "pad: pad_width"),
        (lambda x: F.pad(x, (-1, 1)), "pad: pad_width"),
        (lambda x: F.pad(x, (1, 1), mode="wrap"), "pad: argument mode='wrap' is not known; choose one of 'constant'"),
        (lambda x: F.pad(nn.Variable((0,)), (1, 1), mode="reflect"), "pad: mode='reflect' has nothing to take"),
        (lambda x: F.shift(x, (1, 1, 1)), "shift: shifts=.* has more entries than x"),
        (lambda x: F.shift(x, border_mode="x"), "shift: argument border_mode='x' is not known"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(RuntimeError, match=message):
        call(nn.Variable((2, 3)))


def test_a_bad_axis_of_split_is_an_index_error():
    with pytest.raises(IndexError):
        F.split(nn.Variable((2, 3)), axis=-3)


def test_split_gives_a_tuple_also_for_one_part():
    parts = F.split(nn.Variable((1, 3)))
    assert isinstance(parts, tuple) and [p.shape for p in parts] == [(3,)]


def test_arguments():
    x = nn.Variable((2, 3, 4))
    assert F.slice(x).parent.info.args == {"start": [0, 0, 0], "stop": [2, 3, 4], "step": [1, 1, 1]}
    kept = F.slice(x, (None, -1, 3), (None, None, 0), (-1, -1, -2)).parent.info.args
    assert kept == {"start": [-1, -1, 3], "stop": [-3, -4, 0], "step": [-1, -1, -2]}
    assert F.flip(x).parent.info.args == {"axes": [2]}
    assert F.split(x, axis=-2)[0].parent.info.args == {"axis": -2}
    padding = F.pad(x, (1, 1), constant_value=0.3).parent.info.args
    assert padding == {"pad_width": [1, 1], "mode": "constant", "constant_value": float(np.float32(0.3))}


def test_nothing_is_read_by_their_gradients():
    x = nn.Variable((2, 3), need_grad=True)
    for y in (F.slice(x), F.flip(x), F.split(x)[0], F.pad(x, (5, 5), "reflect"), F.shift(x, (1, 1))):
        assert not y.parent.grad_depends_input_data(0, 0)
        assert not any(y.parent.grad_depends_output_data(0, o) for o in range(len(y.parent.outputs)))


def test_a_result_is_no_view_of_its_input():
    x = nn.Variable.from_numpy_array(np.arange(6.0, dtype=np.float32))
    for y in (F.slice(x, (0,), (6,), (1,)), F.slice(x, (1,), (4,), (1,)), F.pad(x, (0, 0), "repeat")):
        y.forward()
        before = x.d.copy()
        y.d[...] = -1
        np.testing.assert_array_equal(x.d, before)


def test_half_precision():
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.arange(6, dtype=np.float32).reshape(2, 3), need_grad=True)
        x.grad.zero()
        y = F.shift(F.pad(F.flip(F.slice(x, (0, 1), (2, 3), (1, 1))), (1, 1), "reflect"), (0, 1))
        y.forward()
        y.backward()
        assert y.data.dtype == np.float16
        expected = np.pad(np.arange(6).reshape(2, 3)[:, :0:-1], [(0, 0), (1, 1)], "reflect")
        np.testing.assert_array_equal(y.d, np.c_[expected[:, :1], expected[:, :-1]])
        np.testing.assert_array_equal(x.g.sum(), 8)
