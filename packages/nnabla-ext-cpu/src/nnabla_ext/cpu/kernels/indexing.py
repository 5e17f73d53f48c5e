"""Rows by index with NumPy's own indexing, which the array API standard lacks for writing."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.positions import place_index
from nnabla.ops.scatter import flat_index, wrapped

__all__ = ["ACCUMULATE_KERNELS", "FORWARD_KERNELS"]


#: Elements that ``np.add.reduceat`` adds in the time of two calls of NumPy.
_FEW = 1024


def take_rows(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Rows of the first input at the indices in the second."""
    x, index = inputs
    return x.take(index, axis=0)


def from_coordinates(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Positions from coordinates: those of the only dimension themselves, if all are within it."""
    (index,), shape = inputs, args["shape"]
    if len(shape) == 1 and index.size and index.min() >= 0 and index.max() < shape[0]:
        return np.array(index[0])
    reference: Any = flat_index.reference_kernel
    return reference(xp, index, **args)


def add_to_rows(xp: Any, target: np.ndarray, inputs: tuple[Any, ...], args: dict[str, Any]) -> None:
    """Add rows to those of ``target`` at the given indices, in place.

    ``np.add.at`` is fast for single numbers. Rows are added in one sum for each index that occurs; where no index
    occurs twice, which consecutive ones show at little cost, without sorting.
    """
    rows, index = inputs
    index = index.reshape(-1)
    if index.size == 0 or rows.size == 0:
        return
    if target.ndim == 1:
        np.add.at(target, index, rows.reshape(-1))
        return
    rows = rows.reshape(index.size, *target.shape[1:])
    if index.size == 1:
        target[index[0]] += rows[0]
        return
    order = None
    keys = index
    if np.any(keys[1:] <= keys[:-1]):
        order = np.argsort(index, kind="stable")
        keys = index[order]
    firsts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    if firsts.size == keys.size:
        target[index] += rows
        return
    rows = rows if order is None else rows[order]
    if firsts.size * _FEW < rows.size:
        # reduceat adds slowly, but a call for each index must be worth its while.
        ends = [*firsts[1:].tolist(), keys.size]
        for key, start, end in zip(keys[firsts].tolist(), firsts.tolist(), ends):
            target[key] += rows[start:end].sum(axis=0)
    else:
        target[keys[firsts]] += np.add.reduceat(rows, firsts, axis=0)


def add_rows(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Rows added at the given indices into zeros."""
    rows, index = inputs
    target = np.zeros((args["n"], *rows.shape[index.ndim :]), rows.dtype)
    add_to_rows(xp, target, inputs, args)
    return target


def put_rows(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """A copy of the first input whose rows at the given indices are replaced, the last of several counting."""
    x, rows, index = inputs
    y = x.copy()
    y[index] = rows
    return y


def bool_scatter(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    """Rows put where a mask holds."""
    rows, mask, base = inputs
    count = int(np.count_nonzero(mask))
    if count != rows.shape[0]:
        from nnabla.errors import ShapeError

        raise ShapeError(
            f"bool_scatter: input has {rows.shape[0]} rows, but mask has {count} non-zero elements; they must agree"
        )
    y = np.zeros((*mask.shape, *rows.shape[1:]), rows.dtype) if base is None else base.copy()
    # Positions rather than the mask: NumPy asks each element of a mask anew.
    y.reshape(mask.size, *rows.shape[1:])[np.flatnonzero(mask)] = rows
    return y if base is None else (y, y)


def flat_along(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Positions in an array from those along one of its axes."""
    (index,), axis, size = inputs, args["axis"], args["size"]
    if index.size and (index.min() < 0 or index.max() >= size):
        index = wrapped(xp, index, size, args["what"])
    shape = [size if i == axis else n for i, n in enumerate(index.shape)]
    flat = index * prod(shape[axis + 1 :])
    for i, n in enumerate(shape):
        if i != axis and n > 1:
            steps = np.arange(n, dtype=flat.dtype) * prod(shape[i + 1 :])
            flat += steps.reshape([n if j == i else 1 for j in range(len(shape))])
    return flat


def place(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Positions in a batch of arrays from those along each axis, negative ones being the first."""
    sizes, dtype = args["sizes"], args["dtype"]
    if len(inputs) > 1:
        reference: Any = place_index.reference_kernel
        return reference(xp, *inputs, sizes=sizes, dtype=dtype)
    (x,) = inputs
    if len(x) == 1 and x.dtype == dtype and x.size and x.min() >= 0:
        return x  # they are the positions; who takes them only reads
    y = np.maximum(x, 0).astype(dtype, copy=False)
    if len(y) > 1:
        y += np.arange(len(y), dtype=dtype)[:, None] * sizes[0]
    return y


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "AddRows": add_rows,
    "BoolScatter": bool_scatter,
    "FlatAlong": flat_along,
    "FlatIndex": from_coordinates,
    "PlaceIndex": place,
    "PutRows": put_rows,
    "TakeRows": take_rows,
}

ACCUMULATE_KERNELS: dict[str, Callable[..., None]] = {"AddRows": add_to_rows}
