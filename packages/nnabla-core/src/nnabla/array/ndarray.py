"""NdArray: a shape over a storage, on whatever device and in whatever dtype was asked for last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nnabla.array.library import HOST
from nnabla.array.storage import FLOAT32, Storage
from nnabla.errors import ArgumentTypeError, AxisError, ShapeError, StateError
from nnabla.graph.arithmetic import Arithmetic

__all__ = ["NdArray", "as_shape"]

_MODES = ("r", "w", "rw")


class _ModeError(StateError, AssertionError):
    """An access mode that is none of 'r', 'w', 'rw'."""


def as_shape(shape: Any) -> tuple[int, ...]:
    """Return ``shape`` (an int or a sequence of ints) as a tuple of non-negative ints."""
    if isinstance(shape, (int, np.integer)):
        shape = (shape,)
    try:
        dims = tuple(int(n) for n in shape)
    except TypeError:
        raise ShapeError(f"a shape is an int or a sequence of ints, not {shape!r}") from None
    if any(n < 0 for n in dims):
        raise ShapeError(f"a shape has no negative sizes, but {dims} was given")
    return dims


def _not_held(dtype: Any) -> ArgumentTypeError:
    return ArgumentTypeError(f"NdArray: values of dtype {dtype} can't be held; give real numbers or booleans")


def _array(values: npt.ArrayLike) -> np.ndarray:
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ShapeError(f"NdArray: {values!r:.60} is no array ({error})") from None


def _dtype(dtype: npt.DTypeLike) -> np.dtype:
    """Return what was given as a dtype that arrays may have."""
    try:
        found = np.dtype(dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(f"NdArray: {dtype!r:.60} is no dtype ({error})") from None
    if found.kind not in "fiub":
        raise _not_held(found)
    return found


def _broadcast(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        # NumPy's assignment drops leading dimensions of size 1.
        extra = array.ndim - len(shape)
        if extra > 0 and array.shape[:extra] == (1,) * extra:
            return _broadcast(array.reshape(array.shape[extra:]), shape)
        raise ShapeError(f"NdArray.data: values of shape {array.shape} do not broadcast to {shape}") from None


class NdArray(Arithmetic):
    """A multi-dimensional array whose memory is made when it is first needed.

    Args:
        *shape: Sizes, as ints or one sequence; nothing for a 0-dimensional array.

    Operators of NNabla that are given an NdArray compute at once and return NdArrays.
    """

    __slots__ = ("__weakref__", "_storage", "shape")

    shape: tuple[int, ...]

    def __init__(self, *shape: Any) -> None:
        if len(shape) == 1:
            shape = as_shape(shape[0])
        else:
            shape = as_shape(shape)
        self.shape = shape
        self._storage = Storage(math.prod(shape))

    @staticmethod
    def _over(storage: Storage, shape: tuple[int, ...]) -> NdArray:
        self = NdArray.__new__(NdArray)
        self.shape = shape
        self._storage = storage
        return self

    @staticmethod
    def from_numpy_array(nparr: npt.ArrayLike) -> NdArray:
        """Return an NdArray with a copy of ``nparr`` (anything ``numpy.asarray`` takes), dtype kept."""
        array = _array(nparr)
        self = NdArray(array.shape)
        self._assign(array)
        return self

    def __repr__(self) -> str:
        return f"<NdArray({self.shape}) at {hex(id(self))}>"

    # -- properties ----------------------------------------------------------------------------------------
    @property
    def size(self) -> int:
        """Number of elements."""
        return self._storage.size

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def strides(self) -> tuple[int, ...]:
        """Steps in elements (not bytes) along each dimension, C order."""
        return tuple(math.prod(self.shape[i + 1 :]) for i in range(len(self.shape)))

    def size_from_axis(self, axis: int = -1) -> int:
        """Return the number of elements in the dimensions from ``axis`` on (all of them for -1)."""
        if axis > len(self.shape):
            raise AxisError(f"NdArray.size_from_axis: axis={axis} is outside the {len(self.shape)} dimensions")
        return self.size if axis < 0 else math.prod(self.shape[axis:])

    @property
    def dtype(self) -> np.dtype:
        """The dtype the values are held in.

        Raises:
            RuntimeError: Nothing has been held yet, so that there is no dtype.
        """
        dtype = self._storage.dtype
        if dtype is None:
            raise StateError("NdArray.dtype: the array is not initialized; write to it or read it first")
        return dtype

    @property
    def zeroing(self) -> bool:
        """Whether the last write was :meth:`zero` (nothing but zeros, without memory)."""
        return self._storage.zeroing

    @property
    def clear_called(self) -> bool:
        """Whether the array was cleared and not written since."""
        return self._storage.cleared

    @property
    def modification_count(self) -> int:
        """0 as long as nothing was written since creation or :meth:`clear`, then 1."""
        return int(self._storage.modified)

    # -- access --------------------------------------------------------------------------------------------
    @property
    def data(self) -> np.ndarray:
        """The values as a NumPy array that shares memory; assigning broadcasts into this array.

        A scalar fills lazily (:meth:`fill`, or :meth:`zero` for 0); an array is copied and its dtype kept.
        """
        return self._storage.export(None, self.shape)

    @data.setter
    def data(self, value: Any) -> None:
        if isinstance(value, (int, float, np.generic)):
            scalar = value.item() if isinstance(value, np.generic) else value
            if isinstance(scalar, int) and abs(scalar) > 2**53:
                # A lazy fill is a float64, which cannot hold it.
                self._assign(np.asarray(scalar, np.int64))
                return
            if scalar == 0:
                self.zero()
            else:
                self.fill(scalar)
            return
        self._assign(_array(value))

    def _assign(self, array: np.ndarray) -> None:
        if array.dtype.kind not in "fiub":
            raise _not_held(array.dtype)
        storage, shape = self._storage, self.shape
        held = storage.array
        if array.shape != shape:
            array = _broadcast(array, shape)
        writable = held is not None and (held.shape == shape or held.flags.c_contiguous)
        if writable and storage.library is HOST and storage.dtype == array.dtype:
            # One owner: writing in place keeps what users hold, and takes no new memory.
            (held if held.shape == shape else held.reshape(shape))[...] = array
            storage._written()
            return
        storage.put(HOST, HOST.copy(array), array.dtype)

    def get_data(self, mode: str = "rw", dtype: npt.DTypeLike | None = None) -> np.ndarray:
        """Return the values as a NumPy array.

        Args:
            mode: ``'r'`` read only, the array stays as it is; ``'w'`` or ``'rw'`` writable, the array takes
                ``dtype`` (``'w'`` leaves the values undefined).
            dtype: Wanted dtype; None keeps the present one.
        """
        if mode not in _MODES:
            raise _ModeError(f"NdArray.get_data: mode is one of 'r', 'w', 'rw', not {mode!r}")
        wanted = None if dtype is None else _dtype(dtype)
        storage = self._storage
        if mode == "r":
            array = storage.read(HOST, wanted, self.shape)
            if not array.flags.c_contiguous:
                # Kernels order axes in memory as they like; users see C order, arranged once.
                held, array = array, np.ascontiguousarray(array)
                if storage.array is held:
                    storage.array = array
            view = array.view()
            view.flags.writeable = False
            storage.cleared = False
            return view
        return storage.export(wanted, self.shape, keep=mode == "rw")

    def cast(self, dtype: npt.DTypeLike, ctx: Any = None) -> np.ndarray | None:
        """Convert the values to ``dtype`` in place.

        Returns:
            A writable NumPy view, or None if ``ctx`` (the context whose device holds the result) is given.
        """
        if ctx is not None:
            self._require_array_class(ctx, "cast")
            self._storage.writable(HOST, _dtype(dtype), self.shape)
            return None
        return self._storage.export(_dtype(dtype), self.shape)

    def data_ptr(self, dtype: npt.DTypeLike, ctx: Any = None, write_only: bool = False) -> int:
        """Return the address of the values in ``dtype``; valid as long as the array is not written."""
        if ctx is not None:
            self._require_array_class(ctx, "data_ptr")
        array = self._storage.export(_dtype(dtype), self.shape, keep=not write_only)
        return int(array.ctypes.data)

    @staticmethod
    def _require_array_class(ctx: Any, what: str) -> None:
        if not ctx.array_class:
            raise StateError(
                f"NdArray.{what}: the context names no array class; use one from "
                "nnabla.ext_utils.get_extension_context(...)"
            )

    def zero(self) -> None:
        """Set all elements to 0, lazily: memory is made in the dtype wanted when it is read."""
        self._storage.fill(0, zeroing=True)

    def fill(self, value: float) -> None:
        """Set all elements to ``value``, a real number, lazily."""
        if not isinstance(value, (int, float, np.integer, np.floating, np.bool_)):
            raise ArgumentTypeError(f"NdArray.fill: a real number is expected, not {value!r:.60}")
        self._storage.fill(value)

    def clear(self) -> None:
        """Give the memory back; the values are gone."""
        self._storage.clear()

    def copy_from(self, arr: NdArray, use_current_context: bool = True) -> NdArray:
        """Copy the values of ``arr`` (same shape) and return self; the dtype becomes that of ``arr``.

        With ``use_current_context`` an array in ``zeroing`` state is copied as float32 zeros.
        """
        if not isinstance(arr, NdArray):
            raise TypeError(f"NdArray.copy_from: an NdArray is expected, not {type(arr).__name__}")
        if arr.shape != self.shape:
            raise ShapeError(f"NdArray.copy_from: shapes differ, {arr.shape} into {self.shape}")
        source = arr._storage
        if source.zeroing and use_current_context:
            self._assign(np.zeros(self.shape, FLOAT32))
        elif source.array is None:
            self._storage.dtype = source.dtype
            self._storage.fill(source.fill_value or 0, source.zeroing)
        else:
            self._assign(source.read(HOST, None, self.shape))
        return self

    def view(self, shape: Sequence[int]) -> NdArray:
        """Return an NdArray of another shape over the same memory."""
        dims = list(shape)
        if dims.count(-1) == 1:
            rest = math.prod(n for n in dims if n != -1)
            dims[dims.index(-1)] = self.size // rest if rest else 0
        target = as_shape(dims)
        if math.prod(target) != self.size:
            raise ShapeError(f"NdArray.view: {self.shape} has {self.size} elements, {tuple(shape)} has not")
        return NdArray._over(self._storage, target)

    def narrow(self, dim: int, start: int, length: int) -> NdArray:
        """Return rows ``start`` to ``start + length`` as an NdArray that shares this one's memory.

        Args:
            dim: Only 0 is possible, where the rows are contiguous.
            start: First row, from 0 to the number of rows.
            length: Number of rows.
        """
        if dim != 0:
            raise StateError(f"NdArray.narrow: only dim 0 can be narrowed without a copy, not {dim}")
        rows = self.shape[0] if self.shape else 0
        if start < 0 or length < 0 or start >= max(rows, 1) or start + length > rows:
            raise StateError(
                f"NdArray.narrow: rows {start} to {start + length} are not within the {rows} rows of {self.shape}"
            )
        row = math.prod(self.shape[1:])
        return NdArray._over(self._storage.narrow(start * row, length * row), (length, *self.shape[1:]))

    def masked_fill(self, mask: Any, value: float) -> NdArray:
        """Set the elements where ``mask`` (broadcastable; NdArray or array) is not 0, and return self."""
        chosen = mask.get_data("r") if isinstance(mask, NdArray) else np.asarray(mask)
        self.data[np.broadcast_to(chosen != 0, self.shape)] = value
        return self

    bool_fill = masked_fill

    # -- in place arithmetic ---------------------------------------------------------------------------------
    def _become(self, result: Any) -> NdArray:
        return self.copy_from(result, use_current_context=False)

    def __iadd__(self, other: Any) -> NdArray:
        return self._become(self + other)

    def __isub__(self, other: Any) -> NdArray:
        return self._become(self - other)

    def __imul__(self, other: Any) -> NdArray:
        return self._become(self * other) if isinstance(other, (int, float)) else self * other

    def __itruediv__(self, other: Any) -> NdArray:
        return self._become(self / other) if isinstance(other, (int, float)) else self / other

    def __setitem__(self, key: Any, value: Any) -> None:
        from nnabla.graph.indexing import assign_ndarray

        assign_ndarray(self, key, value)
