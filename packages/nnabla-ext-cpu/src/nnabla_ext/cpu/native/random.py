"""Random numbers and dropout by native kernels; the numbers are those of :mod:`nnabla.ops.randomness`, bit by bit."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import nnabla_ext.cpu.native as native
from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import random as numpy_kernels

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

_native = native.module
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def _integers(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    drawn = _native.random_integers(math.prod(args["shape"]), args["span"], args["state"], args["lane"])
    if args["low"]:
        drawn = drawn.astype(np.int64) + args["low"]
    return drawn.astype(args["dtype"], copy=False).reshape(args["shape"])


def _uniform(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    dtype = np.dtype(args["dtype"])
    if dtype not in _FLOATS:
        return numpy_kernels.FORWARD_KERNELS["RandomUniform"](xp, inputs, out, args)
    return _native.random_uniform(args["shape"], dtype, args["state"], args["lane"])


def _normal(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    return _native.random_normal(args["shape"], _is_double(args), args["state"], args["lane"])


def _log_gamma(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    return _native.random_log_gamma(args["shape"], args["k"], _is_double(args), args["state"], args["lane"])


def _is_double(args: dict[str, Any]) -> bool:
    """Whether floats are computed in double precision: kernels compute in one of two types."""
    return bool(np.dtype(args["dtype"]) == np.float64)


@functools.lru_cache(256)
def _least_kept(p: float, dtype: np.dtype) -> int:
    """Return the least of the numbers of 24 bits that keep an element."""
    return math.ceil(float(dtype.type(p)) * (1 << 24))


def _dropout(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x,), p = inputs, args["p"]
    if p == 0 or x.dtype not in _FLOATS:
        return numpy_kernels.FORWARD_KERNELS["Dropout"](xp, inputs, out, args)
    least, scale = _least_kept(p, x.dtype), 1.0 / (1.0 - p)
    if x.flags.c_contiguous:
        return _native.dropout(x, least, scale, args["state"], args["lane"])
    # Numbers are drawn in the order of indices, whatever that in memory is.
    drawn = _native.random_integers(x.size, 1 << 24, args["state"], args["lane"])
    mask = (drawn >= np.uint32(least)).reshape(x.shape)
    y = np.multiply(x, mask, out=np.empty_like(x))
    y *= x.dtype.type(scale)
    return y, mask


def _dropout_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (mask,), (dy,) = values, grads
    if mask is None:
        return [np.array(dy)]
    scale = 1.0 / (1.0 - args["p"])
    if dy.flags.c_contiguous and mask.flags.c_contiguous and mask.dtype == bool and dy.dtype in _FLOATS:
        return [_native.dropout_backward(dy, mask, scale)]
    dx = np.multiply(dy, mask, out=np.empty_like(dy))
    dx *= dy.dtype.type(scale)
    return [dx]


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "Dropout": _dropout,
    "RandomIntegers": _integers,
    "RandomLogGamma": _log_gamma,
    "RandomNormal": _normal,
    "RandomUniform": _uniform,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {"Dropout": BackwardKernel(_dropout_backward, ("mask",))}
