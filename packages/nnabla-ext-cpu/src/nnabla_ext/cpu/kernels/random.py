"""Random numbers: Philox4x32-10 in blocks that stay in the cache, and dropout in few passes over memory.

The draws are those of the reference kernels, bit by bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnabla.plugins.backend import ForwardKernel

__all__ = ["FORWARD_KERNELS", "words"]

_WORD = 0xFFFFFFFF
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_MASK, _HALF = np.uint64(_WORD), np.uint64(32)
#: Counters that are worked on together: six arrays of this length fit into the second-level cache.
_BLOCK = 16384


def words(count: int, state: tuple[int, int], lane: int) -> np.ndarray:
    """Return ``count`` random words of 32 bits (uint32) for a stream, the number of a draw, and a lane."""
    stream, draw = state
    counters = (count + 3) // 4
    result = np.empty((counters, 4), np.uint32)
    size = min(_BLOCK, counters)
    buffers = [np.empty(size, np.uint64) for _ in range(6)]
    keys = [
        [np.uint64((part + r * step) & _WORD) for part, step in zip((stream & _WORD, stream >> 32), _KEY_STEPS)]
        for r in range(10)
    ]
    for start in range(0, counters, _BLOCK):
        n = min(_BLOCK, counters - start)
        c0, c1, c2, c3, p0, p1 = (b[:n] for b in buffers)
        c0[:] = np.arange(start, start + n, dtype=np.uint64)
        c1.fill(lane)
        c2.fill(draw & _WORD)
        c3.fill(draw >> 32)
        for k0, k1 in keys:
            np.multiply(c0, _MULTIPLIERS[0], out=p0)
            np.multiply(c2, _MULTIPLIERS[1], out=p1)
            np.right_shift(p1, _HALF, out=c0)
            np.bitwise_xor(c0, c1, out=c0)
            np.bitwise_xor(c0, k0, out=c0)
            np.bitwise_and(p1, _MASK, out=c1)
            np.right_shift(p0, _HALF, out=c2)
            np.bitwise_xor(c2, c3, out=c2)
            np.bitwise_xor(c2, k1, out=c2)
            np.bitwise_and(p0, _MASK, out=c3)
        block = result[start : start + n]
        for i, word in enumerate((c0, c1, c2, c3)):
            block[:, i] = word
    return result.reshape(-1)[:count]


def _integers(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    shape, span, low = args["shape"], args["span"], args["low"]
    drawn = words(math.prod(shape), args["state"], args["lane"])
    if span & (span - 1) == 0:
        shift = 33 - span.bit_length()
        # A shift by all bits is undefined.
        drawn = drawn >> np.uint32(shift) if shift < 32 else np.zeros_like(drawn)
    else:
        drawn = (drawn.astype(np.uint64) * np.uint64(span)) >> _HALF
    if low:
        drawn = drawn.astype(np.int64) + low
    return drawn.astype(args["dtype"], copy=False).reshape(shape)


def _uniform(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    shape = args["shape"]
    drawn = words(math.prod(shape), args["state"], args["lane"])
    drawn >>= np.uint32(8)
    values = drawn.astype(args["dtype"])
    values *= values.dtype.type(2.0**-24)
    return values.reshape(shape)


def _dropout(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    (x,), p = inputs, args["p"]
    if p == 0:
        return np.array(x)
    drawn = words(x.size, args["state"], args["lane"])
    drawn >>= np.uint32(8)
    # u >= p for u = drawn / 2 ** 24, both exact in the type that u has.
    mask = (drawn >= np.uint32(math.ceil(float(x.dtype.type(p)) * (1 << 24)))).reshape(x.shape)
    y = x * mask
    y *= x.dtype.type(1.0 / (1.0 - p))
    return y, mask


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "Dropout": _dropout,
    "RandomIntegers": _integers,
    "RandomUniform": _uniform,
}
