"""Writes nodes of a trace out as the lines of one Python function over kernels."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from nnabla.lowering.place import CannotRun, Place
from nnabla.ops.definition import Operator, Setup, prod
from nnabla.ops.trace import Node, extra_outputs

__all__ = ["Writer"]

#: Operators that show all elements of their input, each once: who owns that owns what they give.
_REARRANGING = ("Reshape", "Transpose")


class Writer:
    """Writes nodes of a trace out as the lines of one Python function."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.xp = place.backend.namespace
        self.scope: dict[str, Any] = {"xp": self.xp}
        self.lines: list[str] = []
        #: Names of results, the operator, and the first input of each call.
        self.calls: list[tuple[str, Operator, str | None]] = []
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
            if kernel is not None and (self.xp is None or not _is_number(setup)):
                return self.kernel(setup, kernel, inputs, kinds)
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

    def kernel(
        self,
        setup: Setup,
        kernel: Callable[..., Any],
        inputs: Sequence[str | None],
        kinds: Sequence[str | None],
        dtype: Any = None,
    ) -> list[str]:
        """Write a call of a backend's kernel for an operator and return the names of what it gives.

        ``dtype``: that of the first output, where the kernel gives another than the operator itself.
        """
        outputs = self._results(setup)
        given = "".join(f"{n}, " for n in inputs)
        values = setup.args
        if dtype is not None:
            values = {**values, "dtype": dtype}
        elif setup.op.draws or _takes_dtype(setup):
            values = {**values, "dtype": self._first_dtype(setup, kinds)}
        args = self.name("a", values)
        if setup.op.draws:
            self.uses_state = True
            args = f"dict({args}, state=state, lane={self._next_lanes(setup)})"
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
            args["dtype"] = self._first_dtype(setup, kinds)
        if op.random:
            self.uses_state = True
            dynamic = ", state=state"
            args["lane"] = self._next_lanes(setup)
        given = "".join(f", {n}" for n in inputs)
        named = f", **{self.name('a', args)}" if args else ""
        outputs = self._results(setup)
        text = f"{function}(xp{given}{dynamic}{named})"
        if _is_number(setup):
            # A constant of one element is made once.
            value = kernel(self.xp, **args)
            return [self.name("c", value)]
        self._line(op, outputs, text)
        return outputs

    def dtype(self, kind: str) -> Any:
        """Return the namespace's dtype for a dtype class, NumPy's where there is no namespace."""
        dtype = self.place.compute_dtype(kind)
        return dtype if self.xp is None else getattr(self.xp, dtype.name)

    def _first_dtype(self, setup: Setup, kinds: Sequence[str | None]) -> Any:
        """Return the dtype in which the first output is computed."""
        kind = setup.out_kinds[0]
        if kind == "same":
            kind = next((k for k in kinds if k is not None), "float")
        return self.dtype(kind)

    def _next_lanes(self, setup: Setup) -> int:
        """Return the first of the lanes that an operator draws from, and leave as many out as its body takes."""
        self.lane += _lanes(setup)
        return self.lane - _lanes(setup)

    def _line(self, op: Operator, outputs: Sequence[str], text: str) -> None:
        target = outputs[0] if len(outputs) == 1 and not op.outputs[0].variadic else ", ".join(outputs) + ","
        self.lines.append(f"{target} = {text}")
        self.calls.append((", ".join(outputs), op, next(iter(_words(text)), None)))

    def fresh(self, results: Sequence[str]) -> list[bool]:
        """Return for each result whether it is memory of its own: no input, constant, or part of another result."""
        made_by = {name: (op, source) for names, op, source in self.calls for name in names.split(", ")}

        def origin(name: str) -> str:
            while name in made_by and made_by[name][0].name in _REARRANGING and made_by[name][1] is not None:
                name = made_by[name][1]  # type: ignore[assignment]
            return name

        origins = [origin(name) for name in results]
        found = []
        for at, (name, first) in enumerate(zip(results, origins)):
            made = first in made_by and not made_by[first][0].views
            # Of a value that is returned twice the first is its own; a view is if nothing else shows its memory.
            alone = results.index(name) == at if name == first else origins.count(first) == 1
            found.append(made and alone)
        return found

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


def _is_number(setup: Setup) -> bool:
    """Whether a primitive is a constant of one element, which is made once by its reference kernel."""
    op = setup.op
    return (
        not setup.in_shapes
        and op.reference_kernel is not None
        and not op.draws
        and len(setup.out_shapes) == 1
        and prod(setup.out_shapes[0]) <= 1
    )


def _lanes(setup: Setup) -> int:
    """Return from how many lanes an operator draws: those of its body, or one."""
    op = setup.op
    if op.body is None or not op.draws:
        return int(op.draws)
    trace = setup.trace
    results = [*trace.outputs, *trace.updates.values(), *trace.saved.values()]
    return sum(_lanes(node.setup) for node in trace.needed(results))


def _words(line: str) -> list[str]:
    """Return the names of values in a generated line (they are 'v' and a number)."""
    words = []
    for part in line.replace("(", " ").replace(")", " ").replace(",", " ").split():
        if part[0] == "v" and part[1:].isdigit() and part not in words:
            words.append(part)
    return words


def _takes_dtype(setup: Setup) -> bool:
    """Whether inputs and arguments alone do not tell the dtype of an operator's output."""
    op = setup.op
    if op.reference_kernel is not None and "dtype" in (_parameters(op.reference_kernel) or ()):
        return True
    return setup.out_kinds[:1] == ("float",) and all(spec.kind == "index" for spec in op.inputs)


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
