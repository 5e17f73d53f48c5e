"""What a backend plugin supplies: an array library, and kernels or a namespace that compute on its arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from nnabla.array.library import ArrayLibrary
    from nnabla.context import Context

__all__ = ["Backend", "BackwardKernel", "GradientKernel", "NumericTypes", "SolverKernel"]

#: ``forward(xp, inputs, out, args)``: compute one operator. ``inputs`` and ``out`` are tuples; ``out[i]`` is None
#: (return a fresh array) or a destination to fill. Returns the array, or a tuple of arrays (outputs, then
#: updates, then saved values). ``args`` has besides the arguments ``dtype`` (of the first output; the namespace's, or
#: NumPy's without one) where the reference kernel takes it or floating results come of indices alone, and for operators
#: that draw also ``state`` (stream and number of the draw) and ``lane``: the numbers are those that
#: :mod:`nnabla.ops.randomness` draws for these.
ForwardKernel = Callable[[Any, tuple[Any, ...], tuple[Any, ...], dict[str, Any]], Any]

#: ``update(params, grads, states, ts, hyper)``: one solver's update of a list of parameters, in place. ``states``
#: has a dict of arrays for each parameter, ``ts`` the number of its update from 1; all arrays have the compute
#: dtype, those of one parameter the same shape. ``hyper`` is what ``Solver.rule`` gets.
SolverKernel = Callable[[list[Any], list[Any], list[dict[str, Any]], list[int], Mapping[str, Any]], None]

#: ``change(params, grads, value)``: change a list of gradients in place; what ``value`` is depends on the kernel.
GradientKernel = Callable[[list[Any], list[Any], float], None]


@dataclass(frozen=True)
class NumericTypes:
    """The floating types of a context.

    Attributes:
        compute: What kernels compute in.
        store: What outputs are kept in.
    """

    compute: np.dtype
    store: np.dtype


FLOAT = NumericTypes(np.dtype(np.float32), np.dtype(np.float32))
HALF = NumericTypes(np.dtype(np.float32), np.dtype(np.float16))
DOUBLE = NumericTypes(np.dtype(np.float64), np.dtype(np.float64))


@dataclass(frozen=True)
class BackwardKernel:
    """A hand-written gradient of one operator on one backend.

    Attributes:
        compute: ``compute(xp, values, grads, need, args)`` with the arrays named in ``reads``, the output
            gradients, and which input gradients are wanted; returns one fresh array (or None) per input.
        reads: Names of inputs, outputs and saved values that ``compute`` gets, in order. They must be among
            those that the operator's definition reads. ``'beta_shape'`` is the shape of input ``beta`` (None
            where it is absent), which is there even where the data is not. Saved integers come in the dtype in
            which the forward kernel left them. What is absent or has no part in the gradient, with the arguments at
            hand, is None.
    """

    compute: Callable[..., Sequence[Any]]
    reads: tuple[str, ...] = ()


class Backend(ABC):
    """A place that computes.

    Attributes:
        name: As in ``get_extension_context(name)``.
        distribution: The distribution that pip installs, for messages.
        array_classes: Names that a context's ``array_class`` may have, the preferred one first.
        namespace: An array API namespace over this backend's arrays, or None. With one, every primitive
            runs by its reference kernel.
        kernels: Forward kernels by operator type name. One of the name ``'Less.float'`` may give the truth values of
            ``Less`` as numbers, in the dtype that floating values have (``args`` has it as ``dtype``): it is used
            where they are kept as such.
        backward_kernels: Backward kernels by operator type name.
        accumulate_kernels: By operator type name, ``kernel(xp, target, inputs, args)`` that adds an operator's
            result to ``target`` in place (scatter-add, for instance), where that beats adding a whole array.
        solver_kernels: Updates of all parameters in one pass, by ``Solver.kernel``; without one the solver's
            rule runs parameter by parameter.
        gradient_kernels: Changes of all gradients in one pass: ``'weight_decay'`` adds ``value`` times the
            parameter, ``'scale_grad'`` multiplies by ``value``, ``'clip_grad_by_norm'`` shrinks each gradient
            of larger L2 norm to norm ``value``. For backends whose arrays are mutable, like the former.
        types: Floating types by the part of a context's backend after the colon (``'cpu:half'``).
    """

    name: str = ""
    distribution: str = ""
    array_classes: tuple[str, ...] = ()
    namespace: Any = None
    kernels: Mapping[str, ForwardKernel] = {}
    backward_kernels: Mapping[str, BackwardKernel] = {}
    accumulate_kernels: Mapping[str, Callable[..., None]] = {}
    solver_kernels: Mapping[str, SolverKernel] = {}
    gradient_kernels: Mapping[str, GradientKernel] = {}
    types: Mapping[str, NumericTypes] = {"float": FLOAT, "half": HALF, "double": DOUBLE}

    @abstractmethod
    def library(self, device_id: str) -> ArrayLibrary:
        """Return the array library for a device (the same object for the same device)."""

    @abstractmethod
    def devices(self) -> list[str]:
        """Return the ids of the devices that can be used now."""

    def context(self, device_id: str = "", type_config: str = "float", **_: Any) -> Context:
        """Return the context that computes here.

        Args:
            device_id: Which device.
            type_config: ``'float'``, ``'half'`` or another key of :attr:`types`.

        Raises:
            RuntimeError: The type configuration is not known.
        """
        from nnabla.context import Context
        from nnabla.errors import ArgumentError

        if type_config not in self.types:
            raise ArgumentError(
                f"backend {self.name}: type_config={type_config!r} is not known; choose one of "
                + ", ".join(map(repr, self.types))
            )
        backends = [f"{self.name}:{type_config}"]
        if type_config == "half":
            backends.append(f"{self.name}:float")
        return Context(backends, self.array_classes[0], str(device_id))

    def supports(self, op: Any, args: Mapping[str, Any]) -> bool:
        """Whether this backend computes an operator with these arguments; False sends it to the next backend."""
        return True

    def compile(self, segment: Any) -> Callable[..., Any] | None:
        """Turn a segment of a plan (``nnabla.graph.program.Segment``) into one callable, or decline with None.

        A segment is consecutive steps of a forward or of a backward (``segment.direction``) on this backend. It is
        offered in its second run, and what is returned is called from then on, with the GIL held, in the place of
        ``segment.run()``. It must leave what that leaves. ``segment.run_step(at)`` interprets one step, and
        ``segment.touched(at)`` tells which NdArrays that reads and writes. Runs with hooks or recomputation are
        interpreted.
        """
        return None
