"""Solvers' updates and changes of gradients: one native call for all parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import nnabla_ext.cpu.native as native
from nnabla.plugins.backend import GradientKernel, SolverKernel
from nnabla_ext.cpu import solver_kernels

__all__ = ["GRADIENT_KERNELS", "SOLVER_KERNELS"]

_native = native.module


def _update(name: str) -> SolverKernel:
    update = _native.solver_update

    def kernel(
        params: list[Any], grads: list[Any], states: list[dict[str, Any]], ts: list[int], hyper: Mapping[str, Any]
    ) -> None:
        for at in update(name, params, grads, states, ts, hyper):
            _by_rule(name, params[at], grads[at], states[at], ts[at], hyper)

    return kernel


def _by_rule(name: str, p: Any, g: Any, states: dict[str, Any], t: int, hyper: Mapping[str, Any]) -> None:
    """Update one parameter whose arrays lie in memory in different ways."""
    import nnabla.solvers

    after, states_after = getattr(nnabla.solvers, name).rule(np, p, g, states, t, hyper)
    p[...] = after
    for key, state in states.items():
        state[...] = states_after[key]


def _weight_decay(params: list[Any], grads: list[Any], rate: float) -> None:
    _others("weight_decay", params, grads, rate, _native.weight_decay(params, grads, rate))


def _scale_grad(params: list[Any], grads: list[Any], scale: float) -> None:
    _others("scale_grad", params, grads, scale, _native.scale_grad(grads, scale))


def _clip_grad_by_norm(params: list[Any], grads: list[Any], norm: float) -> None:
    _others("clip_grad_by_norm", params, grads, norm, _native.clip_grad_by_norm(grads, norm))


def _others(what: str, params: list[Any], grads: list[Any], value: float, left: list[int]) -> None:
    """Change by NumPy what the native kernel left."""
    if left:
        solver_kernels.GRADIENT_KERNELS[what]([params[at] for at in left], [grads[at] for at in left], value)


SOLVER_KERNELS: dict[str, SolverKernel] = {name: _update(name) for name in _native.solvers()}

GRADIENT_KERNELS: dict[str, GradientKernel] = {
    "clip_grad_by_norm": _clip_grad_by_norm,
    "scale_grad": _scale_grad,
    "weight_decay": _weight_decay,
}
