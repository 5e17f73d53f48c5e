"""The largest elements without sorting all, and positions in sorted sequences by bisection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray

#: Up to this many elements are sought one after the other.
_FEW = 32


def _positions(x: Array, k: int, largest: bool) -> Array:
    """Return the positions of the ``k`` largest (or smallest) elements of each row, the first of equal ones first."""
    if k <= _FEW and x.shape[1] > 8 * k:
        found = _one_by_one(x, k, largest)
        if found is not None:
            return found
    if not largest:
        return np.argsort(x, axis=1, kind="stable")[:, :k]
    # From behind, so that sorting backwards keeps equal elements in order.
    return x.shape[1] - 1 - np.argsort(x[:, ::-1], axis=1, kind="stable")[:, ::-1][:, :k]


def _one_by_one(x: Array, k: int, largest: bool) -> Array | None:
    """Seek the largest element, put it out of the way, and again; None where NaN or infinity would confuse that."""
    left, rows = x.copy(), np.arange(len(x))
    index = np.empty((len(x), k), np.int64)
    for column in range(k):
        at = left.argmax(1) if largest else left.argmin(1)
        if not np.isfinite(left[rows, at]).all():
            return None
        index[:, column] = at
        left[rows, at] = -math.inf if largest else math.inf
    return index


def _top_k_data(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x,), k = inputs, args["k"]
    base = args["base_axis"] % x.ndim
    outer = x.shape[:base]
    samples = x.reshape(math.prod(outer), math.prod(x.shape[base:]))
    index = _positions(np.abs(samples) if args["abs"] else samples, k, args["largest"])
    return top_k_results(x, samples, np.take_along_axis(samples, index, 1), index, args)


def top_k_results(x: Any, samples: Any, values: Any, index: Any, args: dict[str, Any]) -> Any:
    """Return what TopKData gives, from the values and positions that were chosen of each of the samples of ``x``."""
    outer, k = x.shape[: args["base_axis"] % x.ndim], args["k"]
    if not args["reduce"]:
        y = np.zeros_like(samples)
        np.put_along_axis(y, index, values, 1)
        return y.reshape(x.shape), index
    values = values.reshape(*outer, k)
    return (values, index.reshape(*outer, k).copy(), index) if args["with_index"] else (values, index)


def _top_k_grad_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (dy,) = grads
    base = args["base_axis"] % dy.ndim
    samples = dy.reshape(math.prod(dy.shape[:base]), math.prod(dy.shape[base:]))
    index = _positions(np.abs(samples) if args["abs"] else samples, args["k"], True)
    dx = np.zeros_like(samples)
    np.put_along_axis(dx, index, np.take_along_axis(samples, index, 1), 1)
    return (dx.reshape(dy.shape),)


def _searchsorted(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    sequences, values = inputs
    side: Any = "right" if args["right"] else "left"
    y = np.empty(values.shape, values.dtype)
    for place in np.ndindex(values.shape[:-1]):
        y[place] = np.searchsorted(sequences[place], values[place], side)
    # Nothing is less than NaN.
    y[np.isnan(values)] = 0
    return y


def _fix_half(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    score, fixed, now = inputs
    found = np.array(fixed, order="C")
    if int(now) in args["iterations"]:
        flat = found.reshape(-1)
        ranked = (score * (1 - fixed) - fixed).reshape(-1)
        half = int((ranked.size - np.count_nonzero(flat)) * 0.5)
        flat[np.argsort(-ranked, kind="stable")[:half]] = 1
    return found


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "FixHalf": _fix_half,
    "SearchSorted": _searchsorted,
    "TopKData": _top_k_data,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {"TopKGrad": BackwardKernel(_top_k_grad_backward)}
