"""Running update rules: over all parameters at once by a backend's kernel, else one by one by the rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from nnabla.context import get_current_context
from nnabla.lowering.place import Place, places
from nnabla.solvers.buffers import borrow, give_back, held, replace
from nnabla.solvers.slot import Around, Slot

if TYPE_CHECKING:
    from nnabla.plugins.backend import SolverKernel
    from nnabla.solvers.base import Solver

__all__ = ["namespace_of", "update_slots"]

_LAST_T = 2**31 - 1
_NO_STATES: dict[str, Any] = {}


def update_slots(solver: Solver, slots: Iterable[Slot], around: Around | None) -> None:
    """Update the parameters of ``slots`` whose gradient is not lazily zero, with hooks ``around`` each."""
    place = places(get_current_context())[0]
    kernel = place.backend.solver_kernels.get(solver.kernel) if solver.kernel else None
    if kernel is not None and around is None:
        _update_together(kernel, slots, place, solver._hyper)
        return
    before, after = around or ((), ())
    for slot in slots:
        if slot.content.grad._storage.zeroing:
            continue
        for hook in before:
            hook()
        if kernel is not None:
            _update_together(kernel, (slot,), place, solver._hyper)
        else:
            _update_by_rule(solver, slot, place)
        for hook in after:
            hook()


def _update_together(kernel: SolverKernel, slots: Iterable[Slot], place: Place, hyper: Mapping[str, Any]) -> None:
    params, grads, states, ts, updated = [], [], [], [], []
    for slot in slots:
        content = slot.content
        if content.grad._storage.zeroing:
            continue
        g = held(content.grad, place)
        p = held(content.data, place)
        if p is None or g is None:
            _update_converted(kernel, slot, place, hyper)
            continue
        params.append(p)
        grads.append(g)
        states.append(_states(slot, place) if slot.states else _NO_STATES)
        ts.append(slot.t + 1 if slot.t < _LAST_T else _LAST_T)
        updated.append(slot)
    kernel(params, grads, states, ts, hyper)
    for slot, t in zip(updated, ts):
        slot.t = t
        slot.content.data._storage._written()


def _states(slot: Slot, place: Place) -> dict[str, Any]:
    """Return the buffers of the states, to be written."""
    arrays = {}
    for name, variable in slot.states.items():
        array = variable._node.content.data
        values = held(array, place)
        if values is None:
            values = array._storage.writable(place.library, place.types.compute, array.shape)
        else:
            array._storage._written()
        arrays[name] = values
    return arrays


def _update_converted(kernel: SolverKernel, slot: Slot, place: Place, hyper: Mapping[str, Any]) -> None:
    """Update one parameter that is not held as the kernel takes it."""
    data, grad = slot.content.data, slot.content.grad
    p, is_copy = borrow(data, place)
    g = grad._storage.read(place.library, place.types.compute, grad.shape)
    states = _states(slot, place)
    t = min(slot.t + 1, _LAST_T)
    kernel([p], [g], [states], [t], hyper)
    slot.t = t
    if is_copy:
        give_back(data, p, place)
    else:
        data._storage._written()


def _update_by_rule(solver: Solver, slot: Slot, place: Place) -> None:
    xp, give, take = namespace_of(place)
    dtype = place.types.compute

    def values(array: Any) -> Any:
        return give(array._storage.read(place.library, dtype, array.shape))

    data = slot.content.data
    t = min(slot.t + 1, _LAST_T)
    old = {name: values(v.data) for name, v in slot.states.items()}
    p, states = solver.rule(xp, values(data), values(slot.content.grad), old, t, solver._hyper)
    for name, variable in slot.states.items():
        replace(variable.data, take(states[name]), place)
    replace(data, take(p), place)
    slot.t = t


def namespace_of(place: Place) -> tuple[Any, Any, Any]:
    """Return a namespace for the arrays of a place, and how an array gets into it and back.

    A backend without one computes on the host, by NumPy.
    """
    xp = place.backend.namespace
    if xp is not None:
        return xp, _same, _same
    import array_api_compat.numpy as host

    return host, place.library.to_numpy, place.library.from_numpy


def _same(array: Any) -> Any:
    return array
