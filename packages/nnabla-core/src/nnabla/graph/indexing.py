"""Python's indexing of Variables, NdArrays and traced values: ``x[key]`` and ``x[key] = value``.

Keys mean what they mean in NumPy. Ints, slices, ``...`` and None become a Slice and a Reshape; integer arrays and
masks a GatherNd, with transpositions where the indexed dimensions are not the first. Variables among the keys are
read at every forward.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentError, ArgumentTypeError
from nnabla.graph.arithmetic import Arithmetic
from nnabla.graph.node import changes
from nnabla.graph.release import release
from nnabla.ops.scatter import IndexRangeError

__all__ = ["assign_ndarray", "assign_variable", "fill_masked", "index"]


def _ops() -> Any:
    import nnabla.ops as ops

    return ops


class _Array:
    """An array among the keys: its values (NumPy, int64), or the Variable that holds them."""

    def __init__(self, values: Any) -> None:
        self.values = values
        self.shape = tuple(values.shape)

    @property
    def known(self) -> bool:
        return isinstance(self.values, np.ndarray)


class _Key:
    """A key taken apart, one part per dimension of what is indexed.

    Attributes:
        parts: For each dimension an int, a slice or an :class:`_Array`.
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
        chosen = [i for i, item in enumerate(items) if isinstance(item, (int, _Array))]
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
            elif isinstance(item, _Array):
                self.arrays.append(axis)
                if item.known:
                    item = _Array(self._checked_array(item.values, shape, axis))
            self.parts.append(item)
            self.places.append(axis)
        if self.arrays:
            # As for NumPy an int beside arrays is an array of no dimension.
            self.arrays = [a for a, part in enumerate(self.parts) if isinstance(part, (int, _Array))]
            for axis in self.arrays:
                if isinstance(self.parts[axis], int):
                    self.parts[axis] = _Array(np.asarray(self.parts[axis], np.int64))

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
            return [_Array(found.astype(np.int64)) for found in np.nonzero(values)] if values.ndim else [item]
        if values.dtype.kind in "iu":
            return [_Array(values.astype(np.int64))]
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
    """Return a Variable among the keys as it is, or, if it is a mask of known values, as coordinates."""
    if _is_mask(item):
        data = item if isinstance(item, NdArray) else item.data
        return [_Array(found.astype(np.int64)) for found in np.nonzero(data.get_data("r"))]
    if isinstance(item, NdArray):
        return [_Array(item.get_data("r").astype(np.int64))]
    return [_Array(item)]


def _is_mask(item: Any) -> bool:
    data = item if isinstance(item, NdArray) else getattr(item, "data", None)
    return isinstance(data, NdArray) and data._storage.dtype == np.bool_


# -- reading -------------------------------------------------------------------------------------------------
def index(x: Any, key: Any) -> Any:
    """Return ``x[key]``: a graph node for a Variable, an NdArray for an NdArray, a symbol for a symbol.

    Raises:
        IndexError: A position is out of range, or there are more than dimensions.
        TypeError: A key is of a kind that does not index.
    """
    if _is_whole_mask(x, key):
        return _ops().bool_gather(x, key)
    parsed = _Key(x.shape, key)
    if parsed.arrays:
        return _gathered(x, parsed)
    return _sliced(x, parsed.parts, parsed.places)


def _is_whole_mask(x: Any, key: Any) -> bool:
    """Whether the key is a Variable with truth values, which may change until forward runs."""
    if isinstance(key, Arithmetic) and not isinstance(key, NdArray) and not isinstance(x, NdArray):
        return _is_mask(key) and tuple(x.shape[: len(key.shape)]) == tuple(key.shape)
    return False


def _sliced(x: Any, parts: Sequence[Any], places: Sequence[int | None]) -> Any:
    """Apply ints and slices, and bring the result into the shape that ints and None make of it."""
    start, stop, step = [], [], []
    for size, part in zip(x.shape, parts):
        if isinstance(part, int):
            part = slice(part, part + 1)
        move = 1 if part.step is None else part.step
        step.append(move)
        start.append(part.start if part.start is not None else 0 if move > 0 else -1)
        stop.append(part.stop if part.stop is not None else size if move > 0 else -size - 1)
    y = _ops().slice(x, start, stop, step) if parts else x
    sizes = tuple(
        1 if axis is None else y.shape[axis] for axis in places if axis is None or not isinstance(parts[axis], int)
    )
    if sizes == tuple(y.shape) and parts:
        return y
    return _ops().reshape(y, sizes)


def _gathered(x: Any, key: _Key) -> Any:
    """Apply arrays: other dimensions are sliced first, then those of the arrays are gathered from the front."""
    ops = _ops()
    whole = slice(None)
    if any(not isinstance(part, _Array) and part != whole for part in key.parts):
        rest = [whole if isinstance(part, _Array) else part for part in key.parts]
        x = _sliced(x, rest, range(len(rest)))
    others = [a for a in range(len(key.parts)) if a not in key.arrays]
    order = [*key.arrays, *others]
    if order != list(range(len(order))):
        x = ops.transpose(x, order)
    shape = np.broadcast_shapes(*(key.parts[a].shape for a in key.arrays))
    y = ops.gather_nd(x, _coordinates(x, [key.parts[a] for a in key.arrays], shape))
    return _arranged(y, key, others, shape)


def _coordinates(x: Any, arrays: Sequence[_Array], shape: tuple[int, ...]) -> Any:
    """Return the arrays below each other, as gathering and scattering take them."""
    if all(a.known for a in arrays):
        values = np.stack([np.broadcast_to(a.values, shape) for a in arrays])
        if values.ndim == 1:
            values = values[:, None]
        return _constant(x, values)
    ops = _ops()
    rows = [_constant(x, a.values) if a.known else a.values for a in arrays]
    shape = shape or (1,)
    return ops.stack(*(r if r.shape == shape else ops.broadcast(r, shape) for r in rows), axis=0)


def _constant(x: Any, values: np.ndarray) -> Any:
    """Return an array as what can be used beside ``x``."""
    if isinstance(x, NdArray):
        return NdArray.from_numpy_array(values)
    from nnabla.graph.variable import Variable

    if isinstance(x, Variable):
        return Variable.from_numpy_array(values)
    raise ArgumentTypeError("invalid index: in an operator's body use ints, slices, '...', None or traced indices")


def _arranged(y: Any, key: _Key, others: Sequence[int], shape: tuple[int, ...]) -> Any:
    """Bring (arrays' dimensions..., other dimensions...) to where NumPy has them, with the new dimensions."""
    ops = _ops()
    lead = max(len(shape), 1)
    # Where the arrays stand together, their dimensions take their place; else they come first.
    first = next(i for i, axis in enumerate(key.places) if axis in key.arrays)
    position = {axis: lead + i for i, axis in enumerate(others)}
    front = [] if key.together else list(range(lead))
    order, sizes = list(front), [*shape] if front else []
    for i, axis in enumerate(key.places):
        if axis is None:
            sizes.append(1)
        elif axis not in key.arrays:
            order.append(position[axis])
            sizes.append(y.shape[position[axis]])
        elif key.together and i == first:
            order.extend(range(lead))
            sizes.extend(shape)
    if order != list(range(len(order))):
        y = ops.transpose(y, order)
    return y if tuple(y.shape) == tuple(sizes) else ops.reshape(y, sizes)


# -- writing -------------------------------------------------------------------------------------------------
def assign_ndarray(array: NdArray, key: Any, value: Any) -> None:
    """Do ``array[key] = value`` at once; ``value`` is a number, an array, an NdArray or a Variable."""
    _Key(array.shape, key)  # for its errors
    target = array._storage.writable(HOST, None, array.shape)
    target[_plain(key)] = _values(value)


def _plain(key: Any) -> Any:
    """Return a key for NumPy."""
    if isinstance(key, tuple):
        return tuple(_plain(k) for k in key)
    if isinstance(key, Arithmetic):
        values = _values(key)
        return values if values.dtype == np.bool_ else values.astype(np.int64)
    return key


def _values(value: Any) -> Any:
    if isinstance(value, NdArray):
        return value.get_data("r")
    return value.data.get_data("r") if isinstance(value, Arithmetic) else value  # type: ignore[attr-defined]


def assign_variable(variable: Any, key: Any, value: Any) -> None:
    """Do ``variable[key] = value`` in the graph: the object stands for the changed values from here on.

    What a function computed stays as it is, for those that use it already. A leaf's own data is written when a
    function that uses the object runs (at once in auto-forward mode).
    """
    indices, shape = _scatter_indices(variable, key)
    rows = _broadcast_value(value, shape)
    result = _ops().scatter_nd(rows, indices, variable)
    _rebind(variable, result)


def _scatter_indices(variable: Any, key: Any) -> tuple[Any, tuple[int, ...]]:
    """Return coordinates of what a key chooses, and the shape of the choice."""
    if isinstance(key, Arithmetic) and _is_mask(key):
        key = _values(key)
    parsed = _Key(variable.shape, key)
    if parsed.variable:
        arrays = [parsed.parts[a] for a in parsed.arrays]
        others = parsed.parts[len(arrays) :]
        if parsed.arrays != list(range(len(arrays))) or any(p != slice(None) for p in others):
            raise ArgumentTypeError(
                "invalid index: assigning by index Variables needs them in the first dimensions, and ':' in the others"
            )
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
        indices = _coordinates(variable, arrays, shape)
        return indices, (*indices.shape[1:], *variable.shape[len(arrays) :])
    # Trailing dimensions that the key leaves whole need no coordinates.
    count, places, plain = len(parsed.parts), list(parsed.places), _plain(key)
    if parsed.together:
        while count > 1 and places[-1] == count - 1 and isinstance(parsed.parts[count - 1], slice):
            if parsed.parts[count - 1] != slice(None):
                break
            places.pop()
            count -= 1
        chosen = [None if a is None else parsed.parts[a] for a in places]
        plain = tuple(c.values if isinstance(c, _Array) else c for c in chosen)
    sizes = variable.shape[:count]
    numbers = np.arange(int(np.prod(sizes, dtype=np.int64))).reshape(sizes)
    positions = np.asarray(numbers[plain])
    indices = np.stack(np.unravel_index(positions.reshape(-1), sizes)) if sizes else np.zeros((0, 1), np.int64)
    wanted = positions.shape or (1,)
    coordinates = indices.reshape(len(sizes), *wanted).astype(np.int64)
    return _constant(variable, coordinates), (*wanted, *variable.shape[count:])


def _broadcast_value(value: Any, shape: tuple[int, ...]) -> Any:
    """Return what is assigned as a Variable of the shape of the choice."""
    from nnabla.graph.variable import Variable

    if isinstance(value, NdArray):
        value = Variable._around(value, NdArray(value.shape))
    elif not isinstance(value, Variable):
        value = Variable.from_numpy_array(np.asarray(value, np.float32) if np.ndim(value) == 0 else np.asarray(value))
    ops = _ops()
    held = tuple(value.shape)
    while len(held) > len(shape) and held[0] == 1:
        held = held[1:]
    if held != tuple(value.shape):
        value = ops.reshape(value, held)
    return value if held == tuple(shape) else ops.broadcast(value, shape)


def _rebind(variable: Any, result: Any) -> None:
    """Let a Variable object stand for ``result``; a leaf keeps its memory, which the result then uses."""
    node, made = variable._node, result._node
    if node.parent is None:
        made.content.share_storage(node.content.data._storage)
    made.handles += 1
    node.handles -= 1
    made.name = node.name
    made.persistent = node.persistent
    variable._node = made
    changes.count += 1
    if node.transient and node.handles == 0:
        release(node, variable.EXCEPTIONS_AT_DEALLOC)


def fill_masked(variable: Any, mask: Any, value: float) -> Any:
    """Set the elements where ``mask`` (broadcastable) is not 0 in the graph, let ``variable`` stand for the result."""
    from nnabla.graph.variable import Variable

    if isinstance(mask, NdArray):
        mask = Variable._around(mask, NdArray(mask.shape))
    elif not isinstance(mask, Variable):
        mask = Variable.from_numpy_array(np.asarray(mask))
    _rebind(variable, _ops().bool_fill(variable, mask, value))
    return variable
