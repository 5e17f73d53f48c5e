"""Keys of Python's indexing taken apart: what ``x[key]`` and ``x[key] = value`` choose, dimension by dimension."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentError, ArgumentTypeError
from nnabla.graph.arithmetic import Arithmetic
from nnabla.ops.scatter import IndexRangeError

__all__ = ["IndexArray", "Key", "held_values", "is_mask"]


class IndexArray:
    """An array among the keys: its values (NumPy, int64), or the Variable that holds them."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.shape = tuple(values.shape)

    @property
    def known(self) -> bool:
        return isinstance(self.values, np.ndarray)


class Key:
    """A key taken apart, one part per dimension of what is indexed.

    Attributes:
        parts: For each dimension an int, a slice or an :class:`IndexArray`.
        places: For the result: which dimension's part each of its dimensions comes from, None for a new one.
        arrays: The dimensions whose parts are arrays.
        together: Whether arrays (and ints among them) stand side by side.
    """

    def __init__(self, shape: Sequence[int], key: Any) -> None:
        items = list(key) if isinstance(key, tuple) else [key]
        items = [part for item in items for part in _parts(item, shape)]
        count = sum(item is not None and item is not Ellipsis for item in items)
        if count > len(shape):
            raise IndexRangeError(
                f"too many indices: {count} were given for an array of {len(shape)} dimensions {tuple(shape)}"
            )
        dots = [i for i, item in enumerate(items) if item is Ellipsis]
        if len(dots) > 1:
            raise IndexRangeError("an index can have one ellipsis ('...') only")
        # Also an ellipsis that stands for no dimension keeps arrays apart.
        chosen = [i for i, item in enumerate(items) if isinstance(item, (int, IndexArray))]
        self.together = chosen == list(range(chosen[0], chosen[0] + len(chosen))) if chosen else True
        rest = [slice(None)] * (len(shape) - count)
        at = dots[0] if dots else len(items)
        items[at : at + 1] = rest
        self.parts: list[Any] = []
        self.places: list[int | None] = []
        self.arrays: list[int] = []
        for item in items:
            if item is None:
                self.places.append(None)
                continue
            axis = len(self.parts)
            if isinstance(item, int):
                item = self._checked(item, shape, axis)
            elif isinstance(item, IndexArray):
                self.arrays.append(axis)
                if item.known:
                    item = IndexArray(self._checked_array(item.values, shape, axis))
            self.parts.append(item)
            self.places.append(axis)
        if self.arrays:
            # As for NumPy an int beside arrays is an array of no dimension.
            self.arrays = [a for a, part in enumerate(self.parts) if isinstance(part, (int, IndexArray))]
            for axis in self.arrays:
                if isinstance(self.parts[axis], int):
                    self.parts[axis] = IndexArray(np.asarray(self.parts[axis], np.int64))

    @staticmethod
    def _checked(value: int, shape: Sequence[int], axis: int) -> int:
        size = shape[axis]
        if not -size <= value < size:
            raise IndexRangeError(f"index {value} is out of range for dimension {axis} of {tuple(shape)}")
        return value + size if value < 0 else value

    @staticmethod
    def _checked_array(values: np.ndarray, shape: Sequence[int], axis: int) -> np.ndarray:
        size = shape[axis]
        wrong = (values < -size) | (values >= size)
        if wrong.any():
            raise IndexRangeError(f"index {values[wrong][0]} is out of range for dimension {axis} of {tuple(shape)}")
        return np.where(values < 0, values + size, values)

    @property
    def variable(self) -> bool:
        """Whether an array's values are those of a Variable."""
        return any(not self.parts[a].known for a in self.arrays)


def _parts(item: Any, shape: Sequence[int]) -> list[Any]:
    """Return one entry of a key as ints, slices, arrays, None or Ellipsis."""
    if item is None or item is Ellipsis:
        return [item]
    if isinstance(item, slice):
        item = slice(*(_bound(b) for b in (item.start, item.stop, item.step)))
        if item.step == 0:
            raise ArgumentError(f"invalid index: the step of {item} must not be 0")
        return [item]
    if isinstance(item, (bool, np.bool_)):
        raise ArgumentTypeError(f"invalid index {item!r}: a mask is an array of truth values, not a single one")
    if isinstance(item, Arithmetic):
        return _variable_parts(item)
    if not isinstance(item, (list, np.ndarray)):
        try:
            return [operator.index(item)]
        except TypeError:
            pass
    if isinstance(item, (list, tuple, np.ndarray)):
        values = np.asarray(item)
        if values.size == 0 and not isinstance(item, np.ndarray):
            values = values.astype(np.int64)
        if values.dtype == np.bool_:
            return [IndexArray(found.astype(np.int64)) for found in np.nonzero(values)] if values.ndim else [item]
        if values.dtype.kind in "iu":
            return [IndexArray(values.astype(np.int64))]
    raise ArgumentTypeError(
        f"invalid index {item!r:.60} of type {type(item).__name__}: use ints, slices, '...', None, integer or boolean "
        "arrays, or Variables"
    )


def _bound(value: Any) -> int | None:
    if value is None:
        return None
    try:
        return operator.index(value)
    except TypeError:
        raise ArgumentTypeError(f"invalid index: a slice's bound {value!r} must be an integer or None") from None


def _variable_parts(item: Any) -> list[Any]:
    """Return a Variable among the keys as it is, or, if it is a mask, as the coordinates that it holds now."""
    if is_mask(item):
        values = held_values(item)
        return [IndexArray(found.astype(np.int64)) for found in np.nonzero(values)]
    if isinstance(item, NdArray):
        return [IndexArray(held_values(item).astype(np.int64))]
    return [IndexArray(item)]


def is_mask(item: Any) -> bool:
    """Whether an NdArray or Variable holds truth values, or is computed by a comparison or logical operator."""
    data = item if isinstance(item, NdArray) else getattr(item, "data", None)
    if not isinstance(data, NdArray):
        return False
    parent = None if data is item else item.parent
    made_by = getattr(parent, "op", None)
    return data._storage.dtype == np.bool_ or (made_by is not None and made_by.output_kinds(1) == ("bool",))


def held_values(value: Any) -> Any:
    """Return what an NdArray or Variable holds now as a NumPy array; other values as they are."""
    if isinstance(value, NdArray):
        return value.get_data("r")
    if not isinstance(value, Arithmetic):
        return value
    storage = value.data._storage  # type: ignore[attr-defined]
    if value.parent is not None and storage.array is None and storage.fill_value is None:  # type: ignore[attr-defined]
        raise ArgumentTypeError(
            "invalid index: the values of this Variable are needed at once, and nobody computed them"
        )
    return value.data.get_data("r")  # type: ignore[attr-defined]
