"""The memory behind NdArrays: one buffer, or the promise of one filled with a value."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from nnabla.array.library import HOST, ArrayLibrary
from nnabla.errors import StateError

__all__ = ["FLOAT32", "NarrowedStorage", "Storage"]

FLOAT32 = np.dtype(np.float32)


_new = object.__new__


class Storage:
    """A buffer of ``size`` elements that several NdArrays may share under different shapes.

    States: unset (reads as zeros), lazily filled (``fill_value``), or held (``array`` of ``library`` with
    ``dtype``). A held array may have any shape of the right size. ``exported`` says that a writable view may
    be alive outside: then results are copied into the buffer rather than replacing it. ``version`` counts what was
    written. ``holders`` counts the graph nodes whose data it is. ``converted`` keeps the values in another dtype, for
    whoever reads them in it again: integers given to an operator on floats, for instance.
    """

    __slots__ = (
        "__weakref__",
        "array",
        "children",
        "cleared",
        "converted",
        "dtype",
        "exported",
        "fill_value",
        "holders",
        "library",
        "modified",
        "size",
        "version",
        "zeroing",
    )

    def __init__(self, size: int) -> None:
        self.size = size
        self.array: Any = None
        self.library: ArrayLibrary | None = None
        self.dtype: np.dtype | None = None
        self.fill_value: float | int | None = None
        self.zeroing = False
        self.cleared = False
        self.converted: tuple[int, Any, np.dtype, Any] | None = None
        self.exported = False
        self.modified = False
        self.holders = 0
        self.version = 0
        self.children: list[weakref.ref[NarrowedStorage]] | None = None

    @staticmethod
    def holding(size: int, library: ArrayLibrary, array: Any, dtype: np.dtype) -> Storage:
        """Return a storage that has taken over a fresh array."""
        self = _new(Storage)
        self.size = size
        self.array = array
        self.library = library
        self.dtype = dtype
        self.fill_value = self.children = self.converted = None
        self.zeroing = self.cleared = self.exported = False
        self.modified = True
        self.holders = self.version = 0
        return self

    # -- reading -------------------------------------------------------------------------------------------
    def read(self, library: ArrayLibrary, dtype: np.dtype | None, shape: tuple[int, ...]) -> Any:
        """Return the values in ``library``, ``dtype`` (None: the present one) and ``shape``, not to be written."""
        array = self.array
        if array is None:
            dtype = dtype or self.dtype or FLOAT32
            if self.dtype is None or self.library is None or library is self.library:
                array = self._materialise(library, self.dtype or dtype, shape)
            else:
                array = self._materialise(self.library, self.dtype, shape)
        if library is not self.library:
            array = library.from_numpy(self.library.to_numpy(array))  # type: ignore[union-attr]
        if dtype is not None and dtype != self.dtype:
            array = self._convert(library, array, dtype)
        if array.shape != shape:
            array = library.reshape(array, shape)
        return array

    def _convert(self, library: ArrayLibrary, array: Any, dtype: np.dtype) -> Any:
        """Return values in another dtype, and keep them if that takes no more memory than the values themselves."""
        if self.exported or self.dtype is None or dtype.itemsize > self.dtype.itemsize:
            return library.cast(array, dtype)
        held = self.converted
        if held is None or held[:3] != (self.version, library, dtype):
            held = self.converted = (self.version, library, dtype, library.cast(array, dtype))
        return held[3]

    def _materialise(self, library: ArrayLibrary, dtype: np.dtype, shape: tuple[int, ...]) -> Any:
        value = self.fill_value
        self.array = library.full(shape, 0 if value is None else value, dtype)
        self.library, self.dtype, self.fill_value = library, dtype, None
        return self.array

    # -- writing -------------------------------------------------------------------------------------------
    def put(self, library: ArrayLibrary, array: Any, dtype: np.dtype) -> None:
        """Take a fresh array over as the new content (it must not be used elsewhere any more)."""
        if self.exported:
            held = self.array
            if held is not None and self.library is library and self.dtype == dtype and library.mutable:
                library.assign(held, array if array.shape == held.shape else library.reshape(array, held.shape))
                self._written()
                return
            self.exported = False
        self.array, self.library, self.dtype, self.fill_value = array, library, dtype, None
        self.converted = None
        # As _written does, without a call: every result of every function comes by here.
        self.zeroing = self.cleared = False
        self.modified = True
        self.version += 1

    def _written(self) -> None:
        self.converted = None
        self.zeroing = self.cleared = False
        self.modified = True
        self.version += 1

    def writable(self, library: ArrayLibrary, dtype: np.dtype | None, shape: tuple[int, ...], keep: bool = True) -> Any:
        """Return the buffer itself in ``dtype``, which becomes the present one; ``keep`` the values."""
        if self.array is None or library is not self.library or (dtype is not None and dtype != self.dtype):
            if keep or self.array is None:
                # A fill that was given before any dtype takes the dtype asked for now.
                if self.array is None and dtype is not None:
                    self.dtype, self.library = dtype, library
                array = self.read(library, dtype, shape)
                if array is not self.array and not self._owns(array):
                    array = library.copy(array)
            else:
                array = library.full(shape, 0, dtype or self.dtype or FLOAT32)
            self.array, self.library, self.dtype = array, library, library.dtype(array)
            self.fill_value = None
            self.exported = False
        self._written()
        array = self.array
        if array.shape == shape:
            return array
        if library is HOST and not array.flags.c_contiguous:
            # Reshaping it would give a copy, and what is written to that would be lost.
            array = self.array = np.ascontiguousarray(array)
        return library.reshape(array, shape)

    def export(self, dtype: np.dtype | None, shape: tuple[int, ...], keep: bool = True) -> np.ndarray:
        """Return the buffer as :meth:`writable` does, on the host and in C order, for somebody outside to keep.

        Kernels order the axes of what they give in memory as they like (channels last, for instance).
        """
        array = self.writable(HOST, dtype, shape, keep)
        if not array.flags.c_contiguous:
            array = self.array = np.ascontiguousarray(array)
        self.exported = True
        return array

    @staticmethod
    def _owns(array: Any) -> bool:
        return isinstance(array, np.ndarray) and array.base is None and array.flags.writeable

    def fill(self, value: float | int, zeroing: bool = False) -> None:
        """Promise ``value`` everywhere; memory is made, in the dtype then wanted, when somebody reads."""
        if self.exported and self.array is not None and self.library is not None and self.library.mutable:
            self.library.assign(self.array, self.library.full(self.array.shape, value, self.dtype or FLOAT32))
        else:
            self.array = None
            self.fill_value = value
        self._written()
        self.zeroing = zeroing

    def promise(self, value: float | int, dtype: np.dtype) -> None:
        """Promise ``value`` everywhere, in a dtype of its own: a result that nobody may ever read."""
        self.fill(value)
        if self.array is None:
            self.dtype = dtype

    def clear(self) -> None:
        """Give the memory back. The content then counts as absent until it is written again."""
        self.array = self.fill_value = self.library = self.converted = None
        self.zeroing = self.exported = self.modified = False
        self.cleared = True

    # -- narrowing -----------------------------------------------------------------------------------------
    def narrow(self, start: int, size: int) -> NarrowedStorage:
        """Return a storage over elements ``start`` to ``start + size`` of this one, sharing its memory."""
        alive = [c for c in (ref() for ref in self.children or ()) if c is not None]
        for other in alive:
            if start < other.start + other.size and other.start < start + size:
                raise StateError(
                    f"NdArray.narrow: elements {start} to {start + size} overlap with a narrowed array that "
                    f"is still in use ({other.start} to {other.start + other.size}); drop that one first"
                )
        child = NarrowedStorage(self, start, size)
        self.children = [weakref.ref(c) for c in [*alive, child]]
        return child


class NarrowedStorage(Storage):
    """Part of another storage's memory; it reads and writes through to its parent."""

    __slots__ = ("parent", "start")

    def __init__(self, parent: Storage, start: int, size: int) -> None:
        self.parent = parent
        self.start = start
        self.size = size
        self.zeroing = self.cleared = self.modified = False
        self.fill_value = None
        self.holders = self.version = 0
        self.children = self.converted = None
        self.exported = True

    def _view(self) -> np.ndarray:
        parent = self.parent
        if isinstance(parent, NarrowedStorage):
            whole = parent._view()
        else:
            was_cleared, zeroing = parent.cleared, parent.zeroing
            whole = parent.writable(HOST, None, (parent.size,))
            parent.cleared, parent.zeroing = was_cleared and not self.modified, zeroing
            parent.exported = True
        return whole.reshape(-1)[self.start : self.start + self.size]

    @property
    def array(self) -> Any:
        return self._view()

    @property
    def library(self) -> ArrayLibrary:  # type: ignore[override]
        return HOST

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        parent: Storage = self.parent
        while isinstance(parent, NarrowedStorage):
            parent = parent.parent
        return parent.dtype or FLOAT32

    def _written(self) -> None:
        super()._written()
        parent: Storage = self.parent
        parent._written()

    def put(self, library: ArrayLibrary, array: Any, dtype: np.dtype) -> None:
        view = self._view()
        if dtype != view.dtype:
            raise StateError(
                f"NdArray: values of {dtype} can't be written to a narrowed array, which shares its parent's "
                f"memory of {view.dtype}; cast the parent first"
            )
        view[...] = np.reshape(library.to_numpy(array), -1)
        self._written()

    def writable(self, library: ArrayLibrary, dtype: np.dtype | None, shape: tuple[int, ...], keep: bool = True) -> Any:
        view = self._view()
        if library is not HOST or (dtype is not None and dtype != view.dtype):
            raise StateError(
                f"NdArray: a narrowed array shares its parent's memory and cannot become {dtype}; it is "
                f"{view.dtype}. Cast the parent instead"
            )
        self._written()
        return view.reshape(shape)

    def fill(self, value: float | int, zeroing: bool = False) -> None:
        self._view()[...] = value
        self._written()
        self.zeroing = zeroing

    def clear(self) -> None:
        raise StateError("NdArray.clear: a narrowed array shares its parent's memory; clear the parent instead")
