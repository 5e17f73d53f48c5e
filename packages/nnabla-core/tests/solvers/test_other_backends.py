"""Solvers on a backend without namespace, kernels and mutable arrays: all that a backend may lack."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S
from nnabla.array.library import ArrayLibrary
from nnabla.plugins import plugins
from nnabla.plugins.backend import Backend


class Frozen:
    """An array that nobody can write into."""

    def __init__(self, values):
        self.values = np.array(values)
        self.values.flags.writeable = False
        self.shape = self.values.shape


class FrozenArrays(ArrayLibrary):
    name = "frozen"
    mutable = False

    def from_numpy(self, array):
        return Frozen(array)

    def to_numpy(self, array):
        return array.values

    def full(self, shape, value, dtype):
        return Frozen(np.full(shape, value, dtype))

    def cast(self, array, dtype):
        return Frozen(array.values.astype(dtype))

    def reshape(self, array, shape):
        return Frozen(array.values.reshape(shape))

    def copy(self, array):
        return Frozen(array.values)

    def dtype(self, array):
        return array.values.dtype

    def assign(self, target, source):
        return self.cast(source, self.dtype(target))

    def add(self, target, source):
        return Frozen(target.values + source.values)


class FrozenBackend(Backend):
    name = "frozen"
    array_classes = ("FrozenArray",)
    arrays = FrozenArrays()

    def library(self, device_id):
        return self.arrays

    def devices(self):
        return ["0"]


@pytest.fixture
def frozen():
    plugins.register("backends", "frozen", FrozenBackend())
    try:
        with nn.context_scope(nn.Context(["frozen:float"], "FrozenArray")):
            yield
    finally:
        plugins.unregister("backends", "frozen")


def run(name, steps=5):
    rng = np.random.default_rng(9)
    solver = getattr(S, name)(0.05)
    v, s = nn.Variable((2, 3)), nn.Variable(())
    v.d, s.d = np.ones((2, 3), np.float32), np.float32(2)
    solver.set_parameters({"v": v, "s": s})
    for _ in range(steps):
        v.g, s.g = np.float32(rng.standard_normal((2, 3))), np.array(0.5, np.float32)
        solver.scale_grad(2.0)
        solver.clip_grad_by_norm(1.0)
        solver.weight_decay(0.1)
        assert not solver.check_inf_or_nan_grad()
        solver.update()
    held_by = v.data._storage.library.name
    states = solver.get_states()["v"].pstate
    return held_by, v.d.copy(), s.d.copy(), {key: x.d.copy() for key, x in states.items()}


@pytest.mark.parametrize("name", [n for n in S.__all__ if not n.startswith("Solver")])
def test_updates_are_those_of_numpy(request, name):
    _, *expected = run(name)
    request.getfixturevalue("frozen")
    held_by, *found = run(name)
    assert held_by == "frozen"
    for a, b in zip(found[:2], expected[:2]):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    for key, state in expected[2].items():
        np.testing.assert_allclose(found[2][key], state, rtol=1e-5, atol=1e-6)
