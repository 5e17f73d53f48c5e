"""Backward: gradients from one variable to all upstream that need one, with recomputation of dropped data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from nnabla import callback
from nnabla.array.ndarray import NdArray
from nnabla.array.storage import Storage
from nnabla.array.warnings import no_warnings
from nnabla.errors import ArgumentTypeError, ShapeError, StateError
from nnabla.graph import recorder
from nnabla.graph.function import Function
from nnabla.graph.node import Content, Node, changes
from nnabla.graph.order import backward_order
from nnabla.graph.program import WORTH_COMPILING, Segment, Step, hooks, saved_values

__all__ = ["backward"]

Hook = Callable[[Any], Any]
#: The memory of gradients to start from that are a number is kept up to so many elements, and so many of them are.
_MOST_CONSTANT = 4096
_MOST_CONSTANTS = 8
#: What goes after each step of a backward that clears nothing.
_NEVER: Iterable[tuple[list[Content], list[Content]]] = repeat(([], []))


class _BackwardStep(Step):
    """A function's backward: which inputs need a gradient, and which of those are first writes."""

    __slots__ = ("douts", "need", "overwrite")

    def __init__(self, function: Function, outs: list[Content | None], douts: list[Content | None]) -> None:
        self.function = function
        self.ins = [n.content for n in function.input_nodes]
        self.outs = outs
        self.douts = douts
        self.need = function.needs
        self.overwrite: list[bool] = []


def _read_contents(step: _BackwardStep) -> list[Content]:
    """Return the contents whose data a step's gradients read."""
    inputs, outputs = step.function.reads(step.need)
    found = [step.ins[i] for i in inputs]
    found += [c for c in (step.outs[o] for o in outputs) if c is not None]
    return found


class BackwardSegment(Segment):
    """Consecutive steps of a backward on one backend; ``clears`` has contents whose grad, and whose data, goes."""

    __slots__ = ()
    direction = "backward"

    def __init__(self, backend: Any) -> None:
        super().__init__(backend, [], [])
        self._runs = 1  # there are segments from the program's second run on

    def run(self) -> None:
        with no_warnings():
            for at in range(len(self.steps)):
                self.run_step(at)

    def run_step(self, at: int) -> None:
        step, (grads, datas) = self.steps[at], self.clears[at]
        step.function.differentiate(step.ins, step.outs, step.douts, step.need, step.overwrite, grads)
        for content in grads:
            content.grad._storage.clear()
        for content in datas:
            content.data._storage.clear()

    def touched(self, at: int) -> tuple[list[Any], list[Any]]:
        step, (grads, datas) = self.steps[at], self.clears[at]
        read = [content.data for content in _read_contents(step)]
        read += [content.grad for content in step.douts if content is not None]
        read += saved_values(step.function)
        written = [content.grad for content, need in zip(step.ins, step.need) if need]
        # What is added to is read, if there is anything.
        read += [c.grad for c, need, first in zip(step.ins, step.need, step.overwrite) if need and not first]
        written += [content.grad for content in grads] + [content.data for content in datas]
        return read, written


class BackwardProgram:
    """The backward of one root: steps in order, first writers, what may be cleared after each step.

    A dynamic graph makes one for every step of training, so it is made in one pass, and what only some runs need
    (what is cleared, what is computed again) when they do.
    """

    def __init__(self, root: Node) -> None:
        self.count = changes.count
        self.steps: list[_BackwardStep] = []
        top = root.content
        written: set[int] = set()
        self.recomputes = root.recompute
        for function in backward_order(root):
            outs = function.output_contents()
            holds = False
            if function.keeps_inputs:
                # A sink may start from the gradients that its inputs hold.
                douts, holds = outs, not function.arguments["one_input_grad"]
            else:
                # An output that nobody downstream gave a gradient has none (zero), whatever is held there.
                douts = [c if c is not None and (c is top or id(c.grad._storage) in written) else None for c in outs]
            step = _BackwardStep(function, outs, douts)
            self.steps.append(step)
            overwrite = step.overwrite
            for node, need in zip(function.input_nodes, step.need):
                if node.recompute:
                    self.recomputes = True
                if not need:
                    overwrite.append(False)
                    continue
                storage = id(node.content.grad._storage)
                overwrite.append(node.parent is not None and storage not in written and not holds)
                written.add(storage)
        self._clears: list[tuple[list[Content], list[Content]]] | None = None
        self._segments: dict[tuple[bool, bool], list[BackwardSegment]] = {}
        self.runs = 0
        self.constants: dict[float, NdArray] = {}

    def segments(self, top: Content, temporary: bool, clear_buffer: bool) -> list[BackwardSegment]:
        """Return the steps in segments of one backend each, with what goes after each step."""
        found = self._segments.get((temporary, clear_buffer))
        if found is None:
            clears = self.clears() if clear_buffer else [([], [])] * len(self.steps)
            found = []
            for step, (grads, datas) in zip(self.steps, clears):
                grads = [c for c in grads if temporary or c is not top]
                datas = [c for c in datas if c is not top]
                backend = step.function.backend(step.ins)
                if not found or found[-1].backend is not backend or backend is None:
                    found.append(BackwardSegment(backend))
                found[-1].steps.append(step)
                found[-1].clears.append((grads, datas))
            self._segments[temporary, clear_buffer] = found
        return found

    def clears(self) -> list[tuple[list[Content], list[Content]]]:
        """Return for each step the contents whose grad, and those whose data, goes after it."""
        if self._clears is None:
            self._clears = self._plan_clears()
        return self._clears

    def _plan_clears(self) -> list[tuple[list[Content], list[Content]]]:
        last: dict[int, int] = {}
        # Memory of leaves and of what is persistent stays, and so does what a sink takes and what is persistent itself.
        kept: set[int] = set()
        spared: set[int] = set()
        for at, step in enumerate(self.steps):
            function = step.function
            for node in function.input_nodes:
                content = node.content
                storage = id(content.data._storage)
                last[storage] = at
                if node.parent is None or node.persistent:
                    kept.add(storage)
            if function.keeps_inputs:
                spared.update([id(content) for content in step.ins])
            for ref, made in zip(function.output_refs, step.outs):
                if made is None:
                    continue
                storage = id(made.data._storage)
                last[storage] = at
                output = ref()
                if output is not None and (output.persistent or output.parent is None):
                    kept.add(storage)
                    if output.persistent:
                        spared.add(id(made))
        result = []
        for at, step in enumerate(self.steps):
            grads = [c for c in step.outs if c is not None and id(c) not in spared]
            datas = [c for c in grads if (s := id(c.data._storage)) not in kept and last[s] == at]
            result.append((grads, datas))
        return result


def _program(root: Node) -> BackwardProgram:
    if root.programs is None:
        root.programs = {}
    found = root.programs.get("backward")
    if found is None or found.count != changes.count:
        found = root.programs["backward"] = BackwardProgram(root)
    return found


def _constant_seed(content: Content, grad: float, program: BackwardProgram) -> NdArray:
    """Return the gradient to start from that is a number, which is the same NdArray each time.

    Of few elements its memory is the same, too, and all that was found for it.
    """
    found = program.constants.get(grad)
    if found is None:
        if len(program.constants) >= _MOST_CONSTANTS:
            program.constants.clear()
        data = content.data
        found = program.constants[grad] = NdArray._over(Storage(data._storage.size), data.shape)
    if found._storage.array is None:
        found.fill(float(grad))
    return found


def _seed(variable: Any, grad: Any) -> NdArray:
    """Return the gradient to start from as an NdArray."""
    if grad is None:
        return variable.grad
    if isinstance(grad, NdArray):
        if grad.shape != variable.shape:
            raise ShapeError(f"Variable.backward: grad has shape {grad.shape}, the Variable {variable.shape}")
        return grad
    seed = NdArray._over(Storage(variable.size), variable.shape)
    if isinstance(grad, np.ndarray):
        if grad.shape != variable.shape:
            raise ShapeError(f"Variable.backward: grad has shape {grad.shape}, the Variable {variable.shape}")
        seed.data = grad
        return seed
    if isinstance(grad, (int, float, np.generic)):
        seed.fill(float(grad))
        return seed
    raise ArgumentTypeError(
        f"Variable.backward: grad is a number, a NumPy array, an NdArray or None, not {type(grad).__name__}"
    )


def backward(
    variable: Any,
    grad: Any = 1,
    clear_buffer: bool = False,
    communicator_callbacks: Any = None,
    pre_hook: Hook | None = None,
    post_hook: Hook | None = None,
) -> None:
    """Run backward from ``variable``; see :meth:`nnabla.Variable.backward`."""
    root = variable._node
    if root.parent is None:
        raise StateError(
            "Variable.backward: the Variable has no parent function; call backward on the output of a function"
        )
    program = _program(root)
    content = root.content
    constant = type(grad) in (int, float)
    kept = constant and content.data._storage.size <= _MOST_CONSTANT
    seed = _constant_seed(content, grad, program) if constant else _seed(variable, grad)
    if not program.steps:
        return
    before = hooks(pre_hook, callback.function_pre_hooks())
    after = hooks(post_hook, callback.function_post_hooks())
    exchanges = () if communicator_callbacks is None else _callbacks(communicator_callbacks)
    temporary = seed is not grad and grad is not None
    program.runs += 1
    observed = program.recomputes or before or after or exchanges or recorder.active is not None
    # While it runs, the root's gradient is the one given; afterwards it is again what it was.
    held, content.grad = content.grad, seed
    try:
        if program.runs >= WORTH_COMPILING and not observed:
            for segment in program.segments(content, temporary and not kept, clear_buffer):
                segment.execute()
        else:
            with no_warnings():
                _interpret(program, content, temporary, clear_buffer, before, after, exchanges)
    finally:
        content.grad = held
        if constant and not kept:
            seed._storage.clear()


def _callbacks(given: Any) -> Sequence[Any]:
    return given if isinstance(given, (list, tuple)) else [given]


def _interpret(
    program: BackwardProgram,
    top: Content,
    temporary: bool,
    clear_buffer: bool,
    before: Iterable[Hook],
    after: Iterable[Hook],
    exchanges: Sequence[Any],
) -> None:
    """Run step by step, with those who look on."""
    clears = program.clears() if clear_buffer else _NEVER
    record = recorder.active
    refill = _Refill(program, clear_buffer) if program.recomputes else None
    observed = refill is not None or record is not None or before or after or exchanges
    for at, (step, (grads, datas)) in enumerate(zip(program.steps, clears)):
        function = step.function
        if observed:
            if refill is not None:
                refill.before(at)
            for hook in before:
                hook(function)
        if grads and (temporary or top not in grads):
            function.differentiate(step.ins, step.outs, step.douts, step.need, step.overwrite, grads)
        else:
            function.differentiate(step.ins, step.outs, step.douts, step.need, step.overwrite)
        for content in grads:
            if temporary or content is not top:
                content.grad._storage.clear()
        for content in datas:
            if content is not top:
                content.data._storage.clear()
        if observed:
            if refill is not None:
                refill.after(at)
            if record is not None:
                record.forward(function)
            for hook in after:
                hook(function)
            for exchange in exchanges:
                exchange.on_function_backward(function)
    for exchange in exchanges:
        exchange.on_finish_backward()


class _Refill:
    """Computes data again that forward dropped (``recompute``), just before a backward step reads it.

    Of what was computed again, that which no gradient reads is dropped after its last use at once. The rest goes as
    everything does in backward with ``clear_buffer``, and otherwise when no later step reads it. Memory is what is
    dropped, so all is told by storages: aliases have one in common.
    """

    def __init__(self, program: BackwardProgram, clear_buffer: bool) -> None:
        self.clear_buffer = clear_buffer
        self.reads = [_read_contents(step) for step in program.steps]
        self.last = {_memory(c): at for at, contents in enumerate(self.reads) for c in contents}
        self.owner: dict[int, Node] = {}
        self.held: dict[int, Content] = {}
        self.pinned: set[int] = set()
        for step in program.steps:
            for node in (*step.function.input_nodes, *(r() for r in step.function.output_refs)):
                if node is not None:
                    self._own(node)

    def _own(self, node: Node) -> None:
        self.owner[id(node.content)] = node
        if node.persistent or node.parent is None:
            self.pinned.add(_memory(node.content))

    def before(self, at: int) -> None:
        """Make the data that step ``at`` reads present."""
        for content in self.reads[at]:
            if content.data._storage.cleared:
                node = self.owner.get(id(content))
                if node is not None and node.parent is not None:
                    self._compute(node, at)

    def _upstream(self, node: Node) -> list[Function]:
        """Return the functions between ``node`` and what is present, inputs first."""
        planned: list[Function] = []
        seen: set[int] = set()
        path: list[tuple[Any, bool]] = [(node.parent, False)]
        while path:
            function, done = path.pop()
            if done:
                planned.append(function)
            elif id(function) not in seen:
                seen.add(id(function))
                path.append((function, True))
                for source in reversed(function.input_nodes):
                    if source.content.data._storage.cleared and source.parent is not None:
                        self._own(source)
                        path.append((source.parent, False))
        return planned

    def _compute(self, node: Node, at: int) -> None:
        steps = [Step(function) for function in self._upstream(node)]
        final = {_memory(c): number for number, step in enumerate(steps) for c in step.ins}
        made: dict[int, Content] = {}
        for number, step in enumerate(steps):
            made.update((_memory(c), c) for c in step.outs if c is not None and c.data._storage.cleared)
            step.function.execute(step.ins, step.outs, again=True)
            for content in step.ins:
                key = _memory(content)
                unread = self.last.get(key, -1) < at and content is not node.content
                if key in made and final[key] == number and unread and key not in self.pinned:
                    content.data._storage.clear()
            if recorder.active is not None:
                recorder.active.forward(step.function)
        self.held.update((k, c) for k, c in made.items() if self.last.get(k, -1) >= at)

    def after(self, at: int) -> None:
        """Drop what was computed again and is not read after step ``at``."""
        if self.clear_buffer:
            return
        for key, content in list(self.held.items()):
            if self.last.get(key, -1) <= at:
                if key not in self.pinned:
                    content.data._storage.clear()
                del self.held[key]


def _memory(content: Content) -> int:
    return id(content.data._storage)
