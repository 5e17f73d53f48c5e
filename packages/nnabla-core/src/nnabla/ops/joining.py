"""Several arrays into one: concatenation, stacking, grids."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import normalize_axis, operator
from nnabla.ops.spec import Boolean, Float, Int, Real, per_input

GROUP = "Array Manipulation"


@operator("Concatenate", group=GROUP, outputs="y:same")
def concatenate(*x: Real, axis: Int = per_input(lambda *x: len(x[0]) - 1)) -> Any:
    """Join arrays along an axis that they have.

    :math:`y = (x_0, x_1, \\dots)`, one behind the other.

    Args:
        *x: Arrays whose shapes differ along ``axis`` only.
        axis: The axis (default: the last one).
    Returns:
        The shape of the inputs, with the sum of their sizes along ``axis``.
    Example:
        >>> x0 = nn.NdArray.from_numpy_array([[1.0, 2.0]])
        >>> x1 = nn.NdArray.from_numpy_array([[3.0, 4.0]])
        >>> print(F.concatenate(x0, x1, axis=0).data)
        [[1. 2.]
         [3. 4.]]
    """


@concatenate.shape
def _(*x: Any, axis: int) -> Any:
    at = normalize_axis("concatenate", axis, len(x[0]))
    for shape in x:
        if len(shape) != len(x[0]) or any(i != at and n != m for i, (n, m) in enumerate(zip(shape, x[0]))):
            raise ShapeError(f"concatenate: shapes {', '.join(map(str, x))} must be equal but for axis={axis}")
    return tuple(sum(s[at] for s in x) if i == at else n for i, n in enumerate(x[0]))


@concatenate.reference
def _(xp: Any, *x: Any, axis: int) -> Any:
    return xp.concat(x, axis=axis)


@concatenate.gradient
def _(x_shape: Any, dy: Any, axis: int) -> Any:
    from nnabla.ops.slicing import part

    at, start, grads = axis % len(x_shape[0]), 0, []
    for shape in x_shape:
        grads.append(part(dy, at, start, start + shape[at]))
        start += shape[at]
    return grads


@operator("Stack", group=GROUP)
def stack(*x: Float, axis: Int = 0) -> Any:
    """Join arrays along a new axis: :math:`y_{i,j} = (x_i)_j` for the first one.

    Args:
        *x: Arrays of one shape.
        axis: Where the result has the new axis.
    Returns:
        The shape of the inputs, with a new axis of as many entries as there are inputs.
    Example:
        >>> x0, x1 = nn.NdArray.from_numpy_array([1.0, 2.0]), nn.NdArray.from_numpy_array([3.0, 4.0])
        >>> print(F.stack(x0, x1).data)
        [[1. 2.]
         [3. 4.]]
        >>> print(F.stack(x0, x1, axis=1).data)
        [[1. 3.]
         [2. 4.]]
    """
    shape = list(x[0].shape)
    shape.insert(axis % (len(shape) + 1), 1)
    return concatenate(*(reshape(a, tuple(shape), False) for a in x), axis=axis % len(shape))


@stack.resolve
def _(*x: Any, axis: int) -> Any:
    if any(shape != x[0] for shape in x):
        raise ShapeError(f"stack: all shapes must be equal, but they are {', '.join(map(str, x))}")
    normalize_axis("stack", axis, len(x[0]) + 1)
    return {}


@stack.gradient
def _(x_shape: Any, dy: Any, axis: int) -> Any:
    from nnabla.ops.slicing import part

    at = axis % len(dy.shape)
    return [reshape(part(dy, at, i, i + 1), shape, False) for i, shape in enumerate(x_shape)]


@operator("Meshgrid", group=GROUP, outputs="*y")
def meshgrid(*x: Float, ij_indexing: Boolean = False) -> Any:
    """Coordinates of the points of a grid, one array per dimension of the grid.

    Of two inputs, :math:`y^{(0)}_{i,j} = x^{(0)}_j` and :math:`y^{(1)}_{i,j} = x^{(1)}_i`; with ``ij_indexing`` i
    and j are exchanged.

    Args:
        *x: Coordinates along each dimension, each of one dimension.
        ij_indexing: The outputs' dimensions are in the order of ``x``; else the first two are exchanged, as for
            pictures whose ``x[0]`` runs along the rows.
    Returns:
        One output for each of ``x``, all of the grid's shape.
    Example:
        >>> x0, x1 = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0]), nn.NdArray.from_numpy_array([10.0, 20.0])
        >>> across, down = F.meshgrid(x0, x1)
        >>> print(across.data)
        [[1. 2. 3.]
         [1. 2. 3.]]
        >>> print(down.data)
        [[10. 10. 10.]
         [20. 20. 20.]]
    """
    sizes = tuple(a.shape[0] for a in x)
    order = list(range(len(x)))
    if not ij_indexing and len(x) > 1:
        order[:2] = [1, 0]
    grids = []
    for i, a in enumerate(x):
        shape = tuple(sizes[i] if j == i else 1 for j in range(len(x)))
        grid = reshape(a, shape, False)
        grids.append(broadcast(transpose(grid, tuple(order)), tuple(sizes[j] for j in order)))
    return grids


@meshgrid.resolve
def _(*x: Any, ij_indexing: bool) -> Any:
    if any(len(shape) != 1 for shape in x):
        raise ShapeError(f"meshgrid: every input has one dimension, but the shapes are {', '.join(map(str, x))}")
    return {}
