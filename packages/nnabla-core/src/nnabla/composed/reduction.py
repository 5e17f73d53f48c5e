"""Reductions with the signatures of ``nnabla.functions``: ``axis`` and ``keepdims``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from nnabla import ops

__all__ = ["max", "mean", "min", "norm", "prod", "reduce", "sum"]

Axis: TypeAlias = int | Sequence[int] | None


def _axes(axis: Axis) -> Any:
    return axis if axis is None or hasattr(axis, "__len__") else (axis,)


def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the sum over ``axis`` (all axes by default); ``keepdims`` keeps them with size 1."""
    return ops.sum(x, _axes(axis), keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the arithmetic mean over ``axis`` (all axes by default); ``keepdims`` keeps them with size 1."""
    return ops.mean(x, _axes(axis), keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False, with_index: bool = False, only_index: bool = False) -> Any:
    """Return the largest value over ``axis`` (all axes by default); the first of equal ones counts.

    Args:
        x: Any shape.
        axis: Axis or axes.
        keepdims: Keep them with size 1.
        with_index: Return the value and its position over ``axis``.
        only_index: Return the position alone.
    """
    return ops.max(x, _axes(axis), keepdims, with_index, only_index)


def min(x: Any, axis: Axis = None, keepdims: bool = False, with_index: bool = False, only_index: bool = False) -> Any:
    """Return the smallest value over ``axis`` (all axes by default); the first of equal ones counts.

    Args:
        x: Any shape.
        axis: Axis or axes.
        keepdims: Keep them with size 1.
        with_index: Return the value and its position over ``axis``.
        only_index: Return the position alone.
    """
    return ops.min(x, _axes(axis), keepdims, with_index, only_index)


def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the product over ``axis`` (all axes by default); ``keepdims`` keeps them with size 1."""
    return ops.prod(x, _axes(axis), keepdims)


def norm(x: Any, p: float | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """Return the p-norm (2 by default) over ``axis`` (all axes by default); ``keepdims`` keeps them with size 1."""
    return ops.norm(x, p, _axes(axis), keepdims)


def reduce(x: Any, op: str = "sum") -> Any:
    """Return the sum (``op='sum'``) or the mean (``'mean'``) over all axes."""
    if op == "sum":
        return ops.reduce_sum(x)
    if op == "mean":
        return ops.reduce_mean(x)
    from nnabla.errors import ArgumentError

    raise ArgumentError(f"reduce: op={op!r} is not known; choose 'sum' or 'mean'")
