"""How gradients and updates come into NdArrays: put there, added, or added to in place by a kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.ndarray import NdArray
from nnabla.array.storage import Storage
from nnabla.graph.node import Content

__all__ = ["addable", "handed_on", "write_constant", "write_gradient", "write_update"]

_ndarray = np.ndarray


def addable(grad: NdArray, library: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient's buffer, to be added to in place, in another shape, or None if that is impossible."""
    storage = grad._storage
    if storage.zeroing or (storage.array is None and storage.fill_value is None):
        return None
    if storage.library != library or storage.dtype != dtype:
        return None
    return library.view(storage.writable(library, None, grad.shape), shape)


def handed_on(result: Any, spare: Sequence[Content]) -> tuple[bool, Sequence[Content]]:
    """Return whether a gradient is the memory of one that nobody needs any more, and which such are left then.

    Additions and changes of shape pass on the gradient that they get. Where that goes right after (backward with
    ``clear_buffer``), its memory is taken over instead of being copied. Only arrays of the host tell whose memory they
    are.
    """
    if type(result) is not _ndarray or not result.flags.writeable:
        return False, spare
    for at, content in enumerate(spare):
        storage = content.grad._storage
        held = storage.array
        if held is None or type(storage) is not Storage or storage.exported or storage.children:
            continue
        if held.size != result.size:
            continue
        # NumPy names the array at the bottom as the base of a view of a view.
        whole = held.base if type(held.base) is _ndarray and held.base.size == held.size else held
        if result is held or result.base is held or result.base is whole:
            return True, [*spare[:at], *spare[at + 1 :]]
    return False, spare


def write_gradient(grad: NdArray, library: Any, result: Any, fresh: bool, store: Any, overwrite: bool) -> None:
    """Put a gradient into an NdArray, or add it to what is there (nothing there counts as zero)."""
    storage = grad._storage
    if overwrite or storage.zeroing or (storage.array is None and storage.fill_value is None):
        # What nearly all kernels give is taken over without asking the library.
        plain = fresh and library is HOST and type(result) is _ndarray and result.dtype is store
        if plain and result.shape == grad.shape and result.flags.writeable:
            storage.put(library, result, store)
            return
        held = library.dtype(result)
        if held is not store and held != store:
            result, fresh = library.cast(result, store), True
        if result.shape != grad.shape:
            result = library.reshape(result, grad.shape)
        storage.put(library, library.own(result, fresh), store)
    else:
        target = storage.writable(library, None, grad.shape)
        total = library.add(target, result)
        if total is not target:
            storage.put(library, total, library.dtype(total))


def write_constant(grad: NdArray, library: Any, value: float, store: Any, overwrite: bool) -> None:
    """Let a gradient be ``value`` everywhere, or add that to what is there; memory is made when somebody reads it."""
    storage = grad._storage
    if overwrite or storage.zeroing or (storage.array is None and storage.fill_value is None):
        storage.promise(value, store)
    else:
        write_gradient(grad, library, library.full(grad.shape, value, store), True, store, False)


def write_update(data: NdArray, library: Any, result: Any, fresh: bool, store: Any) -> None:
    """Let an NdArray hold what an operator changes it to: memory of its own, or a copy in the memory that it has."""
    storage = data._storage
    value = library.cast(result, store)
    held = storage.array
    if (
        not fresh
        and library is HOST
        and type(storage) is Storage
        and storage.library is HOST
        and type(held) is _ndarray
        and held.dtype == value.dtype
        and held.shape == value.shape
        and held.flags.writeable
        and not np.may_share_memory(held, value)
    ):
        HOST.assign(held, value)
        storage._written()
        return
    storage.put(library, library.reshape(library.own(value, fresh), data.shape), store)
