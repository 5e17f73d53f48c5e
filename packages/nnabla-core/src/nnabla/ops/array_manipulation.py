"""Shapes: the same elements in another arrangement, or repeated."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import operator, prod
from nnabla.ops.elementwise import sum_to
from nnabla.ops.spec import Boolean, Float, Int, Ints, Real, Shape

GROUP = "Array Manipulation"


@operator("Reshape", group=GROUP, aliases={0: 0}, views=True, trivial=True, outputs="y:same")
def reshape(x: Real, shape: Shape, inplace: Boolean = True) -> Any:
    """The same elements in another shape, :math:`\\mathrm{flat}(y) = \\mathrm{flat}(x)`, in C order (the last index
    runs fastest).

    Args:
        x: Any shape.
        shape: Sizes; one of them may be -1 and follows from the others.
        inplace: Let the output share memory with the input.
    Returns:
        ``shape``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        >>> print(F.reshape(x, (2, -1)).data)
        [[1. 2. 3.]
         [4. 5. 6.]]
    """


@reshape.shape
def _(x: Any, shape: Any, inplace: bool) -> Any:
    size, dims = prod(x), list(shape)
    if dims.count(-1) == 1:
        rest = prod([n for n in dims if n != -1])
        dims[dims.index(-1)] = size // rest if rest else 0
    if prod(dims) != size or any(n < 0 for n in dims):
        raise ShapeError(f"reshape: x {tuple(x)} has {size} elements, which shape={tuple(shape)} can't hold")
    return tuple(dims)


@reshape.reference
def _(xp: Any, x: Any, shape: Any) -> Any:
    return xp.reshape(x, shape)


@reshape.gradient
def _(x_shape: Any, dy: Any) -> Any:
    return reshape(dy, x_shape, False)


@operator("Transpose", group=GROUP, views=True, outputs="y:same")
def transpose(x: Real, axes: Ints) -> Any:
    """Permute the dimensions; of a matrix, :math:`y_{i,j} = x_{j,i}`.

    Args:
        x: Any shape.
        axes: A permutation of the dimensions: output axis ``i`` is input axis ``axes[i]``.
    Returns:
        The sizes of ``x`` in the order of ``axes``.
    Example:
        >>> print(F.transpose(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]]), (1, 0)).data)
        [[1. 3.]
         [2. 4.]]
    """


@transpose.shape
def _(x: Any, axes: Any) -> Any:
    if sorted(a + len(x) if a < 0 else a for a in axes) != list(range(len(x))):
        raise ShapeError(f"transpose: axes={tuple(axes)} is no permutation of the {len(x)} dimensions of x {tuple(x)}")
    return tuple(x[a] for a in axes)


@transpose.reference
def _(xp: Any, x: Any, axes: Any) -> Any:
    return xp.permute_dims(x, tuple(a % x.ndim for a in axes))


@transpose.gradient
def _(dy: Any, axes: Any) -> Any:
    ndim = len(axes)
    inverse = sorted(range(ndim), key=lambda i: axes[i] % ndim)
    return transpose(dy, tuple(inverse))


@operator("Broadcast", group=GROUP, views=True, trivial=True, outputs="y:same")
def broadcast(x: Real, shape: Shape) -> Any:
    """Repeat along axes of size 1 (and new leading axes) to reach a shape.

    :math:`y_i = x_0` along such an axis, :math:`y_i = x_i` along the others.

    Args:
        x: A shape that broadcasts to ``shape``.
        shape: Sizes of the output.
    Returns:
        ``shape``.
    Example:
        >>> print(F.broadcast(nn.NdArray.from_numpy_array([[1.0], [2.0]]), (2, 3)).data)
        [[1. 1. 1.]
         [2. 2. 2.]]
    """


@broadcast.shape
def _(x: Any, shape: Any) -> Any:
    lead = len(shape) - len(x)
    if lead < 0 or any(n not in (1, m) or m < 0 for n, m in zip(x, shape[lead:])) or min(shape, default=0) < 0:
        raise ShapeError(f"broadcast: x {tuple(x)} does not broadcast to shape={tuple(shape)}")
    return tuple(shape)


@broadcast.reference
def _(xp: Any, x: Any, shape: Any) -> Any:
    return xp.broadcast_to(x, shape)


@broadcast.gradient
def _(x_shape: Any, dy: Any) -> Any:
    return sum_to(dy, x_shape)


@operator("BroadcastTo", group=GROUP, outputs="z")
def broadcast_to(x: Float, y: Float, axis: Int = -1) -> Any:
    """Repeat ``y`` to reach the shape of ``x``: :math:`z_{i,j,k} = y_j` where ``y`` has one dimension, in the middle
    of those of ``x``.

    Args:
        x: The shape wanted; its values are not read.
        y: Its sizes are those of consecutive dimensions of ``x``.
        axis: Dimension of ``x`` that the first of ``y`` corresponds to; negative values (default) put the
            dimensions of ``y`` at the end.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.zeros((2, 3)))
        >>> print(F.broadcast_to(x, nn.NdArray.from_numpy_array([1.0, 2.0]), axis=0).data)
        [[1. 1. 1.]
         [2. 2. 2.]]
    """
    start = axis if axis >= 0 else len(x.shape) - len(y.shape)
    return broadcast(reshape(y, (*y.shape, *(1,) * (len(x.shape) - start - len(y.shape))), False), x.shape)


@broadcast_to.resolve
def _(x: Any, y: Any, axis: int) -> Any:
    start = axis if axis >= 0 else len(x) - len(y)
    if start < 0 or tuple(x[start : start + len(y)]) != tuple(y):
        raise ShapeError(
            f"broadcast_to: y {tuple(y)} does not equal the sizes of x {tuple(x)} "
            + (f"from axis={axis} on" if axis >= 0 else "in its last dimensions")
        )
    return {}


@operator("Tile", group=GROUP)
def tile(x: Float, reps: Ints) -> Any:
    """Repeat the whole array along each dimension, as ``numpy.tile`` does: :math:`y_i = x_{i \\bmod n}` in each, of
    size n.

    Args:
        x: Any shape.
        reps: Number of repetitions in the last dimensions of ``x`` (1 in those before), or in all of them and
            in new leading dimensions.
    Returns:
        The shape of ``x`` times ``reps``, one by one.
    Example:
        >>> print(F.tile(nn.NdArray.from_numpy_array([[1.0, 2.0]]), (2, 2)).data)
        [[1. 2. 1. 2.]
         [1. 2. 1. 2.]]
    """
    ndim = max(len(x.shape), len(reps))
    shape = (1,) * (ndim - len(x.shape)) + tuple(x.shape)
    counts = (1,) * (ndim - len(reps)) + tuple(reps)
    apart = [n for count, size in zip(counts, shape) for n in (count, size)]
    ones = [n for size in shape for n in (1, size)]
    repeated = broadcast(reshape(x, tuple(ones), False), tuple(apart))
    return reshape(repeated, tuple(c * n for c, n in zip(counts, shape)), False)


@tile.resolve
def _(x: Any, reps: Any) -> Any:
    if min(reps, default=1) < 1:
        raise ShapeError(f"tile: reps={tuple(reps)} must be 1 or more each")
    return {}
