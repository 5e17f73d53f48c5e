"""Losses in few passes over memory: the label's element is read, rather than summed with a one-hot mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]


def _labels(target: np.ndarray, axis: int, classes: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Return labels that index (0 where they are no class), and where they are some (None: everywhere)."""
    if target.size and target.min() >= 0 and target.max() < classes:
        return target, None
    valid = (target >= 0) & (target < classes)
    return np.where(valid, target, 0), valid


def _softmax_cross_entropy(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x, target), axis = inputs, args["axis"]
    log_p = x - x.max(axis=axis, keepdims=True) if x.size else np.array(x)
    total = np.exp(log_p).sum(axis=axis, keepdims=True)
    log_p -= np.log(total)
    label, valid = _labels(target, axis, x.shape[axis])
    y = -np.take_along_axis(log_p, label, axis) if x.shape[axis] else np.zeros(target.shape, x.dtype)
    if valid is not None:
        y *= valid
    return y, log_p


def _softmax_cross_entropy_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (target, log_p), (dy,), axis = values, grads, args["axis"]
    if not need[0]:
        return None, None
    dx = np.exp(log_p)
    if dx.size:
        label, valid = _labels(target, axis, dx.shape[axis])
        np.put_along_axis(dx, label, np.take_along_axis(dx, label, axis) - 1, axis)
        dx *= dy if valid is None else dy * valid
    return dx, None


FORWARD_KERNELS: dict[str, ForwardKernel] = {"SoftmaxCrossEntropy": _softmax_cross_entropy}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "SoftmaxCrossEntropy": BackwardKernel(_softmax_cross_entropy_backward, ("target", "log_p")),
}
