"""How gradients come into NdArrays: put there, added, or added to in place by a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.ndarray import NdArray

__all__ = ["addable", "write_gradient"]

_ndarray = np.ndarray


def addable(grad: NdArray, library: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """Return a gradient's buffer, to be added to in place, in another shape, or None if that is impossible."""
    storage = grad._storage
    if storage.zeroing or (storage.array is None and storage.fill_value is None):
        return None
    if storage.library != library or storage.dtype != dtype:
        return None
    return library.view(storage.writable(library, None, grad.shape), shape)


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
