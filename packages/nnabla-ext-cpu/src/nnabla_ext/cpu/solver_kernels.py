"""Solvers' updates and changes of gradients over lists of NumPy arrays, in place.

Each step is one function of ``out=`` calls on a piece of a parameter. Large arrays are cut into pieces, so that
what one call leaves is still in the cache when the next reads it: memory is passed once per update, not once
per operation. Results equal those of the solvers' rules up to rounding.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

__all__ = ["GRADIENT_KERNELS", "SOLVER_KERNELS"]

#: Elements of a piece. Larger ones would be faster where the outer caches are large, and slower elsewhere.
_PIECE = 131072

#: Up to so many elements an array is one piece, and scratch memory is allocated anew: that is faster.
_SMALL = 16384

Array = np.ndarray
Numbers = Callable[[Mapping[str, Any], int], tuple[float, ...]]

_local = threading.local()


def _pieces(arrays: tuple[Array, ...], scratch: int) -> Iterator[tuple[Array, ...]]:
    """Cut large arrays of one shape into pieces, each followed by ``scratch`` arrays of its size."""
    first = arrays[0]
    size = first.size
    if not all(x.flags.c_contiguous for x in arrays):
        yield (*arrays, *[np.empty_like(first) for _ in range(scratch)])
        return
    flat = [x.reshape(-1) for x in arrays]
    spare = [_spare(first.dtype, at) for at in range(scratch)]
    for start in range(0, size, _PIECE):
        stop = min(start + _PIECE, size)
        yield (*[x[start:stop] for x in flat], *[x[: stop - start] for x in spare])


def _spare(dtype: np.dtype, at: int) -> Array:
    """Return scratch array number ``at`` of a piece's size, kept for this thread."""
    kept: dict[Any, Array] | None = getattr(_local, "kept", None)
    if kept is None:
        kept = _local.kept = {}
    found = kept.get((dtype, at))
    if found is None:
        found = kept[dtype, at] = np.empty(_PIECE, dtype)
    return found


def _as_arrays(numbers: tuple[float, ...], dtype: np.dtype) -> list[Array]:
    """Return numbers as arrays: a ufunc takes these in half the time that it takes a float."""
    return [np.array(number, dtype) for number in numbers]


def _solver_kernel(
    numbers: Numbers, step: Callable[..., None], names: tuple[str, ...], scratch: int
) -> Callable[..., None]:
    """Return a kernel that runs ``step`` on all pieces of all parameters.

    ``step`` takes what ``numbers(hyper, t)`` gives, then the parameter, the gradient, the states of ``names`` and
    ``scratch`` arrays.
    """

    def kernel(
        params: list[Array],
        grads: list[Array],
        states: list[dict[str, Array]],
        ts: list[int],
        hyper: Mapping[str, Any],
    ) -> None:
        values: list[Array] = []
        at: tuple[int, np.dtype] | None = None
        for p, g, state, t in zip(params, grads, states, ts):
            if at is None or at[0] != t or at[1] is not p.dtype:
                values = _as_arrays(numbers(hyper, t), p.dtype)
                at = (t, p.dtype)
            arrays = (p, g, *[state[name] for name in names])
            if p.size <= _SMALL:
                step(*values, *arrays, *[np.empty_like(p) for _ in range(scratch)])
            else:
                for piece in _pieces(arrays, scratch):
                    step(*values, *piece)

    return kernel


# -- gradient descent -----------------------------------------------------------------------------------------
def _sgd(
    params: list[Array],
    grads: list[Array],
    states: list[dict[str, Array]],
    ts: list[int],
    hyper: Mapping[str, Any],
) -> None:
    _subtract_scaled(params, grads, hyper["lr"])


def _subtract_scaled(targets: list[Array], sources: list[Array], factor: float) -> None:
    value: Array | None = None
    for target, source in zip(targets, sources):
        if value is None or value.dtype is not target.dtype:
            value = np.array(factor, target.dtype)
        if target.size <= _SMALL:
            np.subtract(target, source * value, target)
        else:
            for target_part, source_part, a in _pieces((target, source), 1):
                np.multiply(source_part, value, a)
                np.subtract(target_part, a, target_part)


def _momentum_numbers(hyper: Mapping[str, Any], t: int) -> tuple[float, ...]:
    return hyper["lr"], hyper["momentum"]


def _momentum(lr: Array, momentum: Array, p: Array, g: Array, m: Array, a: Array) -> None:
    np.multiply(m, momentum, m)
    np.multiply(g, lr, a)
    np.add(m, a, m)
    np.subtract(p, m, p)


# -- Adam -----------------------------------------------------------------------------------------------------
def _adam_numbers(hyper: Mapping[str, Any], t: int) -> tuple[float, ...]:
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    alpha = hyper["alpha"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
    return alpha, beta1, 1 - beta1, beta2, 1 - beta2, hyper["eps"]


def _adam(
    alpha: Array,
    beta1: Array,
    rest1: Array,
    beta2: Array,
    rest2: Array,
    eps: Array,
    p: Array,
    g: Array,
    mean: Array,
    var: Array,
    a: Array,
    b: Array,
) -> None:
    np.multiply(mean, beta1, mean)
    np.multiply(g, rest1, a)
    np.add(mean, a, mean)
    np.multiply(var, beta2, var)
    np.multiply(g, rest2, a)
    np.multiply(a, g, a)
    np.add(var, a, var)
    np.sqrt(var, a)
    np.add(a, eps, a)
    np.multiply(mean, alpha, b)
    np.divide(b, a, b)
    np.subtract(p, b, p)


def _adamw_numbers(hyper: Mapping[str, Any], t: int) -> tuple[float, ...]:
    decay = hyper["alpha"] / hyper["initial_rate"] * hyper["weight_decay"]
    return (1 - decay, *_adam_numbers(hyper, t))


def _adamw(kept: Array, *values: Array) -> None:
    p = values[6]
    np.multiply(p, kept, p)
    _adam(*values)


# -- gradients ------------------------------------------------------------------------------------------------
def _weight_decay(params: list[Array], grads: list[Array], rate: float) -> None:
    _subtract_scaled(grads, params, -rate)


def _scale_grad(params: list[Array], grads: list[Array], scale: float) -> None:
    for g in grads:
        np.multiply(g, np.array(scale, g.dtype), g)


def _clip_grad_by_norm(params: list[Array], grads: list[Array], clip_norm: float) -> None:
    for g in grads:
        total = 0.0
        for part, a in _pieces((g,), 1):
            np.multiply(part, part, a)
            total += float(np.add.reduce(a, axis=None))
        norm = math.sqrt(total)
        if norm > clip_norm:
            np.multiply(g, np.array(clip_norm / norm, g.dtype), g)


#: By ``Solver.kernel``.
SOLVER_KERNELS = {
    "Adam": _solver_kernel(_adam_numbers, _adam, ("mean", "var"), 2),
    "AdamW": _solver_kernel(_adamw_numbers, _adamw, ("mean", "var"), 2),
    "Momentum": _solver_kernel(_momentum_numbers, _momentum, ("m",), 1),
    "Sgd": _sgd,
}

GRADIENT_KERNELS = {
    "clip_grad_by_norm": _clip_grad_by_norm,
    "scale_grad": _scale_grad,
    "weight_decay": _weight_decay,
}
