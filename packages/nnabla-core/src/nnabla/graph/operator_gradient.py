"""The backward of a use of an operator: what it reads, and how gradients are computed and written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from nnabla.array.ndarray import NdArray
from nnabla.errors import StateError, explain
from nnabla.graph.accumulation import addable, handed_on, write_constant, write_gradient
from nnabla.graph.function import Function
from nnabla.graph.node import Content
from nnabla.lowering.forward import Prepared
from nnabla.lowering.gradient import PreparedGradient, prepare_gradient
from nnabla.ops.definition import Operator, Setup
from nnabla.ops.trace import gradient_trace

__all__ = ["OperatorGradient"]


class OperatorGradient(Function):
    """The part of :class:`~nnabla.graph.operator_function.OperatorFunction` that is about gradients."""

    op: Operator
    setting: Setup | None = None
    prepared: Prepared | None = None
    #: Values that forward saves for backward, by name.
    saved: dict[str, NdArray] | None = None
    #: Intermediate values of the body that backward reads.
    kept: list[Any] | None = None
    #: Which inputs take part (None: all).
    mask: tuple[bool, ...] | None = None

    def _active(self, values: Sequence[Any]) -> Sequence[Any]:
        return values if self.mask is None else [v for v, m in zip(values, self.mask) if m]

    def _raise(self, error: Exception) -> NoReturn:
        """Raise what a kernel raised, with the operator's name."""
        setup = self.setting
        raised = explain(self.op.snake_name, error, setup.in_shapes, setup.args)  # type: ignore[union-attr]
        if raised is error:
            raise error
        raise raised from error

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
        found = setup.reads.get(need)
        if found is None:
            full = _full_need(setup, need)
            inputs, outputs = self._declared_reads(setup, full)
            found = setup.reads[need] = ([setup.positions[i] for i in inputs], outputs)
        return found

    def _declared_reads(self, setup: Setup, need: tuple[bool, ...]) -> tuple[list[int], list[int]]:
        inputs, outputs = gradient_trace(setup).reads(need)
        if self.op.depends:
            names = [self.op.input_spec(i).name for i in range(len(need))]
            extra = self.op.depends_on(setup.args, [n for n, wanted in zip(names, need) if wanted])
            given = [i for i, s in enumerate(setup.in_shapes) if s is not None]
            inputs = sorted({*inputs, *(i for i in given if names[i] in extra)})
            made = self.op.outputs[: len(setup.out_shapes)]
            outputs = sorted({*outputs, *(o for o, spec in enumerate(made) if spec.name in extra)})
        return inputs, outputs

    def differentiate(
        self,
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        douts: Sequence[Content | None],
        need: tuple[bool, ...],
        overwrite: Sequence[bool],
        spare: Sequence[Content] = (),
    ) -> None:
        if self.mask is not None:
            ins, need, overwrite = self._without_inactive(ins, need, overwrite)
        # What was found for the same setup and needs serves every function that was prepared alike.
        forward = self.prepared
        found = None
        if forward is not None and (self.kept is not None or not forward.kept):
            found = forward.gradients.get(need)
        prepared = found or self._prepare_gradient(need)
        values: list[Any] = []
        if prepared.adds:
            prepared, values = self._prepare_adding(prepared, ins, need, overwrite)
        place = prepared.place
        library = place.library
        for what, at, dtype in prepared.reads:
            # What most functions read, present as it is wanted, without a call.
            content = douts[at] if what == "dout" else ins[at] if what == "in" else outs[at] if what == "out" else None
            if content is not None:
                held = content.grad if what == "dout" else content.data
                storage = held._storage
                array = storage.array
                if (
                    array is not None
                    and storage.dtype is dtype
                    and storage.library is library
                    and array.shape == held.shape
                ):
                    values.append(array)
                    continue
            values.append(self._value(prepared, what, at, dtype, ins, outs, douts))
        store = place.types.store
        try:
            results = prepared.run(*values)
            for at, result, fresh in zip(prepared.gives, results, prepared.fresh):
                if spare and not fresh and overwrite[at]:
                    fresh, spare = handed_on(result, spare)
                write_gradient(ins[at].grad, library, result, fresh, store, overwrite[at])
        except Exception as error:
            self._raise(error)
        if prepared.updates:
            given = len(prepared.gives)
            for at, result, fresh in zip(prepared.updates, results[given:], prepared.fresh[given:]):
                data = ins[at].data
                value = library.own(library.cast(result, store), fresh)
                data._storage.put(library, library.reshape(value, data.shape), store)
        for at, value in prepared.constant:
            write_constant(ins[at].grad, library, value, store, overwrite[at])
        for at in prepared.without:
            if overwrite[at]:
                ins[at].grad._storage.fill(0)

    def _prepare_gradient(self, need: tuple[bool, ...]) -> PreparedGradient:
        setup = self.setting
        if setup is None:
            raise StateError(f"{self.name}: backward was called before setup; call setup(inputs, outputs) first")
        forward = self.prepared
        if forward is None:
            return prepare_gradient(setup, self.context, _full_need(setup, need))
        kept = forward.kept if self.kept is not None else ()
        prepared = prepare_gradient(setup, self.context, _full_need(setup, need), kept, place=forward.place)
        if len(kept) == len(forward.kept):
            forward.gradients[need] = prepared
        return prepared

    def _prepare_adding(
        self, prepared: PreparedGradient, ins: Sequence[Content], need: tuple[bool, ...], overwrite: Sequence[bool]
    ) -> tuple[PreparedGradient, list[Any]]:
        """Return the prepared gradient that adds in place where it can, and the buffers, which are its first values."""
        library, dtype = prepared.place.library, prepared.place.types.compute
        setup: Setup = self.setting  # type: ignore[assignment]
        held = {
            i: array
            for i, shape in prepared.adds.items()
            if not overwrite[at := setup.positions[i]]
            and (array := addable(ins[at].grad, library, dtype, shape)) is not None
        }
        if held:
            forward = self.prepared
            kept = forward.kept if forward is not None and self.kept is not None else ()
            place = None if forward is None else forward.place
            full = _full_need(setup, need)
            prepared = prepare_gradient(setup, self.context, full, kept, frozenset(held), place)
        return prepared, [held[i] for i, _ in prepared.into]

    def _value(
        self,
        prepared: PreparedGradient,
        what: str,
        at: Any,
        dtype: Any,
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        douts: Sequence[Content | None],
    ) -> Any:
        """Return one array that backward reads."""
        library = prepared.place.library
        if what == "dout":
            content = douts[at] if at < len(douts) else None
            if content is None:
                return library.full(self.setting.out_shapes[at], 0, dtype)  # type: ignore[union-attr]
            grad = content.grad
            return grad._storage.read(library, dtype, grad.shape)
        if what == "kept":
            return self.kept[at]  # type: ignore[index]
        if what == "none":
            return None
        if what == "in":
            data = ins[at].data
        elif what == "out":
            content = outs[at]
            if content is None:
                raise StateError(f"{self.op.snake_name}: output {at}, which backward reads, is gone")
            data = content.data
        else:
            if self.saved is None or at not in self.saved:
                raise StateError(f"{self.op.snake_name}: backward needs {at} of a forward run; call forward first")
            data = self.saved[at]
        storage = data._storage
        if storage.cleared:
            raise StateError(
                f"{self.op.snake_name}: backward reads data of shape {data.shape} that was cleared; run "
                "forward(clear_no_need_grad=True) instead of forward(clear_buffer=True) before backward"
            )
        return storage.read(library, dtype, data.shape)

    def _without_inactive(
        self, ins: Sequence[Content], need: tuple[bool, ...], overwrite: Sequence[bool]
    ) -> tuple[Sequence[Content], tuple[bool, ...], Sequence[bool]]:
        for content, active, wanted, first in zip(ins, self.mask or (), need, overwrite):
            if wanted and first and not active:
                content.grad._storage.fill(0)
        return self._active(ins), tuple(self._active(need)), self._active(overwrite)


def _full_need(setup: Setup, need: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return for each declared input, also those left out, whether a gradient is needed."""
    if len(need) == len(setup.in_shapes):
        return need
    supply = iter(need)
    return tuple([next(supply) if s is not None else False for s in setup.in_shapes])
