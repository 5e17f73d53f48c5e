"""DLPack: sharing an array's memory with other libraries, both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from nnabla.array.library import HOST
from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentTypeError, ShapeError

__all__ = ["from_dlpack", "to_dlpack"]


class _Capsule:
    """What NumPy takes: an object that hands a capsule out once."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class _Writable:
    """Memory that NumPy imported as read-only, because a capsule of the older kind does not say that it is not."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def to_dlpack(a: NdArray, dtype: npt.DTypeLike | None = None, ctx: Any = None) -> Any:
    """Return a DLPack capsule over an array's memory.

    Args:
        a: The array; it keeps its memory as long as somebody uses the capsule's.
        dtype: The array is cast to it first (default: the present dtype).
        ctx: Context whose array class holds the memory.

    Raises:
        RuntimeError: ``ctx`` names no array class.
    """
    if ctx is not None:
        a._require_array_class(ctx, "to_dlpack")
    array = a.data if dtype is None else a.cast(dtype)
    assert array is not None
    return array.__dlpack__()


def from_dlpack(capsule: Any, arr: NdArray | None = None) -> NdArray:
    """Return an NdArray over the memory of a DLPack capsule, or of an object with ``__dlpack__``.

    Args:
        capsule: The capsule; it can be used once.
        arr: The NdArray that takes the memory over (same shape); a new one by default.
    """
    if not hasattr(capsule, "__dlpack__") and type(capsule).__name__ != "PyCapsule":
        raise ArgumentTypeError(f"from_dlpack: a DLPack capsule is expected, not {type(capsule).__name__}")
    source = capsule if hasattr(capsule, "__dlpack__") else _Capsule(capsule)
    array = np.from_dlpack(source)
    if not array.flags.writeable:
        array = np.asarray(_Writable(array))
    target = NdArray(array.shape) if arr is None else arr
    if target.shape != array.shape:
        raise ShapeError(f"from_dlpack: the capsule holds {array.shape}, the NdArray has {target.shape}")
    target._storage.exported = False
    target._storage.put(HOST, array, array.dtype)
    target._storage.exported = True
    return target
