"""Function: one use of an operator, set up on its inputs, connected in a graph or called by hand."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from nnabla.context import Context, get_current_context
from nnabla.errors import StateError
from nnabla.graph.node import Content, Node, changes
from nnabla.recompute import get_global_recompute

__all__ = ["UNKNOWN", "Function", "connect"]


#: Stands for what :func:`_refresh_need_grad` finds out: at which count of changes, of any input, of each input.
UNKNOWN: tuple[int, bool, tuple[bool, ...]] = (-1, False, ())


class Function:
    """A node of a graph that computes. Subclasses say how; this class holds the links.

    Attributes:
        context: Where it computes.
        rank: Longest distance from a leaf.
        tags: A dict that users may fill.
    """

    name: str = ""
    context: Context
    rank: int = 0
    tags: dict[str, Any]
    #: Contents of outputs that the gradient reads, in case that nobody else holds them.
    held_outputs: dict[int, Content] = {}  # noqa: RUF012  (never changed, only replaced)
    #: Whether setup_recompute was called.
    recompute_ready = False
    #: Whether calls return a tuple even for one output.
    gives_many = False
    #: Whether clearing spares the inputs, and backward may start from the gradients that they hold (Sink).
    keeps_inputs = False

    def __init__(self, ctx: Context | None = None) -> None:
        self.context = ctx or get_current_context()
        self.input_nodes: list[Node] = []
        self.output_refs: list[weakref.ref[Node]] = []
        self.rank = 0
        self.tags: dict[str, Any] = {}
        self._need_grad = UNKNOWN

    # -- links ---------------------------------------------------------------------------------------------
    @property
    def inputs(self) -> list[Any]:
        """The input Variables that were given, in order."""
        from nnabla.graph.variable import Variable

        return [Variable._on(n) for n in self.input_nodes]

    @property
    def outputs(self) -> list[Any]:
        """The output Variables that are still in use."""
        from nnabla.graph.variable import Variable

        return [Variable._on(n) for n in (ref() for ref in self.output_refs) if n is not None]

    @property
    def need_grad(self) -> bool:
        """Whether any input needs a gradient."""
        if self._need_grad[0] != changes.count:
            _refresh_need_grad(self)
        return self._need_grad[1]

    @property
    def needs(self) -> tuple[bool, ...]:
        """For each input whether gradients are propagated to it."""
        if self._need_grad[0] != changes.count:
            _refresh_need_grad(self)
        return self._need_grad[2]

    @property
    def type_name(self) -> str:
        """The operator's type name, as files have it."""
        return self.name

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments by name; sequences are lists."""
        return {}

    @property
    def args(self) -> dict[str, Any]:
        """The same as :attr:`arguments`."""
        return self.arguments

    @property
    def info(self) -> SimpleNamespace:
        """``type_name`` and ``args`` of this function."""
        return SimpleNamespace(type_name=self.type_name, args=self.arguments)

    def __str__(self) -> str:
        return self.name

    def min_outputs(self) -> int:
        """Return the least number of outputs."""
        return 1

    def output_contents(self) -> list[Content | None]:
        """Return the content of each output, None where nobody holds it."""
        if len(self.output_refs) == 1:
            node = self.output_refs[0]()
            if node is not None:
                return [node.content]
        nodes = [ref() for ref in self.output_refs]
        held = self.held_outputs
        return [held.get(o) if n is None else n.content for o, n in enumerate(nodes)]

    def output_node(self, o: int, shape: tuple[int, ...]) -> Node:
        """Return the node of output ``o``, which has ``shape``; a new one in its place where nobody holds it."""
        node = self.output_refs[o]()
        if node is None:
            node = Node(self.held_outputs.get(o) or Content.of_shape(shape))
            node.parent, node.rank = self, self.rank + 1
            self.output_refs[o] = weakref.ref(node)
            changes.count += 1
        return node

    def hold_outputs(self, outputs: Sequence[Node]) -> None:
        """Keep the contents of those of several outputs that the gradient reads."""

    def set_up_for(self) -> list[tuple[int, ...]] | None:
        """Return the input shapes that the function is set up for."""
        return None

    def backend(self, ins: Sequence[Content]) -> Any:
        """Return the backend that computes this function, None if it is none (a function in Python)."""
        return None

    def refresh(self) -> None:
        """Forget what was prepared for a graph that has changed since."""

    def again(self, inputs: Sequence[Any]) -> list[Any]:
        """Apply a copy of this function to other Variables and return all outputs."""
        raise NotImplementedError

    # -- what subclasses supply ------------------------------------------------------------------------------
    def infer(self, ins: Sequence[Content], n_outputs: int | None) -> list[tuple[int, ...]]:
        """Set up on inputs and return the shapes of the outputs."""
        raise NotImplementedError

    def execute(self, ins: Sequence[Content], outs: Sequence[Content | None], again: bool = False) -> None:
        """Compute the outputs' data; ``again`` repeats a computation without changing any state."""
        raise NotImplementedError

    def differentiate(
        self,
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        douts: Sequence[Content | None],
        need: tuple[bool, ...],
        overwrite: Sequence[bool],
        spare: Sequence[Content] = (),
    ) -> None:
        """Compute the inputs' gradients from those of ``douts`` (None: zero), replacing or adding (``overwrite``).

        The gradients of ``spare`` are cleared right after, so that their memory may be taken over.
        """
        raise NotImplementedError

    def reads(self, need: tuple[bool, ...]) -> tuple[Sequence[int], Sequence[int]]:
        """Return which inputs' and which outputs' data the needed gradients read."""
        raise NotImplementedError

    def inplace_data(self, i: int) -> int:
        """Return 1 if an output shares memory with input ``i``, else 0."""
        return 0

    def set_active_input_mask(self, mask: Sequence[bool]) -> None:
        """Leave inputs out, where a function can do without.

        Raises:
            RuntimeError: It needs all of its inputs.
        """
        raise StateError(f"{self.name}.set_active_input_mask: this function takes all of its inputs")

    def inplace_data_with(self, i: int) -> int:
        """Return the number of the output that shares memory with input ``i``.

        Raises:
            RuntimeError: No output does.
        """
        raise StateError(f"{self.name}.inplace_data_with: no output shares memory with input {i}")

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        """Whether the gradient of input ``i`` reads the data of input ``j``."""
        return j in self.reads(tuple(k == i for k in range(len(self.input_nodes))))[0]

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        """Whether the gradient of input ``i`` reads the data of output ``o``."""
        return o in self.reads(tuple(k == i for k in range(len(self.input_nodes))))[1]

    def auto_grad_depends_input_data(self, i: int, j: int) -> bool:
        """Whether forward itself keeps what the gradient of input ``i`` needs of input ``j`` (a mask, a position)."""
        return False

    def auto_grad_depends_output_data(self, i: int, o: int) -> bool:
        """Whether forward itself keeps what the gradient of input ``i`` needs of output ``o``."""
        return False

    def need_setup_recompute(self, o: int) -> bool:
        """Whether output ``o`` can only be computed again after :meth:`setup_recompute`."""
        return False

    # -- called by hand --------------------------------------------------------------------------------------
    def setup(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Set up on Variables: checks inputs, and gives the outputs their shapes. It may be repeated."""
        outs = list(outputs)
        shapes = self.infer(_contents(inputs), len(outs))
        for o, (out, shape) in enumerate(zip(outs, shapes)):
            out.reset_shape(shape, True)
            self._alias(o, [v._node for v in inputs], out._node)

    def forward(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Compute the outputs' data (after :meth:`setup`)."""
        self.execute(_contents(inputs), _contents(outputs))

    def recompute(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Compute the outputs again, with the draws of the latest forward, changing nothing else.

        Raises:
            RuntimeError: :meth:`setup_recompute` was not called before forward, and the function needs it.
        """
        if self.need_setup_recompute(0) and not self.recompute_ready:
            raise StateError(
                f"{self.name}.recompute: called_setup_recompute_ is false; call setup_recompute(inputs, outputs) "
                "before the forward that is to be repeated"
            )
        self.execute(_contents(inputs), _contents(outputs), again=True)

    def setup_recompute(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """Prepare for :meth:`recompute`; the state it needs is kept from here on."""
        self.recompute_ready = True

    def backward(self, inputs: Sequence[Any], outputs: Sequence[Any], accum: Sequence[bool] | None = None) -> None:
        """Compute the gradients of the inputs that need them from the outputs' gradients.

        Args:
            inputs, outputs: As in :meth:`forward`.
            accum: For each input whether its gradient is added to (None: all are).
        """
        need = tuple([v._node.need_grad for v in inputs])
        keep = [True] * len(need) if accum is None else list(accum)
        outs = _contents(outputs)
        self.differentiate(_contents(inputs), outs, outs, need, [not a for a in keep])

    def _alias(self, o: int, inputs: Sequence[Node], output: Node) -> None:
        """Let output ``o`` share the memory of the input that it is an alias of, if it is one."""


def _contents(variables: Sequence[Any]) -> list[Content]:
    return [v._node.content for v in variables]


def _refresh_need_grad(function: Function) -> None:
    """Find out which functions upstream need gradients, without recursion."""
    now = changes.count
    stack = [function]
    while stack:
        f = stack[-1]
        pending = []
        needs = []
        for node in f.input_nodes:
            need = node.need_grad_set
            if need is None:
                parent = node.parent
                if parent is not None and parent._need_grad[0] != now:
                    pending.append(parent)
                need = parent is not None and parent._need_grad[1]
            needs.append(need)
        if pending:
            stack.extend(pending)
            continue
        f._need_grad = (now, True in needs, tuple(needs))
        stack.pop()


def connect(function: Function, inputs: Sequence[Node], shapes: Sequence[tuple[int, ...]]) -> list[Node]:
    """Link a set-up function to its inputs and return nodes for its outputs."""
    function.input_nodes = list(inputs)
    rank = 0
    ref = weakref.ref(function)
    for node in inputs:
        if node.rank > rank:
            rank = node.rank
        consumers = node.consumers
        consumers.append(ref)
        # A leaf that lives through many dynamic graphs forgets those that are gone, whenever their number doubles.
        if len(consumers) >= 64 and len(consumers) & (len(consumers) - 1) == 0:
            node.live_consumers()
    function.rank = rank
    flag = get_global_recompute()
    outputs = []
    for o, shape in enumerate(shapes):
        node = Node(Content.of_shape(tuple(shape)))
        node.parent = function
        node.rank = rank + 1
        node.recompute = flag
        function._alias(o, inputs, node)
        outputs.append(node)
    function.output_refs = [weakref.ref(n) for n in outputs]
    if len(outputs) > 1:
        function.hold_outputs(outputs)
    return outputs
