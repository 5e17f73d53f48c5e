"""Traces: an operator's body or gradient as a list of operator applications on symbolic values."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from nnabla.errors import ShapeError, refuse
from nnabla.graph.arithmetic import Arithmetic
from nnabla.ops.definition import Operator, Result, Setup

__all__ = ["Node", "Symbol", "Trace", "active_trace", "gradient_trace", "trace_body"]

Shape = tuple[int, ...]
_state = threading.local()


def active_trace() -> Trace | None:
    """Return the trace that is being recorded in this thread, if any."""
    return getattr(_state, "trace", None)


class Symbol(Arithmetic):
    """A value in a trace: its shape and dtype class are known, its content is not."""

    __slots__ = ("kind", "node", "number", "shape", "trace")

    def __init__(self, trace: Trace, shape: Shape, kind: str, node: Node | None) -> None:
        self.trace = trace
        self.shape = shape
        self.kind = kind
        self.node = node
        self.number = len(trace.symbols)
        trace.symbols.append(self)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        size = 1
        for n in self.shape:
            size *= n
        return size

    def __repr__(self) -> str:
        return f"%{self.number}:{self.kind}{list(self.shape)}"


class Node:
    """An operator applied in a trace. ``outputs`` holds outputs, then updates, then saved values."""

    __slots__ = ("inputs", "number", "outputs", "setup")

    def __init__(self, setup: Setup, inputs: Sequence[Symbol | None], number: int) -> None:
        self.setup = setup
        self.inputs = list(inputs)
        self.outputs: list[Symbol] = []
        self.number = number

    @property
    def op(self) -> Operator:
        return self.setup.op

    def __repr__(self) -> str:
        return f"{self.outputs} = {self.op.name}({', '.join(map(str, self.inputs))}, {self.setup.args})"


def constant_value(symbol: Symbol | None) -> float | None:
    """Return the value that a symbol has everywhere, if it is made with one."""
    node = None if symbol is None else symbol.node
    value: float | None = node.setup.args["val"] if node is not None and node.op.name == "Full" else None
    return value


class Trace:
    """A list of nodes; values are numbered in the order in which they came into being."""

    def __init__(self) -> None:
        self.symbols: list[Symbol] = []
        self.nodes: list[Node] = []
        self.inputs: list[Symbol | None] = []
        self.outputs: list[Symbol] = []
        self.updates: dict[str, Symbol] = {}
        self.saved: dict[str, Symbol] = {}
        self._known: dict[Any, Node] = {}

    def source(self, shape: Shape, kind: str) -> Symbol:
        """Add a value that comes from outside."""
        return Symbol(self, shape, kind, None)

    def __enter__(self) -> Trace:
        self._previous = active_trace()
        _state.trace = self
        return self

    def __exit__(self, *_: object) -> None:
        _state.trace = self._previous

    def record(self, op: Operator, inputs: Sequence[Any], raw: tuple[Any, ...]) -> Any:
        """Apply an operator to values of this trace; equal applications are recorded once."""
        values = [self._cast(op, i, v) for i, v in enumerate(inputs)]
        setup = op.setup(tuple(None if v is None else v.shape for v in values), raw)
        if op.trivial and setup.out_shapes[0] == setup.in_shapes[0]:
            return values[0]
        node = self.apply(setup, values)
        outputs = node.outputs[: len(setup.out_shapes)]
        if len(outputs) == 1 and not op.gives_many:
            return outputs[0]
        return tuple(outputs)

    def apply(self, setup: Setup, values: Sequence[Symbol | None]) -> Node:
        """Append the node of a set-up operator (or find it) and return it."""
        key = (id(setup), tuple(None if v is None else v.number for v in values))
        known = None if setup.op.draws else self._known.get(key)
        if known is not None:
            return known
        node = Node(setup, values, len(self.nodes))
        same = next((v.kind for v in values if v is not None), "float")
        for shape, kind in zip(setup.out_shapes, setup.out_kinds):
            node.outputs.append(Symbol(self, shape, same if kind == "same" else kind, node))
        for shape, kind in extra_outputs(setup):
            node.outputs.append(Symbol(self, shape, kind, node))
        self.nodes.append(node)
        self._known[key] = node
        return node

    def _cast(self, op: Operator, i: int, value: Any) -> Symbol | None:
        from nnabla.ops.internal import cast, constant_like

        spec = op.input_spec(i)
        if value is None:
            return None
        if not isinstance(value, Symbol):
            value = constant_like(value, spec.kind)
        if spec.kind in ("any", value.kind):
            return value
        return cast(value, spec.kind)

    def replay(self, values: dict[int, Any], targets: Iterable[Symbol]) -> None:
        """Apply the nodes that ``targets`` need to other values (of another trace, or Variables).

        Args:
            values: Number of symbol to value; holds the sources' values and receives all others.
            targets: Symbols of this trace that are wanted.
        """
        for node in self.needed(targets, values):
            args = node.setup.args
            inputs = [None if s is None else values[s.number] for s in node.inputs]
            outputs = node.op.apply(inputs, args)
            for symbol, value in zip(node.outputs, outputs):
                values[symbol.number] = value

    def needed(self, targets: Iterable[Symbol], known: Any = ()) -> list[Node]:
        """Return the nodes that ``targets`` depend on, in order, without those of ``known`` values."""
        wanted: set[int] = set()
        stack = [t for t in targets if t.number not in known]
        while stack:
            node = stack.pop().node
            if node is not None and node.number not in wanted:
                wanted.add(node.number)
                stack.extend(s for s in node.inputs if s is not None and s.number not in known)
        return [self.nodes[i] for i in sorted(wanted)]


def extra_outputs(setup: Setup) -> list[tuple[Shape, str]]:
    """Return shape and dtype class of each update and saved value that forward gives after the outputs."""
    op = setup.op
    if not (op.updates or op.saved or op.saved_values):
        return []
    if op.body is not None:
        trace = setup.trace
        return [(s.shape, s.kind) for s in [*trace.updates.values(), *trace.saved.values()]]
    names = [spec.name for spec in op.inputs]
    changed = [setup.in_shapes[names.index(n)] for n in op.updates]
    extra = [(shape, "float") for shape in changed if shape is not None]
    return [*extra, *op.saved_rule(*setup.in_shapes, **setup.args)] if op.saved_rule is not None else extra


def trace_body(setup: Setup) -> Trace:
    """Run an operator's body on symbols."""
    op = setup.op
    trace = Trace()
    for i, shape in enumerate(setup.in_shapes):
        kind = op.input_spec(i).kind
        symbol = None if shape is None else trace.source(shape, "float" if kind == "any" else kind)
        trace.inputs.append(symbol)
    with trace:
        _run_body(trace, setup, trace.inputs)
    return trace


def _run_body(trace: Trace, setup: Setup, inputs: Sequence[Symbol | None]) -> None:
    op = setup.op
    if op.body is None:
        raise TypeError(f"operator {op.name} has neither shape inference nor a body")
    result = op.body(*inputs, **setup.args)
    if not isinstance(result, Result):
        result = Result(result)
    outputs = result.outputs
    trace.outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    trace.updates = {n: result.updates[n] for n in op.updates if n in result.updates}
    trace.saved = {n: result.saved[n] for n in (*op.saved, *op.saved_values) if n in result.saved}


class GradientTrace:
    """The gradient of one set-up operator: symbols of what it may read, and of the gradients it gives."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        op = setup.op
        trace = self.trace = Trace()
        kinds = [op.input_spec(i).kind for i in range(len(setup.in_shapes))]
        self.inputs = [
            None if s is None else trace.source(s, "float" if k == "any" else k) for s, k in zip(setup.in_shapes, kinds)
        ]
        self.outputs = [
            trace.source(s, "float" if k in ("same", "bool") else k) for s, k in zip(setup.out_shapes, setup.out_kinds)
        ]
        self.douts = [trace.source(s, "float") for s in setup.out_shapes]
        self.saved: dict[str, Symbol] = {}
        self.updates: dict[str, Symbol] = {}
        self.automatic = False
        if op.gradient_rule is not None:
            names = [*op.saved, *op.saved_values]
            extra = extra_outputs(setup)[-len(names) :] if names else []
            if op.body is not None:
                names = list(setup.trace.saved)
                extra = [(s.shape, s.kind) for s in setup.trace.saved.values()]
            self.saved = {n: trace.source(shape, kind) for n, (shape, kind) in zip(names, extra)}
            with trace:
                grads = _apply_rule(setup, self.inputs, self.outputs, self.saved, self.douts, self.updates)
        elif not op.differentiable or op.body is None:
            grads = [None] * len(self.inputs)
        else:
            self.automatic = True
            with trace:
                _run_body(trace, setup, self.inputs)
                # The forward pass keeps some of these; everything after them is the gradient proper.
                self.forward_nodes = len(trace.nodes)
                grads = pullback(trace, list(zip(trace.outputs, self.douts)), self.inputs)
            for o, (spec, symbol) in enumerate(zip(op.outputs, trace.outputs)):
                if not callable(op.depends) and spec.name in op.depends and symbol.node is not None:
                    self.outputs[o] = symbol
        self.grads: list[Symbol | None] = grads

    def reads(self, need: Sequence[bool]) -> tuple[list[int], list[int]]:
        """Return the numbers of the inputs and of the outputs whose data the needed gradients read."""
        targets = [g for g, n in zip(self.grads, need) if g is not None and n]
        used = {g.number for g in targets}
        for node in self.trace.needed(targets, {s.number for s in self.outputs}):
            used.update(s.number for s in node.inputs if s is not None)
        return (
            [i for i, s in enumerate(self.inputs) if s is not None and s.number in used],
            [o for o, s in enumerate(self.outputs) if s.number in used],
        )


def gradient_trace(setup: Setup) -> GradientTrace:
    """Return the gradient of a set-up operator, traced once."""
    found = setup.prepared.get("gradient")
    if found is None:
        try:
            found = setup.prepared["gradient"] = GradientTrace(setup)
        except Exception as error:
            raised = refuse(setup.op.snake_name, error, setup.in_shapes, setup.args)
            raise raised from (None if raised is error else error)
    return found


def _apply_rule(
    setup: Setup,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    saved: dict[str, Any],
    douts: Sequence[Any],
    updates: dict[str, Any] | None = None,
) -> list[Any]:
    """Call an operator's gradient with what its parameters name; return one entry per flat input.

    Args:
        updates: Receives new values of the inputs that backward changes.
    """
    op = setup.op
    known: dict[str, Any] = dict(setup.args)
    if op.variadic:
        fixed = len(op.inputs) - 1
        known[op.inputs[-1].name] = list(inputs[fixed:])
        known[op.inputs[-1].name + "_shape"] = list(setup.in_shapes[fixed:])
    for i, spec in enumerate(op.inputs):
        if not spec.variadic:
            known[spec.name] = inputs[i]
            known[spec.name + "_shape"] = setup.in_shapes[i]
    if op.outputs[0].variadic:
        name = op.outputs[0].name
        known[name], known["d" + name] = list(outputs), list(douts)
    else:
        for o, spec_o in enumerate(op.outputs):
            known.setdefault(spec_o.name, outputs[o] if o < len(outputs) else None)
            known["d" + spec_o.name] = douts[o] if o < len(douts) else None
    known.update(dict.fromkeys((*op.saved, *op.saved_values)))
    known.update(saved)
    grads = op.gradient_rule(**{n: known[n] for n in op.gradient_reads})  # type: ignore[misc]
    if isinstance(grads, Result):
        if updates is not None:
            updates.update({n: grads.updates[n] for n in op.backward_updates})
        grads = grads.outputs
    grads = list(grads) if isinstance(grads, (tuple, list)) else [grads]
    grads += [None] * (len(inputs) - len(grads))
    for i, (grad, shape) in enumerate(zip(grads, setup.in_shapes)):
        if grad is not None and shape is not None and grad.shape != shape:
            raise ShapeError(
                f"{op.name}: the gradient of input {i} has shape {grad.shape}, the input has {shape}; "
                "mend the operator's gradient"
            )
    return [g if s is not None else None for g, s in zip(grads, setup.in_shapes)]


def pullback(trace: Trace, seeds: Sequence[tuple[Symbol, Symbol]], wrt: Sequence[Symbol | None]) -> list[Symbol | None]:
    """Extend a trace by the reverse pass from ``seeds`` (value, its gradient) to ``wrt``."""
    from nnabla.ops.internal import zeros

    grads: dict[int, Symbol] = {}

    def add(symbol: Symbol, grad: Symbol) -> None:
        held = grads.get(symbol.number)
        grads[symbol.number] = grad if held is None else held + grad

    for value, grad in seeds:
        add(value, grad)
    active = {s.number for s in wrt if s is not None and s.kind == "float"}
    nodes = list(trace.nodes)
    for node in nodes:
        if any(s is not None and s.number in active for s in node.inputs):
            active.update(s.number for s in node.outputs)
    for node in reversed(nodes):
        setup, op = node.setup, node.op
        count = len(setup.out_shapes)
        if not any(s.number in grads for s in node.outputs) or not any(
            s is not None and s.number in active for s in node.inputs
        ):
            continue
        douts = [grads.get(s.number) for s in node.outputs[:count]]
        douts = [zeros(s.shape) if d is None else d for d, s in zip(douts, node.outputs)]
        if op.gradient_rule is not None:
            names = [*op.saved, *op.saved_values]
            if op.body is not None:
                names = list(setup.trace.saved)
            saved = dict(zip(names, node.outputs[len(node.outputs) - len(names) :])) if names else {}
            results = _apply_rule(setup, node.inputs, node.outputs[:count], saved, douts)
        elif op.body is not None and op.differentiable:
            inner = gradient_trace(setup)
            values: dict[int, Any] = {}
            for origin, known in zip([*inner.inputs, *inner.douts], [*node.inputs, *douts]):
                if origin is not None:
                    values[origin.number] = known
            targets = [
                g for g, s in zip(inner.grads, node.inputs) if g is not None and s is not None and s.number in active
            ]
            inner.trace.replay(values, targets)
            results = [None if g is None else values.get(g.number) for g in inner.grads]
        else:
            continue
        for given, grad in zip(node.inputs, results):
            if given is not None and grad is not None and given.number in active:
                add(given, grad)
    return [None if s is None else grads.get(s.number) for s in wrt]
