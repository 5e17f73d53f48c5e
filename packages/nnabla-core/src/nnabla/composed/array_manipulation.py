"""Shapes, parts and orders with the signatures of ``nnabla.functions``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ArgumentTypeError, AxisError

__all__ = ["linspace", "meshgrid", "shape", "slice", "sort", "split", "tile"]


def slice(
    x: Any,
    start: Sequence[int | None] | None = None,
    stop: Sequence[int | None] | None = None,
    step: Sequence[int | None] | None = None,
    n_outputs: int = -1,
    outputs: Any = None,
) -> Any:
    """Return every ``step``-th element from ``start`` to before ``stop``, as Python's slices do.

    Args:
        x: Any shape.
        start, stop, step: One entry for each of the last dimensions; None in place of one takes all, from the
            end if the step is negative.
    """
    given = [len(bounds) for bounds in (start, stop, step) if bounds is not None]
    count = given[0] if given else len(x.shape)
    sizes = x.shape[len(x.shape) - count :] if count else ()
    steps = [1 if s is None else s for s in (step if step is not None else [None] * count)]
    starts = start if start is not None else [None] * count
    stops = stop if stop is not None else [None] * count
    if not len(steps) == len(starts) == len(stops) == len(sizes):
        return ops.slice(x, list(starts), list(stops), steps)  # which tells what is wrong
    starts = [(0 if n > 0 else -1) if s is None else s for s, n in zip(starts, steps)]
    stops = [(m if n > 0 else -m - 1) if s is None else s for s, n, m in zip(stops, steps, sizes)]
    return ops.slice(x, starts, stops, steps, n_outputs=n_outputs, outputs=outputs)


def split(x: Any, axis: int = 0) -> Any:
    """Return a tuple of the entries of ``x`` along ``axis``, which they do not have."""
    if not -len(x.shape) <= axis < len(x.shape):
        raise AxisError(f"split: axis={axis} is outside the {len(x.shape)} dimensions of the input")
    return ops.split(x, axis)


def sort(x: Any, axis: int = -1, reverse: bool = False, with_index: bool = False, only_index: bool = False) -> Any:
    """Sort along an axis; equal elements keep their order.

    Args:
        x: One or more dimensions.
        axis: The axis.
        reverse: Largest first.
        with_index: Return the sorted values and their positions in ``x``.
        only_index: Return the positions alone.
    """
    return ops.sort(x, axis, reverse, with_index, only_index)


def tile(x: Any, reps: int | Sequence[int]) -> Any:
    """Repeat the whole array along each dimension.

    Args:
        reps: Number of repetitions in the last dimensions of ``x`` (1 in those before), or in all of them and in new
            leading dimensions; an int is for the last one.
    """
    return ops.tile(x, (reps,) if isinstance(reps, int) else reps)


def meshgrid(*x: Any, ij_indexing: bool = False) -> Any:
    """Return coordinates of the points of a grid, one array for each of ``x``.

    Args:
        *x: Coordinates along each dimension.
        ij_indexing: The outputs' dimensions are in the order of ``x``; else the first two are exchanged.
    """
    grids = ops.meshgrid(*x, ij_indexing=ij_indexing)
    return grids if len(grids) > 1 else grids[0]


def linspace(start: float, stop: float, num: int) -> Any:
    """Return ``num`` numbers (an int, 0 or more) at equal distances from ``start`` to ``stop``, both included."""
    if not hasattr(num, "__index__"):
        raise ArgumentTypeError(f"linspace: num={num!r} must be an integer, not {type(num).__name__}")
    if num < 0:
        raise ArgumentError(f"linspace: num={num} must be 0 or more")
    return ops.linspace(start, stop, num)


def shape(x: Any, start: int | None = None, end: int | None = None, n_outputs: int = -1, outputs: Any = None) -> Any:
    """Return the sizes of ``x`` from dimension ``start`` to before ``end`` as numbers.

    Args:
        start: First dimension, as in Python's slices (default: 0).
        end: Dimension before which it ends, as in Python's slices (default: all).
    """
    return ops.shape(x, start or 0, end or 0, n_outputs=n_outputs, outputs=outputs)
