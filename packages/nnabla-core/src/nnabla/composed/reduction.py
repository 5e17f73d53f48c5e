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
    """Sum over axes.

    Args:
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there.
    """
    return ops.sum(x, _axes(axis), keepdims)


def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Arithmetic mean over axes.

    Args:
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there.
    """
    return ops.mean(x, _axes(axis), keepdims)


def max(x: Any, axis: Axis = None, keepdims: bool = False, with_index: bool = False, only_index: bool = False) -> Any:
    """Largest value over axes.

    Args:
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
        with_index: Return the value and its position, counted in C order over ``axis``.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there; with ``with_index`` a tuple.
    """
    return ops.max(x, _axes(axis), keepdims, with_index, only_index)


def min(x: Any, axis: Axis = None, keepdims: bool = False, with_index: bool = False, only_index: bool = False) -> Any:
    """Smallest value over axes.

    Args:
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
        with_index: Return the value and its position, counted in C order over ``axis``.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there; with ``with_index`` a tuple.
    """
    return ops.min(x, _axes(axis), keepdims, with_index, only_index)


def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """Product over axes.

    Args:
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there.
    """
    return ops.prod(x, _axes(axis), keepdims)


def norm(x: Any, p: float | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """p-norm over axes.

    Args:
        p: Order, 1 or more (default: 2).
        axis: Axis or axes (default: all).
        keepdims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axis``, or with size 1 there.
    """
    return ops.norm(x, p, _axes(axis), keepdims)


def reduce(x: Any, op: str = "sum") -> Any:
    """Sum or mean over all axes.

    Args:
        x: Any shape.
        op: ``'sum'`` or ``'mean'``.
    Returns:
        Shape ().
    """
    if op == "sum":
        return ops.reduce_sum(x)
    if op == "mean":
        return ops.reduce_mean(x)
    from nnabla.errors import ArgumentError

    raise ArgumentError(f"reduce: op={op!r} is not known; choose 'sum' or 'mean'")
