"""A backend may compile segments of a plan: it is given them once, and what it returns is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.function import PythonFunction
from nnabla.graph.program import Segment
from nnabla.plugins import plugins
from nnabla.testing.opaque import PlainBackend


class CountingBackend(PlainBackend):
    """Notes the segments it is given and how often its compilations run."""

    name = "counting"
    declines = False

    def __init__(self) -> None:
        super().__init__()
        self.given: list[list[str]] = []
        self.runs = 0

    def compile(self, segment: Segment) -> Callable[[], None] | None:
        self.given.append([step.function.name for step in segment.steps])
        if self.declines:
            return None

        def run() -> None:
            self.runs += 1
            segment.run()

        return run


@pytest.fixture
def backend() -> Iterator[CountingBackend]:
    made = CountingBackend()
    plugins.register("backends", "counting", made)
    yield made
    plugins.unregister("backends", "counting")


def graph(x: nn.Variable) -> nn.Variable:
    return F.sum(F.tanh(F.mul_scalar(x, 2.0)))


def test_a_segment_is_compiled_in_its_second_run_and_run_from_then_on(backend: CountingBackend) -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3), np.float32))
    with nn.context_scope(backend.context()):
        y = graph(x)
        for _ in range(3):
            y.forward()
    assert backend.given == [["MulScalar", "Tanh", "Sum"]]
    assert backend.runs == 2
    np.testing.assert_allclose(y.d, 6 * np.tanh(2.0), 1e-6)


def test_a_change_of_the_graph_compiles_again(backend: CountingBackend) -> None:
    x = nn.Variable((2, 3))
    with nn.context_scope(backend.context()):
        y = graph(x)
        for shape in ((2, 3), (4, 3)):
            x.reset_shape(shape, True)
            y.forward()
            y.forward()
    assert len(backend.given) == 2


def test_clear_flags_are_part_of_what_is_compiled(backend: CountingBackend) -> None:
    x = nn.Variable((2, 3))
    with nn.context_scope(backend.context()):
        y = graph(x)
        for clear in (False, False, True, True, True):
            y.forward(clear_buffer=clear)
    assert len(backend.given) == 2
    assert y.parent.inputs[0].data.clear_called


def test_declining_leaves_the_interpreter(backend: CountingBackend) -> None:
    backend.declines = True
    x = nn.Variable.from_numpy_array(np.ones((2, 3), np.float32))
    with nn.context_scope(backend.context()):
        y = graph(x)
        y.forward()
        y.forward()
    assert backend.given and backend.runs == 0
    np.testing.assert_allclose(y.d, 6 * np.tanh(2.0), 1e-6)


def test_observers_see_functions_one_by_one(backend: CountingBackend) -> None:
    x = nn.Variable((2, 3))
    seen: list[str] = []
    with nn.context_scope(backend.context()):
        y = graph(x)
        for _ in range(3):
            y.forward(function_pre_hook=lambda f: seen.append(f.name))
    assert seen == 3 * ["MulScalar", "Tanh", "Sum"]
    assert backend.runs == 0


class Twice(PythonFunction):
    name = "Twice"

    def setup_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].d = 2 * inputs[0].d


def test_functions_in_python_and_other_backends_end_a_segment(backend: CountingBackend) -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3), np.float32))
    with nn.context_scope(backend.context()):
        h = F.tanh(F.mul_scalar(Twice()(F.mul_scalar(x, 2.0)), 0.5))
        with nn.context_scope(nn.Context(["cpu:float"])):
            h = F.mul_scalar(h, 3.0)
        y = F.sum(h)
    y.forward()
    y.forward()
    assert backend.given == [["MulScalar"], ["MulScalar", "Tanh"], ["Sum"]]
    np.testing.assert_allclose(y.d, 18 * np.tanh(2.0), 1e-6)


def test_a_backward_is_compiled_too_and_the_seed_stays_where_it_is(backend: CountingBackend) -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3), np.float32), need_grad=True)
    with nn.context_scope(backend.context()):
        y = graph(x)
    for _ in range(3):
        y.forward()
        x.grad.zero()
        y.backward(clear_buffer=True)
    assert backend.given == [["MulScalar", "Tanh", "Sum"], ["Sum", "Tanh", "MulScalar"]]
    assert backend.runs == 4
    np.testing.assert_allclose(x.g, np.full((2, 3), 2 * (1 - np.tanh(2.0) ** 2)), 1e-5)


def test_hooks_and_callbacks_of_backward_see_functions_one_by_one(backend: CountingBackend) -> None:
    x = nn.Variable.from_numpy_array(np.ones((2, 3), np.float32), need_grad=True)
    with nn.context_scope(backend.context()):
        y = graph(x)
    seen: list[str] = []
    for _ in range(3):
        y.forward()
        runs = backend.runs
        x.grad.zero()
        y.backward(function_post_hook=lambda f: seen.append(f.name))
        assert backend.runs == runs
    assert seen == 3 * ["Sum", "Tanh", "MulScalar"]
