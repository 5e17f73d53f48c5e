"""What solvers do to gradients between backward and update: decay, scale, clip, look for NaN and infinity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nnabla.context import get_current_context
from nnabla.lowering.place import places
from nnabla.solvers.buffers import borrow, give_back, held, replace
from nnabla.solvers.slot import Around, Slot
from nnabla.solvers.updating import namespace_of

__all__ = ["change", "check"]


def _weight_decay(xp: Any, p: Any, g: Any, rate: float) -> Any:
    return g + rate * p


def _scale_grad(xp: Any, p: Any, g: Any, scale: float) -> Any:
    return g * scale


def _clip_grad_by_norm(xp: Any, p: Any, g: Any, clip_norm: float) -> Any:
    norm = xp.sqrt(xp.sum(g * g))
    # A norm of NaN is not over the limit: the gradient stays.
    return g * (clip_norm / xp.where(norm > clip_norm, norm, xp.full_like(norm, clip_norm)))


_RULES: dict[str, Callable[[Any, Any, Any, float], Any]] = {
    "weight_decay": _weight_decay,
    "scale_grad": _scale_grad,
    "clip_grad_by_norm": _clip_grad_by_norm,
}

_TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "isinf": lambda xp, g: xp.any(xp.isinf(g)),
    "isnan": lambda xp, g: xp.any(xp.isnan(g)),
    "not finite": lambda xp, g: not xp.all(xp.isfinite(g)),
}


def change(what: str, slots: Iterable[Slot], value: float, around: Around | None) -> None:
    """Change the gradients that are not lazily zero.

    Args:
        what: ``'weight_decay'``, ``'scale_grad'`` or ``'clip_grad_by_norm'``.
        slots: The parameters.
        value: Rate, factor or largest norm.
        around: Hooks before and after each parameter.
    """
    place = places(get_current_context())[0]
    kernel = place.backend.gradient_kernels.get(what)
    before, after = around or ((), ())
    params, grads = [], []
    for slot in slots:
        data, grad = slot.content.data, slot.content.grad
        if grad._storage.zeroing:
            continue
        for hook in before:
            hook()
        p, g = held(data, place), held(grad, place)
        if p is None:
            p = data._storage.read(place.library, place.types.compute, data.shape)
        if kernel is None:
            xp, give, take = namespace_of(place)
            g = grad._storage.read(place.library, place.types.compute, grad.shape)
            replace(grad, take(_RULES[what](xp, give(p), give(g), value)), place)
        elif g is not None and around is None:
            params.append(p)
            grads.append(g)
            grad._storage._written()
        else:
            g, is_copy = borrow(grad, place)
            kernel([p], [g], value)
            if is_copy:
                give_back(grad, g, place)
        for hook in after:
            hook()
    if params and kernel is not None:
        kernel(params, grads, value)


def check(what: str, slots: Iterable[Slot], around: Around | None) -> bool:
    """Return whether any gradient that is not lazily zero has what is asked for; stop at the first.

    Args:
        what: ``'isinf'``, ``'isnan'`` or ``'not finite'``.
        slots: The parameters.
        around: Hooks before and after each parameter.
    """
    place = places(get_current_context())[0]
    xp, give, _ = namespace_of(place)
    test = _TESTS[what]
    before, after = around or ((), ())
    for slot in slots:
        grad = slot.content.grad
        if grad._storage.zeroing:
            continue
        for hook in before:
            hook()
        found = bool(test(xp, give(grad._storage.read(place.library, None, grad.shape))))
        for hook in after:
            hook()
        if found:
            return True
    return False
