"""What the core needs of an array library: the smallest set of actions that moves data in and out of it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.errors import OutOfMemoryError, ShapeError

__all__ = ["HOST", "ArrayLibrary", "HostArrays"]


class ArrayLibrary(ABC):
    """Creates, converts and moves the arrays of one library on one device.

    A backend supplies one. Arrays are opaque to the core: it only ever passes them to kernels and to the
    methods below. ``dtype`` arguments and results are NumPy dtypes, whatever the library calls its own.

    Attributes:
        name: A short name for messages and plans.
        mutable: Whether :meth:`assign` changes an array in place. Where it is false the core replaces arrays.
    """

    name: str = ""
    mutable: bool = True

    @abstractmethod
    def from_numpy(self, array: np.ndarray) -> Any:
        """Copy a NumPy array into a fresh array of this library."""

    @abstractmethod
    def to_numpy(self, array: Any) -> np.ndarray:
        """Return the values as a NumPy array; it may share memory with ``array``."""

    @abstractmethod
    def full(self, shape: Sequence[int], value: float, dtype: np.dtype) -> Any:
        """Return a fresh array filled with ``value``."""

    @abstractmethod
    def cast(self, array: Any, dtype: np.dtype) -> Any:
        """Return the values in another dtype; the result may be ``array`` itself if it has that dtype."""

    @abstractmethod
    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        """Return the values in C order in another shape; the result may share memory with ``array``."""

    def view(self, array: Any, shape: Sequence[int]) -> Any | None:
        """Return ``array`` in another shape if writing to the result writes to ``array``, else None."""
        return None

    @abstractmethod
    def copy(self, array: Any) -> Any:
        """Return a copy that shares no memory with ``array``."""

    def own(self, result: Any, fresh: bool) -> Any:
        """Return a kernel's result as an array that nothing else holds (``fresh`` says that it already is)."""
        return result if fresh else self.copy(result)

    @abstractmethod
    def dtype(self, array: Any) -> np.dtype:
        """Return the array's dtype as NumPy's."""

    @abstractmethod
    def assign(self, target: Any, source: Any) -> Any:
        """Write ``source`` into ``target`` (same shape; cast if needed) and return what now holds the values.

        A library without mutable arrays returns ``source`` in the dtype of ``target``.
        """

    @abstractmethod
    def add(self, target: Any, source: Any) -> Any:
        """Add ``source`` to ``target`` in place where the library can, and return what holds the sum."""


def _too_large(shape: Sequence[int], dtype: np.dtype) -> OutOfMemoryError:
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return OutOfMemoryError(
        f"NdArray: {size:,} bytes for an array of shape {tuple(shape)} and dtype {dtype} are not to be had"
    )


#: Whether NumPy can be told not to copy (from 2.1 on).
_MAY_REFUSE = np.lib.NumpyVersion(np.__version__) >= "2.1.0"


def _view_of(array: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
    """Return an array in another shape if that takes no copy and NumPy can tell, else None."""
    if not _MAY_REFUSE:
        return None
    try:
        return array.reshape(shape, copy=False)
    except ValueError:
        return None


class HostArrays(ArrayLibrary):
    """NumPy arrays in the memory of the host: where data enters and leaves every other library."""

    name = "numpy"

    #: What a backend may put here that copies faster than NumPy: ``copied(array, c_order)`` gives a copy in C order or
    #: as the array lies, ``converted(array, dtype)`` one in another dtype, and ``filled`` takes what :meth:`full`
    #: does; None leaves it to NumPy.
    copied: Callable[[np.ndarray, bool], np.ndarray | None] | None = None
    filled: Callable[[Sequence[int], float, np.dtype], np.ndarray | None] | None = None
    converted: Callable[[np.ndarray, np.dtype], np.ndarray | None] | None = None
    #: Likewise what writes, or adds, the second array to the first of the same shape, and says whether it did.
    assigned: Callable[[np.ndarray, np.ndarray], bool] | None = None
    added: Callable[[np.ndarray, np.ndarray], bool] | None = None

    def from_numpy(self, array: np.ndarray) -> np.ndarray:
        return np.array(array, order="C", copy=True)

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        return array

    def full(self, shape: Sequence[int], value: float, dtype: np.dtype) -> np.ndarray:
        try:
            found = None if self.filled is None else self.filled(shape, value, dtype)
            if found is not None:
                return found
            return np.zeros(shape, dtype) if value == 0 else np.full(shape, value, dtype)
        except MemoryError as error:
            raise _too_large(shape, dtype) from error
        except ValueError as error:
            if math.prod(shape) > 2**56:
                raise _too_large(shape, dtype) from error
            raise ShapeError(f"NdArray: no array has shape {tuple(shape)} and dtype {dtype}: {error}") from error

    def cast(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        if array.dtype == dtype:
            return array
        if self.converted is not None:
            found = self.converted(array, dtype)
            if found is not None:
                return found
        if dtype.kind in "iub" and array.dtype.kind == "f":
            # NaN and infinity have no integer value: NumPy warns, the graph goes on.
            with np.errstate(invalid="ignore"):
                return array.astype(dtype, copy=False)
        return array.astype(dtype, copy=False)

    def reshape(self, array: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        if self.copied is None or array.flags.c_contiguous:
            return array.reshape(shape)
        found = _view_of(array, shape)
        if found is None:
            copy = self.copied(array, True)
            found = (array if copy is None else copy).reshape(shape)
        return found

    def view(self, array: np.ndarray, shape: Sequence[int]) -> np.ndarray | None:
        if array.shape == tuple(shape):
            return array
        return array.reshape(shape) if array.flags.c_contiguous else None

    def copy(self, array: np.ndarray) -> np.ndarray:
        try:
            found = None if self.copied is None else self.copied(array, True)
            if found is not None:
                return found
            return np.array(array, order="C", copy=True)
        except MemoryError as error:
            raise _too_large(array.shape, array.dtype) from error

    def own(self, result: Any, fresh: bool) -> np.ndarray:
        # NumPy gives scalars where an array has no dimension.
        if fresh and type(result) is np.ndarray and result.flags.writeable:
            return result
        found = self.copied(result, False) if self.copied is not None and type(result) is np.ndarray else None
        return np.array(result, order="K", copy=True) if found is None else found

    def dtype(self, array: np.ndarray) -> np.dtype:
        return array.dtype

    def assign(self, target: np.ndarray, source: np.ndarray) -> np.ndarray:
        if self.assigned is None or not self.assigned(target, source):
            target[...] = source
        return target

    def add(self, target: np.ndarray, source: np.ndarray) -> np.ndarray:
        if self.added is not None and self.added(target, source):
            return target
        return np.add(target, source, out=target, casting="unsafe")


HOST = HostArrays()
