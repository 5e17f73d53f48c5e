"""``explain`` tells where each step is going to run and which arrays are going to be moved: no more, no less."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
from nnabla.ext_utils import get_extension_context
from nnabla.function import PythonFunction
from nnabla.graph.program import explain
from nnabla.testing.opaque import install

CPU = get_extension_context("cpu")
OPAQUE = install()["opaque"].context()


@pytest.fixture
def moved(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What goes into the opaque library, and out of it, in the words of ``explain``."""
    library = install()["opaque"].library("")
    found: list[str] = []

    def note(text: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(array: Any) -> Any:
            found.append(text.format(tuple(array.shape)))
            return original(array)

        return wrapped

    monkeypatch.setattr(library, "to_numpy", note("transfer {}: opaque -> numpy", library.to_numpy))
    # NumPy's scalars and lazy fills also pass from_numpy within the library: only what comes from outside counts.
    full = library.full
    monkeypatch.setattr(library, "from_numpy", note("transfer {}: numpy -> opaque", library.from_numpy))
    monkeypatch.setattr(library, "full", lambda *a: (full(*a), found.pop())[0])
    yield found


def values(*shape: int) -> nn.Variable:
    return nn.Variable.from_numpy_array(np.random.RandomState(0).randn(*shape).astype(np.float32))


def on(context: nn.Context, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with nn.context_scope(context):
        return function(*args, **kwargs)


def transfers(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("transfer")]


class Doubled(PythonFunction):
    name = "Doubled"

    def min_outputs(self) -> int:
        return 1

    def setup_impl(self, inputs: Any, outputs: Any) -> None:
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: Any, outputs: Any) -> None:
        outputs[0].data.data = inputs[0].data.data * 2

    def backward_impl(self, inputs: Any, outputs: Any, propagate_down: Any, accum: Any) -> None:
        raise NotImplementedError


def test_a_step_is_a_line_in_the_order_of_running() -> None:
    x = values(2, 3)
    y = on(CPU, lambda: F.sum(F.tanh(x) + F.exp(x)))
    assert explain(y) == ["cpu: Tanh (2, 3)", "cpu: Exp (2, 3)", "cpu: Add2 (2, 3), (2, 3)", "cpu: Sum (2, 3)"]


def crossing() -> nn.Variable:
    h = on(CPU, F.tanh, values(2, 3))
    h = on(OPAQUE, lambda: F.exp(h) + F.sin(h))  # two readers, two moves
    return on(CPU, F.sum, h)


def parameters() -> nn.Variable:
    with nn.parameter_scope("", {}):
        return on(OPAQUE, PF.affine, values(2, 3), 4)


def aliased() -> nn.Variable:
    # A reshaped array is its input's memory, which stays where it was.
    h = on(OPAQUE, F.reshape, on(CPU, F.tanh, values(2, 3)), (6,), inplace=True)
    return on(CPU, F.exp, h)


def filled() -> nn.Variable:
    x = nn.Variable((2, 3))
    x.data.fill(2.0)
    return on(OPAQUE, F.exp, x)


def filled_for_two() -> nn.Variable:
    x = nn.Variable((2, 3))
    x.data.zero()
    return on(CPU, F.add2, on(OPAQUE, F.exp, x), x)


def by_python() -> nn.Variable:
    return on(OPAQUE, F.exp, Doubled()(on(OPAQUE, F.tanh, values(2, 3))))


@pytest.mark.parametrize(
    ("graph", "count"), [(crossing, 3), (parameters, 3), (aliased, 1), (filled, 0), (filled_for_two, 2), (by_python, 3)]
)
def test_what_is_said_to_move_is_what_moves(graph: Callable[[], nn.Variable], count: int, moved: list[str]) -> None:
    y = graph()
    said = transfers(explain(y))
    assert moved == []
    y.forward()
    assert moved == said
    assert len(said) == count


def test_a_function_in_python_is_shown_as_such() -> None:
    assert [re.sub(r" .*", "", line) for line in explain(by_python())] == [
        "transfer",
        "opaque:",
        "transfer",
        "python:",
        "transfer",
        "opaque:",
    ]


def test_an_array_that_came_to_stay_is_not_moved_again() -> None:
    with nn.parameter_scope("", {}):
        x = values(8, 3)
        with nn.context_scope(OPAQUE):
            loss = F.mean(PF.affine(x, 4) ** 2)
            solver = nn.solvers.Sgd(0.1)
            solver.set_parameters(nn.get_parameters())
            assert len(transfers(explain(loss))) == 3
            loss.forward()
            solver.zero_grad()
            loss.backward()
            solver.update()
            assert transfers(explain(loss)) == ["transfer (8, 3): numpy -> opaque"]


def test_several_variables_are_explained_together() -> None:
    x = values(2)
    h = on(CPU, F.exp, x)
    assert explain(on(CPU, F.sin, h), on(CPU, F.cos, h)) == ["cpu: Exp (2,)", "cpu: Sin (2,)", "cpu: Cos (2,)"]
