"""What a call of an operator does: trace it, compute it at once, or add a node to a graph."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

from nnabla.array.ndarray import NdArray
from nnabla.array.storage import Storage
from nnabla.context import get_current_context
from nnabla.errors import ArgumentError, ShapeError, explain
from nnabla.graph.function import connect
from nnabla.graph.node import Content, Node
from nnabla.graph.operator_function import OperatorFunction
from nnabla.graph.program import run_now
from nnabla.graph.variable import Variable
from nnabla.lowering.forward import prepare_forward
from nnabla.ops.definition import Operator, check_input
from nnabla.ops.trace import Symbol, active_trace

# ``nnabla.auto_forward`` is also a function's name, so the module is asked for as such.
auto_forward_state = importlib.import_module("nnabla.auto_forward")

__all__ = ["apply", "call", "call_function"]

_KINDS = (Variable, NdArray, Symbol)


def call(
    op: Operator,
    inputs: Sequence[Any],
    raw: tuple[Any, ...],
    n_outputs: int | None = None,
    outputs: Any = None,
    auto_forward: bool | None = None,
) -> Any:
    """Apply an operator to inputs (None for omitted ones) with raw argument values."""
    immediate = False
    given = False
    for value in inputs:
        kind = type(value)
        if kind is Variable:
            given = True
        elif kind is NdArray:
            immediate = given = True
        elif value is None:
            continue
        elif kind is Symbol:
            return value.trace.record(op, inputs, raw)
        elif isinstance(value, NdArray):
            immediate = given = True
        elif isinstance(value, Variable):
            given = True
        else:
            trace = active_trace()
            if trace is not None:
                return trace.record(op, inputs, raw)
            check_input(op, value, _KINDS)
    if not given:
        trace = active_trace()
        if trace is not None:
            return trace.record(op, inputs, raw)
    if immediate:
        return compute(op, inputs, raw, n_outputs, outputs)
    return build(op, inputs, raw, n_outputs, outputs, auto_forward)


def compute(op: Operator, inputs: Sequence[Any], raw: tuple[Any, ...], n_outputs: Any, outputs: Any) -> Any:
    """Compute an operator on NdArrays at once; no node is made."""
    arrays = [
        value if value is None or type(value) is NdArray else value.data if isinstance(value, Variable) else value
        for value in inputs
    ]
    setup = op.setup(tuple([None if a is None else a.shape for a in arrays]), raw)
    dtype = arrays[0]._storage.dtype if op.integers and arrays[0] is not None else None
    prepared = prepare_forward(setup, get_current_context(), False, dtype)
    place = prepared.place
    library = place.library
    values = []
    given = [a for a in arrays if a is not None]
    for array, dtype in zip(given, prepared.in_dtypes):
        storage = array._storage
        held = storage.array
        if held is None or storage.dtype is not dtype or storage.library is not library or held.shape != array.shape:
            held = storage.read(library, dtype, array.shape)
        values.append(held)
    if prepared.simple and outputs is None:
        out = NdArray.__new__(NdArray)
        out.shape = setup.out_shapes[0]
        out._storage = storage = _new_storage(out.shape)
        try:
            storage.put(library, prepared.run(*values)[0], prepared.out_dtypes[0])
        except Exception as error:
            raise explain(op.snake_name, error, setup.in_shapes, setup.args) from error
        return out
    function = OperatorFunction(op, raw, get_current_context(), [a is not None for a in arrays])
    function.setting, function.prepared = setup, prepared
    ins = [Content(a, a) for a in given]
    outs = [Content(a, a) for a in _destinations(op, setup.out_shapes, outputs, n_outputs)]
    function.execute(ins, outs)
    results = [c.data for c in outs]
    return results[0] if len(results) == 1 and not op.gives_many else tuple(results)


def _new_storage(shape: tuple[int, ...]) -> Storage:
    return Storage(math.prod(shape))


def _destinations(op: Operator, shapes: Sequence[tuple[int, ...]], outputs: Any, n_outputs: Any) -> list[NdArray]:
    if outputs is None:
        return [NdArray(s) for s in shapes]
    arrays = [o if isinstance(o, NdArray) else o.data for o in outputs]
    for array, shape in zip(arrays, shapes):
        if array.shape != shape and not op.data_dependent:
            raise ShapeError(
                f"{op.snake_name}: outputs holds an NdArray of shape {array.shape}, the result has {shape}"
            )
    return [NdArray._over(a._storage, a.shape) for a in arrays]


def build(
    op: Operator,
    inputs: Sequence[Any],
    raw: tuple[Any, ...],
    n_outputs: int | None = None,
    outputs: Any = None,
    auto_forward: bool | None = None,
) -> Any:
    """Add an operator to the graph of its input Variables, and compute it in auto-forward mode."""
    nodes = [v._node for v in inputs if v is not None]
    given = None if len(nodes) == len(inputs) else [v is not None for v in inputs]
    function = OperatorFunction(op, raw, get_current_context(), given)
    return _link(function, nodes, n_outputs, outputs, auto_forward)


def _link(function: Any, nodes: Sequence[Node], n_outputs: Any, outputs: Any, auto_forward: bool | None) -> Any:
    contents = [n.content for n in nodes]
    shapes = function.infer(contents, n_outputs)
    if n_outputs is not None and n_outputs > 0 and function.gives_many and n_outputs != len(shapes):
        raise ArgumentError(
            f"{function.name}: n_outputs={n_outputs} was asked for, but these inputs and arguments give {len(shapes)}"
        )
    made = connect(function, nodes, shapes)
    if outputs is not None:
        for node, array in zip(made, outputs):
            target = array if isinstance(array, NdArray) else array.data
            if target.shape != node.content.data.shape:
                raise ShapeError(
                    f"{function.name}: outputs holds an NdArray of shape {target.shape}, the result has "
                    f"{node.content.data.shape}"
                )
            node.content.share_storage(target._storage)
    if auto_forward if auto_forward is not None else auto_forward_state._enabled:
        run_now(function, contents, made)
    if len(made) == 1 and not function.gives_many:
        return Variable._on(made[0])
    return tuple([Variable._on(n) for n in made])


def call_function(
    function: Any, inputs: Sequence[Any], n_outputs: Any = None, outputs: Any = None, auto_forward: Any = None
) -> Any:
    """Apply a function object to Variables or NdArrays."""
    if any(isinstance(v, NdArray) for v in inputs):
        if isinstance(function, OperatorFunction):
            return compute(function.op.giving(n_outputs), _fill(function, inputs), function.raw, n_outputs, outputs)
        variables = [
            v if isinstance(v, Variable) or v is None else Variable._around(v, NdArray(v.shape)) for v in inputs
        ]
        result = call_function(function, variables, n_outputs, outputs, True)
        return tuple(r.data for r in result) if isinstance(result, tuple) else result.data
    for value in inputs:
        if value is not None and not isinstance(value, Variable):
            if isinstance(function, OperatorFunction):
                check_input(function.op, value, _KINDS)
            raise ArgumentError(f"{function.name}: All inputs must be Variable, not {type(value).__name__}")
    if isinstance(function, OperatorFunction):
        full = _fill(function, inputs)
        if not function.op.variadic:
            function.given = [v is not None for v in full]
    nodes = [v._node for v in inputs if v is not None]
    return _link(function, nodes, n_outputs, outputs, auto_forward)


def _fill(function: OperatorFunction, inputs: Sequence[Any]) -> list[Any]:
    op = function.op
    missing = 0 if op.variadic else len(op.inputs) - len(inputs)
    if missing < 0 or any(
        v is None and not op.inputs[i].optional for i, v in enumerate([*inputs, *[None] * missing]) if not op.variadic
    ):
        names = ", ".join(s.name + (" (optional)" if s.optional else "") for s in op.inputs)
        raise ArgumentError(f"{op.name}: takes the inputs {names}, but {len(inputs)} were given")
    full = [*inputs, *[None] * missing]
    return op.place(full, function.raw) if op.absent else full


def apply(op: Operator, values: Sequence[Any], args: dict[str, Any]) -> list[Any]:
    """Apply an operator with canonical arguments; return outputs, then updates, then saved values.

    On symbols all of them are symbols. On Variables updates are None, and saved values are leaves that hold
    what forward saves, or, where they depend on the inputs, expressions of them.
    """
    raw = tuple(args[spec.name] for spec in op.arguments)
    symbol = next((v for v in values if isinstance(v, Symbol)), None)
    trace = symbol.trace if symbol is not None else active_trace()
    if trace is not None:
        setup = op.setup(tuple(None if v is None else v.shape for v in values), raw)
        return list(trace.apply(setup, [trace._cast(op, i, v) for i, v in enumerate(values)]).outputs)
    function = OperatorFunction(op, raw, get_current_context(), [v is not None for v in values])
    result = _link(function, [v._node for v in values if v is not None], None, None, None)
    outputs = list(result) if isinstance(result, tuple) else [result]
    return [*outputs, *saved_variables(function, values)]


def saved_variables(function: OperatorFunction, inputs: Sequence[Any]) -> list[Any]:
    """Return Variables for a function's updates (None) and saved values, for building gradients' graphs."""
    op, setup = function.op, function.setting
    assert setup is not None
    if not (op.updates or op.saved or op.saved_values):
        return []
    found: list[Any] = [None] * (len(setup.trace.updates) if op.body is not None else len(op.updates))
    if op.body is None:
        from nnabla.ops.trace import extra_outputs

        shapes = [s for s, _ in extra_outputs(setup)[len(found) :]]
        return [*found, *(_saved_leaf(function, n, s) for n, s in zip(op.saved, shapes))]
    trace = setup.trace
    expressions = {n: s for n, s in trace.saved.items() if n in op.saved_values}
    values: dict[int, Any] = {s.number: v for s, v in zip(trace.inputs, inputs) if s is not None}
    # Constants first: expressions that read a draw read that of the forward pass.
    for name, symbol in trace.saved.items():
        if name not in expressions:
            values[symbol.number] = _saved_leaf(function, name, symbol.shape)
    trace.replay(values, expressions.values())
    return [*found, *(values[symbol.number] for symbol in trace.saved.values())]


def _saved_leaf(function: OperatorFunction, name: str, shape: tuple[int, ...]) -> Variable:
    if function.saved is None:
        function.saved, function.prepared = {}, None
    held = function.saved.setdefault(name, NdArray(shape))
    return Variable._around(held, NdArray(shape))
