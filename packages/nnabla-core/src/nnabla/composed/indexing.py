"""Gathering and scattering with the signatures of ``nnabla.functions``: indices may be plain arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla import ops
from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentTypeError
from nnabla.graph.arithmetic import Arithmetic

__all__ = ["gather_nd", "scatter_add", "scatter_nd"]


def _indices(indices: Any, like: Any) -> Any:
    """Return indices as what operators take: a Variable, or an NdArray beside one."""
    if isinstance(indices, Arithmetic):
        return indices
    array = np.asarray(indices)
    if isinstance(like, NdArray):
        return NdArray.from_numpy_array(array)
    from nnabla.graph.variable import Variable

    return Variable.from_numpy_array(array)


def gather_nd(data: Any, indices: Any) -> Any:
    """Return elements or slices of ``data`` by coordinates.

    Args:
        data: Any shape; x in the formula.
        indices: (M, ...), coordinates of the first M dimensions; a Variable, NdArray, array or list.
    """
    return ops.gather_nd(data, _indices(indices, data))


def scatter_nd(data: Any, indices: Any, shape: Sequence[int] | None = None, out: Any = None, add: bool = False) -> Any:
    """Put (or add) elements or slices by coordinates into zeros of ``shape``, or into ``out``.

    Args:
        data: One element or slice for each entry of ``indices``.
        indices: (M, ...), coordinates of the first M dimensions of the result; a Variable, NdArray, array or list.
        shape: Shape of the result, if ``out`` is not given.
        out: What is changed; itself as well, if no function computed it.
        add: Add to what is there.

    Raises:
        TypeError: Neither ``shape`` nor ``out`` is given.
    """
    if shape is None and out is None:
        raise ArgumentTypeError("scatter_nd: either shape or out must be given")
    return ops.scatter_nd(data, _indices(indices, data), out, None if out is not None else shape, add)


def scatter_add(x0: Any, indices: Any, x1: Any, axis: int | None = None) -> Any:
    """Return ``x0`` with the elements of ``x1`` added at ``indices`` along ``axis``.

    Args:
        axis: The axis (default: 0).
    """
    return ops.scatter_add(x0, indices, x1, axis)
