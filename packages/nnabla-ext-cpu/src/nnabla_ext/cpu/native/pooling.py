"""Pooling by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.windows import pooled_size
from nnabla.plugins.backend import BackwardKernel
from nnabla_ext.cpu.kernels import pooling as over_numpy
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

# What sums are divided by.
_NOTHING, _ALL, _INSIDE = range(3)


def _geometry(shape: Sequence[int], args: dict[str, Any]) -> tuple[Any, ...]:
    """Return kernel, stride, pad, numbers of windows, and whether the channel is last."""
    kernel, stride, pad, channel_last = args["kernel"], args["stride"], args["pad"], args["channel_last"]
    border = args["ignore_border"]
    first = len(shape) - len(kernel) - channel_last
    sizes = zip(shape[first:], kernel, stride, pad)
    return kernel, stride, pad, [pooled_size(n, k, s, p, border) for n, k, s, p in sizes], channel_last


def _max_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,) = inputs
    found = module.max_pooling(x, *_geometry(x.shape, args), True)
    return over_numpy.max_pooling(xp, inputs, out, args) if found is None else found


def _put_in_windows(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    dy, index = inputs
    found = module.put_in_windows(dy, index, args["shape"], *_geometry(args["shape"], args))
    return over_numpy.put_in_windows(xp, inputs, out, args) if found is None else found


def _max_pooling_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    shape, index = values
    return (_put_in_windows(xp, (grads[0], index), (None,), {**args, "shape": shape}),)


def _sum_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,) = inputs
    found = module.sum_pooling(x, *_geometry(x.shape, args), _NOTHING)
    return over_numpy.sum_pooling(xp, inputs, out, args) if found is None else found


def _spread_in_windows(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    found = module.spread_in_windows(inputs[0], args["shape"], *_geometry(args["shape"], args), _NOTHING)
    return over_numpy.spread_in_windows(xp, inputs, out, args) if found is None else found


def _counts(shape: Sequence[int], args: dict[str, Any]) -> Any:
    """Return the number of elements of each window, in a shape that broadcasts with the output's."""
    kernel, stride, pad, out, channel_last = _geometry(shape, args)
    first = len(shape) - len(kernel) - channel_last
    counts = np.ones((), np.float32)
    for n, k, s, p, o in zip(shape[first:], kernel, stride, pad, out):
        start = np.arange(o) * s - p
        end = np.minimum(start + k, n + p)
        if not args["including_pad"]:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        counts = np.multiply.outer(counts, (end - start).astype(np.float32))
    return counts[..., None] if channel_last else counts


def _average_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,) = inputs
    found = module.sum_pooling(x, *_geometry(x.shape, args), _ALL if args["including_pad"] else _INSIDE)
    return over_numpy.sum_pooling(xp, inputs, out, args) / _counts(x.shape, args) if found is None else found


def _average_pooling_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (shape,), (dy,) = values, grads
    divisor = _ALL if args["including_pad"] else _INSIDE
    dx = module.spread_in_windows(dy, shape, *_geometry(shape, args), divisor)
    if dx is None:
        dx = over_numpy.spread_in_windows(xp, (dy / _counts(shape, args),), (None,), {**args, "shape": shape})
    return (dx,)


def _global(shape: Sequence[int]) -> tuple[Any, ...]:
    """Return the geometry of one window over all spatial dimensions."""
    sizes = shape[2:]
    return sizes, sizes, (0,) * len(sizes), (1,) * len(sizes), False


def _global_average_pooling(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,) = inputs
    y = module.sum_pooling(x, *_global(x.shape), _ALL) if x.size else None
    if y is None:
        y = x.reshape(*x.shape[:2], prod(x.shape[2:])).mean(-1)
    return y if y.ndim == 4 else y.reshape(*x.shape[:2], 1, 1)


def _global_average_pooling_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (shape,), (dy,) = values, grads
    sizes = shape[2:]
    dy = dy.reshape(*shape[:2], *(1,) * len(sizes))
    dx = module.spread_in_windows(dy, shape, *_global(shape), _ALL) if prod(shape) else None
    return (np.broadcast_to(dy / max(prod(sizes), 1), shape).copy() if dx is None else dx,)


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "AveragePooling": _average_pooling,
    "GlobalAveragePooling": _global_average_pooling,
    "MaxPooling": _max_pooling,
    "PutInWindows": _put_in_windows,
    "SpreadInWindows": _spread_in_windows,
    "SumPooling": _sum_pooling,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "AveragePooling": BackwardKernel(_average_pooling_backward, ("x_shape",)),
    "GlobalAveragePooling": BackwardKernel(_global_average_pooling_backward, ("x_shape",)),
    "MaxPooling": BackwardKernel(_max_pooling_backward, ("x_shape", "index")),
}
