"""Activations in few passes over memory, in place where a value of their own allows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

#: Below this many elements memory costs less than calls of NumPy.
_FEW = 2048


def _sigmoid(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    y = np.negative(np.atleast_1d(inputs[0]))
    with np.errstate(over="ignore"):  # where the exponential is infinite, 0 is right
        np.exp(y, out=y)
    y += 1
    np.divide(1, y, out=y)
    return y.reshape(inputs[0].shape)


def _sigmoid_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (y,), (dy,) = values, grads
    if y.size < _FEW:
        return ((1 - y) * y * dy,)
    dx = 1 - y
    dx *= y
    dx *= dy
    return (dx,)


def _tanh_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (y,), (dy,) = values, grads
    if y.size < _FEW:
        return ((1 - y * y) * dy,)
    dx = np.square(y)
    np.subtract(1, dx, out=dx)
    dx *= dy
    return (dx,)


FORWARD_KERNELS: dict[str, ForwardKernel] = {"Sigmoid": _sigmoid}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "Sigmoid": BackwardKernel(_sigmoid_backward, ("y",)),
    "Tanh": BackwardKernel(_tanh_backward, ("y",)),
}
