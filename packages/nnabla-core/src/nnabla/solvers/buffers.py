"""The arrays of parameters, gradients and states, as rules and kernels of one place take them."""

from __future__ import annotations

from typing import Any

from nnabla.array.ndarray import NdArray
from nnabla.array.storage import NarrowedStorage
from nnabla.lowering.place import Place

__all__ = ["borrow", "give_back", "held", "replace"]


def held(array: NdArray, place: Place) -> Any:
    """Return the buffer of ``array`` itself if it is of the place's library and compute dtype, else None."""
    storage, shape = array._storage, array.shape
    values = storage.array
    if values is None or storage.library is not place.library:
        return None
    dtype, compute = storage.dtype, place.types.compute
    if dtype is not compute and dtype != compute:
        return None
    if values.shape != shape:
        values = place.library.reshape(values, shape)
        if not isinstance(storage, NarrowedStorage):
            storage.array = values  # whether or not it is a view of what was there
    return values


def borrow(array: NdArray, place: Place) -> tuple[Any, bool]:
    """Return the values of ``array`` to be changed in place, and whether they are a copy to be given back.

    An array takes the place's compute dtype, unless it has the place's storage dtype (float16 of
    ``'cpu:half'``) or shares the memory of another.
    """
    values = held(array, place)
    if values is not None:
        return values, False
    storage, compute = array._storage, place.types.compute
    if isinstance(storage, NarrowedStorage) or storage.dtype == place.types.store != compute:
        values = storage.read(place.library, compute, array.shape)
        return place.library.copy(values), True
    return storage.writable(place.library, compute, array.shape), False


def give_back(array: NdArray, values: Any, place: Place) -> None:
    """Put values that were borrowed as a copy back, in the dtype the array has."""
    dtype = array._storage.dtype or place.types.store
    array._storage.put(place.library, place.library.cast(values, dtype), dtype)


def replace(array: NdArray, values: Any, place: Place) -> None:
    """Make ``values`` the content of ``array``, in the buffer it has where the library allows."""
    target, is_copy = borrow(array, place)
    result = place.library.assign(target, values)
    if is_copy:
        give_back(array, result, place)
    elif result is not target:
        array._storage.put(place.library, result, place.types.compute)
    else:
        array._storage._written()
