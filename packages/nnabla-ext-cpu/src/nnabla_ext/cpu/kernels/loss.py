"""Losses in few passes over memory: the label's element is read, rather than summed with a one-hot mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.ops.loss import TINY
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


def _categorical_cross_entropy(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x, target), axis = inputs, args["axis"]
    if not x.shape[axis]:
        return np.zeros(target.shape, x.dtype)
    label, valid = _labels(target, axis, x.shape[axis])
    y = -np.log(np.maximum(np.take_along_axis(x, label, axis), x.dtype.type(TINY)))
    return y if valid is None else np.where(valid, y, 0)


def _categorical_cross_entropy_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x, target), (dy,), axis = values, grads, args["axis"]
    if not need[0]:
        return None, None
    dx = np.zeros_like(x)
    if x.size:
        label, valid = _labels(target, axis, x.shape[axis])
        chosen = -dy / np.maximum(np.take_along_axis(x, label, axis), x.dtype.type(TINY))
        np.put_along_axis(dx, label, chosen if valid is None else np.where(valid, chosen, 0), axis)
    return dx, None


def _binary_cross_entropy_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x, target), (dy,) = values, grads
    dx = dt = None
    if need[0]:
        scale = np.atleast_1d(x - x * x)
        np.clip(scale, x.dtype.type(TINY), x.dtype.type(np.inf), out=scale)
        dx = np.atleast_1d(x - target)
        dx *= dy
        dx /= scale
        dx = dx.reshape(x.shape)
    if need[1]:
        log, other = (np.log(np.maximum(p, x.dtype.type(TINY))) for p in (x, 1 - x))
        dt = np.asarray(dy * (other - log))
    return dx, dt


def _top_n_error(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x, target), axis = inputs, args["axis"]
    if not x.shape[axis]:
        return np.ones(target.shape, x.dtype)
    label, valid = _labels(target, axis, x.shape[axis])
    better = np.moveaxis(x >= np.take_along_axis(x, label, axis), axis, -1).astype(x.dtype)
    # NumPy's own sum is slow over an axis as short as that of classes.
    wrong = (np.einsum("...i->...", better) > args["n"]).reshape(target.shape)
    return (wrong if valid is None else wrong | ~valid).astype(x.dtype)


def _confusion_matrix(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x, target), axis = inputs, args["axis"]
    classes = x.shape[axis]
    best = np.argmax(x, axis=axis, keepdims=True)
    valid = (target >= 0) & (target < classes)
    pairs = (target * classes + best)[valid]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int32)


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "CategoricalCrossEntropy": _categorical_cross_entropy,
    "ConfusionMatrix": _confusion_matrix,
    "SoftmaxCrossEntropy": _softmax_cross_entropy,
    "TopNError": _top_n_error,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "BinaryCrossEntropy": BackwardKernel(_binary_cross_entropy_backward, ("x", "target")),
    "CategoricalCrossEntropy": BackwardKernel(_categorical_cross_entropy_backward, ("x", "target")),
    "SoftmaxCrossEntropy": BackwardKernel(_softmax_cross_entropy_backward, ("target", "log_p")),
}
