"""Gradients that are passed on without being changed take over the memory that goes, and nobody notices."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def variable(*shape):
    rng = np.random.default_rng(len(shape))
    return nn.Variable.from_numpy_array(rng.standard_normal(shape).astype(np.float32), need_grad=True)


def both_uses(x):
    return x + x


def itself_and_transposed(x):
    return x + F.transpose(x, (1, 0))


def reshaped_twice(x):
    return F.reshape(F.reshape(x, (16,)), (2, 8), inplace=False) * 2


def transposed_and_added(x):
    h = F.transpose(x * 3, (1, 0))
    return F.reshape(h + 1, (16,)) + F.reshape(h, (16,))


@pytest.mark.parametrize("function", [both_uses, itself_and_transposed, reshaped_twice, transposed_and_added])
@pytest.mark.parametrize("start", ["zero", "one"])
def test_gradients_are_those_of_a_backward_that_keeps_everything(function, start):
    found = {}
    for clear in (False, True):
        x = variable(4, 4)
        y = F.sum(function(F.tanh(x)) ** 2)
        y.forward(clear_no_need_grad=True)
        x.grad.zero() if start == "zero" else x.grad.fill(1)
        y.backward(clear_buffer=clear)
        found[clear] = x.g.copy()
    np.testing.assert_array_equal(found[True], found[False])


def test_a_gradient_that_somebody_holds_is_not_given_away():
    x = variable(3, 4)
    h = F.tanh(x)
    y = F.reshape(h, (12,), inplace=False)
    loss = F.sum(y * np.float32(2))
    y.persistent = True
    held = []

    def look(function):
        if function.name == "Reshape":
            held.append(y.g)

    loss.forward(clear_no_need_grad=True)
    x.grad.zero()
    loss.backward(clear_buffer=True, function_pre_hook=look)
    np.testing.assert_array_equal(held[0], np.full(12, 2, np.float32))
    np.testing.assert_allclose(x.g, 2 * (1 - np.tanh(x.d) ** 2), rtol=1e-5)


def test_the_gradient_that_backward_starts_from_stays_the_caller_s():
    x = variable(2, 3)
    y = F.reshape(x * 1, (6,), inplace=False)
    seed = nn.NdArray.from_numpy_array(np.arange(6, dtype=np.float32))
    y.forward(clear_no_need_grad=True)
    x.grad.zero()
    y.backward(seed, clear_buffer=True)
    np.testing.assert_array_equal(seed.data, np.arange(6))
    x.grad.data += 5
    np.testing.assert_array_equal(seed.data, np.arange(6))


def test_gradients_of_two_leaves_are_memory_of_their_own():
    a, b = variable(3, 3), variable(3, 3)
    y = F.sum((a + b) * np.float32(2))
    y.forward(clear_no_need_grad=True)
    for leaf in (a, b):
        leaf.grad.zero()
    y.backward(clear_buffer=True)
    a.g[...] = 9
    np.testing.assert_array_equal(b.g, np.full((3, 3), 2, np.float32))
