"""Function: one use of an operator, set up on its inputs, connected in a graph or called by hand."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from nnabla import random as nnabla_random
from nnabla.array.ndarray import NdArray
from nnabla.context import Context, get_current_context
from nnabla.errors import ArgumentError, StateError
from nnabla.graph.node import Content, Node, changes, resize
from nnabla.ops.definition import Operator, Setup
from nnabla.ops.lowering import Prepared, prepare_forward, prepare_gradient
from nnabla.ops.trace import gradient_trace
from nnabla.recompute import get_global_recompute

__all__ = ["Function", "OperatorFunction", "connect"]


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

    def __init__(self, ctx: Context | None = None) -> None:
        self.context = ctx or get_current_context()
        self.input_nodes: list[Node] = []
        self.output_refs: list[weakref.ref[Node]] = []
        self.rank = 0
        self.tags: dict[str, Any] = {}
        self._need_grad = (-1, False)

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
        nodes = [ref() for ref in self.output_refs]
        held = self.held_outputs
        return [held.get(o) if n is None else n.content for o, n in enumerate(nodes)]

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
        douts: Sequence[NdArray | None],
        need: tuple[bool, ...],
        overwrite: Sequence[bool],
    ) -> None:
        """Compute the inputs' gradients from ``douts`` (None: zero), replacing or adding as ``overwrite`` says."""
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
        need = tuple(v._node.need_grad for v in inputs)
        keep = [True] * len(need) if accum is None else list(accum)
        outs = _contents(outputs)
        self.differentiate(_contents(inputs), outs, [c.grad for c in outs], need, [not a for a in keep])

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
        pending = [
            n.parent
            for n in f.input_nodes
            if n.need_grad_set is None and n.parent is not None and n.parent._need_grad[0] != now
        ]
        if pending:
            stack.extend(pending)
            continue
        f._need_grad = (now, any(n.need_grad for n in f.input_nodes))
        stack.pop()


_MASKABLE = ("AddN", "MulN")


class OperatorFunction(Function):
    """A use of a defined operator.

    Args:
        op: The operator.
        raw: Its arguments as given, in order.
        given: Which of the operator's inputs are given (None: all, or the first ones).
    """

    def __init__(
        self, op: Operator, raw: tuple[Any, ...], ctx: Context | None = None, given: Sequence[bool] | None = None
    ) -> None:
        # Written out rather than inherited: dynamic graphs make one of these per operation.
        self.context = ctx or get_current_context()
        self.op = op
        self.name = op.name
        self.raw = raw
        self.given = given
        self.input_nodes = []
        self.output_refs = []
        self.rank = 0
        self._need_grad = (-1, False)
        self.setting: Setup | None = None
        self.prepared: Prepared | None = None
        self.saved: dict[str, NdArray] | None = None
        self.kept: list[Any] | None = None
        self.before_update: list[Any] | None = None
        self.stream = self.draws = self.last_draw = 0
        self.mask: tuple[bool, ...] | None = None
        if op.draws:
            self._begin_stream()

    @property
    def gives_many(self) -> bool:  # type: ignore[override]
        return self.op.gives_many

    @property
    def tags(self) -> dict[str, Any]:  # type: ignore[override]
        return self.__dict__.setdefault("_tags", {})

    def _begin_stream(self) -> None:
        names = [spec.name for spec in self.op.arguments]
        seed = self.raw[names.index("seed")] if "seed" in names else -1
        seed = -1 if seed is None else int(seed)
        if seed == -1:
            self.stream = nnabla_random.next_function_stream()
            nnabla_random.register_function_stream(self)
        else:
            self.stream = seed

    def restart(self, stream: int) -> None:
        """Begin a stream of random numbers anew (``nn.seed`` was called)."""
        self.stream, self.draws = stream, 0

    # -- description -----------------------------------------------------------------------------------------
    @property
    def arguments(self) -> dict[str, Any]:
        args = self.setting.args if self.setting is not None else self.op.canonical_arguments((), self.raw)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in args.items()}

    def inplace_data(self, i: int) -> int:
        if i in self.op.aliases.values():
            return int(self.arguments.get("inplace", True))
        return 2 * int(i < len(self.op.inputs) and self.op.inputs[i].name in self.op.overwrites)

    def inplace_data_with(self, i: int) -> int:
        for output, source in self.op.aliases.items():
            if source == i:
                return output
        return super().inplace_data_with(i)

    def min_outputs(self) -> int:
        return 1

    def need_setup_recompute(self, o: int) -> bool:
        return any(spec.name == "seed" for spec in self.op.arguments) or self.op.name == "SpectralNorm"

    def auto_grad_depends_input_data(self, i: int, j: int) -> bool:
        return bool(self.op.saved)

    def set_active_input_mask(self, mask: Sequence[bool]) -> None:
        """Leave inputs out (AddN and MulN): those marked False are not read and get no gradient.

        Args:
            mask: One truth value per input, at least one of them True.
        """
        if not self.op.variadic or self.op.name not in _MASKABLE:
            super().set_active_input_mask(mask)
        if len(mask) != len(self.input_nodes) or not any(mask):
            raise ArgumentError(
                f"{self.name}.set_active_input_mask: mask={list(mask)} must have one entry for each of the "
                f"{len(self.input_nodes)} inputs, and at least one True"
            )
        self.mask = None if all(mask) else tuple(bool(m) for m in mask)
        self.setting = self.prepared = None
        changes.count += 1

    def _active(self, values: Sequence[Any]) -> Sequence[Any]:
        return values if self.mask is None else [v for v, m in zip(values, self.mask) if m]

    # -- set up and run ----------------------------------------------------------------------------------------
    def _setup_on(self, shapes: list[tuple[int, ...]]) -> Setup:
        given = self.given
        if given is None:
            missing = len(self.op.inputs) - len(shapes)
            full = (*shapes, *([None] * missing)) if missing > 0 and not self.op.variadic else tuple(shapes)
            if self.op.absent:
                full = tuple(self.op.place(full, self.raw))
        else:
            supply = iter(shapes)
            full = tuple(next(supply) if g else None for g in given)
        setup = self.op.setup(full, self.raw)
        self.setting = setup
        self.prepared = None
        return setup

    def infer(self, ins: Sequence[Content], n_outputs: int | None) -> list[tuple[int, ...]]:
        setup = self._setup_on([c.data.shape for c in self._active(ins)])
        shapes = list(setup.out_shapes)
        if self.op.data_dependent:
            shapes = self._infer_from_data(ins, shapes)
        return shapes

    def set_up_for(self) -> list[tuple[int, ...]] | None:
        if self.setting is None or self.mask is not None:
            return None
        return [s for s in self.setting.in_shapes if s is not None]

    @property
    def data_dependent(self) -> bool:
        """Whether output shapes follow from data."""
        return self.op.data_dependent

    @property
    def keeps_inputs(self) -> bool:
        """Whether clearing spares the inputs (Sink)."""
        return self.op.name == "Sink"

    def backend(self, ins: Sequence[Content]) -> Any:
        prepared = self.prepared or self._prepare(self._active(ins))
        return prepared.place.backend

    def hold_outputs(self, outputs: Sequence[Node]) -> None:
        if self.need_grad and any(spec.name in self.op.gradient_reads for spec in self.op.outputs):
            read = self.reads(tuple(n.need_grad for n in self.input_nodes))[1]
            self.held_outputs = {o: outputs[o].content for o in read}

    def refresh(self) -> None:
        if self.op.aliases:
            for o, node in enumerate(ref() for ref in self.output_refs):
                if node is not None:
                    self._alias(o, self.input_nodes, node)
        if self.prepared is not None and self.prepared.keep != self.need_grad:
            self.prepared = None

    def again(self, inputs: Sequence[Any]) -> list[Any]:
        result = OperatorFunction(self.op, self.raw, self.context, self.given)(*inputs)
        return list(result) if isinstance(result, tuple) else [result]

    def _infer_from_data(self, ins: Sequence[Content], shapes: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        """Compute on the data present, as far as there is any, to learn the sizes."""
        if any(c.data._storage.array is None and c.data._storage.fill_value is None for c in ins):
            return shapes
        prepared = prepare_forward(self.setting, self.context, False)  # type: ignore[arg-type]
        results = prepared.run(*self._read(prepared, ins))
        return [tuple(r.shape) for r in results[: len(shapes)]]

    def _read(self, prepared: Prepared, ins: Sequence[Content]) -> list[Any]:
        library = prepared.place.library
        arrays = []
        for content, dtype in zip(ins, prepared.in_dtypes):
            data = content.data
            storage = data._storage
            array = storage.array
            if (
                array is None
                or storage.dtype is not dtype
                or storage.library is not library
                or array.shape != data.shape
            ):
                if storage.cleared:
                    raise StateError(
                        f"{self.op.snake_name}: the data of an input of shape {data.shape} was cleared; run "
                        "forward with clear_no_need_grad=True (not clear_buffer=True) before backward, or mark "
                        "the variable persistent"
                    )
                array = storage.read(library, dtype, data.shape)
            arrays.append(array)
        return arrays

    def execute(self, ins: Sequence[Content], outs: Sequence[Content | None], again: bool = False) -> None:
        if self.mask is not None:
            ins = self._active(ins)
        prepared = self.prepared
        if prepared is None or self.op.integers:
            prepared = self._prepare(ins)
        arrays = self._read(prepared, ins)
        if prepared.updates:
            self._remember(prepared, arrays, again)
        if prepared.simple:
            out = outs[0]
            if out is not None:
                out.data._storage.put(prepared.place.library, prepared.run(*arrays)[0], prepared.out_dtypes[0])
            return
        if prepared.random:
            if not again:
                self.last_draw = self.draws
                self.draws += 1
            results = prepared.run((self.stream, self.last_draw), *arrays)
        else:
            results = prepared.run(*arrays)
        self._commit(prepared, results, ins, outs, again)

    def _remember(self, prepared: Prepared, arrays: list[Any], again: bool) -> None:
        """Keep what the function is about to update, where it may have to be repeated exactly; or use it."""
        at = [self._flat(i) for i in prepared.updates]
        if again:
            for i, array in zip(at, self.before_update or ()):
                arrays[i] = array
        elif self.recompute_ready or any(n.recompute for n in (r() for r in self.output_refs) if n is not None):
            self.before_update = [prepared.place.library.copy(arrays[i]) for i in at]

    def _prepare(self, ins: Sequence[Content]) -> Prepared:
        shapes = [c.data.shape for c in ins]
        setup = self.setting
        if setup is None or [s for s in setup.in_shapes if s is not None] != shapes:
            setup = self._setup_on(shapes)
        # A gradient's graph may read saved values of a function whose own inputs need no gradient.
        keep = self.need_grad or self.saved is not None if self.input_nodes else True
        dtype = ins[0].data._storage.dtype if self.op.integers else None
        self.prepared = prepared = prepare_forward(setup, self.context, keep, dtype)
        return prepared

    def _commit(
        self,
        prepared: Prepared,
        results: tuple[Any, ...],
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        again: bool,
    ) -> None:
        library = prepared.place.library
        count = len(prepared.out_dtypes)
        for o in range(count):
            out = outs[o] if o < len(outs) else None
            if out is None:
                continue
            if o in self.op.aliases and self.setting.args.get("inplace", True):  # type: ignore[union-attr]
                # The memory is the input's, also when the input was given other memory since.
                out.share_storage(ins[self.op.aliases[o]].data._storage)
                continue
            result, fresh = results[o], prepared.fresh[o]
            shape = tuple(result.shape)
            if shape != out.data.shape:
                resize(out, shape)
            dtype = prepared.out_dtypes[o]
            if dtype != prepared.compute_dtypes[o]:
                result, fresh = library.cast(result, dtype), True
            out.data._storage.put(library, library.own(result, fresh), dtype)
        at = count
        for i in prepared.updates:
            if not again and self._changes(i, ins, outs):
                target = ins[self._flat(i)].data
                store = prepared.place.types.store
                value = library.own(library.cast(results[at], store), prepared.fresh[at])
                target._storage.put(library, library.reshape(value, target.shape), store)
            at += 1
        if prepared.saved:
            saved = self.saved if self.saved is not None else {}
            for name in prepared.saved:
                result = library.own(results[at], prepared.fresh[at])
                held = saved.get(name)
                if held is None or held.shape != result.shape:
                    held = saved[name] = NdArray(tuple(result.shape))
                held._storage.put(library, result, library.dtype(result))
                at += 1
            self.saved = saved
        if prepared.kept:
            self.kept = list(results[at:])

    def _changes(self, i: int, ins: Sequence[Content], outs: Sequence[Content | None]) -> bool:
        """Whether an update of declared input ``i`` is to be written (it is not where the output is that memory)."""
        if self.op.inputs[i].name not in self.op.overwrites:
            return True
        at = self._flat(i)
        if self.input_nodes and self.input_nodes[at].parent is not None:
            return False
        storage = ins[at].data._storage
        return all(out is None or out.data._storage is not storage for out in outs)

    def _flat(self, i: int) -> int:
        """Return the number of declared input ``i`` among those that are given."""
        shapes = self.setting.in_shapes  # type: ignore[union-attr]
        return sum(s is not None for s in shapes[:i])

    def _full_need(self, need: Sequence[bool]) -> tuple[bool, ...]:
        supply = iter(need)
        return tuple(next(supply) if s is not None else False for s in self.setting.in_shapes)  # type: ignore[union-attr]

    def reads(self, need: tuple[bool, ...]) -> tuple[Sequence[int], Sequence[int]]:
        setup = self.setting
        if setup is None:
            raise StateError(f"{self.name}: set the function up first")
        if self.mask is not None:
            at = [i for i, m in enumerate(self.mask) if m]
            inputs, outputs = self._reads(setup, tuple(self._active(need)))
            return [at[i] for i in inputs], outputs
        return self._reads(setup, need)

    def _reads(self, setup: Setup, need: tuple[bool, ...]) -> tuple[Sequence[int], Sequence[int]]:
        key = ("reads", need)
        found = setup.prepared.get(key)
        if found is None:
            full = self._full_need(need)
            inputs, outputs = self._declared_reads(setup, full)
            found = setup.prepared[key] = ([self._flat(i) for i in inputs], outputs)
        return found

    def _declared_reads(self, setup: Setup, need: tuple[bool, ...]) -> tuple[list[int], list[int]]:
        inputs, outputs = gradient_trace(setup).reads(need)
        extra = self.op.depends
        if extra and any(need):
            names = [spec.name for spec in self.op.inputs]
            inputs = sorted({*inputs, *(names.index(n) for n in extra if n in names)})
            names = [spec.name for spec in self.op.outputs]
            outputs = sorted({*outputs, *(names.index(n) for n in extra if n in names)})
        return inputs, outputs

    def differentiate(
        self,
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        douts: Sequence[NdArray | None],
        need: tuple[bool, ...],
        overwrite: Sequence[bool],
    ) -> None:
        if self.mask is not None:
            ins, need, overwrite = self._without_inactive(ins, need, overwrite)
        setup = self.setting
        if setup is None:
            raise StateError(f"{self.name}: backward was called before setup; call setup(inputs, outputs) first")
        plain = len(need) == len(setup.in_shapes)
        full = need if plain else self._full_need(need)
        kept = self.prepared.kept if self.prepared is not None and self.kept is not None else ()
        prepared = prepare_gradient(setup, self.context, full, kept)
        place = prepared.place
        library = place.library
        values = []
        if prepared.adds:
            numbers = {i: i if plain else self._flat(i) for i in prepared.adds}
            held = {
                i: array
                for i, shape in prepared.adds.items()
                if not overwrite[numbers[i]]
                and (array := _addable(ins[numbers[i]].grad, library, place.types.compute, shape)) is not None
            }
            if held:
                prepared = prepare_gradient(setup, self.context, full, kept, frozenset(held))
                values = [held[i] for i, _ in prepared.into]
        for what, at, dtype in prepared.reads:
            if what == "dout":
                grad = douts[at] if at < len(douts) else None
                if grad is None:
                    values.append(library.full(setup.out_shapes[at], 0, dtype))
                else:
                    values.append(grad._storage.read(library, dtype, grad.shape))
                continue
            if what == "in":
                data = ins[at if plain else self._flat(at)].data
            elif what == "out":
                content = outs[at]
                if content is None:
                    raise StateError(f"{self.op.snake_name}: output {at}, which backward reads, is gone")
                data = content.data
            elif what == "saved":
                if self.saved is None or at not in self.saved:
                    raise StateError(f"{self.op.snake_name}: backward needs {at} of a forward run; call forward first")
                data = self.saved[at]
            elif what == "kept":
                values.append(self.kept[at])  # type: ignore[index]
                continue
            else:
                values.append(None)
                continue
            storage = data._storage
            if storage.cleared:
                raise StateError(
                    f"{self.op.snake_name}: backward reads data of shape {data.shape} that was cleared; run "
                    "forward(clear_no_need_grad=True) instead of forward(clear_buffer=True) before backward"
                )
            values.append(storage.read(library, dtype, data.shape))
        results = prepared.run(*values)
        store = place.types.store
        for i, result, fresh in zip(prepared.gives, results, prepared.fresh):
            at = i if plain else self._flat(i)
            write_gradient(ins[at].grad, library, result, fresh, store, overwrite[at])
        given = len(prepared.gives)
        for i, result, fresh in zip(prepared.updates, results[given:], prepared.fresh[given:]):
            data = ins[i if plain else self._flat(i)].data
            value = library.own(library.cast(result, store), fresh)
            data._storage.put(library, library.reshape(value, data.shape), store)
        if given < sum(need):
            written = {i if plain else self._flat(i) for i in (*prepared.gives, *(i for i, _ in prepared.into))}
            for i, wanted in enumerate(need):
                if wanted and i not in written and overwrite[i]:
                    ins[i].grad._storage.fill(0)

    def _without_inactive(
        self, ins: Sequence[Content], need: tuple[bool, ...], overwrite: Sequence[bool]
    ) -> tuple[Sequence[Content], tuple[bool, ...], Sequence[bool]]:
        for content, active, wanted, first in zip(ins, self.mask or (), need, overwrite):
            if wanted and first and not active:
                content.grad._storage.fill(0)
        return self._active(ins), tuple(self._active(need)), self._active(overwrite)

    def _alias(self, o: int, inputs: Sequence[Node], output: Node) -> None:
        source = self.op.aliases.get(o)
        if source is not None and self.setting.args.get("inplace", True):  # type: ignore[union-attr]
            output.content.share_storage(inputs[source].content.data._storage)

    def __call__(
        self, *inputs: Any, n_outputs: int | None = None, outputs: Any = None, auto_forward: Any = None
    ) -> Any:
        """Apply the function to Variables (or NdArrays: computed at once) and return its outputs."""
        from nnabla.graph.dispatch import call_function

        return call_function(self, inputs, n_outputs, outputs, auto_forward)


def _addable(grad: NdArray, library: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient's buffer, to be added to in place, in another shape, or None if that is impossible."""
    storage = grad._storage
    if storage.zeroing or (storage.array is None and storage.fill_value is None):
        return None
    if storage.library != library or storage.dtype != dtype:
        return None
    return library.view(storage.writable(library, None, grad.shape), shape)


def write_gradient(grad: NdArray, library: Any, result: Any, fresh: bool, store: Any, overwrite: bool) -> None:
    """Put a gradient into an NdArray, or add it to what is there (nothing there counts as zero)."""
    storage = grad._storage
    if overwrite or storage.zeroing or (storage.array is None and storage.fill_value is None):
        if library.dtype(result) != store:
            result, fresh = library.cast(result, store), True
        if result.shape != grad.shape:
            result = library.reshape(result, grad.shape)
        storage.put(library, library.own(result, fresh), store)
    else:
        target = storage.writable(library, None, grad.shape)
        total = library.add(target, result)
        if total is not target:
            storage.put(library, total, library.dtype(total))


def connect(function: Function, inputs: Sequence[Node], shapes: Sequence[tuple[int, ...]]) -> list[Node]:
    """Link a set-up function to its inputs and return nodes for its outputs."""
    function.input_nodes = list(inputs)
    rank = 0
    ref = weakref.ref(function)
    for node in inputs:
        if node.rank > rank:
            rank = node.rank
        node.consumers.append(ref)
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
