"""Forward: an operator set up on shapes, prepared for a context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.lowering.place import Place, first_able
from nnabla.lowering.writer import Writer
from nnabla.ops.definition import Setup
from nnabla.ops.trace import GradientTrace, constant_value, gradient_trace
from nnabla.plugins.backend import NumericTypes

__all__ = ["Prepared", "prepare_forward"]


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
        constant: The one value that the only result has everywhere, or None.
        gradients: How gradients are computed, by which inputs need one; filled as they are asked for.
    """

    __slots__ = (
        "compute_dtypes",
        "constant",
        "fresh",
        "gradients",
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
        writer = Writer(place)
        kinds = [None if s is None else op.input_spec(i).kind for i, s in enumerate(setup.in_shapes)]
        self.in_dtypes = [place.compute_dtype(k) for k in kinds if k is not None]
        inputs = [None if k is None else writer.name("v") for k in kinds]
        self.kept: list[int] = []
        self.gradients: dict[tuple[bool, ...], Any] = {}
        gradient = gradient_trace(setup) if keep and _keeps(setup, place) else None
        if gradient is not None:
            results, self.kept = _write_keeping(writer, setup, gradient, inputs)
        elif _gives_numbers(setup, place):
            results = writer.kernel(
                setup, place.backend.kernels[f"{op.name}.float"], inputs, kinds, place.types.compute
            )
        else:
            results = writer.call(setup, inputs, ["float" if k == "any" else k for k in kinds])
        count = len(setup.out_shapes)
        extra = _extra_names(setup)
        wanted = results if keep else results[: count + len(extra[0])]
        self.updates = [[s.name for s in op.inputs].index(n) for n in extra[0]]
        self.saved = extra[1] if keep else []
        self.fresh = writer.fresh(wanted)
        self.random = writer.uses_state
        same = next((k for k in kinds if k is not None), "float")
        out_kinds = [same if k == "same" else k for k in setup.out_kinds]
        out_kinds = ["float" if k == "any" else k for k in out_kinds]
        if _gives_numbers(setup, place):
            out_kinds = ["float"]
        self.compute_dtypes = [place.compute_dtype(k) for k in out_kinds]
        self.out_dtypes = [place.stored_dtype(k) for k in out_kinds]
        self.run = writer.function(op.name, [n for n in inputs if n is not None], wanted)
        self.constant = _constant(setup) if len(wanted) == 1 and not op.aliases else None
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


def _constant(setup: Setup) -> float | None:
    """Return the value that an operator's one result has everywhere, if its body says so."""
    op = setup.op
    if op.body is None or op.reference_kernel is not None or len(setup.out_shapes) != 1 or op.data_dependent:
        return None
    return constant_value(setup.trace.outputs[0])


def _gives_numbers(setup: Setup, place: Place) -> bool:
    """Whether a kernel gives truth values as the numbers as which they are kept."""
    op, backend = setup.op, place.backend
    return (
        f"{op.name}.float" in backend.kernels
        and tuple(setup.out_kinds) == ("bool",)
        and place.types.store == place.types.compute
        and place.types.compute.kind == "f"
        and backend.supports(op, setup.args)
    )


def _keeps(setup: Setup, place: Place) -> bool:
    """Whether forward keeps the intermediate values of its body that the gradient reads."""
    op, backend = setup.op, place.backend
    if op.name in backend.backward_kernels and backend.supports(op, setup.args):
        return False
    return op.gradient_rule is None and op.body is not None and op.differentiable and op.keep


def _extra_names(setup: Setup) -> tuple[list[str], list[str]]:
    op = setup.op
    if op.body is not None and (op.updates or op.saved or op.saved_values):
        return list(setup.trace.updates), list(setup.trace.saved)
    names = [spec.name for spec in op.inputs]
    return [n for n in op.updates if setup.in_shapes[names.index(n)] is not None], list(op.saved)


def _write_keeping(
    writer: Writer, setup: Setup, gradient: GradientTrace, inputs: Sequence[str | None]
) -> tuple[list[str], list[int]]:
    """Write the body as the gradient's trace has it, and return also what the gradient reads of it."""
    trace = gradient.trace
    names = {s.number: n for s, n in zip(gradient.inputs, inputs) if s is not None and n is not None}
    body = trace.nodes[: gradient.forward_nodes]
    inside = {s.number for node in body for s in node.outputs}
    kept = sorted((_crossing(gradient) & inside) - {s.number for s in gradient.outputs})
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

        found = setup.prepared[key] = first_able(setup, ctx, make)
    return found
