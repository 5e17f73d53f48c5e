"""The kernels of ``sample_kernels``: a table of primitives, each a function of NumPy arrays.

There is none for a layer or a loss, and none for backward: convolutions, normalizations, cross entropy and every
gradient are made of these. What each operator means, its definition in ``nnabla.ops`` says.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["KERNELS"]

Array = Any


def of_inputs(function: Callable[..., Array]) -> Callable[..., Array]:
    """A kernel that needs the inputs alone."""
    return lambda xp, inputs, out, args: function(*inputs)


def kernel(function: Callable[..., Array]) -> Callable[..., Array]:
    """A kernel that takes inputs, and arguments by name."""
    return lambda xp, inputs, out, args: function(*inputs, **args)


def slices(start: Sequence[int], stop: Sequence[int], step: Sequence[int]) -> tuple[Any, ...]:
    return (..., *map(slice, start, stop, step))


def place(x: Array, shape: Sequence[int], start: Any, stop: Any, step: Any, fill: float) -> Array:
    y = np.full(shape, fill, x.dtype)
    # Bounds may lie before the first element where steps are negative, so they are resolved here.
    y[tuple(np.ix_(*(range(n)[slice(*bounds)] for n, *bounds in zip(shape, start, stop, step))))] = x
    return y


def where(condition: Array, x: Array, y: Array) -> Array:
    lacking = max(x.ndim, y.ndim) - condition.ndim
    return np.where(condition.reshape(condition.shape + (1,) * lacking), x, y)


def running(function: Callable[..., Array], first: float) -> Callable[..., Array]:
    def run(x: Array, axis: int, exclusive: bool, reverse: bool) -> Array:
        x = np.flip(x, axis) if reverse else x
        if exclusive:
            x = np.insert(x, 0, first, axis).take(range(x.shape[axis]), axis)
        y = function(x, axis=axis, dtype=x.dtype)
        return np.ascontiguousarray(np.flip(y, axis)) if reverse else y

    return kernel(run)


def matmul(a: Array, b: Array, transpose_a: bool, transpose_b: bool) -> Array:
    return np.matmul(a.swapaxes(-1, -2) if transpose_a else a, b.swapaxes(-1, -2) if transpose_b else b)


def remainder(x: Array, y: Array, fmod: bool) -> Array:
    return np.remainder(x, y) if x.dtype.kind in "iu" and not fmod else np.fmod(x, y)


def argsort(x: Array, axis: int, descending: bool, dtype: Any) -> Array:
    return np.argsort(-x if descending else x, axis, kind="stable").astype(dtype)


def add_rows(rows: Array, index: Array, n: int) -> Array:
    y = np.zeros((n, *rows.shape[index.ndim :]), rows.dtype)
    np.add.at(y, index, rows)
    return y


def put_rows(x: Array, rows: Array, index: Array) -> Array:
    y = x.copy()
    y[index.reshape(-1)] = rows.reshape(index.size, *x.shape[1:])
    return y


def checked(index: Array, size: int, what: str) -> Array:
    if index.size and not -size <= index.min() <= index.max() < size:
        raise IndexError(f"{what}: an index is not within {size} entries")
    return index % max(size, 1)


def flat_index(index: Array, shape: Sequence[int], what: str) -> Array:
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    places = (checked(at, size, what) * stride for at, size, stride in zip(index, shape, strides))
    return sum(places, np.zeros(index.shape[1:], index.dtype))


def flat_along(index: Array, axis: int, size: int, what: str) -> Array:
    shape = [size if i == axis else n for i, n in enumerate(index.shape)]
    places = [index if i == axis else at for i, at in enumerate(np.indices(index.shape))]
    return flat_index(np.stack(places), shape, what)


def taps(kernel: Any, stride: Any, dilation: Any, out: Any) -> Iterator[tuple[Any, ...]]:
    """The elements that each position of a window touches, over all windows."""
    for position in itertools.product(*map(range, kernel)):
        yield (..., *(slice(k * d, k * d + o * s, s) for k, d, s, o in zip(position, dilation, stride, out)))


def padded(sizes: Any, kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any) -> list[int]:
    windows = zip(sizes, kernel, stride, dilation, pad, out)
    return [max(n + p, (o - 1) * s + (k - 1) * d + 1) for n, k, s, d, p, o in windows]


def inner(sizes: Any, pad: Any) -> tuple[Any, ...]:
    return (..., *(slice(p, p + n) for n, p in zip(sizes, pad)))


def unfold(x: Array, kernel: Any, stride: Any, dilation: Any, pad: Any, out: Any, fill: float) -> Array:
    whole = np.full((*x.shape[:2], *padded(x.shape[2:], kernel, stride, dilation, pad, out)), fill, x.dtype)
    whole[inner(x.shape[2:], pad)] = x
    return np.stack([whole[tap].swapaxes(0, 1) for tap in taps(kernel, stride, dilation, out)], axis=1)


def fold(x: Array, kernel: Any, stride: Any, dilation: Any, pad: Any, size: Any) -> Array:
    channels, _, images, *out = x.shape
    whole = np.zeros((images, channels, *padded(size, kernel, stride, dilation, pad, out)), x.dtype)
    for at, tap in enumerate(taps(kernel, stride, dilation, out)):
        whole[tap] += x[:, at].swapaxes(0, 1)
    return whole[inner(size, pad)].copy()


ELEMENTWISE = {
    "Abs": np.abs, "Cos": np.cos, "Exp": np.exp, "Expm1": np.expm1, "Floor": np.floor, "Log": np.log,
    "Log1p": np.log1p, "LogicalNot": np.logical_not, "RoundToEven": np.rint, "Sin": np.sin, "Sqrt": np.sqrt,
    "Tanh": np.tanh, "ATan2": np.arctan2, "Add2": np.add, "Div2": np.divide, "Equal": np.equal,
    "Greater": np.greater, "GreaterEqual": np.greater_equal, "LogicalAnd": np.logical_and,
    "Maximum2": np.maximum, "Minimum2": np.minimum, "Mul2": np.multiply, "Pow2": np.power, "SameIndex": np.equal,
    "Sub2": np.subtract,
}  # fmt: skip

KERNELS: Mapping[str, Callable[..., Array]] = {
    **{name: of_inputs(function) for name, function in ELEMENTWISE.items()},
    "AMax": kernel(lambda x, axes, keep_dims: x.max(axes, keepdims=keep_dims)),
    "AddRows": kernel(add_rows),
    "ArgMax": kernel(lambda x, axis, dtype: np.argmax(x, axis, keepdims=True).astype(dtype)),
    "ArgSort": kernel(argsort),
    "BatchInv": of_inputs(np.linalg.inv),
    "BatchMatmul": kernel(matmul),
    "Broadcast": kernel(lambda x, shape: np.broadcast_to(x, shape)),
    "Cast": kernel(lambda x, kind, dtype: x.astype(dtype, copy=False)),
    "Concatenate": kernel(lambda *x, axis: np.concatenate(x, axis)),
    "CumProd": running(np.cumprod, 1),
    "CumSum": running(np.cumsum, 0),
    "FlatAlong": kernel(flat_along),
    "FlatIndex": kernel(flat_index),
    "Fold": kernel(fold),
    "Full": kernel(lambda val, shape, kind, dtype: np.full(shape, val, dtype)),
    "Iota": kernel(lambda n, kind, start, dtype: np.arange(start, start + n, dtype=dtype)),
    "Literal": kernel(lambda values, kind, dtype: np.array(values, dtype)),
    "Mod2": kernel(remainder),
    "Place": kernel(place),
    "Prod": kernel(lambda x, axes, keep_dims: x.prod(axes, keepdims=keep_dims)),
    "PutRows": kernel(put_rows),
    "Reshape": kernel(lambda x, shape, inplace: x.reshape(shape)),
    "Slice": kernel(lambda x, start, stop, step: x[slices(start, stop, step)]),
    "Sum": kernel(lambda x, axes, keep_dims: x.sum(axes, keepdims=keep_dims)),
    "TakeRows": of_inputs(lambda x, index: x[index]),
    "Transpose": kernel(lambda x, axes: x.transpose(axes)),
    "Unfold": kernel(unfold),
    "Where": of_inputs(where),
}
