"""Every result has memory of its own, and views that users hold stay views of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F

VIEWS: dict[str, Callable] = {
    "identity": F.identity,
    "transpose": lambda x: F.transpose(x, (1, 0)),
    "broadcast": lambda x: F.broadcast(F.reshape(x, (2, 1, 3), inplace=False), (2, 4, 3)),
    "slice": lambda x: x[:, 1:],
    "flip": lambda x: F.flip(x, (0,)),
    "reshape": lambda x: F.reshape(x, (3, 2), inplace=False),
    "split": lambda x: F.split(x, axis=0)[0],
    "concatenate": lambda x: F.concatenate(x, axis=0),
    "dropout of nothing": lambda x: F.dropout(x, 0.0),
}


@pytest.mark.parametrize("apply", VIEWS.values(), ids=VIEWS)
def test_an_output_shares_no_memory_with_its_input(apply: Callable) -> None:
    x = nn.Variable.from_numpy_array(np.arange(6, dtype=np.float32).reshape(2, 3))
    y = apply(x)
    y.forward()
    before = y.d.copy()
    x.d[...] = -1
    np.testing.assert_array_equal(y.d, before)
    y.d[...] = 7
    np.testing.assert_array_equal(x.d, -1)


@pytest.mark.parametrize("apply", VIEWS.values(), ids=VIEWS)
def test_an_imperative_output_shares_no_memory_with_its_input(apply: Callable) -> None:
    x = nn.NdArray.from_numpy_array(np.arange(6, dtype=np.float32).reshape(2, 3))
    y = apply(x)
    before = y.data.copy()
    x.data[...] = -1
    np.testing.assert_array_equal(y.data, before)


def test_gradients_that_pass_through_share_no_memory() -> None:
    a, b = (nn.Variable.from_numpy_array(np.ones(3, np.float32), need_grad=True) for _ in range(2))
    y = F.add2(a, b)
    y.forward()
    y.g = [1, 2, 3]
    for v in (a, b):
        v.grad.zero()
    y.backward(None)
    a.g[...] = 9
    np.testing.assert_array_equal(b.g, [1, 2, 3])
    np.testing.assert_array_equal(y.g, [1, 2, 3])


def test_a_held_view_sees_later_results() -> None:
    x = nn.Variable.from_numpy_array(np.zeros(3, np.float32), need_grad=True)
    y = F.add_scalar(x, 1.0)
    y.forward()
    held = y.d
    x.d = 4
    y.forward()
    np.testing.assert_array_equal(held, 5)
    y.backward()
    gradient = x.g
    x.grad.zero()
    y.backward(2.0)
    np.testing.assert_array_equal(gradient, 2)


def test_writing_through_a_held_view_is_read_by_the_next_run() -> None:
    x = nn.Variable.from_numpy_array(np.zeros(3, np.float32))
    y = F.add_scalar(x, 1.0)
    held = x.d
    for value in (1, 2):
        held[...] = value
        y.forward()
        np.testing.assert_array_equal(y.d, value + 1)


def test_double_values_under_a_held_view_are_converted_each_time() -> None:
    x = nn.Variable.from_numpy_array(np.zeros(3))  # float64, computed in float32
    y = F.add_scalar(x, 1.0)
    held = x.d
    for value in (1, 2):
        held[...] = value
        y.forward()
        np.testing.assert_array_equal(y.d, value + 1)
    assert y.data.dtype == np.float32 and x.data.dtype == np.float64


def test_an_assignment_of_the_same_dtype_keeps_the_memory() -> None:
    x = nn.Variable((3,))
    held = x.d
    x.d = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(held, [0, 1, 2])
