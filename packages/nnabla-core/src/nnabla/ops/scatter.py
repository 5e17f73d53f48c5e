"""Rows taken by index, and their adjoints, which add or put rows by index.

Everything that gathers or scatters is made of these. The array API standard can gather but not scatter, so the
reference kernels here sort instead: standard-only, and slow. A backend that can do better gives kernels of the
names ``AddRows`` and ``PutRows``, and one in ``accumulate_kernels`` that adds rows to an array in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla.errors import ArgumentError
from nnabla.ops.definition import operator, prod
from nnabla.ops.spec import Index, Int, Real, Shape, String

__all__ = ["IndexRangeError", "add_rows", "flat_along", "flat_index", "put_rows", "take_rows"]


class IndexRangeError(ArgumentError, IndexError):
    """An index points outside of what it indexes."""


# What floating values that no integer stands for become where they are cast.
_NO_INTEGER = -(2**63)


def wrapped(xp: Any, index: Any, size: int, what: str) -> Any:
    """Return ``index`` with negative ones counted from the end, all within ``size``, or raise naming ``what``."""
    negative = index < 0
    if xp.any(negative | (index >= size)):
        outside = (index < -size) | (index >= size)
        if xp.any(outside):
            found = int(index[outside][0])
            raise IndexRangeError(
                f"{what}: index {found} is outside a dimension of size {size}"
                + ("; it was NaN, infinite or too large for an integer" if found == _NO_INTEGER else "")
            )
        index = xp.where(negative, index + size, index)
    return index


@operator("TakeRows", internal=True, outputs="y:same")
def take_rows(x: Real, index: Index) -> Any:
    """The rows of ``x`` at ``index``.

    Args:
        x: (n, ...).
        index: Any shape; values from 0 to n - 1.
    Returns:
        The shape of ``index``, then that of a row.
    """


@take_rows.shape
def _(x: Any, index: Any) -> Any:
    return (*index, *x[1:])


@take_rows.reference
def _(xp: Any, x: Any, index: Any) -> Any:
    return xp.reshape(xp.take(x, xp.reshape(index, (-1,)), axis=0), (*index.shape, *x.shape[1:]))


@take_rows.gradient
def _(x_shape: Any, index: Any, dy: Any) -> Any:
    return add_rows(dy, index, x_shape[0])


def _sorted_rows(xp: Any, rows: Any, index: Any) -> tuple[Any, Any]:
    """Return rows as a matrix and their indices, both in the order of the indices (equal ones as they came)."""
    index = xp.reshape(index, (-1,))
    order = xp.argsort(index, stable=True)
    matrix = xp.reshape(rows, (index.shape[0], prod(rows.shape) // max(index.shape[0], 1)))
    return xp.take(matrix, order, axis=0), xp.take(index, order)


@operator("AddRows", internal=True, outputs="y:same")
def add_rows(rows: Real, index: Index, n: Int) -> Any:
    """``n`` rows of zeros to which ``rows`` are added at ``index``: the adjoint of taking rows.

    Args:
        rows: The shape of ``index``, then that of a row.
        index: Any shape; values from 0 to n - 1.
        n: Number of rows of the result.
    """


@add_rows.shape
def _(rows: Any, index: Any, n: int) -> Any:
    return (n, *rows[len(index) :])


@add_rows.reference
def _added(xp: Any, rows: Any, index: Any, n: int) -> Any:
    shape = (n, *rows.shape[index.ndim :])
    count = prod(index.shape)
    if prod(rows.shape) == 0:
        return xp.zeros(shape, dtype=rows.dtype)
    sums, keys = _sorted_rows(xp, rows, index)
    # Sums of equal indices, doubling the distance: afterwards the first of a run holds the run's sum.
    distance = 1
    while distance < count:
        same = keys[distance:] == keys[:-distance]
        if not xp.any(same):
            break
        more = xp.where(same[:, None], sums[distance:, :], xp.zeros_like(sums[distance:, :]))
        sums = xp.concat((sums[:-distance, :] + more, sums[-distance:, :]), axis=0)
        distance *= 2
    wanted = xp.arange(n, dtype=keys.dtype)
    first = xp.searchsorted(keys, wanted, side="left")
    first = xp.where(first < count, first, xp.full_like(first, count - 1))
    found = xp.take(keys, first) == wanted
    result = xp.take(sums, first, axis=0)
    return xp.reshape(xp.where(found[:, None], result, xp.zeros_like(result)), shape)


@add_rows.accumulate
def _(xp: Any, target: Any, rows: Any, index: Any, n: int) -> None:
    target += _added(xp, rows, index, n)


@add_rows.gradient
def _(index: Any, dy: Any) -> Any:
    return take_rows(dy, index)


@operator("PutRows", internal=True, outputs="y:same")
def put_rows(x: Real, rows: Real, index: Index) -> Any:
    """``x`` with the rows at ``index`` replaced; of several rows for one place the last counts.

    Args:
        x: (n, ...).
        rows: The shape of ``index``, then that of a row.
        index: Any shape; values from 0 to n - 1.
    """


@put_rows.shape
def _(x: Any, rows: Any, index: Any) -> Any:
    return x


@put_rows.reference
def _(xp: Any, x: Any, rows: Any, index: Any) -> Any:
    if prod(rows.shape) == 0:
        return xp.asarray(x, copy=True)
    values, keys = _sorted_rows(xp, rows, index)
    wanted = xp.arange(x.shape[0], dtype=keys.dtype)
    last = xp.searchsorted(keys, wanted, side="right") - 1
    last = xp.where(last >= 0, last, xp.zeros_like(last))
    found = xp.take(keys, last) == wanted
    replaced = xp.reshape(xp.take(values, last, axis=0), x.shape)
    return xp.where(xp.reshape(found, (-1,) + (1,) * (x.ndim - 1)), replaced, x)


@put_rows.gradient
def _(x_shape: Any, rows_shape: Any, index: Any, dy: Any) -> Any:
    from nnabla.ops.array_manipulation import reshape
    from nnabla.ops.internal import cast, iota, same_index, zeros

    # A row that a later one for the same place replaced has no gradient.
    number = reshape(iota(prod(index.shape)), index.shape, False)
    last = put_rows(zeros((x_shape[0],), "index"), number, index)
    counts = cast(same_index(take_rows(last, index), number), "float")
    counts = reshape(counts, (*index.shape, *(1,) * (len(x_shape) - 1)), False)
    return put_rows(dy, zeros(rows_shape), index), take_rows(dy, index) * counts


@operator("FlatIndex", internal=True, outputs="y:index")
def flat_index(index: Index, shape: Shape, what: String) -> Any:
    """Positions in an array of ``shape``, C order, from coordinates; negative ones count from the end.

    Args:
        index: (number of dimensions of ``shape``, ...).
        shape: Sizes of the dimensions.
        what: Operator that an error names.
    """


@flat_index.shape
def _(index: Any, shape: Any, what: str) -> Any:
    return index[1:]


@flat_index.reference
def _(xp: Any, index: Any, shape: Any, what: str) -> Any:
    flat = xp.zeros(index.shape[1:], dtype=index.dtype)
    for axis, size in enumerate(shape):
        flat = flat * size + wrapped(xp, index[axis, ...], size, what)
    return flat


@operator("FlatAlong", internal=True, outputs="y:index")
def flat_along(index: Index, axis: Int, size: Int, what: String) -> Any:
    """Positions in an array, C order, whose axis ``axis`` has ``size`` entries, from those along this axis.

    Args:
        index: The array's shape but for ``axis``; values from ``-size`` to ``size - 1``.
        axis: Not negative.
        size: Number of entries that the array has along ``axis``.
        what: Operator that an error names.
    """


@flat_along.shape
def _(index: Any, axis: int, size: int, what: str) -> Any:
    return index


@flat_along.reference
def _(xp: Any, index: Any, axis: int, size: int, what: str) -> Any:
    shape: Sequence[int] = [size if i == axis else n for i, n in enumerate(index.shape)]
    flat = wrapped(xp, index, size, what) * prod(shape[axis + 1 :])
    for i, n in enumerate(shape):
        if i != axis and n > 1:
            steps = xp.arange(n, dtype=flat.dtype) * prod(shape[i + 1 :])
            flat = flat + xp.reshape(steps, tuple(n if j == i else 1 for j in range(len(shape))))
    return flat
