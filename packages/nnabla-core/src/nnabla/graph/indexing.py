"""Python's indexing of Variables, NdArrays and traced values: ``x[key]`` and ``x[key] = value``.

Keys mean what they mean in NumPy. Ints, slices, ``...`` and None become a Slice and a Reshape; integer arrays and
masks a GatherNd, with transpositions where the indexed dimensions are not the first. Variables among the keys are
read at every forward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.ndarray import NdArray
from nnabla.errors import ArgumentTypeError, ShapeError
from nnabla.graph.arithmetic import Arithmetic
from nnabla.graph.keys import IndexArray, Key, held_values, is_mask
from nnabla.graph.node import changes
from nnabla.graph.release import release

__all__ = ["assign_ndarray", "assign_variable", "fill_masked", "index"]


def _ops() -> Any:
    import nnabla.ops as ops

    return ops


# -- reading -------------------------------------------------------------------------------------------------
def index(x: Any, key: Any) -> Any:
    """Return ``x[key]``: a graph node for a Variable, an NdArray for an NdArray, a symbol for a symbol.

    Raises:
        IndexError: A position is out of range, or there are more than dimensions.
        TypeError: A key is of a kind that does not index.
    """
    if _is_whole_mask(x, key):
        return _ops().bool_gather(x, key)
    if isinstance(x, NdArray):
        key = _plain(key)
    parsed = Key(x.shape, key)
    if parsed.arrays:
        return _gathered(x, parsed)
    return _sliced(x, parsed.parts, parsed.places)


def _is_whole_mask(x: Any, key: Any) -> bool:
    """Whether the key is a Variable with truth values, which may change until forward runs."""
    if isinstance(key, Arithmetic) and not isinstance(key, NdArray) and not isinstance(x, NdArray):
        return is_mask(key) and tuple(x.shape[: len(key.shape)]) == tuple(key.shape)
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


def _gathered(x: Any, key: Key) -> Any:
    """Apply arrays: other dimensions are sliced first, then those of the arrays are gathered from the front."""
    ops = _ops()
    whole = slice(None)
    if any(not isinstance(part, IndexArray) and part != whole for part in key.parts):
        rest = [whole if isinstance(part, IndexArray) else part for part in key.parts]
        x = _sliced(x, rest, range(len(rest)))
    others = [a for a in range(len(key.parts)) if a not in key.arrays]
    order = [*key.arrays, *others]
    if order != list(range(len(order))):
        x = ops.transpose(x, order)
    shape = np.broadcast_shapes(*(key.parts[a].shape for a in key.arrays))
    y = ops.gather_nd(x, _coordinates(x, [key.parts[a] for a in key.arrays], shape))
    return _arranged(y, key, others, shape)


def _coordinates(x: Any, arrays: Sequence[IndexArray], shape: tuple[int, ...]) -> Any:
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


def _arranged(y: Any, key: Key, others: Sequence[int], shape: tuple[int, ...]) -> Any:
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
    Key(array.shape, key)  # for its errors
    target = array._storage.writable(HOST, None, array.shape)
    values = _real("NdArray", held_values(value))
    try:
        target[_plain(key)] = values
    except ValueError as error:
        raise ShapeError(f"NdArray: values of shape {values.shape} can't be assigned by this index ({error})") from None


def _real(what: str, values: Any) -> np.ndarray:
    """Return what is assigned as an array of numbers."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise ArgumentTypeError(f"{what}: numbers are assigned, not values of dtype {array.dtype}")
    return array


def _plain(key: Any) -> Any:
    """Return a key for NumPy."""
    if isinstance(key, tuple):
        return tuple(_plain(k) for k in key)
    if isinstance(key, Arithmetic):
        values = held_values(key)
        return values != 0 if is_mask(key) else values.astype(np.int64)
    return key


def assign_variable(variable: Any, key: Any, value: Any) -> None:
    """Do ``variable[key] = value`` in the graph: the object stands for the changed values from here on.

    What a function computed stays as it is, for those that use it already. A leaf's own data is written when a
    function that uses the object runs (at once in auto-forward mode).
    """
    if _is_whole_mask(variable, key):
        result = _masked(variable, key, value)
    else:
        indices, shape = _scatter_indices(variable, key)
        result = _ops().scatter_nd(_broadcast_value(value, shape), indices, variable)
    _rebind(variable, result)


def _masked(variable: Any, mask: Any, value: Any) -> Any:
    """Return ``variable`` with ``value`` where a mask holds, whose values are read at every forward."""
    ops = _ops()
    value = _as_variable(value)
    if value.size != 1:
        return ops.bool_scatter(value, mask, variable)
    shape = tuple(variable.shape)
    whole = ops.reshape(mask, (*mask.shape, *(1,) * (len(shape) - len(mask.shape))))
    return ops.where(ops.broadcast(whole, shape), ops.broadcast(ops.reshape(value, ()), shape), variable)


def _scatter_indices(variable: Any, key: Any) -> tuple[Any, tuple[int, ...]]:
    """Return coordinates of what a key chooses, and the shape of the choice."""
    parsed = Key(variable.shape, key)
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
        plain = tuple(c.values if isinstance(c, IndexArray) else c for c in chosen)
    sizes = variable.shape[:count]
    numbers = np.arange(int(np.prod(sizes, dtype=np.int64))).reshape(sizes)
    positions = np.asarray(numbers[plain])
    indices = np.stack(np.unravel_index(positions.reshape(-1), sizes)) if sizes else np.zeros((0, 1), np.int64)
    wanted = positions.shape or (1,)
    coordinates = indices.reshape(len(sizes), *wanted).astype(np.int64)
    return _constant(variable, coordinates), (*wanted, *variable.shape[count:])


def _as_variable(value: Any) -> Any:
    """Return what is assigned as a Variable."""
    from nnabla.graph.variable import Variable

    if isinstance(value, Variable):
        return value
    if isinstance(value, NdArray):
        return Variable._around(value, NdArray(value.shape))
    array = _real("Variable", value)
    return Variable.from_numpy_array(array if array.ndim else array.astype(np.float32))


def _broadcast_value(value: Any, shape: tuple[int, ...]) -> Any:
    """Return what is assigned as a Variable of the shape of the choice."""
    ops = _ops()
    value = _as_variable(value)
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
    _rebind(variable, _ops().bool_fill(variable, _as_variable(mask), value))
    return variable
