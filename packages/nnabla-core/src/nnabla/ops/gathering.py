"""Elements by index: gathering, and scattering into an array."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.internal import zeros
from nnabla.ops.scatter import add_rows, flat_along, flat_index, put_rows, take_rows
from nnabla.ops.slicing import slice_
from nnabla.ops.spec import Boolean, Float, Index, Int, Ints, Real

GROUP = "Array Manipulation"


def take_along(x: Any, index: Any, axis: int, what: str) -> Any:
    """Return the elements of ``x`` at ``index`` along an axis, the other coordinates being the index's own."""
    flat = flat_along(index, axis, x.shape[axis], what)
    return take_rows(reshape(x, (-1,), False), flat)


def add_along(values: Any, index: Any, axis: int, shape: tuple[int, ...], what: str) -> Any:
    """Return zeros of ``shape`` plus ``values`` at ``index`` along an axis: the adjoint of :func:`take_along`."""
    flat = flat_along(index, axis, shape[axis], what)
    return reshape(add_rows(values, flat, prod(shape)), shape, False)


@operator("Gather", group=GROUP, outputs="y:same")
def gather(x: Real, Indices: Index, axis: Int = 0, batch_dims: Int = 0) -> Any:
    """Entries along an axis by index: :math:`y_i = x_{I_i}` along the first one.

    Args:
        x: Any shape.
        Indices: Any shape; positions along ``axis``, negative ones counted from the end.
        axis: The axis that is indexed.
        batch_dims: This many leading dimensions belong to each other in ``x`` and ``Indices``; at most ``axis``.
    Returns:
        The shape of ``x`` with that of ``Indices`` without the batch dimensions in place of ``axis``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        >>> print(F.gather(x, nn.NdArray.from_numpy_array([2, 0])).data)
        [[5. 6.]
         [1. 2.]]
    """
    at, index = axis % len(x.shape), Indices
    batch, outer, size = x.shape[:batch_dims], x.shape[batch_dims:at], x.shape[at]
    inner, wanted = x.shape[at + 1 :], index.shape[batch_dims:]
    if at == 0:
        flat = flat_index(reshape(index, (1, *index.shape), False), (size,), "gather")
        return take_rows(x, flat)
    b, o, k = prod(batch), prod(outer), prod(wanted)
    spread = broadcast(reshape(index, (b, 1, k), False), (b, o, k))
    flat = flat_along(spread, 2, size, "gather")
    rows = take_rows(reshape(x, (b * o * size, *inner), False), flat)
    return reshape(rows, (*batch, *outer, *wanted, *inner), False)


@gather.resolve
def _(x: Any, Indices: Any, axis: int, batch_dims: int) -> Any:
    at = normalize_axis("gather", axis, len(x))
    if not 0 <= batch_dims <= min(at, len(Indices)):
        raise ArgumentError(
            f"gather: batch_dims={batch_dims} must be from 0 to axis={axis} and to the {len(Indices)} dimensions "
            f"of Indices"
        )
    if x[:batch_dims] != Indices[:batch_dims]:
        raise ShapeError(
            f"gather: the first {batch_dims} sizes of x {tuple(x)} and Indices {tuple(Indices)} must be equal"
        )
    return {}


def _check_nd(name: str, shape: Any, indices: Any) -> None:
    if len(indices) < 2 or indices[0] > len(shape):
        raise ShapeError(
            f"{name}: indices {tuple(indices)} must have two or more dimensions, the first of them for the "
            f"coordinates, at most {len(shape)} for an array of shape {tuple(shape)}"
        )


@operator("GatherNd", group=GROUP, outputs="y:same")
def gather_nd(x: Real, indices: Index) -> Any:
    """Elements or slices of ``x`` by coordinates, :math:`y_j = x_{I_{0,j}, \\dots, I_{M-1,j}}`.

    Args:
        x: Any shape.
        indices: (M, ...): M coordinates, of the first M dimensions of ``x``, for each wanted entry; negative
            ones count from the end.
    Returns:
        The shape of ``indices`` without its first dimension, then the dimensions of ``x`` after the first M.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> print(F.gather_nd(x, [[0, 1], [1, 0]]).data)  # x[0, 1] and x[1, 0]
        [2. 3.]
    """
    m = indices.shape[0]
    flat = flat_index(indices, x.shape[:m], "gather_nd")
    return take_rows(reshape(x, (prod(x.shape[:m]), *x.shape[m:]), False), flat)


@gather_nd.resolve
def _(x: Any, indices: Any) -> Any:
    _check_nd("gather_nd", x, indices)
    return {}


@operator("ScatterNd", group=GROUP, overwrites=("out",))
def scatter_nd(
    data: Float, indices: Index, out: Float | None = None, shape: Ints | None = None, add: Boolean = False
) -> Any:
    """Put or add elements or slices into an array by coordinates: the adjoint of :func:`gather_nd`.

    :math:`y_{I_{0,j}, \\dots, I_{M-1,j}} = d_j` for the data d, with ``add`` the sum of these.

    Args:
        data: The shape of ``indices`` without its first dimension, then the dimensions of the result after the
            first M.
        indices: (M, ...): M coordinates, of the first M dimensions of the result, for each entry; negative ones
            count from the end.
        out: The array to change; without it zeros of ``shape`` are. A leaf is changed itself as well.
        shape: Shape of the result, if ``out`` is not given.
        add: Add to what is there. Otherwise, where several entries have one place, the last counts.
    Returns:
        ``shape``, or that of ``out``.
    Example:
        >>> data = nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> print(F.scatter_nd(data, [[3, 1]], shape=(5,)).data)
        [ 0. 20.  0. 10.  0.]
    """
    m, target = indices.shape[0], tuple(shape)  # type: ignore[arg-type]
    rows = (prod(target[:m]), *target[m:])
    flat = flat_index(indices, target[:m], "scatter_nd")
    if add:
        y = reshape(add_rows(data, flat, rows[0]), target, False)
        y = y if out is None else out + y
    else:
        base = zeros(rows) if out is None else reshape(out, rows, False)
        y = reshape(put_rows(base, data, flat), target, False)
    return y if out is None else Result(y, updates={"out": y})


@scatter_nd.resolve
def _(data: Any, indices: Any, out: Any, shape: Any, add: bool) -> Any:
    if out is None and shape is None:
        raise ArgumentError("scatter_nd: either shape or out must be given")
    if out is not None and shape is not None and tuple(shape) != tuple(out):
        raise ShapeError(f"scatter_nd: out has shape {tuple(out)}, but shape={tuple(shape)} was given as well")
    target = tuple(out if out is not None else shape)
    _check_nd("scatter_nd", target, indices)
    wanted = (*indices[1:], *target[indices[0] :])
    if tuple(data) != wanted:
        raise ShapeError(
            f"scatter_nd: data {tuple(data)} must have shape {wanted} for indices {tuple(indices)} into {target}"
        )
    return {"shape": target}


@operator("ScatterAdd", group=GROUP)
def scatter_add(x0: Float, indices: Index, x1: Float, axis: Int = 0) -> Any:
    """Add the elements of ``x1`` to those of ``x0`` that lie at ``indices`` along an axis.

    For the first of two dimensions, :math:`y_{I_{i,j},\\, j} = (x_0)_{I_{i,j},\\, j} + (x_1)_{i,j}`, one after the
    other.

    Args:
        x0: Any shape.
        indices: As many dimensions; not larger than ``x1``, nor than ``x0`` but along ``axis``.
        x1: As many dimensions.
        axis: The axis.
    Returns:
        The shape of ``x0``.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]])
        >>> x1 = nn.NdArray.from_numpy_array([[1.0, 5.0]])
        >>> print(F.scatter_add(x0, nn.NdArray.from_numpy_array([[2, 0]]), x1).data)
        [[0. 5.]
         [0. 0.]
         [1. 0.]]
    """
    at = axis % len(x0.shape)
    count = indices.shape
    used = slice_(x1, (0,) * len(count), count, (1,) * len(count)) if x1.shape != count else x1
    within = tuple(x0.shape[i] if i == at else n for i, n in enumerate(count))
    added = add_along(used, indices, at, within, "scatter_add")
    if within != x0.shape:
        from nnabla.ops.slicing import place

        added = place(added, x0.shape, (0,) * len(count), within, (1,) * len(count))
    return x0 + added


@scatter_add.resolve
def _(x0: Any, indices: Any, x1: Any, axis: int) -> Any:
    at = normalize_axis("scatter_add", axis, len(x0))
    if not len(x0) == len(indices) == len(x1) or any(
        n > m or (i != at and n > k) for i, (n, m, k) in enumerate(zip(indices, x1, x0))
    ):
        raise ShapeError(
            f"scatter_add: indices {tuple(indices)} must have the dimensions of x0 {tuple(x0)} and x1 {tuple(x1)}, "
            f"and not be larger than x1, nor than x0 but along axis={axis}"
        )
    return {}
