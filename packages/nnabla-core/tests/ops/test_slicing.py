"""Slices and what is made of them, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.ops.slicing import place, slice_
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.slicing import CASES

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


class Forwards(np.ndarray):
    """Arrays that know no slices with negative steps, as PyTorch's do not."""

    def __getitem__(self, key):
        self._check(key)
        return super().__getitem__(key)

    def __setitem__(self, key, value):
        self._check(key)
        super().__setitem__(key, value)

    @staticmethod
    def _check(key):
        if any(isinstance(part, slice) and (part.step or 1) < 0 for part in key):
            raise ValueError("step must be greater than zero")


class Namespace:
    @staticmethod
    def flip(x, axis):
        return np.flip(x.view(np.ndarray), axis).view(Forwards)

    @staticmethod
    def full(shape, value, dtype):
        return np.full(shape, value, dtype).view(Forwards)


@pytest.mark.parametrize(
    "slices",
    [
        (slice(3, 0, -1), slice(0, 4, 1)),
        (slice(3, -5, -2), slice(1, 4, 2)),
        (slice(2, -9, -3), slice(-1, -6, -1)),
        (slice(0, -9, -1), slice(1, 3, 1)),
        (slice(1, 3, -1), slice(0, 4, 1)),
    ],
)
def test_arrays_need_not_know_negative_steps(slices):
    start, stop, step = zip(*((s.start, s.stop, s.step) for s in slices))
    x = np.arange(20.0).reshape(4, 5)
    taken = slice_.reference_kernel(Namespace, x.view(Forwards), start, stop, step)
    np.testing.assert_array_equal(taken, x[slices])
    expected = np.full((4, 5), 7.0)
    expected[slices] = x[slices]
    placed = place.reference_kernel(Namespace, taken, (4, 5), start, stop, step, 7.0)
    np.testing.assert_array_equal(placed, expected)
    target = np.ones((4, 5)).view(Forwards)
    place.accumulate_kernel(Namespace, target, taken, (4, 5), start, stop, step)
    expected = np.ones((4, 5))
    expected[slices] += x[slices]
    np.testing.assert_array_equal(target, expected)
