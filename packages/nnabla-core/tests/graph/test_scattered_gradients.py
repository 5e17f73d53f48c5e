"""The gradients of parts of a large array are added into its gradient, and never made in full size."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.scatter import add_rows
from nnabla.ops.slicing import place

STEPS, WIDTH = 64, 4096


def count_places(monkeypatch):
    """Count runs of the kernels that make full arrays, on the plain backend, which has no others."""
    calls = []
    for op in (place, add_rows):
        kernel = op.reference_kernel

        def counted(xp, *inputs, _kernel=kernel, _name=op.name, **args):
            calls.append(_name)
            return _kernel(xp, *inputs, **args)

        monkeypatch.setattr(op, "reference_kernel", counted)
    return calls


def parts_of(x):
    return {
        "slices": lambda: [x[t] for t in range(STEPS)],
        "gathers": lambda: [F.gather(x, nn.Variable.from_numpy_array(np.array([t]))) for t in range(STEPS)],
        "coordinates": lambda: [F.gather_nd(x, [[t], [t]]) for t in range(STEPS)],
        "columns": lambda: [
            F.gather(x, nn.Variable.from_numpy_array(np.array([[t]] * STEPS)), axis=1, batch_dims=1)
            for t in range(STEPS)
        ],
    }


@pytest.mark.parametrize("kind", list(parts_of(None)))
def test_memory_of_many_parts_is_that_of_one_gradient(kind):
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(STEPS, WIDTH).astype(np.float32), need_grad=True)
    total = F.add_n(*(F.sum(p * float(i + 1)) for i, p in enumerate(parts_of(x)[kind]())))
    total.forward(clear_no_need_grad=True)
    total.backward(clear_buffer=True)
    x.grad.zero()
    tracemalloc.start()
    total.backward(clear_buffer=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    full = STEPS * WIDTH * 4
    assert peak < 2.5 * full
    weights = np.arange(1, STEPS + 1, dtype=np.float32)
    expected = np.zeros((STEPS, WIDTH), np.float32)
    if kind in ("slices", "gathers"):
        expected += weights[:, None]
    elif kind == "coordinates":
        expected[range(STEPS), range(STEPS)] = weights
    else:
        expected[:, :STEPS] = weights
    np.testing.assert_allclose(x.g, expected)


@pytest.mark.parametrize("leaf", [True, False])
def test_full_arrays_are_made_once(monkeypatch, leaf):
    from nnabla.testing.opaque import install

    calls = count_places(monkeypatch)
    with nn.context_scope(install()["plain"].context()):
        # Another shape each time, so that the kernels that are counted are those that run.
        x = nn.Variable.from_numpy_array(np.ones((5, 3 + leaf)), need_grad=True)
        x.grad.zero()
        h = x if leaf else x * 1.0
        total = F.add_n(*(F.sum(h[t] * float(t)) for t in range(5)))
        total.forward()
        total.backward()
    assert calls == ["Place"]
    np.testing.assert_array_equal(x.g, np.repeat(np.arange(5.0)[:, None], 3 + leaf, 1))


def test_a_gradient_that_users_hold_is_added_to():
    x = nn.Variable.from_numpy_array(np.ones((3, 2)), need_grad=True)
    x.g = np.full((3, 2), 10, np.float32)
    held = x.g
    y = F.sum(x[1])
    y.forward()
    y.backward()
    y.backward()
    np.testing.assert_array_equal(held, [[10, 10], [12, 12], [10, 10]])


@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_gradients_of_another_dtype_are_added_to(dtype):
    x = nn.Variable.from_numpy_array(np.ones((3, 2)), need_grad=True)
    x.g = np.full((3, 2), 10, dtype)
    y = F.sum(x[1])
    y.forward()
    y.backward()
    np.testing.assert_array_equal(x.g, [[10, 10], [11, 11], [10, 10]])


def test_a_gradient_whose_memory_is_not_in_order_is_added_to():
    x = nn.Variable.from_numpy_array(np.ones((3, 2)), need_grad=True)
    x.grad.zero()
    h = F.identity(x)
    total = F.sum(F.transpose(F.transpose(h, (1, 0)) * 2.0, (1, 0)) + h) + F.sum(F.gather_nd(h, [[1], [1]]))
    total.forward()
    total.backward()
    np.testing.assert_array_equal(x.g, [[3, 3], [3, 4], [3, 3]])
