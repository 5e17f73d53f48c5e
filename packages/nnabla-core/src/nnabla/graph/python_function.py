"""PythonFunction: operators that users write in Python over Variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla.array.ndarray import NdArray
from nnabla.context import Context, get_current_context
from nnabla.errors import ArgumentTypeError
from nnabla.graph.function import Function
from nnabla.graph.node import Content, Node

__all__ = ["PythonFunction"]


class PythonFunction:
    """Base of functions written in Python.

    A subclass supplies ``name``, :meth:`min_outputs`, :meth:`setup_impl`, :meth:`forward_impl`,
    :meth:`backward_impl`, and says by :meth:`grad_depends_input_data` and :meth:`grad_depends_output_data` what
    its backward reads. An instance is called with Variables and may be used many times.

    Args:
        ctx: Context; the current one by default. Kept as ``self.ctx``.
    """

    ctx: Context

    def __init__(self, ctx: Context | None = None) -> None:
        self.ctx = ctx or get_current_context()

    @property
    def name(self) -> str:
        """Type name shown by ``info.type_name``."""
        return type(self).__name__

    @property
    def args(self) -> dict[str, Any]:
        """Arguments shown by ``info.args``."""
        return {}

    def min_outputs(self) -> int:
        """Return the number of outputs."""
        return 1

    def setup_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        """Check inputs and give outputs their shapes by ``outputs[i].reset_shape(shape, True)``."""
        raise NotImplementedError(f"{type(self).__name__}.setup_impl: define it to give the outputs their shapes")

    def forward_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        """Compute the outputs' data from the inputs' data."""
        raise NotImplementedError(f"{type(self).__name__}.forward_impl: define it to compute the outputs")

    def backward_impl(
        self, inputs: list[Any], outputs: list[Any], propagate_down: list[bool], accum: list[bool]
    ) -> None:
        """Compute inputs' gradients where ``propagate_down``; add to them where ``accum``, else overwrite."""
        raise NotImplementedError(f"{type(self).__name__}.backward_impl: define it to compute gradients")

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        """Whether the gradient of input ``i`` reads the data of output ``o``."""
        return True

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        """Whether the gradient of input ``i`` reads the data of input ``j``."""
        return True

    def __call__(
        self, *inputs: Any, n_outputs: int | None = None, outputs: Any = None, auto_forward: Any = None
    ) -> Any:
        """Apply the function to Variables (or NdArrays: computed at once) and return its outputs."""
        from nnabla.graph.dispatch import call_function

        return call_function(PythonNode(self), inputs, n_outputs, outputs, auto_forward)


class PythonNode(Function):
    """One use of a PythonFunction in a graph."""

    name = "Callback"

    def __init__(self, function: PythonFunction) -> None:
        super().__init__(getattr(function, "ctx", None))
        self.function = function
        self.shapes: list[tuple[int, ...]] | None = None

    @property
    def type_name(self) -> str:
        return self.function.name

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.function.args)

    def min_outputs(self) -> int:
        return self.function.min_outputs()

    def set_up_for(self) -> list[tuple[int, ...]] | None:
        return self.shapes

    def again(self, inputs: Sequence[Any]) -> list[Any]:
        result = self.function(*inputs)
        return list(result) if isinstance(result, tuple) else [result]

    def grad_depends_input_data(self, i: int, j: int) -> bool:
        return bool(self.function.grad_depends_input_data(i, j))

    def grad_depends_output_data(self, i: int, o: int) -> bool:
        return bool(self.function.grad_depends_output_data(i, o))

    def reads(self, need: tuple[bool, ...]) -> tuple[Sequence[int], Sequence[int]]:
        wanted = [i for i, n in enumerate(need) if n]
        outputs = range(len(self.output_refs) or self.min_outputs())
        return (
            [j for j in range(len(need)) if any(self.grad_depends_input_data(i, j) for i in wanted)],
            [o for o in outputs if any(self.grad_depends_output_data(i, o) for i in wanted)],
        )

    def infer(self, ins: Sequence[Content], n_outputs: int | None) -> list[tuple[int, ...]]:
        count = n_outputs if n_outputs is not None and n_outputs > 0 else self.min_outputs()
        inputs = [_variable(c, c.grad) for c in ins]
        outputs = [_variable(Content.of_shape(()), None) for _ in range(count)]
        self.function.setup_impl(inputs, outputs)
        self.shapes = [c.data.shape for c in ins]
        return [v.shape for v in outputs]

    def execute(self, ins: Sequence[Content], outs: Sequence[Content | None], again: bool = False) -> None:
        inputs = [_variable(c, c.grad) for c in ins]
        self.function.forward_impl(inputs, self._outputs(ins, outs, [c.grad if c else None for c in outs]))

    def _outputs(self, ins: Sequence[Content], outs: Sequence[Content | None], grads: Sequence[Any]) -> list[Any]:
        if None in outs:
            # Nobody holds these; the function writes them all the same.
            shapes = self.infer(ins, len(outs))
            outs = [c if c is not None else Content.of_shape(tuple(s)) for c, s in zip(outs, shapes)]
        return [_variable(c, g) for c, g in zip(outs, grads)]

    def differentiate(
        self,
        ins: Sequence[Content],
        outs: Sequence[Content | None],
        douts: Sequence[Content | None],
        need: tuple[bool, ...],
        overwrite: Sequence[bool],
        spare: Sequence[Content] = (),
    ) -> None:
        inputs = [_variable(c, c.grad, n) for c, n in zip(ins, need)]
        outputs = self._outputs(ins, outs, [None if c is None else c.grad for c in douts])
        # A gradient that holds nothing yet has nothing to add to.
        accum = [not o and not _empty(c.grad) for o, c in zip(overwrite, ins)]
        self.function.backward_impl(inputs, outputs, list(need), accum)


def _empty(grad: NdArray) -> bool:
    storage = grad._storage
    return storage.zeroing or (storage.array is None and storage.fill_value is None)


def _variable(content: Content | None, grad: NdArray | None, need_grad: bool | None = None) -> Any:
    from nnabla.graph.variable import Variable

    if content is None:
        raise ArgumentTypeError("a PythonFunction's Variable is gone")
    if grad is None:
        grad = NdArray(content.data.shape)
        grad.zero()
    elif grad is content.grad:
        return Variable._on(Node(content, need_grad))
    return Variable._on(Node(Content(content.data, grad), need_grad))
