"""Programs give what a plain interpreter gives, on graphs, flags and modes drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nnabla as nn
import nnabla.functions as F

UNARY = {
    "tanh": F.tanh,
    "relu": F.relu,
    "scale": lambda x: F.mul_scalar(x, 0.5),
    "shift": lambda x: F.add_scalar(x, 0.25),
    "softmax": F.softmax,
    "reshape": lambda x: F.reshape(F.reshape(x, (12,)), (3, 4)),
    "transpose": lambda x: F.transpose(F.transpose(x, (1, 0)), (1, 0)),
    "sum": lambda x: F.broadcast(F.sum(x, axis=1, keepdims=True), (3, 4)),
}
BINARY = {"add": F.add2, "mul": F.mul2, "sub": F.sub2, "max": F.maximum2}


@dataclass
class Recipe:
    """A graph as data: leaves, then nodes that name their operator and earlier values."""

    leaves: list[bool]
    nodes: list[tuple]
    flags: list[tuple[bool, bool]] = field(default_factory=list)
    clear: tuple[bool, bool, bool] = (False, False, False)
    rounds: int = 1


@st.composite
def recipes(draw) -> Recipe:
    leaves = draw(st.lists(st.booleans(), min_size=1, max_size=3))
    nodes = []
    for at in range(draw(st.integers(1, 9))):
        known = st.integers(0, len(leaves) + at - 1)
        if draw(st.booleans()):
            nodes.append((draw(st.sampled_from(sorted(UNARY))), draw(known)))
        else:
            nodes.append((draw(st.sampled_from(sorted(BINARY))), draw(known), draw(known)))
    # persistent, recompute
    flags = [(draw(st.integers(0, 5)) == 0, draw(st.integers(0, 2)) == 0) for _ in nodes]
    clear = tuple(draw(st.tuples(st.booleans(), st.booleans(), st.booleans())))
    return Recipe(leaves, nodes, flags, clear, draw(st.integers(1, 3)))


def build(recipe: Recipe, values: list[np.ndarray], plain: bool = False):
    leaves = [nn.Variable.from_numpy_array(v, need_grad=n) for v, n in zip(values, recipe.leaves)]
    made = list(leaves)
    for (name, *sources), (persistent, recompute) in zip(recipe.nodes, recipe.flags):
        inputs = [made[i] for i in sources]
        with nn.recompute(recompute and not plain):
            y = UNARY[name](*inputs) if len(inputs) == 1 else BINARY[name](*inputs)
        y.persistent = persistent and not plain
        made.append(y)
    return leaves, made


def interpret(root: nn.Variable, leaves: list[nn.Variable]) -> dict:
    """Run a graph function by function on free-standing Variables, and return values and gradients by content."""
    order: list = []
    root.visit(order.append)
    value = {v: v.d.copy() for v in leaves}
    grad = {v: np.zeros(v.shape, np.float32) for v in leaves}
    for f in order:
        ins = [nn.Variable.from_numpy_array(value[v]) for v in f.inputs]
        outs = [nn.Variable() for _ in f.outputs]
        f.setup(ins, outs)
        f.forward(ins, outs)
        for v, o in zip(f.outputs, outs):
            value[v] = o.d.copy()
            grad[v] = np.zeros(o.shape, np.float32)
    grad[root] = np.ones(root.shape, np.float32)
    for f in sorted(order, key=lambda f: -f.rank):
        if not f.need_grad:
            continue
        ins = [nn.Variable.from_numpy_array(value[v], need_grad=v.need_grad) for v in f.inputs]
        outs = [nn.Variable.from_numpy_array(value[v], grad[v]) for v in f.outputs]
        for v in ins:
            v.g = 0
        f.setup(ins, outs)
        f.forward(ins, outs)
        f.backward(ins, outs, accum=[True] * len(ins))
        for v, i in zip(f.inputs, ins):
            if v.need_grad:
                grad[v] = grad[v] + i.g
    return {"value": value, "grad": grad}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipes(), st.integers(0, 2**31 - 1))
def test_programs_equal_the_interpreter(recipe: Recipe, seed: int) -> None:
    rng = np.random.RandomState(seed)
    values = [rng.randn(3, 4).astype(np.float32) for _ in recipe.leaves]
    plain_leaves, plain = build(recipe, values, plain=True)
    expected = interpret(plain[-1], plain_leaves)

    leaves, made = build(recipe, values)
    root = made[-1]
    clear_buffer, clear_no_need_grad, clear_backward = recipe.clear
    # clear_buffer gives up backward.
    backward = any(recipe.leaves) and not clear_buffer
    for _ in range(recipe.rounds):
        for leaf in leaves:
            leaf.grad.zero()
        root.forward(clear_buffer=clear_buffer, clear_no_need_grad=clear_no_need_grad)
        np.testing.assert_allclose(root.d, expected["value"][plain[-1]], 1e-6, 1e-7)
        for ours, theirs in zip(made, plain):
            if theirs not in expected["value"]:
                continue
            if not ours.data.clear_called:
                np.testing.assert_allclose(ours.d, expected["value"][theirs], 1e-6, 1e-7)
            elif ours.persistent or ours.parent is None:
                pytest.fail("a persistent variable or a leaf was cleared")
        if backward:
            root.backward(clear_buffer=clear_backward)
            for ours, theirs, need in zip(leaves, plain_leaves, recipe.leaves):
                if need:
                    np.testing.assert_allclose(ours.g, expected["grad"][theirs], 1e-4, 1e-5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recipes(), st.integers(0, 2**31 - 1))
def test_observed_runs_and_auto_forward_equal_unobserved_ones(recipe: Recipe, seed: int) -> None:
    rng = np.random.RandomState(seed)
    values = [rng.randn(3, 4).astype(np.float32) for _ in recipe.leaves]
    results = []
    for mode in ("program", "hooks", "dynamic"):
        with nn.auto_forward(mode == "dynamic"):
            leaves, made = build(recipe, values, plain=True)
        root = made[-1]
        seen: list[str] = []
        hook = (lambda f, seen=seen: seen.append(f.name)) if mode == "hooks" else None
        if mode != "dynamic":
            root.forward(clear_no_need_grad=True, function_pre_hook=hook)
        for leaf in leaves:
            leaf.grad.zero()
        root.backward(clear_buffer=True, function_post_hook=hook)
        results.append([root.d.copy(), *(leaf.g.copy() for leaf in leaves)])
        assert (len(seen) > 0) == (mode == "hooks")
    for other in results[1:]:
        for a, b in zip(results[0], other):
            np.testing.assert_array_equal(a, b)
