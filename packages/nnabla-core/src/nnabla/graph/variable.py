"""Variable: what users hold. A handle on a graph node, with data, gradient and the graph's operations."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from nnabla.array.ndarray import NdArray, as_shape
from nnabla.errors import ArgumentTypeError, ShapeError, StateError
from nnabla.graph import backprop, program
from nnabla.graph.arithmetic import Arithmetic
from nnabla.graph.node import Content, Node, changes, resize
from nnabla.graph.order import raise_ranks
from nnabla.graph.release import release
from nnabla.recompute import get_global_recompute

__all__ = ["Variable"]

Hook = Callable[[Any], Any]


class Variable(Arithmetic):
    """A node of a computation graph.

    Args:
        shape: Sizes, as an int or a sequence of ints (default: 0-dimensional).
        need_grad: Whether ``backward`` computes a gradient for it (default False).

    Two Variables are equal if they share data and gradient.
    """

    __slots__ = ("__weakref__", "_node", "info")

    #: Exceptions raised while memory was released with a Variable, where Python cannot raise them.
    EXCEPTIONS_AT_DEALLOC: ClassVar[list[BaseException]] = []

    # Held by the class, because a module's names may be gone when Python shuts down.
    _release = staticmethod(release)

    def __init__(self, shape: Any = (), need_grad: bool | None = None) -> None:
        node = Node(Content.of_shape(as_shape(shape)), None if need_grad is None else bool(need_grad))
        node.recompute = get_global_recompute()
        node.handles = 1
        self._node = node
        self.info: Any = None

    @staticmethod
    def _on(node: Node) -> Variable:
        self = Variable.__new__(Variable)
        node.handles += 1
        self._node = node
        self.info = None
        return self

    @staticmethod
    def _around(data: NdArray, grad: NdArray, need_grad: bool | None = None) -> Variable:
        node = Node(Content(data, grad), need_grad)
        node.recompute = get_global_recompute()
        return Variable._on(node)

    def __del__(self) -> None:
        try:
            node = self._node
        except AttributeError:  # the constructor raised
            return
        node.handles -= 1
        if node.transient and node.handles == 0:
            self._release(node, self.EXCEPTIONS_AT_DEALLOC)

    @staticmethod
    def from_numpy_array(
        data: npt.ArrayLike, grad: npt.ArrayLike | None = None, need_grad: bool | None = None
    ) -> Variable:
        """Return a Variable with copies of ``data`` and, if given, ``grad`` (same shape); dtypes are kept."""
        values = NdArray.from_numpy_array(data)
        if grad is None:
            return Variable._around(values, NdArray(values.shape), need_grad)
        slopes = NdArray.from_numpy_array(grad)
        if slopes.shape != values.shape:
            raise ShapeError(f"Variable.from_numpy_array: grad has shape {slopes.shape}, data has {values.shape}")
        return Variable._around(values, slopes, need_grad)

    # -- identity ------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if isinstance(other, Variable):
            return self._node.content is other._node.content
        if other is None:
            return False
        raise TypeError(f"a Variable can be compared with == to Variables only, not to {type(other).__name__}")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(id(self._node.content))

    def __repr__(self) -> str:
        return f"<Variable({self.shape}, need_grad={self.need_grad}) at {hex(id(self))}>"

    # -- data ----------------------------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]
        """Sizes of the dimensions."""
        return self._node.content.data.shape

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._node.content.data.size

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self._node.content.data.shape)

    def size_from_axis(self, axis: int = -1) -> int:
        """Return the number of elements in the dimensions from ``axis`` on (all of them for -1)."""
        return self._node.content.data.size_from_axis(axis)

    @property
    def data(self) -> NdArray:
        """The values, as an NdArray that is shared; assign another of the same shape to replace it."""
        return self._node.content.data

    @data.setter
    def data(self, array: NdArray) -> None:
        self._replace("data", array)

    @property
    def grad(self) -> NdArray:
        """The gradient, as an NdArray that is shared; assign another of the same shape to replace it."""
        return self._node.content.grad

    @grad.setter
    def grad(self, array: NdArray) -> None:
        self._replace("grad", array)

    def _replace(self, what: str, array: NdArray) -> None:
        if not isinstance(array, NdArray):
            raise ArgumentTypeError(f"Variable.{what}: an NdArray is expected, not {type(array).__name__}")
        if array.shape != self.shape:
            raise ShapeError(f"Variable.{what}: the Variable has shape {self.shape}, the NdArray {array.shape}")
        node = self._node
        content = node.content
        shared = content.data._storage.holders > 1
        if what == "data":
            content.replace_data(array)
        else:
            content.grad = array
        if node.parent is not None or shared or content.data._storage.holders > 1:
            # Programs know which memory is shared and who clears it.
            changes.count += 1

    @property
    def d(self) -> np.ndarray:
        """The values as a NumPy array that shares memory; assigning broadcasts into the Variable."""
        return self._node.content.data.data

    @d.setter
    def d(self, value: npt.ArrayLike) -> None:
        self._node.content.data.data = value

    @property
    def g(self) -> np.ndarray:
        """The gradient as a NumPy array that shares memory; assigning broadcasts into it."""
        return self._node.content.grad.data

    @g.setter
    def g(self, value: npt.ArrayLike) -> None:
        self._node.content.grad.data = value

    # -- flags -----------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """A name for displays and files; free to choose."""
        return self._node.name

    @name.setter
    def name(self, value: str) -> None:
        if not isinstance(value, str):
            raise ArgumentTypeError(f"Variable.name: a str is expected, not {value!r}")
        self._node.name = value

    @property
    def need_grad(self) -> bool:
        """Whether backward propagates a gradient to this Variable."""
        return self._node.need_grad

    @need_grad.setter
    def need_grad(self, value: bool) -> None:
        value = bool(value)
        if self._node.need_grad_set is not value:
            self._node.need_grad_set = value
            changes.count += 1

    @property
    def persistent(self) -> bool:
        """Whether data and gradient outlive the clearing that forward and backward may do."""
        return self._node.persistent

    @persistent.setter
    def persistent(self, value: bool) -> None:
        if self._node.persistent is not bool(value):
            self._node.persistent = bool(value)
            changes.count += 1

    @property
    def recompute(self) -> bool:
        """Whether the data is dropped after forward and computed again when backward needs it."""
        return self._node.recompute

    @recompute.setter
    def recompute(self, value: bool) -> None:
        if self._node.recompute is not bool(value):
            self._node.recompute = bool(value)
            changes.count += 1

    def apply(self, **kwargs: Any) -> Variable:
        """Set attributes by keyword and return self: ``x.apply(need_grad=True, name="x")``."""
        for key, value in kwargs.items():
            if not hasattr(type(self), key):
                raise AttributeError(f"Variable has no attribute {key!r}")
            setattr(self, key, value)
        return self

    # -- graph -----------------------------------------------------------------------------------------------
    @property
    def parent(self) -> Any:
        """The Function that computes this Variable, or None."""
        return self._node.parent

    @parent.setter
    def parent(self, function: Any) -> None:
        self._node.parent = function
        changes.count += 1

    @property
    def rank(self) -> int:
        """Longest distance from a leaf."""
        return self._node.rank

    @property
    def function_references(self) -> list[Any]:
        """The Functions in use that take this Variable."""
        return self._node.live_consumers()

    @property
    def get_number_of_references(self) -> int:
        """Number of Variables' nodes that hold the same memory, this one included."""
        return self._node.content.data._storage.holders

    def get_unlinked_variable(self, need_grad: bool | None = None) -> Variable:
        """Return a Variable without parent that shares data and gradient; ``need_grad`` as here unless given."""
        node = Node(self._node.content, self.need_grad if need_grad is None else bool(need_grad))
        node.recompute = get_global_recompute()
        return Variable._on(node)

    def unlinked(self, need_grad: bool | None = None) -> Variable:
        """Deprecated name of :meth:`get_unlinked_variable`."""
        from nnabla.logger import logger

        logger.warning("Variable.unlinked is deprecated; use get_unlinked_variable.")
        return self.get_unlinked_variable(need_grad)

    def reset_shape(self, shape: Any, force: bool = False) -> None:
        """Change the shape in place; another number of elements only with ``force`` (values are lost then).

        Functions downstream set themselves up again at the next forward.
        """
        target = as_shape(shape)
        data, grad = self._node.content.data, self._node.content.grad
        if target == data.shape:
            return
        size = 1
        for n in target:
            size *= n
        if size != data.size:
            if not force:
                raise ShapeError(
                    f"Variable.reset_shape: {data.shape} has {data.size} elements, {target} has {size}; "
                    "pass force=True to change the size"
                )
            resize(self._node.content, target)
        data.shape = grad.shape = target
        changes.count += 1

    def reshape(self, shape: Sequence[int], unlink: bool = False) -> Variable:
        """Return this Variable in another shape, as a graph node; with ``unlink`` as a leaf on the same memory."""
        if not unlink:
            import nnabla.functions as F

            return F.reshape(self, shape)
        data = self.data.view(shape if not isinstance(shape, int) else (shape,))
        variable = Variable._around(data, self.grad.view(data.shape), self.need_grad)
        return variable

    def rewire_on(self, var: Variable) -> None:
        """Put this leaf at the place of ``var`` in its graph, so that what is downstream follows ``var``.

        ``var`` shares data and gradient with this Variable from then on, and has no parent any more.
        """
        node, other = self._node, var._node
        if node is other:
            return
        if node.parent is not None:
            raise StateError("Variable.rewire_on: only a Variable without parent can be rewired")
        if node.content.data.shape != other.content.data.shape:
            raise ShapeError(
                f"Variable.rewire_on: shapes differ, {node.content.data.shape} and {other.content.data.shape}"
            )
        node.replace_content(other.content)
        node.rank, node.need_grad_set = other.rank, other.need_grad_set
        node.parent, other.parent = other.parent, None
        if node.parent is not None:
            node.parent.output_refs = [weakref.ref(node) if r() is other else r for r in node.parent.output_refs]
        raise_ranks(node)
        changes.count += 1

    def clear_all_graph_links(self) -> None:
        """Remove the parents of this Variable and of all that are upstream of it."""
        stack = [self._node]
        while stack:
            node = stack.pop()
            function, node.parent = node.parent, None
            if function is not None:
                stack.extend(function.input_nodes)
                for ref in function.output_refs:
                    sibling = ref()
                    if sibling is not None and sibling.parent is function:
                        sibling.parent = None
        changes.count += 1

    def visit(self, f: Hook) -> None:
        """Call ``f(function)`` for each function upstream, once, inputs before those that use them."""
        from nnabla.graph.order import functions_of

        if not callable(f):
            raise ArgumentTypeError(f"Variable.visit: f is called with each Function, but {f!r:.60} is not callable")
        for function in functions_of([self._node]):
            f(function)

    def visit_check(self, f: Hook) -> bool:
        """Return whether ``f(function)`` is true for any function upstream (it stops at the first)."""
        from nnabla.graph.order import functions_of

        return any(f(function) for function in functions_of([self._node]))

    def no_grad(self) -> Variable:
        """Return a copy of the graph upstream in which nothing needs a gradient (leaves are shared)."""
        from nnabla.graph.order import copy_graph

        return copy_graph(self)

    # -- execution -------------------------------------------------------------------------------------------
    def forward(
        self,
        clear_buffer: bool = False,
        clear_no_need_grad: bool = False,
        function_pre_hook: Hook | None = None,
        function_post_hook: Hook | None = None,
    ) -> None:
        """Compute this Variable from its graph's leaves.

        Args:
            clear_buffer: Give intermediate results' memory back as soon as no later function reads it
                (backward is not possible then).
            clear_no_need_grad: The same, except for what backward reads.
            function_pre_hook: Called with each Function before it runs.
            function_post_hook: Called with each Function after it ran.
        """
        program.forward([self._node], clear_buffer, clear_no_need_grad, function_pre_hook, function_post_hook)

    def backward(
        self,
        grad: Any = 1,
        clear_buffer: bool = False,
        communicator_callbacks: Any = None,
        function_pre_hook: Hook | None = None,
        function_post_hook: Hook | None = None,
    ) -> None:
        """Propagate gradients from here to all Variables upstream that need one; leaves accumulate.

        Args:
            grad: Gradient of this Variable: a number, an array, an NdArray, or None for what ``g`` holds.
            clear_buffer: Give memory back as soon as nothing needs it.
            communicator_callbacks: A callback (or list) that exchanges gradients between processes.
            function_pre_hook: Called with each Function before its backward runs.
            function_post_hook: Called with each Function after its backward ran.
        """
        backprop.backward(self, grad, clear_buffer, communicator_callbacks, function_pre_hook, function_post_hook)

    # -- changing values -------------------------------------------------------------------------------------
    def bool_fill_(self, mask: Any, value: float) -> Variable:
        """Set elements where ``mask`` is not 0, in the graph, and return self."""
        from nnabla.graph.indexing import fill_masked

        return fill_masked(self, mask, value)

    masked_fill_ = bool_fill_

    def __setitem__(self, key: Any, value: Any) -> None:
        from nnabla.graph.indexing import assign_variable

        assign_variable(self, key, value)
