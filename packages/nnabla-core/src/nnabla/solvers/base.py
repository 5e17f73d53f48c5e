"""Solver: what all solvers share. A solver is an update rule, its hyperparameters and its states' names."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from nnabla.errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from nnabla.graph.variable import Variable
from nnabla.solvers import gradients
from nnabla.solvers.slot import Slot, hooks_around
from nnabla.solvers.updating import update_slots

__all__ = ["Solver", "SolverState"]

Hook = Callable[[], Any]


class SolverState:
    """What a solver keeps for one parameter.

    Attributes:
        pstate: Arrays by name, as Variables of the parameter's shape.
        t: Number of updates so far.
    """

    def __init__(self) -> None:
        self.pstate: OrderedDict[str, Variable] = OrderedDict()
        self.t = 0

    def __repr__(self) -> str:
        return f"SolverState(t={self.t}, pstate={list(self.pstate)})"


class Solver:
    """Updates parameters by their gradients.

    A solver is made by subclassing: name the states in :attr:`state_names`, pass the hyperparameters to
    ``super().__init__`` with the learning rate first, and define :meth:`rule`.

    Args:
        **hyper: Hyperparameters, kept as float32 values (or bools); the first is the learning rate.

    Attributes:
        state_names: Arrays kept for each parameter, all of its shape and 0 at first.
        fused_weight_decay: Whether :meth:`rule` does the weight decay itself, by ``hyper["weight_decay"]``.
        kernel: Name under which backends may have a faster form of :meth:`rule` (class keyword ``kernel=``);
            empty, and not inherited with a rule of one's own, unless it is given.
    """

    state_names: tuple[str, ...] = ()
    fused_weight_decay: bool = False
    kernel: ClassVar[str] = ""

    def __init_subclass__(cls, kernel: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kernel or "rule" in cls.__dict__:
            cls.kernel = kernel

    def __init__(self, **hyper: float | bool) -> None:
        values: dict[str, Any] = {}
        for key, value in hyper.items():
            values[key] = bool(value) if isinstance(value, bool) else self._number(key, value)
        self._info = values
        self._rate_name = next(iter(values), "lr")
        rate = values.get(self._rate_name, 0.0)
        decay = values.get("wd", 0.0)
        self._hyper = {**values, self._rate_name: rate, "initial_rate": rate, "weight_decay": decay}
        self._slots: dict[str, Slot] = {}

    def _number(self, what: str, value: Any) -> float:
        try:
            return float(np.float32(float(value)))
        except (TypeError, ValueError):
            raise ArgumentTypeError(f"{self.name}: {what} must be a number, not {value!r}") from None

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return the updated parameter and states; the arguments stay as they are.

        Args:
            xp: Array API namespace of the arrays.
            p: Parameter.
            g: Its gradient, of the same shape and dtype.
            states: The arrays of :attr:`state_names`, likewise.
            t: Number of this update of the parameter, from 1.
            hyper: Hyperparameters by name with the present learning rate, and ``initial_rate`` (the learning
                rate that the solver was made with) and ``weight_decay`` (of this update, where it is fused).
        """
        raise NotImplementedError("a solver's class defines rule(xp, p, g, states, t, hyper)")

    # -- about -----------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """Name of the solver's class."""
        return type(self).__name__

    @property
    def info(self) -> dict[str, Any]:
        """The hyperparameters that the solver was made with, as float32 values."""
        return dict(self._info)

    def __repr__(self) -> str:
        given = ", ".join(f"{key}={value:g}" for key, value in self._info.items())
        return f"<{self.name}({given}) of {len(self._slots)} parameters>"

    def learning_rate(self) -> float:
        """Return the present learning rate, a float32 value."""
        return float(self._hyper[self._rate_name])

    def set_learning_rate(self, learning_rate: float) -> None:
        """Set the learning rate of the updates to come."""
        self._hyper[self._rate_name] = self._number("learning_rate", learning_rate)

    # -- parameters ------------------------------------------------------------------------------------------
    def set_parameters(
        self, param_dict: Mapping[str, Variable], reset: bool = True, retain_state: bool = False
    ) -> None:
        """Set the parameters to update.

        Args:
            param_dict: Variables by name, as ``nn.get_parameters()`` gives.
            reset: Drop all parameters and states that were set before; otherwise add to them.
            retain_state: Without ``reset``, a name that was set before keeps its state.

        Raises:
            TypeError: A name is no str, or a value no Variable.
            RuntimeError: A state is to be kept for a parameter of another shape.
        """
        slots = {} if reset else dict(self._slots)
        for key, variable in param_dict.items():
            if not isinstance(key, str):
                raise ArgumentTypeError(f"Solver.set_parameters: names are str, not {key!r}")
            if not isinstance(variable, Variable):
                raise ArgumentTypeError(
                    f"Solver.set_parameters: parameter {key!r} must be a Variable, not {type(variable).__name__}"
                )
            before = slots.get(key)
            if before is not None and retain_state and before.content is variable._node.content:
                continue  # as it is, where dynamic graphs set their parameters in each step
            slots[key] = slot = Slot(variable)
            if before is not None and retain_state:
                if before.shape != slot.shape:
                    raise ShapeError(
                        f"Solver.set_parameters: the state of {key!r} has shape {before.shape} and can't be "
                        f"kept for a parameter of shape {slot.shape}; pass retain_state=False"
                    )
                slot.t, slot.states = before.t, before.states
            else:
                slot.states = {name: Variable(slot.shape) for name in self.state_names}
                for state in slot.states.values():
                    state.data._storage.fill(0)
        self._slots = slots

    def get_parameters(self) -> OrderedDict[str, Variable]:
        """Return the parameters by name."""
        return OrderedDict((key, slot.variable) for key, slot in self._slots.items())

    def remove_parameters(self, keys: Iterable[str]) -> None:
        """Drop parameters and their states by name; unknown names are ignored."""
        for key in [keys] if isinstance(keys, str) else keys:
            self._slots.pop(key, None)

    def clear_parameters(self) -> None:
        """Drop all parameters and states."""
        self._slots = {}

    def setup(self, params: Any) -> None:
        """Not available any more: use :meth:`set_parameters`."""
        raise StateError("Solver.setup: call set_parameters with a dict of names and Variables instead")

    # -- states ----------------------------------------------------------------------------------------------
    def get_states(self) -> OrderedDict[str, SolverState]:
        """Return each parameter's state by name; ``pstate`` holds the solver's own Variables, ``t`` a copy."""
        states: OrderedDict[str, SolverState] = OrderedDict()
        for key, slot in self._slots.items():
            states[key] = state = SolverState()
            state.t = slot.t
            state.pstate = OrderedDict(slot.states)
        return states

    def set_states(self, states: Mapping[str, SolverState]) -> None:
        """Set the states of some or all parameters; Variables in ``pstate`` are shared, not copied.

        Raises:
            RuntimeError: A name is not set as a parameter, or a state has other names or shapes than this
                solver's for the parameter. Nothing is changed then.
        """
        found = []
        for key, state in states.items():
            slot = self._slots.get(key)
            if slot is None:
                raise StateError(
                    f"Solver.set_states: {key!r} is not a parameter of this {self.name}; "
                    "set it first with set_parameters"
                )
            found.append((slot, self._checked(key, slot, state)))
        for slot, state in found:
            slot.t = int(state.t)
            slot.states = {name: state.pstate[name] for name in self.state_names}

    def _checked(self, key: str, slot: Slot, state: Any) -> Any:
        pstate = getattr(state, "pstate", None)
        if not isinstance(pstate, Mapping):
            raise ArgumentTypeError(f"Solver.set_states: {key!r} needs a SolverState, not {state!r}")
        if set(pstate) != set(self.state_names):
            raise ArgumentError(
                f"Solver.set_states: {self.name} keeps {list(self.state_names)}, but the state of {key!r} has "
                f"{list(pstate)}; it comes from another solver"
            )
        for name, array in pstate.items():
            if not isinstance(array, Variable):
                raise ArgumentTypeError(
                    f"Solver.set_states: {name} of {key!r} must be a Variable, not {type(array).__name__}"
                )
            if array.shape != slot.shape:
                raise ShapeError(
                    f"Solver.set_states: {name} of {key!r} has shape {array.shape}, the parameter {slot.shape}"
                )
        if not 0 <= int(state.t) < 2**31:
            raise ArgumentError(f"Solver.set_states: t of {key!r} is from 0 to 2**31 - 1, not {state.t}")
        return state

    def save_states(self, path: str | os.PathLike[str]) -> None:
        """Save the states to a file, ``.h5`` or ``.protobuf``; an existing one is replaced in one step.

        Raises:
            RuntimeError: The suffix is another one.
            ModuleNotFoundError: ``nnabla-io``, which reads and writes files, is not installed.
        """
        from nnabla.solvers.files import save_states

        save_states(path, self)

    def load_states(self, path: str | os.PathLike[str]) -> None:
        """Load the states of some or all parameters from a file; a file of another suffix is left out.

        Raises:
            FileNotFoundError: There is no such file.
            RuntimeError: The file is damaged, or its states do not fit the parameters.
            ModuleNotFoundError: ``nnabla-io``, which reads and writes files, is not installed.
        """
        from nnabla.solvers.files import load_states

        load_states(path, self)

    def set_states_to_protobuf(self, optimizer: Any) -> None:
        """Write the states into a protobuf message ``Optimizer``."""
        for key, state in self.get_states().items():
            entry = optimizer.solver.states[key]
            entry.t = state.t
            for name, array in state.pstate.items():
                parameter = entry.state_parameter[name]
                parameter.Clear()
                parameter.shape.dim.extend(array.shape)
                parameter.data.extend(array.data.get_data("r").ravel().tolist())

    def set_states_from_protobuf(self, optimizer_proto: Any) -> None:
        """Take the states from a protobuf message ``Optimizer``, which may be without any.

        Raises:
            RuntimeError: The states do not fit the parameters.
        """
        loaded = {}
        for key, entry in optimizer_proto.solver.states.items():
            arrays = {
                name: np.array(value.data, np.float32).reshape(tuple(value.shape.dim))
                for name, value in entry.state_parameter.items()
            }
            loaded[key] = (int(entry.t), arrays)
        self._set_arrays(loaded)

    def _set_arrays(self, loaded: Mapping[str, tuple[int, Mapping[str, np.ndarray]]]) -> None:
        states = {}
        for key, (t, arrays) in loaded.items():
            states[key] = state = SolverState()
            state.t = t
            for name, array in arrays.items():
                state.pstate[name] = Variable.from_numpy_array(array)
        self.set_states(states)

    # -- gradients -------------------------------------------------------------------------------------------
    def zero_grad(self) -> None:
        """Set all gradients to 0, lazily."""
        for slot in self._slots.values():
            slot.content.grad._storage.fill(0, zeroing=True)

    def update(self, update_pre_hook: Hook | None = None, update_post_hook: Hook | None = None) -> None:
        """Update all parameters whose gradient is not lazily zero (:meth:`zero_grad`, nothing since).

        Args:
            update_pre_hook: Called without arguments before each parameter's update.
            update_post_hook: Called after it.
        """
        around = hooks_around("Solver.update", update_pre_hook, update_post_hook)
        update_slots(self, self._slots.values(), around)
        if self.fused_weight_decay:
            self._hyper["weight_decay"] = self._info.get("wd", 0.0)

    def weight_decay_is_fused(self) -> bool:
        """Return whether weight decay is part of the update rule rather than added to the gradient."""
        return self.fused_weight_decay

    def weight_decay(self, decay_rate: float, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> None:
        """Decay weights: add ``decay_rate * parameter`` to each gradient, where the rule does not do it itself.

        Args:
            decay_rate: Factor; 0 does nothing. A solver with fused weight decay uses it instead of its ``wd``
                for its next update.
            pre_hook: Called without arguments before each parameter.
            post_hook: Called after it.
        """
        rate = self._number("decay_rate", decay_rate)
        if self.fused_weight_decay:
            self._hyper["weight_decay"] = rate
        elif rate != 0:
            around = hooks_around("Solver.weight_decay", pre_hook, post_hook)
            gradients.change("weight_decay", self._slots.values(), rate, around)

    def scale_grad(self, scale: float, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> None:
        """Multiply all gradients by ``scale``, as loss scaling needs it.

        Args:
            scale: Factor.
            pre_hook: Called without arguments before each parameter.
            post_hook: Called after it.
        """
        factor = self._number("scale", scale)
        around = hooks_around("Solver.scale_grad", pre_hook, post_hook)
        gradients.change("scale_grad", self._slots.values(), factor, around)

    def clip_grad_by_norm(self, clip_norm: float, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> None:
        """Shrink each parameter's gradient whose L2 norm is over ``clip_norm`` to that norm.

        Args:
            clip_norm: Largest norm, 0 or more; 0 does nothing.
            pre_hook: Called without arguments before each parameter.
            post_hook: Called after it.
        """
        norm = self._number("clip_norm", clip_norm)
        if norm < 0:
            raise ArgumentError(f"Solver.clip_grad_by_norm: clip_norm is 0 or more, not {clip_norm}")
        if norm != 0:
            around = hooks_around("Solver.clip_grad_by_norm", pre_hook, post_hook)
            gradients.change("clip_grad_by_norm", self._slots.values(), norm, around)

    def check_inf_grad(self, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> bool:
        """Return whether any gradient has an infinite element; the search stops at the first."""
        around = hooks_around("Solver.check_inf_grad", pre_hook, post_hook)
        return gradients.check("isinf", self._slots.values(), around)

    def check_nan_grad(self, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> bool:
        """Return whether any gradient has a NaN; the search stops at the first."""
        around = hooks_around("Solver.check_nan_grad", pre_hook, post_hook)
        return gradients.check("isnan", self._slots.values(), around)

    def check_inf_or_nan_grad(self, pre_hook: Hook | None = None, post_hook: Hook | None = None) -> bool:
        """Return whether any gradient has an infinite element or a NaN; the search stops at the first."""
        around = hooks_around("Solver.check_inf_or_nan_grad", pre_hook, post_hook)
        return gradients.check("not finite", self._slots.values(), around)
