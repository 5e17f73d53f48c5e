"""Communicator callbacks have their place in backward, and what goes wrong in releasing memory is kept."""

from __future__ import annotations

import numpy as np

import nnabla as nn
import nnabla.functions as F
from nnabla.graph.release import release


class Exchange:
    """Notes when it is called, as a communicator that exchanges gradients would be."""

    def __init__(self, x: nn.Variable) -> None:
        self.x = x
        self.seen: list[str] = []

    def on_function_backward(self, function: object) -> None:
        self.seen.append(function.name)  # type: ignore[attr-defined]

    def on_finish_backward(self) -> None:
        self.seen.append("end")
        self.gradient = self.x.g.copy()


def test_callbacks_follow_each_function_and_the_end() -> None:
    x = nn.Variable.from_numpy_array(np.full(2, 0.5), need_grad=True)
    y = F.sum(F.tanh(x))
    y.forward()
    exchanges = [Exchange(x), Exchange(x)]
    x.grad.zero()
    y.backward(communicator_callbacks=exchanges)
    for exchange in exchanges:
        assert exchange.seen == ["Sum", "Tanh", "end"]
        np.testing.assert_allclose(exchange.gradient, 1 - np.tanh(0.5) ** 2, 1e-6)


def test_a_single_callback_needs_no_list() -> None:
    x = nn.Variable.from_numpy_array(np.ones(2), need_grad=True)
    y = F.sum(x)
    y.forward()
    exchange = Exchange(x)
    y.backward(communicator_callbacks=exchange)
    assert exchange.seen == ["Sum", "end"]


def test_errors_while_memory_is_released_are_kept() -> None:
    class Broken:
        @property
        def content(self) -> object:
            raise ValueError("broken")

    errors: list[BaseException] = []
    release(Broken(), errors)  # type: ignore[arg-type]
    assert [type(e) for e in errors] == [ValueError]
    assert nn.Variable.EXCEPTIONS_AT_DEALLOC == []
