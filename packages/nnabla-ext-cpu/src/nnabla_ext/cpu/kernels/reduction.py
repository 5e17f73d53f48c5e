"""Sums over short axes, which NumPy would add element by element, and the gradient of products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray

#: Axes of up to this many elements are short.
_SHORT = 8
#: Below this many sums a call of NumPy costs more than what it does.
_FEW = 4096


def _sum(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    (x,) = inputs
    if x.size < _FEW * _SHORT or not x.ndim:
        return np.sum(x, axis=args["axes"], keepdims=args["keep_dims"])
    axes = {axis % x.ndim for axis in args["axes"]}
    if x.ndim - 1 not in axes or any(x.shape[axis] > _SHORT for axis in axes):
        return np.sum(x, axis=args["axes"], keepdims=args["keep_dims"])
    shape = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
    for axis in sorted(axes):
        parts = [x[(*[slice(None)] * axis, slice(i, i + 1))] for i in range(x.shape[axis])]
        x = parts[0].copy() if len(parts) == 1 else parts[0] + parts[1]
        for part in parts[2:]:
            x += part
    return x.reshape(shape if args["keep_dims"] else [n for axis, n in enumerate(shape) if axis not in axes])


def _others(line: Array) -> Array:
    """Return for each element of the last axis the product of all others, without dividing."""
    before, after = np.ones_like(line), np.ones_like(line)
    np.cumprod(line[..., :-1], axis=-1, out=before[..., 1:])
    np.cumprod(line[..., :0:-1], axis=-1, out=after[..., -2::-1])
    return before * after


def _prod_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x,), (dy,) = values, grads
    axes = tuple(axis % x.ndim for axis in args["axes"])
    y = np.prod(x, axis=axes, keepdims=True)
    dy = dy.reshape(y.shape)
    size = np.abs(y)
    if x.size and size.min() >= np.finfo(x.dtype).tiny and size.max() < np.inf:
        return (np.divide(dy * y, x),)
    outer = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.transpose(x, (*outer, *sorted(axes)))
    others = _others(moved.reshape(*moved.shape[: len(outer)], -1)) if x.size else moved
    back = np.transpose(others.reshape(moved.shape), np.argsort([*outer, *sorted(axes)]))
    return (dy * back,)


FORWARD_KERNELS: dict[str, ForwardKernel] = {"Sum": _sum}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {"Prod": BackwardKernel(_prod_backward, ("x",))}
