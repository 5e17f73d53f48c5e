"""Backward: an operator's gradients, prepared for a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.errors import StateError
from nnabla.lowering.place import Place, first_able
from nnabla.lowering.writer import Writer
from nnabla.ops.definition import Setup
from nnabla.ops.trace import GradientTrace, Node, constant_value, gradient_trace

__all__ = ["PreparedGradient", "prepare_gradient"]


class PreparedGradient:
    """An operator's backward on one place.

    Attributes:
        run: Takes what ``reads`` lists, in order; returns the gradients that ``gives`` lists.
        reads: ``('in', i)``, ``('out', o)``, ``('dout', o)``, ``('saved', name)``, ``('kept', k)``, and dtypes.
        gives: Numbers of the inputs whose gradients come.
        without: Numbers of the inputs that need a gradient and have none (zero).
        constant: Numbers of the inputs whose gradients have one value everywhere, and that.
        updates: Numbers of the inputs whose new data comes after the gradients.
        into: Numbers of the inputs whose gradients are added to arrays that ``run`` takes before what it reads,
            and the shape in which it takes them.
        adds: Numbers of the inputs for which that is possible, with the same shape.
        fresh: Whether each is memory of its own.

    In ``reads``, ``gives``, ``without``, ``constant`` and ``updates`` inputs are counted among those that are given, in
    ``into`` and ``adds`` among those that are declared.
    """

    __slots__ = ("adds", "constant", "fresh", "gives", "into", "place", "reads", "run", "updates", "without")

    def __init__(
        self,
        setup: Setup,
        place: Place,
        need: tuple[bool, ...],
        kept: Sequence[int],
        into: frozenset[int],
        forward: Place | None,
    ) -> None:
        self.place = place
        gradient = gradient_trace(setup)
        at_home = forward is None or forward.backend is place.backend
        kernel = place.backend.backward_kernels.get(setup.op.name) if at_home else None
        self.reads: list[tuple[str, Any, np.dtype | None]] = []
        self.gives: list[int] = []
        self.adds: dict[int, tuple[int, ...]] = {}
        self.into: list[tuple[int, tuple[int, ...]]] = []
        self.constant: list[tuple[int, float]] = []
        names = [spec.name for spec in setup.op.inputs]
        self.updates = [names.index(n) for n in gradient.updates]
        if kernel is not None and place.backend.supports(setup.op, setup.args):
            self._from_kernel(setup, gradient, kernel, need)
        else:
            self._from_trace(gradient, need, kept if at_home else (), into)
        at = setup.positions
        written = {*self.gives, *(i for i, _ in self.into), *(i for i, _ in self.constant)}
        self.without = [at[i] for i, wanted in enumerate(need) if wanted and i not in written]
        self.gives = [at[i] for i in self.gives]
        self.updates = [at[i] for i in self.updates]
        self.constant = [(at[i], value) for i, value in self.constant]
        self.reads = [(what, at[i] if what == "in" else i, dtype) for what, i, dtype in self.reads]

    def _from_kernel(self, setup: Setup, gradient: GradientTrace, kernel: Any, need: tuple[bool, ...]) -> None:
        op, place = setup.op, self.place
        in_names = [spec.name for spec in op.inputs]
        out_names = [spec.name for spec in op.outputs]
        reads: list[tuple[str, Any, np.dtype | None]] = []
        shapes: dict[int, tuple[int, ...] | None] = {}
        # Inputs that the gradient never reads with arguments as they are here may be gone; kernels get None for them,
        # as for those that were left out.
        kept = {in_names[i] for i in gradient.reads((True,) * len(in_names))[0]} | op.depends_on(setup.args, in_names)
        for at, name in enumerate(kernel.reads):
            if name.endswith("_shape") and name[: -len("_shape")] in in_names:
                shapes[at] = setup.in_shapes[in_names.index(name[: -len("_shape")])]
                reads.append(("none", None, place.types.compute))
            elif name in in_names:
                i = in_names.index(name)
                if name in kept and setup.in_shapes[i] is not None:
                    reads.append(("in", i, place.compute_dtype(op.inputs[i].kind)))
                else:
                    reads.append(("none", None, place.types.compute))
            elif name in out_names:
                o = out_names.index(name)
                reads.append(("out", o, place.compute_dtype(op.outputs[o].kind)))
            else:
                # Kernels may save numbers in fewer bytes than others count in.
                kind = gradient.saved[name].kind if name in gradient.saved else "float"
                dtype = None if kind == "index" else place.compute_dtype(kind)
                reads.append(("saved" if name in gradient.saved else "none", name, dtype))
        split = len(reads)
        reads += [("dout", o, place.types.compute) for o in range(len(setup.out_shapes))]
        self.reads = reads
        self.gives = [i for i, (g, n) in enumerate(zip(gradient.grads, need)) if n and g is not None]
        self.fresh = [True] * len(self.gives)
        compute, xp, args, gives = kernel.compute, place.backend.namespace, setup.args, self.gives

        def run(*values: Any) -> tuple[Any, ...]:
            read: Any = values[:split]
            if shapes:
                read = [shapes.get(at, value) for at, value in enumerate(read)]
            grads = compute(xp, read, values[split:], need, args)
            return tuple([grads[i] for i in gives])

        self.run = run

    def _from_trace(
        self, gradient: GradientTrace, need: tuple[bool, ...], kept: Sequence[int], into: frozenset[int]
    ) -> None:
        trace, place = gradient.trace, self.place
        wanted = [i for i, (g, n) in enumerate(zip(gradient.grads, need)) if n and g is not None]
        constant = {i: v for i in wanted if (v := constant_value(gradient.grads[i])) is not None}
        self.constant = list(constant.items())
        wanted = [i for i in wanted if i not in constant]
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
        writer = Writer(place)
        nodes = trace.needed([t for t in targets if t is not None], sources)
        used = {s.number for node in nodes for s in node.inputs if s is not None}
        used |= {t.number for t in targets if t is not None}
        names: dict[int, str] = {}
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
        self.fresh = writer.fresh(results)
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
        if node is not None and _adds(node, place) and node not in found.values():
            found[i] = node
    return found


def _adds(node: Node, place: Place) -> bool:
    """Whether a place has what adds an operator's result to an array: its own kernel, or the reference one."""
    if node.op.name in place.backend.accumulate_kernels:
        return node.op.accumulate_kernel is not None
    return node.op.accumulate_kernel is not None and place.backend.namespace is not None


def prepare_gradient(
    setup: Setup,
    ctx: Any,
    need: tuple[bool, ...],
    kept: Sequence[int] = (),
    into: frozenset[int] = frozenset(),
    place: Place | None = None,
) -> PreparedGradient:
    """Return how an operator's gradients for the inputs that ``need`` them are computed in a context.

    Args:
        need: Per declared input.
        kept: Symbols of the gradient's trace that forward kept.
        into: Inputs whose gradients are not returned but added to arrays, which come before the other values.
        place: Where forward ran. It alone may use its kernels and what it kept; elsewhere the gradient's graph runs.
    """
    key = (ctx.key, need, bool(kept), into)
    found = setup.prepared.get(key)
    if found is None:
        found = first_able(setup, ctx, lambda at: PreparedGradient(setup, at, need, kept, into, place), place)
        setup.prepared[key] = found
    return found
