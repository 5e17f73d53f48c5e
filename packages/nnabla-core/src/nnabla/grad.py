"""Gradients as graphs: ``nn.grad`` builds the graph of derivatives, which can be differentiated again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentError, ShapeError
from nnabla.graph.function import Function
from nnabla.graph.node import Node
from nnabla.graph.order import functions_of
from nnabla.graph.python_function import PythonFunction
from nnabla.graph.variable import Variable

__all__ = ["Grad", "GradEndFunction", "grad"]


class GradEndFunction(PythonFunction):
    """Marks where a graph ends and that of its gradients begins: ones, made after the output was computed.

    It makes the gradients' graph run after the graph, so that draws and saved values are those of this run.
    """

    @property
    def name(self) -> str:
        return "GradEndFunction"

    def min_outputs(self) -> int:
        return 1

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        return False

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        return False

    def setup_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].data.fill(1)

    def backward_impl(
        self, inputs: list[Any], outputs: list[Any], propagate_down: list[bool], accum: list[bool]
    ) -> None:
        """Give nothing: the ones do not depend on the output."""


class Grad:
    """Builds gradients' graphs; :func:`grad` is the usual way in."""

    def __call__(
        self,
        outputs: Any,
        inputs: Any,
        grad_outputs: Any = None,
        persistent_outputs: Sequence[bool] = (),
        bind_grad_output: bool = False,
    ) -> list[Any]:
        import nnabla.functions as F

        outs = _as_list(outputs, "outputs")
        ins = _as_list(inputs, "inputs")
        seeds = [None] * len(outs) if grad_outputs is None else _seeds(grad_outputs, len(outs))
        for out in outs:
            if out.parent is None:
                raise AttributeError(
                    f"nn.grad: output {out!r} has no parent function, so there is nothing to differentiate"
                )
        for at, out in enumerate(outs):
            # Gradients may read it, whatever clear flags a run has.
            out.persistent = out.persistent or persistent_outputs[at] if at < len(persistent_outputs) else True
        grads = _reverse(outs, ins, seeds)
        results = []
        for variable in ins:
            result = grads.get(id(variable._node.content))
            if result is None:
                result = F.constant(0, ())
            if bind_grad_output and result.shape == variable.shape:
                if result.parent.inplace_data(0):
                    result = F.identity(result)  # an alias has no memory of its own to bind
                result.data = variable.grad
            results.append(result)
        return results


def _as_list(variables: Any, what: str) -> list[Any]:
    if isinstance(variables, Variable):
        return [variables]
    try:
        found = list(variables.values()) if isinstance(variables, dict) else list(variables)
    except TypeError:
        found = [variables]
    for v in found:
        if not isinstance(v, Variable):
            raise ArgumentError(f"nn.grad: {what} must be Variables, but {type(v).__name__} was given")
    return found


def _seeds(grad_outputs: Any, count: int) -> list[Any]:
    if isinstance(grad_outputs, (int, float, NdArray, Variable)):
        return [grad_outputs] * count
    seeds = list(grad_outputs)
    if len(seeds) != count:
        raise ArgumentError(f"nn.grad: {len(seeds)} grad_outputs were given for {count} outputs")
    return seeds


def _start(out: Any, seed: Any) -> Any:
    """Return the gradient of an output as a graph node."""
    import nnabla.functions as F

    end = GradEndFunction()(out)
    end.need_grad = False
    if seed is None:
        return end
    if isinstance(seed, (int, float)):
        return F.mul_scalar(end, seed)
    if isinstance(seed, np.ndarray):
        seed = NdArray.from_numpy_array(seed)
    if isinstance(seed, NdArray):
        seed = Variable._around(seed, NdArray(seed.shape))
    if not isinstance(seed, Variable):
        raise ArgumentError(
            f"nn.grad: a grad_output is a number, an array, an NdArray or None, not {type(seed).__name__}"
        )
    if seed.shape != out.shape:
        raise ShapeError(f"nn.grad: a grad_output has shape {seed.shape}, its output {out.shape}")
    return end * seed


def _reverse(outs: Sequence[Any], ins: Sequence[Any], seeds: Sequence[Any]) -> dict[int, Any]:
    """Return gradients by the identity of the content that they belong to."""
    import nnabla.functions as F

    wanted = {id(v._node.content) for v in ins}
    order = functions_of([v._node for v in outs])
    # A function counts only if it lies between an input asked for and an output.
    active = set(wanted)
    on_path = []
    for function in order:
        if any(id(n.content) in active for n in function.input_nodes):
            on_path.append(function)
            active.update(id(n.content) for n in (r() for r in function.output_refs) if n is not None)
    grads: dict[int, Any] = {}

    def add(node: Node, value: Any) -> None:
        key = id(node.content)
        held = grads.get(key)
        grads[key] = value if held is None else F.add2(held, value)

    for out, seed in zip(outs, seeds):
        add(out._node, _start(out, seed))
    for function in reversed(on_path):
        nodes = [r() for r in function.output_refs]
        douts = [None if n is None else grads.get(id(n.content)) for n in nodes]
        if all(d is None for d in douts):
            continue
        # What was asked for counts even if it is marked as needing no gradient.
        need = [
            id(n.content) in wanted or (n.need_grad_set is not False and id(n.content) in active)
            for n in function.input_nodes
        ]
        for node, value in zip(function.input_nodes, function_gradients(function, douts, need)):
            if value is not None:
                add(node, value)
    return grads


def function_gradients(function: Function, douts: Sequence[Any], need: Sequence[bool]) -> list[Any]:
    """Return a Variable (or None) per input of a function: its gradient, as a graph."""
    from nnabla import backward_functions

    return backward_functions.gradients(function, douts, need)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    persistent_outputs: Sequence[bool] = (),
    bind_grad_output: bool = False,
) -> list[Any]:
    """Return the gradients of ``outputs`` with respect to ``inputs`` as Variables of a new graph.

    Args:
        outputs: A Variable or a list of them.
        inputs: A Variable, a list of them, or the values of a dict.
        grad_outputs: What the outputs' gradients are: a number for all of them, or a list with a number, NumPy
            array, NdArray or None (ones) each.
        persistent_outputs: Whether each output is made persistent (default: True), by position.
        bind_grad_output: Let each result share memory with its input's ``grad``.

    Returns:
        One Variable per input; a constant 0 of shape () for inputs that the outputs do not depend on.

    Raises:
        AttributeError: An output is a leaf.
    """
    return Grad()(outputs, inputs, grad_outputs, persistent_outputs, bind_grad_output)
