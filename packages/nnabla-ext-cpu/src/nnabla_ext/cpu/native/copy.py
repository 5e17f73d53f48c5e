"""Copies in another order of memory or dtype, into parts of other arrays, and one after another, by native kernels."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.ops.joining import concatenate
from nnabla.ops.slicing import place, placement
from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import indexing
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS", "converted", "copied", "filled"]

Array = np.ndarray
Arrays = tuple[Any, ...]

FORWARD_KERNELS: dict[str, ForwardKernel] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}

#: Of fewer elements NumPy's own way is as fast: there is less to call.
_FEW = 2048
#: More are left to the system, which gives pages of zeros when they are touched, or says that there is no such memory.
_MANY = 1 << 26
_FLOATS = {np.dtype(np.float32): False, np.dtype(np.float64): True}


def copied(x: Array, c_order: bool) -> Array | None:
    """Return a copy in C order, or as the array lies; None where NumPy does it as well."""
    return None if x.size < _FEW and not module.is_recording() else module.copied(x, c_order)


def converted(x: Array, dtype: np.dtype) -> Array | None:
    """Return the values in another dtype; None where NumPy does it as well."""
    return None if x.size < _FEW and not module.is_recording() else module.converted(x, dtype)


def filled(shape: Sequence[int], value: float, dtype: np.dtype) -> Array | None:
    """Return an array filled with a number; None where NumPy does it as well."""
    twice = _FLOATS.get(dtype)
    # What NumPy does is not part of a native program.
    if twice is None or not (_FEW <= math.prod(shape) <= _MANY or module.is_recording()):
        return None
    return module.filled(shape, value, twice)


def _cast(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    x, dtype = inputs[0], np.dtype(args["dtype"])
    if x.dtype == dtype:
        return x
    found = converted(x, dtype) if isinstance(x, np.ndarray) else None
    return x.astype(dtype) if found is None else found


_placement = functools.lru_cache(4096)(placement)


def _place(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,) = inputs
    shape = args["shape"]
    found = None
    if x.dtype in _FLOATS:
        start, step = _placement(shape, args["start"], args["stop"], args["step"])
        if x.shape == shape and all(s in (1, -1) for s in step):
            # Everything is there, some of it in reverse order.
            found = copied(x[tuple([slice(None, None, s) for s in step])], True)
            if found is not None:
                return found
        found = module.placed(x, shape, start, step, args["fill"])
    if found is None:
        reference: Any = place.reference_kernel
        return reference(xp, x, **args)
    return found


def _concatenate(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    found = module.joined(inputs, args["axis"])
    if found is None:
        found = _joined_as_they_lie(inputs, args["axis"])
    if found is None:
        reference: Any = concatenate.reference_kernel
        return reference(xp, *inputs, axis=args["axis"])
    return found


def _joined_as_they_lie(inputs: Arrays, axis: int) -> Array | None:
    """Join arrays in the order of axes in which the largest of them that are not in C order lies in memory."""
    others = [x for x in inputs if isinstance(x, np.ndarray) and not x.flags.c_contiguous]
    if not others or len({x.ndim for x in inputs}) > 1:
        return None
    strides = max(others, key=lambda x: x.size).strides
    order = sorted(range(len(strides)), key=lambda i: -strides[i])
    parts = []
    for x in inputs:
        part = x.transpose(order)
        made = None if part.flags.c_contiguous else copied(part, True)
        parts.append(part if made is None else made)
    found = module.joined(tuple(parts), order.index(axis % len(order)))
    return None if found is None else found.transpose([order.index(i) for i in range(len(order))])


def _full(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    shape, dtype = args["shape"], np.dtype(args["dtype"])
    twice = _FLOATS.get(dtype)
    if twice is None or not shape:
        return np.full(shape, args["val"], dtype)
    return module.filled(shape, args["val"], twice)


def _iota(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    n, start, dtype = args["n"], args["start"], np.dtype(args["dtype"])
    twice = _FLOATS.get(dtype)
    return np.arange(start, start + n, dtype=dtype) if twice is None else module.counted(n, start, twice)


def _eye_like(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,), k = inputs, args["k"]
    rows, columns = x.shape
    twice = bool(x.dtype == np.float64)
    count = min(rows + min(k, 0), columns - max(k, 0))
    if count <= 0:
        return module.filled(x.shape, 0.0, twice)
    start = k if k >= 0 else -k * columns
    ones = module.filled((count,), 1.0, twice)
    return module.placed(ones, (x.size,), (start,), (columns + 1,), 0.0).reshape(x.shape)


def _linspace(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    start, num, dtype = args["start"], args["num"], np.dtype(args["dtype"])
    twice = bool(dtype == np.float64)
    return module.filled((num,), start, twice) if num < 2 else module.spread(num, start, args["stop"], twice)


def _reshape(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return HOST.reshape(inputs[0], args["shape"])


def _flat_along(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    found = module.flat_along(inputs[0], args["axis"], args["size"])
    return indexing.flat_along(xp, inputs, out, args) if found is None else found


def _take_rows(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    x, index = inputs
    found = module.rows_at(x, index)
    return np.take(x, index, axis=0) if found is None else found


def _tile(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,), reps = inputs, args["reps"]
    ndim = max(x.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + tuple(reps)
    sizes = (1,) * (ndim - x.ndim) + x.shape
    apart = [n for pair in zip(reps, sizes) for n in pair]
    ones = [n for size in sizes for n in (1, size)]
    spread = np.broadcast_to(x.reshape(ones), apart)
    found = copied(spread, True)
    return (np.array(spread, order="C") if found is None else found).reshape([r * n for r, n in zip(reps, sizes)])


def _trilu(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return module.triangle(np.ascontiguousarray(inputs[0]), args["k"], args["upper"])


def _trilu_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    return (_trilu(xp, (grads[0],), (None,), args),)


if module is not None:
    BACKWARD_KERNELS["Trilu"] = BackwardKernel(_trilu_backward)
    FORWARD_KERNELS.update(
        {
            "Cast": _cast,
            "Concatenate": _concatenate,
            "EyeLike": _eye_like,
            "FlatAlong": _flat_along,
            "Full": _full,
            "Iota": _iota,
            "Linspace": _linspace,
            "Place": _place,
            "Reshape": _reshape,
            "TakeRows": _take_rows,
            "Tile": _tile,
            "Trilu": _trilu,
        }
    )
