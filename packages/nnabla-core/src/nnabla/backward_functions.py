"""Backward functions: how ``nn.grad`` differentiates each function.

``registry`` adapts the operators' definitions to the documented protocol; :func:`register` replaces an entry, for
``nn.grad`` alone (``backward`` runs the definitions' gradients).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nnabla.auto_forward import get_auto_forward
from nnabla.context import context_scope
from nnabla.errors import ArgumentTypeError
from nnabla.graph.dispatch import saved_variables
from nnabla.graph.function import Function
from nnabla.graph.operator_function import OperatorFunction
from nnabla.ops.definition import Operator, all_operators
from nnabla.ops.trace import gradient_trace

__all__ = ["gradients", "register", "registry", "show_registry"]

BackwardFunction = Callable[..., Any]
_registered: dict[str, BackwardFunction] = {}


def register(func_name: str, func: BackwardFunction) -> None:
    """Use ``func`` when ``nn.grad`` differentiates functions of a type.

    Args:
        func_name: Type name, for instance ``"Affine"``, or the name of a PythonFunction.
        func: ``func(grad_inputs, inputs, input_shapes, outputs, output_shapes, **args)``: the outputs' gradients,
            inputs, their shapes, outputs, their shapes; returns one Variable or None per input.
    """
    if not callable(func):
        raise ArgumentTypeError(f"backward_functions.register: func must be callable, not {func!r}")
    _registered[func_name] = func


class _Registry(Mapping[str, BackwardFunction]):
    """Backward functions by type name."""

    def __getitem__(self, name: str) -> BackwardFunction:
        if name in _registered:
            return _registered[name]
        op = all_operators()[name]
        return _Adapter(op)

    def __iter__(self) -> Iterator[str]:
        return iter({**all_operators(), **_registered})

    def __len__(self) -> int:
        return len({**all_operators(), **_registered})


registry = _Registry()


def show_registry() -> None:
    """Print all type names and what differentiates them."""
    for name in sorted(registry):
        print(f"{name}: {registry[name]}")


class _Adapter:
    """An operator's gradient under the protocol of :func:`register`."""

    def __init__(self, op: Operator) -> None:
        self.op = op

    def __repr__(self) -> str:
        return f"<gradient of {self.op.name}>"

    def __call__(
        self,
        grad_inputs: Sequence[Any],
        inputs: Sequence[Any],
        input_shapes: Sequence[Any],
        outputs: Sequence[Any],
        output_shapes: Sequence[Any],
        **args: Any,
    ) -> Any:
        function = outputs[0].parent if outputs else None
        if not isinstance(function, OperatorFunction) or function.op.type_name != self.op.name:
            function = OperatorFunction(self.op, tuple(args[a.name] for a in self.op.arguments))
            function.infer([v._node.content for v in inputs], len(outputs))
        return _differentiate(function, inputs, outputs, grad_inputs, [True] * len(inputs))


def gradients(function: Function, douts: Sequence[Any], need: Sequence[bool]) -> list[Any]:
    """Return the gradients of a function's inputs as Variables, None where there is none or it is not needed."""
    inputs = function.inputs
    from nnabla.graph.variable import Variable

    nodes = [r() for r in function.output_refs]
    outputs = [None if n is None else Variable._on(n) for n in nodes]
    custom = _registered.get(function.type_name)
    if custom is None:
        if not isinstance(function, OperatorFunction):
            raise ArgumentTypeError(
                f"nn.grad: there is no backward function for {function.type_name}; register one with "
                "nnabla.backward_functions.register"
            )
        with context_scope(function.context):
            return _differentiate(function, inputs, outputs, douts, need)
    filled = [_zeros(o) if d is None and o is not None else d for d, o in zip(douts, outputs)]
    shapes = [v.shape for v in inputs], [None if o is None else o.shape for o in outputs]
    results = custom(filled, inputs, shapes[0], outputs, shapes[1], **function.arguments)
    listed = list(results) if isinstance(results, (list, tuple)) else [results]
    return [r if n else None for r, n in zip(listed, need)]


def _zeros(variable: Any) -> Any:
    from nnabla.ops.internal import zeros

    return zeros(variable.shape)


def _outputs_again(function: OperatorFunction, numbers: Sequence[int]) -> list[Any]:
    """Return outputs that nobody holds any more, as Variables of the function that the gradient's graph reads."""
    from nnabla.graph.variable import Variable

    assert function.setting is not None
    nodes = [function.output_node(o, function.setting.out_shapes[o]) for o in numbers]
    missing = [o for o in numbers if o not in function.held_outputs]
    if missing and get_auto_forward():
        # Everything was computed as it was made, so what went with its last handle is computed now.
        outs = function.output_contents()
        wanted = [out if o in missing else None for o, out in enumerate(outs)]
        function.execute([n.content for n in function.input_nodes], wanted, again=True)
    return [Variable._on(node) for node in nodes]


def _differentiate(
    function: OperatorFunction,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    douts: Sequence[Any],
    need: Sequence[bool],
) -> list[Any]:
    """Replay the traced gradient on Variables."""
    setup = function.setting
    assert setup is not None
    gradient = gradient_trace(setup)
    supply = iter(zip(inputs, need))
    full = [next(supply) if s is not None else (None, False) for s in setup.in_shapes]
    targets = [g if n else None for g, (_, n) in zip(gradient.grads, full)]
    chosen = [t for t in targets if t is not None]
    values: dict[int, Any] = {}
    for symbol, (value, _) in zip(gradient.inputs, full):
        if symbol is not None:
            values[symbol.number] = value
    for symbol, value in zip(gradient.outputs, outputs):
        if value is not None:
            values[symbol.number] = value
    used = {s.number for node in gradient.trace.needed(chosen, values) for s in node.inputs if s is not None}
    used |= {t.number for t in chosen}
    for symbol, value in zip(gradient.douts, douts):
        if value is not None:
            values[symbol.number] = value
        elif symbol.number in used:
            values[symbol.number] = _zeros(symbol)
    lacking = [o for o, s in enumerate(gradient.outputs) if s.number in used and s.node is None and outputs[o] is None]
    for o, variable in zip(lacking, _outputs_again(function, lacking)):
        values[gradient.outputs[o].number] = variable
    if gradient.saved and any(s.number in used for s in gradient.saved.values()):
        names = list(gradient.saved)
        extra = saved_variables(function, [v for v, _ in full])
        for name, value in zip(names, extra[len(extra) - len(names) :]):
            values[gradient.saved[name].number] = value
    gradient.trace.replay(values, chosen)
    return [None if t is None else values[t.number] for t, s in zip(targets, setup.in_shapes) if s is not None]
