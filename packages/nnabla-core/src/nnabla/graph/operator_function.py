"""OperatorFunction: one use of a defined operator, prepared for a context and run on variables' contents."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from nnabla import random as nnabla_random
from nnabla.array.ndarray import NdArray
from nnabla.context import Context, get_current_context
from nnabla.errors import ArgumentError, StateError
from nnabla.graph.accumulation import write_update
from nnabla.graph.function import UNKNOWN
from nnabla.graph.node import Content, Node, changes, resize
from nnabla.graph.operator_gradient import OperatorGradient
from nnabla.lowering.forward import Prepared, prepare_forward
from nnabla.ops.definition import Operator, Setup

__all__ = ["OperatorFunction"]

#: Operators that can leave inputs out.
_MASKABLE = ("AddN", "MulN")


class OperatorFunction(OperatorGradient):
    """A use of a defined operator.

    Args:
        op: The operator.
        raw: Its arguments as given, in order.
        given: Which of the operator's inputs are given (None: all, or the first ones).
    """

    # Links are set when the function is connected.
    input_nodes: list[Node] = []  # noqa: RUF012  (never changed, only replaced)
    output_refs: list[weakref.ref[Node]] = []  # noqa: RUF012  (never changed, only replaced)
    _need_grad = UNKNOWN
    #: What an update replaced, where forward may have to be repeated.
    before_update: list[Any] | None = None
    # Random numbers: the stream, how many draws were made, and the latest one.
    stream = 0
    draws = 0
    last_draw = 0

    def __init__(
        self, op: Operator, raw: tuple[Any, ...], ctx: Context | None = None, given: Sequence[bool] | None = None
    ) -> None:
        # Written out rather than inherited, and with what most never change kept in the class: dynamic graphs make
        # one of these per operation.
        self.context = ctx or get_current_context()
        self.op = op
        self.name = op.type_name
        self.raw = raw
        self.given = given
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
        if seed is None:
            seed = -1
        elif "seed" in names:
            seed = self.op.arguments[names.index("seed")].convert(self.op.snake_name, seed)
        if seed == -1:
            self.stream = nnabla_random.next_function_stream()
            nnabla_random.register_function_stream(self)
        else:
            # Streams are words of 64 bits; negative seeds are theirs in two's complement.
            self.stream = seed & 0xFFFF_FFFF_FFFF_FFFF

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
        seeded = any(spec.name == "seed" for spec in self.op.arguments)
        return (seeded and not self.op.updates) or self.op.name == "SpectralNorm"

    def auto_grad_depends_input_data(self, i: int, j: int) -> bool:
        if self.setting is None:
            raise StateError(f"{self.name}: set the function up first")
        given = [n for n, s in enumerate(self.setting.in_shapes) if s is not None]
        return j < len(given) and self.op.input_spec(given[j]).name in self.op.keeps

    def auto_grad_depends_output_data(self, i: int, o: int) -> bool:
        return self.op.outputs[min(o, len(self.op.outputs) - 1)].name in self.op.keeps

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
        if self.op.forms:
            self.op = self.op.giving(n_outputs)
        setup = self._setup_on([c.data.shape for c in self._active(ins)])
        shapes = list(setup.out_shapes)
        if self.op.data_dependent:
            shapes = self._infer_from_data(ins, shapes)
        return shapes

    def set_up_for(self) -> list[tuple[int, ...]] | None:
        if self.setting is None or self.mask is not None:
            return None
        return self.setting.given_shapes

    @property
    def data_dependent(self) -> bool:
        """Whether output shapes follow from data."""
        return self.op.data_dependent

    @property
    def keeps_inputs(self) -> bool:  # type: ignore[override]
        return self.op.name == "Sink"

    def backend(self, ins: Sequence[Content]) -> Any:
        prepared = self.prepared or self._prepare(self._active(ins))
        return prepared.place.backend

    def hold_outputs(self, outputs: Sequence[Node]) -> None:
        if self.need_grad and self.op.may_read_outputs:
            read = self.reads(self.needs)[1]
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
        try:
            results = prepared.run(*self._read(prepared, ins))
        except Exception as error:
            self._raise(error)
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
        if prepared.constant is not None:
            if outs[0] is not None:
                outs[0].data._storage.promise(prepared.constant, prepared.out_dtypes[0])
            return
        try:
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
        except Exception as error:
            self._raise(error)

    def _remember(self, prepared: Prepared, arrays: list[Any], again: bool) -> None:
        """Keep what the function is about to update, where it may have to be repeated exactly; or use it."""
        at = [prepared.setup.positions[i] for i in prepared.updates]
        if again:
            for i, array in zip(at, self.before_update or ()):
                arrays[i] = array
        elif self.recompute_ready or any(n.recompute for n in (r() for r in self.output_refs) if n is not None):
            self.before_update = [prepared.place.library.copy(arrays[i]) for i in at]

    def _prepare(self, ins: Sequence[Content]) -> Prepared:
        shapes = [c.data.shape for c in ins]
        setup = self.setting
        if setup is None or setup.given_shapes != shapes:
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
        library, aliases = prepared.place.library, self.op.aliases
        if aliases and not self.setting.args.get("inplace", True):  # type: ignore[union-attr]
            aliases = {}
        # Operators may have a thousand outputs: nothing is looked up twice here.
        each = zip(outs, results, prepared.fresh, prepared.out_dtypes, prepared.compute_dtypes)
        for o, (out, result, fresh, dtype, computed) in enumerate(each):
            if out is None:
                continue
            if o in aliases:
                # The memory is the input's, also when the input was given other memory since.
                out.share_storage(ins[aliases[o]].data._storage)
                continue
            data, shape = out.data, tuple(result.shape)
            if shape != data.shape:
                resize(out, shape)
                data = out.data
            if dtype is not computed and dtype != computed:
                result, fresh = library.cast(result, dtype), True
            data._storage.put(library, library.own(result, fresh), dtype)
        at = len(prepared.out_dtypes)
        for i in prepared.updates:
            if not again and self._changes(i, ins, outs):
                target = ins[prepared.setup.positions[i]].data
                write_update(target, library, results[at], prepared.fresh[at], prepared.place.types.store)
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
        at = self.setting.positions[i]  # type: ignore[union-attr]
        if self.input_nodes and self.input_nodes[at].parent is not None:
            return False
        storage = ins[at].data._storage
        return all(out is None or out.data._storage is not storage for out in outs)

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
