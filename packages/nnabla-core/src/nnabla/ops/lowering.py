"""From definitions to calls: what runs an operator on a context's backends, prepared once per shape.

For each backend of the context in turn an operator's kernel is taken, else its reference kernel if the backend
has a namespace, else its body, if that backend can run all of it. Bodies and gradients are written out as one
straight-line Python function over kernels, so that running them costs little more than the kernels do.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.array.library import ArrayLibrary
from nnabla.errors import StateError
from nnabla.ops.definition import Operator, Setup, all_operators
from nnabla.ops.trace import GradientTrace, Node, extra_outputs, gradient_trace
from nnabla.plugins import plugins
from nnabla.plugins.backend import Backend, NumericTypes

__all__ = ["Place", "Prepared", "PreparedGradient", "places", "prepare_forward", "prepare_gradient"]

_FIXED = {
    "index": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
    "int32": np.dtype(np.int32),
    "bits": np.dtype(np.uint32),
}


class Place:
    """One backend of a context with its device and floating types."""

    __slots__ = ("backend", "library", "types")

    def __init__(self, backend: Backend, library: ArrayLibrary, types: NumericTypes) -> None:
        self.backend = backend
        self.library = library
        self.types = types

    def compute_dtype(self, kind: str) -> np.dtype:
        """Return the dtype that kernels use for a dtype class."""
        return _FIXED.get(kind, self.types.compute)

    def stored_dtype(self, kind: str) -> np.dtype:
        """Return the dtype in which users see an output of a dtype class."""
        if kind == "index":
            return np.dtype(np.uint64)
        if kind == "int32":
            return _FIXED[kind]
        return self.types.store


_places: dict[Any, tuple[Place, ...]] = {}


def places(ctx: Any) -> tuple[Place, ...]:
    """Return the backends of a context, loaded.

    Raises:
        RuntimeError: A backend is not installed or does not load; the message says which command helps.
    """
    found = _places.get(ctx.key)
    if found is None:
        from nnabla.context import backend_names

        listed = []
        for name, config in backend_names(ctx):
            backend = plugins.get("backends", name)
            types = backend.types.get(config)
            if types is None:
                raise StateError(
                    f"context {ctx}: backend {name!r} has no type configuration {config!r}; "
                    f"it has {', '.join(backend.types)}"
                )
            listed.append(Place(backend, backend.library(ctx.device_id), types))
        if not listed:
            raise StateError(f"context {ctx} names no backend; use Context(['cpu:float'])")
        found = _places[ctx.key] = tuple(listed)
    return found


def _forget() -> None:
    """Drop what was prepared: a backend may have come or gone."""
    _places.clear()
    for op in all_operators().values():
        for setup in op._setups.values():
            setup.prepared.clear()


plugins.on_change(_forget)


class CannotRun(Exception):
    """A backend can't run an operator; the next backend is tried."""


class _Writer:
    """Writes nodes of a trace out as the lines of one Python function."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.xp = place.backend.namespace
        self.scope: dict[str, Any] = {"xp": self.xp}
        self.lines: list[str] = []
        self.calls: list[tuple[str, Operator]] = []
        self.lane = 0
        self.counter = 0
        self.uses_state = False

    def name(self, prefix: str, value: Any = None) -> str:
        self.counter += 1
        text = f"{prefix}{self.counter}"
        if prefix != "v":
            self.scope[text] = value
        return text

    def node(self, node: Node, names: dict[int, str]) -> None:
        """Write one node: its results get names by the numbers of its outputs."""
        inputs = [None if s is None else names[s.number] for s in node.inputs]
        kinds = [None if s is None else s.kind for s in node.inputs]
        outputs = self.call(node.setup, inputs, kinds)
        for symbol, text in zip(node.outputs, outputs):
            names[symbol.number] = text

    def call(self, setup: Setup, inputs: Sequence[str | None], kinds: Sequence[str | None]) -> list[str]:
        """Write the application of an operator and return the names of what it gives."""
        op, backend = setup.op, self.place.backend
        if backend.supports(op, setup.args):
            kernel = backend.kernels.get(op.name)
            if kernel is not None:
                return self._kernel(setup, kernel, inputs)
            if op.reference_kernel is not None and self.xp is not None:
                return self._reference(setup, inputs, kinds)
        if op.body is not None:
            trace = setup.trace
            names = {s.number: n for s, n in zip(trace.inputs, inputs) if s is not None and n is not None}
            results = [*trace.outputs, *trace.updates.values(), *trace.saved.values()]
            for inner in trace.needed(results, names):
                self.node(inner, names)
            return [names[s.number] for s in results]
        raise CannotRun(op.name)

    def add_into(self, target: str, node: Node, names: dict[int, str]) -> None:
        """Write that the result of a node is added to ``target`` in place."""
        given = ", ".join("None" if s is None else names[s.number] for s in node.inputs)
        own = self.place.backend.accumulate_kernels.get(node.op.name)
        if own is not None:
            function, given_args = self.name("k", own), self.name("a", node.setup.args)
            self.lines.append(f"{function}(xp, {target}, ({given},), {given_args})")
            return
        kernel = node.op.accumulate_kernel
        assert kernel is not None
        wants = _parameters(kernel)
        args = {k: v for k, v in node.setup.args.items() if wants is None or k in wants}
        self.lines.append(f"{self.name('k', kernel)}(xp, {target}, {given}, **{self.name('a', args)})")

    def _results(self, setup: Setup) -> list[str]:
        count = len(setup.out_shapes) + len(extra_outputs(setup))
        return [self.name("v") for _ in range(count)]

    def _kernel(self, setup: Setup, kernel: Callable[..., Any], inputs: Sequence[str | None]) -> list[str]:
        outputs = self._results(setup)
        given = "".join(f"{n}, " for n in inputs)
        args = self.name("a", setup.args)
        if setup.op.random:
            self.uses_state = True
            args = f"dict({args}, state=state, lane={self._next_lane()})"
        out = self.name("n", (None,) * len(outputs))
        function = self.name("k", kernel)
        self._line(setup.op, outputs, f"{function}(xp, ({given}), {out}, {args})")
        return outputs

    def _reference(self, setup: Setup, inputs: Sequence[str | None], kinds: Sequence[str | None]) -> list[str]:
        op = setup.op
        kernel = op.reference_kernel
        assert kernel is not None
        wants = _parameters(kernel)
        function = self.name("k", kernel)
        args: dict[str, Any] = {k: v for k, v in setup.args.items() if wants is None or k in wants}
        dynamic = ""
        if wants is not None and "dtype" in wants:
            kind = setup.out_kinds[0]
            if kind == "same":
                kind = next((k for k in kinds if k is not None), "float")
            args["dtype"] = self.dtype(kind)
        if op.random:
            self.uses_state = True
            dynamic = ", state=state"
            args["lane"] = self._next_lane()
        given = "".join(f", {n}" for n in inputs)
        named = f", **{self.name('a', args)}" if args else ""
        outputs = self._results(setup)
        text = f"{function}(xp{given}{dynamic}{named})"
        if not inputs and not op.random and len(outputs) == 1 and _elements(setup) <= 1:
            # A constant of one element is made once.
            value = kernel(self.xp, **args)
            return [self.name("c", value)]
        self._line(op, outputs, text)
        return outputs

    def dtype(self, kind: str) -> Any:
        """Return the namespace's dtype for a dtype class."""
        name = self.place.compute_dtype(kind).name
        return getattr(self.xp, name)

    def _next_lane(self) -> int:
        self.lane += 1
        return self.lane - 1

    def _line(self, op: Operator, outputs: Sequence[str], text: str) -> None:
        target = outputs[0] if len(outputs) == 1 and not op.outputs[0].variadic else ", ".join(outputs) + ","
        self.lines.append(f"{target} = {text}")
        self.calls.append((", ".join(outputs), op))

    def _drop_unused(self, results: Sequence[str]) -> None:
        """Remove the lines whose values nobody reads (saved values without a gradient, for instance)."""
        live = set(results)
        kept = []
        for line in reversed(self.lines):
            target, _, value = line.partition(" = ")
            if not _ or live.intersection(_words(target)):
                live.update(_words(value or line))
                kept.append(line)
        self.lines = kept[::-1]

    def function(self, label: str, parameters: Sequence[str], results: Sequence[str]) -> Callable[..., Any]:
        """Return the function of the lines that results need; values are dropped after their last use."""
        self._drop_unused(results)
        last: dict[str, int] = {}
        pieces = [_words(line) for line in self.lines]
        for at, words in enumerate(pieces):
            for word in words:
                last[word] = at
        body = []
        for at, line in enumerate(self.lines):
            body.append(line)
            dead = [w for w in pieces[at] if last[w] == at and w not in results]
            if dead and at + 1 < len(self.lines):
                body.append(" = ".join(dead) + " = None")
        first = ["state"] if self.uses_state else []
        head = f"def run({', '.join([*first, *parameters])}):"
        tail = f"return ({''.join(r + ', ' for r in results)})"
        source = "\n    ".join([head, *body, tail])
        exec(compile(source, f"<nnabla {label}>", "exec"), self.scope)
        run = self.scope["run"]
        run.source = source
        return run


def _elements(setup: Setup) -> int:
    size = 1
    for n in setup.out_shapes[0]:
        size *= n
    return size


def _words(line: str) -> list[str]:
    """Return the names of values in a generated line (they are 'v' and a number)."""
    words = []
    for part in line.replace("(", " ").replace(")", " ").replace(",", " ").split():
        if part[0] == "v" and part[1:].isdigit() and part not in words:
            words.append(part)
    return words


def _parameters(kernel: Callable[..., Any]) -> set[str] | None:
    """Return the names a kernel takes, or None if it takes any."""
    found = _kernel_parameters.get(kernel)
    if found is None:
        signature = inspect.signature(kernel)
        anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.parameters.values())
        found = (None if anything else set(signature.parameters),)
        _kernel_parameters[kernel] = found
    return found[0]


_kernel_parameters: dict[Callable[..., Any], tuple[set[str] | None]] = {}


class Prepared:
    """An operator's forward on one place: dtypes to read inputs in, the call, and what to do with results.

    Attributes:
        run: The call; it takes the random state first if ``random``, then the inputs that are given.
        in_dtypes: One per given input.
        out_dtypes: Dtype in which each output is kept.
        converts: Output numbers whose computed dtype is another one.
        fresh: Whether each result is memory of its own.
        updates: Numbers of the inputs that results after the outputs replace.
        saved: Names of the saved values after those.
        kept: Symbols of the gradient's trace that follow after those.
    """

    __slots__ = (
        "compute_dtypes",
        "fresh",
        "in_dtypes",
        "keep",
        "kept",
        "out_dtypes",
        "place",
        "random",
        "run",
        "saved",
        "setup",
        "simple",
        "updates",
    )

    def __init__(self, setup: Setup, place: Place, keep: bool) -> None:
        op = setup.op
        self.setup, self.place, self.keep = setup, place, keep
        writer = _Writer(place)
        kinds = [None if s is None else op.input_spec(i).kind for i, s in enumerate(setup.in_shapes)]
        self.in_dtypes = [place.compute_dtype(k) for k in kinds if k is not None]
        inputs = [None if k is None else writer.name("v") for k in kinds]
        self.kept: list[int] = []
        gradient = gradient_trace(setup) if keep and _keeps(setup) else None
        if gradient is not None:
            results, self.kept = _write_keeping(writer, setup, gradient, inputs)
        else:
            results = writer.call(setup, inputs, ["float" if k == "any" else k for k in kinds])
        count = len(setup.out_shapes)
        extra = _extra_names(setup)
        wanted = results if keep else results[: count + len(extra[0])]
        self.updates = [[s.name for s in op.inputs].index(n) for n in extra[0]]
        self.saved = extra[1] if keep else []
        # Results that are inputs, constants or views are not memory of their own.
        made_by = {name: op_ for names, op_ in writer.calls for name in names.split(", ")}
        seen: set[str] = set()
        self.fresh = []
        for name in wanted:
            maker = made_by.get(name)
            self.fresh.append(maker is not None and not maker.views and name not in seen)
            seen.add(name)
        self.random = writer.uses_state
        same = next((k for k in kinds if k is not None), "float")
        out_kinds = [same if k == "same" else k for k in setup.out_kinds]
        out_kinds = ["float" if k == "any" else k for k in out_kinds]
        self.compute_dtypes = [place.compute_dtype(k) for k in out_kinds]
        self.out_dtypes = [place.stored_dtype(k) for k in out_kinds]
        self.run = writer.function(op.name, [n for n in inputs if n is not None], wanted)
        self.simple = (
            count == 1
            and len(wanted) == 1
            and not self.random
            and self.fresh[0]
            and self.compute_dtypes == self.out_dtypes
            and not op.data_dependent
            # NumPy gives a scalar where an array has no dimension; the general path makes it an array.
            and setup.out_shapes[0] != ()
        )


def _keeps(setup: Setup) -> bool:
    """Whether forward keeps the intermediate values of its body that the gradient reads."""
    op = setup.op
    return op.gradient_rule is None and op.body is not None and op.differentiable and op.keep


def _extra_names(setup: Setup) -> tuple[list[str], list[str]]:
    op = setup.op
    if op.body is not None and (op.updates or op.saved or op.saved_values):
        return list(setup.trace.updates), list(setup.trace.saved)
    names = [spec.name for spec in op.inputs]
    return [n for n in op.updates if setup.in_shapes[names.index(n)] is not None], list(op.saved)


def _write_keeping(
    writer: _Writer, setup: Setup, gradient: GradientTrace, inputs: Sequence[str | None]
) -> tuple[list[str], list[int]]:
    """Write the body as the gradient's trace has it, and return also what the gradient reads of it."""
    trace = gradient.trace
    names = {s.number: n for s, n in zip(gradient.inputs, inputs) if s is not None and n is not None}
    body = trace.nodes[: gradient.forward_nodes]
    inside = {s.number for node in body for s in node.outputs}
    kept = sorted(_crossing(gradient) & inside)
    results = [*trace.outputs, *trace.updates.values(), *trace.saved.values()]
    targets = [*results, *(trace.symbols[i] for i in kept)]
    for node in trace.needed(targets, names):
        writer.node(node, names)
    return [names[s.number] for s in targets], kept


def _crossing(gradient: GradientTrace) -> set[int]:
    """Return the numbers of the values that the gradient proper reads."""
    trace = gradient.trace
    body = set(range(gradient.forward_nodes))
    used = {g.number for g in gradient.grads if g is not None}
    stop = {s.number for node in trace.nodes[: gradient.forward_nodes] for s in node.outputs}
    for node in trace.needed([g for g in gradient.grads if g is not None], stop):
        if node.number not in body:
            used.update(s.number for s in node.inputs if s is not None)
    return used


def prepare_forward(setup: Setup, ctx: Any, keep: bool, dtype: np.dtype | None = None) -> Prepared:
    """Return how an operator runs in a context; ``keep`` what its gradient needs.

    ``dtype`` is that of the first input's data. Operators that keep integers compute and keep them in it; for all
    others it does not matter.
    """
    integers = dtype is not None and setup.op.integers and dtype.kind in "iu"
    key = (ctx.key, keep, dtype) if integers else (ctx.key, keep)
    found = setup.prepared.get(key)
    if found is None:

        def make(place: Place) -> Prepared:
            if integers:
                place = Place(place.backend, place.library, NumericTypes(dtype, dtype))  # type: ignore[arg-type]
            return Prepared(setup, place, keep)

        found = setup.prepared[key] = _first_able(setup, ctx, make)
    return found


def _first_able(setup: Setup, ctx: Any, make: Callable[[Place], Any]) -> Any:
    missing = []
    for place in places(ctx):
        try:
            return make(place)
        except CannotRun as lacking:
            missing.append(f"{place.backend.name} (no kernel for {lacking})")
    raise StateError(
        f"{setup.op.snake_name}: no backend of the context computes it with arguments {setup.args}: "
        f"{', '.join(missing)}; add a backend that does to the context, for instance 'cpu:float'"
    )


class PreparedGradient:
    """An operator's backward on one place.

    Attributes:
        run: Takes what ``reads`` lists, in order; returns the gradients that ``gives`` lists.
        reads: ``('in', i)``, ``('out', o)``, ``('dout', o)``, ``('saved', name)``, ``('kept', k)``, and dtypes.
        gives: Numbers of the inputs whose gradients come.
        updates: Numbers of the inputs whose new data comes after the gradients.
        into: Numbers of the inputs whose gradients are added to arrays that ``run`` takes before what it reads,
            and the shape in which it takes them.
        adds: Numbers of the inputs for which that is possible, with the same shape.
        fresh: Whether each is memory of its own.
    """

    __slots__ = ("adds", "fresh", "gives", "into", "place", "reads", "run", "updates")

    def __init__(
        self, setup: Setup, place: Place, need: tuple[bool, ...], kept: Sequence[int], into: frozenset[int]
    ) -> None:
        self.place = place
        gradient = gradient_trace(setup)
        kernel = place.backend.backward_kernels.get(setup.op.name)
        self.adds: dict[int, tuple[int, ...]] = {}
        self.into: list[tuple[int, tuple[int, ...]]] = []
        names = [spec.name for spec in setup.op.inputs]
        self.updates = [names.index(n) for n in gradient.updates]
        if kernel is not None and place.backend.supports(setup.op, setup.args):
            self._from_kernel(setup, gradient, kernel, need)
        else:
            self._from_trace(gradient, need, kept, into)

    def _from_kernel(self, setup: Setup, gradient: GradientTrace, kernel: Any, need: tuple[bool, ...]) -> None:
        op, place = setup.op, self.place
        in_names = [spec.name for spec in op.inputs]
        out_names = [spec.name for spec in op.outputs]
        reads: list[tuple[str, Any, np.dtype]] = []
        for name in kernel.reads:
            if name in in_names:
                i = in_names.index(name)
                if setup.in_shapes[i] is not None:
                    reads.append(("in", i, place.compute_dtype(op.inputs[i].kind)))
                else:
                    reads.append(("none", None, place.types.compute))
            elif name in out_names:
                o = out_names.index(name)
                reads.append(("out", o, place.compute_dtype(op.outputs[o].kind)))
            else:
                kind = gradient.saved[name].kind if name in gradient.saved else "float"
                reads.append(("saved" if name in gradient.saved else "none", name, place.compute_dtype(kind)))
        split = len(reads)
        reads += [("dout", o, place.types.compute) for o in range(len(setup.out_shapes))]
        self.reads = reads
        self.gives = [i for i, n in enumerate(need) if n and setup.in_shapes[i] is not None]
        self.fresh = [True] * len(self.gives)
        compute, xp, args, gives = kernel.compute, place.backend.namespace, setup.args, self.gives

        def run(*values: Any) -> tuple[Any, ...]:
            grads = compute(xp, values[:split], values[split:], need, args)
            return tuple(grads[i] for i in gives)

        self.run = run

    def _from_trace(
        self, gradient: GradientTrace, need: tuple[bool, ...], kept: Sequence[int], into: frozenset[int]
    ) -> None:
        trace, place = gradient.trace, self.place
        wanted = [i for i, (g, n) in enumerate(zip(gradient.grads, need)) if n and g is not None]
        scattered = _scattered(gradient, wanted, place)
        self.adds = {i: node.setup.out_shapes[0] for i, node in scattered.items()}
        self.gives = [i for i in wanted if i not in into]
        adding = [scattered[i] for i in wanted if i in into]
        self.into = [(i, self.adds[i]) for i in wanted if i in into]
        targets = [gradient.grads[i] for i in self.gives]
        targets += [*(s for node in adding for s in node.inputs), *gradient.updates.values()]
        sources: dict[int, tuple[str, Any]] = {}
        for what, symbols in (("in", gradient.inputs), ("out", gradient.outputs), ("dout", gradient.douts)):
            for i, symbol in enumerate(symbols):
                if symbol is not None:
                    sources[symbol.number] = (what, i)
        for name, symbol in gradient.saved.items():
            sources[symbol.number] = ("saved", name)
        for k, number in enumerate(kept):
            sources[number] = ("kept", k)
        writer = _Writer(place)
        nodes = trace.needed([t for t in targets if t is not None], sources)
        used = {s.number for node in nodes for s in node.inputs if s is not None}
        used |= {t.number for t in targets if t is not None}
        names, self.reads = {}, []
        parameters = [writer.name("v") for _ in adding]
        held = tuple(parameters)
        for number, (what, at) in sources.items():
            if number in used:
                names[number] = writer.name("v")
                parameters.append(names[number])
                self.reads.append((what, at, place.compute_dtype(trace.symbols[number].kind)))
        for node in nodes:
            writer.node(node, names)
        results = [names[gradient.grads[i].number] for i in self.gives]  # type: ignore[union-attr]
        results += [names[s.number] for s in gradient.updates.values()]
        for target, node in zip(held, adding):
            writer.add_into(target, node, names)
        made_by = {name: op for line, op in writer.calls for name in line.split(", ")}
        self.fresh = [
            (maker := made_by.get(name)) is not None and not maker.views and results.index(name) == at
            for at, name in enumerate(results)
        ]
        if writer.uses_state:
            raise StateError(f"{gradient.setup.op.name}: a gradient may not draw random numbers; save the draw")
        self.run = writer.function(gradient.setup.op.name + "'", parameters, results)


def _scattered(gradient: GradientTrace, wanted: Sequence[int], place: Place) -> dict[int, Node]:
    """Return, by input, the node that makes its gradient if that adds a few values into a large array."""
    if not place.library.mutable:
        return {}
    found: dict[int, Node] = {}
    for i in wanted:
        node = gradient.grads[i].node  # type: ignore[union-attr]
        while node is not None and node.op.name == "Reshape":
            node = node.inputs[0].node  # type: ignore[union-attr]
        if node is not None and node.op.accumulate_kernel is not None and node not in found.values():
            found[i] = node
    return found


def prepare_gradient(
    setup: Setup,
    ctx: Any,
    need: tuple[bool, ...],
    kept: Sequence[int] = (),
    into: frozenset[int] = frozenset(),
) -> PreparedGradient:
    """Return how an operator's gradients for the inputs that ``need`` them are computed in a context.

    Those of the inputs ``into`` are not returned but added to arrays, which come before the other values.
    """
    key = (ctx.key, need, bool(kept), into)
    found = setup.prepared.get(key)
    if found is None:
        found = _first_able(setup, ctx, lambda place: PreparedGradient(setup, place, need, kept, into))
        setup.prepared[key] = found
    return found
