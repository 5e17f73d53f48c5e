"""Forward programs: what ``forward`` runs, made once per graph and run until the graph changes.

A program is a list of steps over the variables' contents. Which memory is bound, whether something is cleared
and whether an observer looks on is found when it runs. Consecutive steps on one backend form a segment, which
the backend may compile.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nnabla import callback
from nnabla.array.library import HOST, ArrayLibrary
from nnabla.array.warnings import no_warnings
from nnabla.errors import ArgumentTypeError, StateError
from nnabla.graph import recorder
from nnabla.graph.function import Function
from nnabla.graph.node import Content, Node, changes, resize
from nnabla.graph.order import functions_of
from nnabla.logger import logger

__all__ = ["ForwardProgram", "Segment", "Step", "explain", "forward", "forward_program", "hooks", "run_now"]

Hook = Callable[[Any], Any]
_MOST_PROGRAMS = 16  # of one variable, which outlives the others that it is run together with
#: The run from which on a backend is asked to compile.
WORTH_COMPILING = 2
PLAIN, CLEAR_BUFFER, CLEAR_NO_NEED_GRAD = 0, 1, 2


class Step:
    """One function with the contents it reads and writes (None for outputs that nobody holds)."""

    __slots__ = ("function", "ins", "outs")

    def __init__(self, function: Function) -> None:
        self.function = function
        self.ins = [n.content for n in function.input_nodes]
        self.outs = function.output_contents()

    def __repr__(self) -> str:
        return f"Step({self.function.name})"


class Segment:
    """Consecutive steps of one backend, with what is cleared after each of them.

    Attributes:
        backend: The backend, None for functions in Python.
        steps: The steps in order.
        clears: For each step the storages' owners (NdArrays) whose memory goes after it.
    """

    __slots__ = ("__weakref__", "_asked", "_compiled", "_runs", "backend", "clears", "steps")

    #: Which way it goes: ``'forward'`` or ``'backward'``.
    direction = "forward"

    def __init__(self, backend: Any, steps: list[Any], clears: list[Any]) -> None:
        self.backend = backend
        self.steps = steps
        self.clears = clears
        self._compiled: Callable[[], None] | None = None
        self._asked = False
        self._runs = 0

    def run(self) -> None:
        """Interpret the steps."""
        with no_warnings():
            for step, clears in zip(self.steps, self.clears):
                step.function.execute(step.ins, step.outs)
                for content in clears:
                    content.data._storage.clear()

    def run_step(self, at: int) -> None:
        """Interpret one step; to be called within ``no_warnings()``."""
        step = self.steps[at]
        step.function.execute(step.ins, step.outs)
        for content in self.clears[at]:
            content.data._storage.clear()

    def touched(self, at: int) -> tuple[list[Any], list[Any]]:
        """Return the NdArrays that a step reads, and those that it writes or clears."""
        step = self.steps[at]
        written = [content.data for content in step.outs if content is not None]
        written += [content.data for content in self.clears[at]]
        written += saved_values(step.function)
        return [content.data for content in step.ins], written

    @property
    def compiled(self) -> Callable[[], None] | None:
        """What the backend made of it, if it has been asked and did not decline."""
        return self._compiled

    def execute(self) -> None:
        """Run what the backend compiled, or :meth:`run` where it declined or was not asked yet."""
        compiled = self._compiled
        if compiled is not None:
            compiled()
            return
        if not self._asked:
            # A dynamic graph runs once: compiling it would not pay.
            self._runs += 1
            if self._runs < WORTH_COMPILING:
                self.run()
                return
            self._asked = True
            # A backend's callable refers to this segment; the weak reference keeps it from being a cycle.
            self._compiled = None if self.backend is None else self.backend.compile(weakref.proxy(self))
        if self._compiled is None:
            self.run()
        else:
            self._compiled()


def saved_values(function: Function) -> list[Any]:
    """Return the NdArrays that a function's forward keeps for its backward."""
    return list((getattr(function, "saved", None) or {}).values())


class ForwardProgram:
    """Everything upstream of some roots, set up, in order."""

    def __init__(self, roots: Sequence[Node]) -> None:
        functions = functions_of(roots)
        self.data_dependent = False
        self.dependent = [getattr(f, "data_dependent", False) for f in functions]
        self.data_dependent = any(self.dependent)
        for function in functions:
            set_up_again(function)
            function.refresh()
        self.count = changes.count
        self.roots = [weakref.ref(node) for node in roots]
        self.steps = [Step(f) for f in functions]
        self._clears: dict[int, list[list[Content]]] = {}
        self._segments: dict[int, list[Segment]] = {}
        self._protected = {id(n.content.data._storage) for n in roots}

    # -- clearing ----------------------------------------------------------------------------------------------
    def clears(self, mode: int) -> list[list[Content]]:
        """Return for each step the contents whose data goes after it (rules: ``docs/execution.md``)."""
        found = self._clears.get(mode)
        if found is None:
            found = self._clears[mode] = self._plan_clears(mode)
        return found

    def _plan_clears(self, mode: int) -> list[list[Content]]:
        result: list[list[Content]] = [[] for _ in self.steps]
        keep = set(self._protected)
        # Memory that something without recompute flag shares is not dropped for recomputation either.
        fixed: set[int] = set()
        last: dict[int, tuple[int, Content]] = {}
        for at, step in enumerate(self.steps):
            function = step.function
            nodes = [*function.input_nodes, *(n for n in (r() for r in function.output_refs) if n is not None)]
            for node in nodes:
                storage = id(node.content.data._storage)
                if node.parent is None or node.persistent or function.keeps_inputs:
                    keep.add(storage)
                if not node.recompute:
                    fixed.add(storage)
            for node in function.input_nodes:
                last[id(node.content.data._storage)] = (at, node.content)
            if mode == CLEAR_NO_NEED_GRAD and function.need_grad:
                inputs, outputs = function.reads(function.needs)
                for i in inputs:
                    node = function.input_nodes[i]
                    if not node.recompute:
                        keep.add(id(node.content.data._storage))
                for o in outputs:
                    content = step.outs[o]
                    out_node = function.output_refs[o]()
                    if content is not None and not (out_node is not None and out_node.recompute):
                        keep.add(id(content.data._storage))
        for storage, (at, content) in last.items():
            if storage in keep or (mode == PLAIN and storage in fixed):
                continue
            result[at].append(content)
        return result

    # -- running -------------------------------------------------------------------------------------------------
    def segments(self, mode: int) -> list[Segment]:
        """Return the steps in segments of one backend each."""
        found = self._segments.get(mode)
        if found is None:
            clears = self.clears(mode)
            found = []
            for at, step in enumerate(self.steps):
                backend = step.function.backend(step.ins)
                if not found or found[-1].backend is not backend or backend is None:
                    found.append(Segment(backend, [], []))
                found[-1].steps.append(step)
                found[-1].clears.append(clears[at])
            self._segments[mode] = found
        return found

    def run(self, mode: int) -> None:
        """Run everything, nobody looking on."""
        if self.data_dependent:
            with no_warnings():
                self.observe(mode, (), ())
            return
        for segment in self._segments.get(mode) or self.segments(mode):
            segment.execute()

    def observe(self, mode: int, before: Iterable[Hook], after: Iterable[Hook]) -> None:
        """Run function by function with hooks and the recorder."""
        clears = self.clears(mode)
        record = recorder.active
        for at, step in enumerate(self.steps):
            function = step.function
            for hook in before:
                hook(function)
            if self.data_dependent:
                set_up_again(function)
                step = Step(function)
            function.execute(step.ins, step.outs)
            for content in clears[at]:
                content.data._storage.clear()
            if record is not None:
                record.forward(function)
            for hook in after:
                hook(function)

    # -- telling -------------------------------------------------------------------------------------------------
    def describe(self) -> list[str]:
        """Return a line for each step, with where it runs, and before it for each array that is moved there."""
        lines: list[str] = []
        holders: dict[int, ArrayLibrary] = {}
        for step in self.steps:
            function = step.function
            backend = function.backend(step.ins)
            library = HOST if backend is None else backend.library(function.context.device_id)
            for content in step.ins:
                storage = content.data._storage
                if id(storage) not in holders:
                    # What is filled lazily is made where it is read first.
                    holders[id(storage)] = (storage.library if storage.dtype is not None else None) or library
                holder = holders[id(storage)]
                if holder is not library:
                    lines.append(f"transfer {content.data.shape}: {holder.name} -> {library.name}")
            shapes = [content.data.shape for content in step.ins]
            name = "python" if backend is None else backend.name
            lines.append(f"{name}: {function.name} {', '.join(map(str, shapes))}".rstrip())
            read = {id(content.data._storage) for content in step.ins}
            for output in step.outs:
                if output is not None and id(output.data._storage) not in read:  # not an input's own memory
                    holders[id(output.data._storage)] = library
        return lines


def explain(*variables: Any) -> list[str]:
    """Return what ``forward`` of some Variables is going to do, a line a step: see ``docs/execution.md``.

    Each line of a step names the backend that runs it, the function and the shapes that it reads. Before it stands a
    line ``transfer shape: from -> to`` for each array that it reads and that another array library holds: parameters
    and inputs where they are now, everything else where the steps before put it.
    """
    return forward_program([variable._node for variable in variables]).describe()


def set_up_again(function: Function) -> None:
    """Infer shapes again if an input's shape is another one than at set-up, and give outputs theirs."""
    ins = [n.content for n in function.input_nodes]
    shapes = [c.data.shape for c in ins]
    if shapes == function.set_up_for():
        return
    logger.info(f"{function.name} is set up again: input shapes changed from {function.set_up_for()} to {shapes}")
    results = function.infer(ins, len(function.output_refs))
    for o, shape in enumerate(results):
        ref = function.output_refs[o]
        node = ref()
        if node is not None and node.content.data.shape != tuple(shape):
            resize(node.content, tuple(shape))
            function._alias(o, function.input_nodes, node)


def forward_program(roots: Sequence[Node]) -> ForwardProgram:
    """Return the program of some roots, made anew only if the graph changed since."""
    first = roots[0]
    key = tuple([id(n) for n in roots[1:]])
    if first.programs is None:
        first.programs = {}
    found = first.programs.get(key)
    if key and found is not None:
        found = found()
        if found is not None and any(root() is not node for root, node in zip(found.roots, roots)):
            found = None  # another node's id
    if found is None or found.count != changes.count:
        found = ForwardProgram(roots)
        if not key:
            first.programs[key] = found
        else:
            # The program holds what roots are computed from, so the root that no other one is computed from holds it.
            first.programs[key] = weakref.ref(found)
            order = {step.function: i for i, step in enumerate(found.steps)}
            last = max(roots, key=lambda n: -1 if n.parent is None else order.get(n.parent, -1))
            if last.programs is None or len(last.programs) > _MOST_PROGRAMS:
                last.programs = {}
            last.programs[("forward", id(first), *key)] = found
    return found


def hooks(own: Hook | None, shared: Sequence[Hook]) -> tuple[Hook, ...]:
    """Return the hooks to call: those of the process, then the call's own."""
    if own is None:
        return shared if type(shared) is tuple else tuple(shared)
    if not callable(own):
        raise ArgumentTypeError(f"a function hook is called with each Function, but {own!r:.60} is not callable")
    return (*shared, own)


def forward(
    roots: Sequence[Node],
    clear_buffer: bool = False,
    clear_no_need_grad: bool = False,
    pre_hook: Hook | None = None,
    post_hook: Hook | None = None,
) -> None:
    """Compute some nodes from their graph's leaves; functions that they share run once."""
    programs = roots[0].programs
    program = None if programs is None or len(roots) > 1 else programs.get(())
    if program is None or program.count != changes.count:
        for node in roots:
            if node.parent is None:
                raise StateError(
                    "Variable.forward: the Variable has no parent function, so there is nothing to compute; "
                    "call forward on the output of a function"
                )
        program = forward_program(roots)
    mode = CLEAR_BUFFER if clear_buffer else CLEAR_NO_NEED_GRAD if clear_no_need_grad else PLAIN
    if pre_hook is None and post_hook is None and recorder.active is None and not callback.watches_functions():
        program.run(mode)
        return
    before = hooks(pre_hook, callback.function_pre_hooks())
    after = hooks(post_hook, callback.function_post_hooks())
    with no_warnings():
        program.observe(mode, before, after)


def run_now(function: Function, ins: Sequence[Content], nodes: Sequence[Node]) -> None:
    """Compute a function as it is added to a graph (auto-forward)."""
    outs = []
    for node in nodes:
        node.transient = True
        outs.append(node.content)
    before, after = callback.function_pre_hooks(), callback.function_post_hooks()
    for hook in before:
        hook(function)
    with no_warnings():
        function.execute(ins, outs)
    for hook in after:
        hook(function)
