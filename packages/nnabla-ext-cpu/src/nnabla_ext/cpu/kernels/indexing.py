"""Rows by index with NumPy's own indexing, which the array API standard lacks for writing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["ACCUMULATE_KERNELS", "FORWARD_KERNELS"]


def take_rows(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> np.ndarray:
    """Rows of the first input at the indices in the second."""
    x, index = inputs
    return x.take(index, axis=0)


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
    if firsts.size < keys.size:
        rows = np.add.reduceat(rows if order is None else rows[order], firsts, axis=0)
        target[keys[firsts]] += rows
    else:
        target[index] += rows


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
    y[mask] = rows
    return y if base is None else (y, y)


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "AddRows": add_rows,
    "BoolScatter": bool_scatter,
    "PutRows": put_rows,
    "TakeRows": take_rows,
}

ACCUMULATE_KERNELS: dict[str, Callable[..., None]] = {"AddRows": add_to_rows}
