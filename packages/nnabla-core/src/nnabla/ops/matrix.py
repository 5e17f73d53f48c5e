"""Matrices: their products and special ones."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import broadcast_shapes, operator
from nnabla.ops.elementwise import sum_to
from nnabla.ops.internal import cast, iota, zeros
from nnabla.ops.logical import equal
from nnabla.ops.spec import Boolean, Float, Int

GROUP = "Math"


@operator("BatchMatmul", group=GROUP)
def batch_matmul(a: Float, b: Float, transpose_a: Boolean = False, transpose_b: Boolean = False) -> Any:
    """Matrix products over batch dimensions, which broadcast, :math:`y_{b,i,j} = \\sum_k a_{b,i,k} b_{b,k,j}`.

    Args:
        a: (..., M, K), or (..., K, M) with ``transpose_a``.
        b: (..., K, N), or (..., N, K) with ``transpose_b``.
        transpose_a: Use the transposed matrices of ``a``.
        transpose_b: Use the transposed matrices of ``b``.
    Returns:
        (..., M, N).
    Example:
        >>> a = nn.NdArray.from_numpy_array(np.arange(6.0).reshape(1, 2, 3))
        >>> b = nn.NdArray.from_numpy_array(np.arange(6.0).reshape(1, 2, 3))
        >>> print(F.batch_matmul(a, b, transpose_b=True).data)
        [[[ 5. 14.]
          [14. 50.]]]
    """


@batch_matmul.shape
def _(a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Any:
    if len(a) < 2 or len(b) < 2:
        raise ShapeError(f"batch_matmul: a {tuple(a)} and b {tuple(b)} must have two dimensions or more")
    m, k = (a[-1], a[-2]) if transpose_a else (a[-2], a[-1])
    k2, n = (b[-1], b[-2]) if transpose_b else (b[-2], b[-1])
    if k != k2:
        raise ShapeError(
            f"batch_matmul: a {tuple(a)} and b {tuple(b)} sum over {k} and {k2} elements "
            f"(transpose_a={transpose_a}, transpose_b={transpose_b}); these must be equal"
        )
    return (*broadcast_shapes("batch_matmul", a[:-2], b[:-2]), m, n)


@batch_matmul.reference
def _(xp: Any, a: Any, b: Any, transpose_a: bool, transpose_b: bool) -> Any:
    return xp.matmul(xp.matrix_transpose(a) if transpose_a else a, xp.matrix_transpose(b) if transpose_b else b)


@batch_matmul.gradient
def _(a: Any, b: Any, dy: Any, transpose_a: bool, transpose_b: bool) -> Any:
    if transpose_a:
        da = batch_matmul(b, dy, transpose_b, True)
    else:
        da = batch_matmul(dy, b, False, not transpose_b)
    if transpose_b:
        db = batch_matmul(dy, a, True, transpose_a)
    else:
        db = batch_matmul(a, dy, not transpose_a, False)
    return sum_to(da, a.shape), sum_to(db, b.shape)


@operator("EyeLike", group="Unsupported, Special Use", differentiable=False)
def eye_like(x: Float, k: Int = 0) -> Any:
    """A matrix of the input's shape with ones on one diagonal, :math:`y_{i,\\, i + k} = 1`, and zeros elsewhere.

    Args:
        x: (M, N); its values do not matter.
        k: Which diagonal: 0 the main one, positive ones above it, negative ones below.
    Returns:
        (M, N).
    Example:
        >>> print(F.eye_like(nn.NdArray.from_numpy_array(np.zeros((2, 3))), k=1).data)
        [[0. 1. 0.]
         [0. 0. 1.]]
    """
    from nnabla.ops.array_manipulation import reshape

    rows, columns = x.shape
    if k >= columns or -k >= rows:
        return zeros(x.shape)
    row = reshape(iota(rows, "float"), (rows, 1), False)
    column = reshape(iota(columns, "float"), (1, columns), False)
    return cast(equal(row + float(k), column), "float")


@eye_like.resolve
def _(x: Any, k: int) -> None:
    if len(x) != 2:
        raise ShapeError(f"eye_like: x must be a matrix, not of the shape {tuple(x)}")
