"""Memory goes when the last handle goes, without the cycle collector; recomputation lowers the peak."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def held(variable: nn.Variable) -> weakref.ref:
    return weakref.ref(variable.data._storage)


def test_a_static_graph_goes_with_its_last_handle_after_running() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)), need_grad=True)
    h = F.tanh(x)
    y = F.sum(h * h)
    for _ in range(2):
        y.forward(clear_no_need_grad=True)
        y.backward(clear_buffer=True)
    refs = [held(h), weakref.ref(y.parent), weakref.ref(h.parent), weakref.ref(y._node)]
    del h, y
    assert [r() for r in refs] == [None] * 4
    assert x.function_references == []


def test_gradients_of_one_value_take_no_memory_until_they_are_read() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)), need_grad=True)
    y = F.sink(x)
    y.forward()
    x.grad.zero()
    y.backward()
    assert x.grad._storage.array is None
    np.testing.assert_array_equal(x.g, np.ones((2, 3)))
    y.backward()  # added to what is there
    np.testing.assert_array_equal(x.g, np.full((2, 3), 2))
    z = F.sink(F.mul_scalar(x, 3.0))
    z.forward()
    x.grad.zero()
    z.backward()
    np.testing.assert_array_equal(x.g, np.full((2, 3), 3))


def test_a_graph_of_several_outputs_goes_though_one_is_computed_from_another() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)), need_grad=True)
    h = F.tanh(x)
    y, z = F.sum(h * h), F.exp(h)
    for roots in ([h, y, z], [y, h], [z, h]):
        for _ in range(2):
            nn.forward_all(roots)
    refs = [held(h), weakref.ref(y.parent), weakref.ref(h.parent), weakref.ref(z._node)]
    del h, y, z, roots
    assert [r() for r in refs] == [None] * 4


def test_a_variable_that_runs_with_one_after_another_does_not_keep_them_all() -> None:
    h = F.exp(nn.Variable.from_numpy_array(np.zeros((2, 3))))
    refs = []
    for i in range(60):
        other = F.add_scalar(nn.Variable.from_numpy_array(np.full((2, 3), i)), 1.0)
        nn.forward_all([h, other])
        np.testing.assert_array_equal(other.d, i + 1)
        refs.append(weakref.ref(other.parent))
        del other
    assert sum(r() is not None for r in refs) < 30


def test_a_dynamic_graph_goes_with_its_last_handle_after_backward() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)), need_grad=True)
    with nn.auto_forward():
        h = F.tanh(x)
        y = F.sum(h * h)
    y.backward()
    refs = [held(h), weakref.ref(y.parent), weakref.ref(h.parent)]
    del h, y
    assert [r() for r in refs] == [None] * 3


def test_dynamic_intermediates_that_no_gradient_reads_go_at_once() -> None:
    x = nn.Variable.from_numpy_array(np.ones((100, 100), np.float32), need_grad=True)
    with nn.auto_forward():
        h = F.add_scalar(x, 1.0)
        data = h.data
        y = F.add_scalar(h, 1.0)
        assert not data.clear_called
        del h
        assert data.clear_called
    np.testing.assert_array_equal(y.d, 3.0)
    y.backward(1.0)
    np.testing.assert_array_equal(x.g, 1.0)


def test_dynamic_intermediates_that_a_gradient_reads_stay() -> None:
    x = nn.Variable.from_numpy_array(np.full((2, 2), 0.5, np.float32), need_grad=True)
    with nn.auto_forward():
        h = F.tanh(x)
        y = F.mul2(h, h)
        data = h.data
        del h
    assert not data.clear_called
    y.backward(1.0)
    t = np.tanh(0.5)
    np.testing.assert_allclose(x.g, 2 * t * (1 - t * t), 1e-5)


def test_nn_grad_graphs_go_too() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)), need_grad=True)
    y = F.sum(F.tanh(x))
    (g,) = nn.grad([y], [x])
    (gg,) = nn.grad([g], [x])
    gg.forward()
    refs = [weakref.ref(v.parent) for v in (y, g, gg)]
    del y, g, gg
    assert [r() for r in refs] == [None] * 3


def test_imperative_results_go_at_once() -> None:
    a = nn.NdArray.from_numpy_array(np.ones((2, 3)))
    b = F.tanh(a)
    ref = weakref.ref(b._storage)
    del b
    assert ref() is None


def test_a_leaf_forgets_the_functions_of_graphs_that_are_gone() -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3)))
    kept = F.tanh(x)
    for _ in range(1000):
        F.exp(x)
    assert len(x._node.consumers) < 200
    assert x.function_references == [kept.parent]


def peak_of_training(recompute: bool) -> int:
    """Return the most bytes that a chain's arrays hold after any function, whoever allocated them."""
    x = nn.Variable.from_numpy_array(np.ones((500, 200), np.float32), need_grad=True)
    chain = [x]
    for at in range(24):
        with nn.recompute(recompute and at % 6 != 5):
            chain.append(F.tanh(chain[-1]))
    y = F.sum(chain[-1])
    peak = 0

    def look(_: object) -> None:
        nonlocal peak
        arrays = [a._storage.array for v in chain for a in (v.data, v.grad)]
        peak = max(peak, sum(a.nbytes for a in arrays if a is not None))

    y.forward(clear_no_need_grad=True, function_post_hook=look)
    y.backward(clear_buffer=True, function_post_hook=look)
    return peak


def test_recomputation_lowers_the_peak_and_changes_no_bit() -> None:
    assert peak_of_training(True) < 0.7 * peak_of_training(False)
    gradients = []
    for recompute in (False, True):
        x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(5, 4), need_grad=True)
        x.grad.zero()
        with nn.recompute(recompute):
            y = F.sum(F.tanh(F.mul2(F.tanh(x), F.softmax(x))))
        y.forward(clear_no_need_grad=True)
        y.backward(clear_buffer=True)
        gradients.append(x.g.copy())
    np.testing.assert_array_equal(*gradients)
