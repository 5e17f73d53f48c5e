"""What a solver holds for one parameter, and the hooks around what it does to each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnabla import callback
from nnabla.errors import ArgumentTypeError
from nnabla.graph.node import Node
from nnabla.graph.variable import Variable

__all__ = ["Around", "Slot", "hooks_around"]

Around = tuple[tuple[Callable[[], Any], ...], tuple[Callable[[], Any], ...]]


class Slot:
    """A parameter's data and gradient, its states by name, and the number of its updates."""

    __slots__ = ("content", "states", "t")

    def __init__(self, variable: Variable) -> None:
        self.content = variable._node.content
        self.states: dict[str, Variable] = {}
        self.t = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the parameter."""
        return self.content.data.shape

    @property
    def variable(self) -> Variable:
        """The parameter as a Variable, equal to the one that was set."""
        return Variable._on(Node(self.content))


def hooks_around(caller: str, pre_hook: Any, post_hook: Any) -> Around | None:
    """Return what is to be called before and after each parameter, None if nothing is.

    Those of :mod:`nnabla.callback` enclose the ones given.
    """
    for which, hook in (("pre", pre_hook), ("post", post_hook)):
        if hook is not None and not callable(hook):
            raise ArgumentTypeError(f"{caller}: the {which} hook must be callable, not {hook!r}")
    before = callback.solver_pre_hooks() + ((pre_hook,) if pre_hook is not None else ())
    after = ((post_hook,) if post_hook is not None else ()) + callback.solver_post_hooks()
    return (before, after) if before or after else None
