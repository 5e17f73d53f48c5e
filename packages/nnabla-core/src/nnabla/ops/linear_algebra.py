"""Matrices in the last two dimensions: diagonals, triangles, determinants, inverses, factors."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import operator
from nnabla.ops.internal import iota, zeros
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.slicing import place, slice_
from nnabla.ops.spec import Boolean, Float, Int

GROUP = "Array Manipulation"


@operator("MatrixDiag", group=GROUP)
def matrix_diag(x: Float) -> Any:
    """Square matrices with the last dimension of ``x`` on the diagonal, :math:`y_{i,i} = x_i`, and 0 elsewhere.

    Args:
        x: (..., n).
    Returns:
        (..., n, n).
    Example:
        >>> print(F.matrix_diag(nn.NdArray.from_numpy_array([1.0, 2.0])).data)
        [[1. 0.]
         [0. 2.]]
    """
    lead, n = x.shape[:-1], x.shape[-1]
    start, last = (0,) * len(lead), (1,) * len(lead)
    flat = place(x, (*lead, n * n), (*start, 0), (*lead, n * n), (*last, n + 1))
    return reshape(flat, (*lead, n, n), False)


@matrix_diag.resolve
def _(x: Any) -> Any:
    if not x:
        raise ShapeError("matrix_diag: x must have a dimension for the diagonal")
    return {}


@operator("MatrixDiagPart", group=GROUP)
def matrix_diag_part(x: Float) -> Any:
    """The diagonals of square matrices, :math:`y_i = x_{i,i}`.

    Args:
        x: (..., n, n).
    Returns:
        (..., n).
    Example:
        >>> print(F.matrix_diag_part(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])).data)
        [1. 4.]
    """
    lead, n = x.shape[:-2], x.shape[-1]
    flat = reshape(x, (*lead, n * n), False)
    return slice_(flat, (0,) * len(x.shape[:-1]), (*lead, n * n), (*(1,) * len(lead), n + 1))


@matrix_diag_part.resolve
def _(x: Any) -> Any:
    return _check_square("matrix_diag_part", x)


@operator("Trilu", group=GROUP)
def trilu(x: Float, k: Int = 0, upper: Boolean = True) -> Any:
    """The upper or lower triangle of matrices: :math:`y_{i,j} = x_{i,j}` where :math:`j \\ge i + k` (or
    :math:`j \\le i + k`), else 0.

    Args:
        x: (..., n, m).
        k: The diagonal up to which elements are kept: 0 the main one, higher ones to the right.
        upper: Keep what is above the diagonal; else what is below it. The diagonal itself is kept.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
        >>> print(F.trilu(x).data)
        [[1. 2. 3.]
         [0. 5. 6.]]
        >>> print(F.trilu(x, upper=False).data)
        [[1. 0. 0.]
         [4. 5. 0.]]
    """
    from nnabla import ops

    n, m = x.shape[-2:]
    offset = reshape(iota(m, "float"), (1, m), False) - reshape(iota(n, "float", k), (n, 1), False)
    kept = offset >= 0.0 if upper else offset <= 0.0
    return ops.where(broadcast(kept, x.shape), x, zeros(x.shape))


@trilu.resolve
def _(x: Any, k: int, upper: bool) -> Any:
    if len(x) < 2:
        raise ShapeError(f"trilu: x {tuple(x)} must have two or more dimensions")
    return {}


def _check_square(name: str, x: Any) -> dict[str, Any]:
    if len(x) < 2 or x[-1] != x[-2]:
        raise ShapeError(f"{name}: the last two dimensions of x {tuple(x)} must be those of square matrices")
    return {}


def _transposed(x: Any) -> Any:
    ndim = len(x.shape)
    return transpose(x, (*range(ndim - 2), ndim - 1, ndim - 2))


def _per_matrix(dy: Any, shape: tuple[int, ...]) -> Any:
    """Return one number per matrix for each of its elements."""
    return broadcast(reshape(dy, (*dy.shape, 1, 1), False), shape)


@operator("BatchDet", group=GROUP)
def batch_det(x: Float) -> Any:
    """Determinants, :math:`y_b = \\det x_b`.

    Args:
        x: (..., n, n); the gradient of singular matrices is NaN.
    Returns:
        (...,), one number per matrix.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[1.0, 2.0], [3.0, 4.0]]])
        >>> print(F.batch_det(x).data.round(4))
        [-2.]
    """


@batch_det.resolve
def _(x: Any) -> Any:
    return _check_square("batch_det", x)


@batch_det.shape
def _(x: Any) -> Any:
    return x[:-2]


@batch_det.reference
def _(xp: Any, x: Any) -> Any:
    return xp.linalg.det(x)


@batch_det.gradient
def _(x: Any, y: Any, dy: Any) -> Any:
    return _per_matrix(dy * y, x.shape) * _transposed(batch_inv(x))


@operator("BatchInv", group=GROUP)
def batch_inv(x: Float) -> Any:
    """Inverses, :math:`y_b = x_b^{-1}`.

    Args:
        x: (..., n, n).
    Returns:
        The shape of ``x``, NaN for singular matrices.
    Example:
        >>> print(F.batch_inv(nn.NdArray.from_numpy_array([[[2.0, 0.0], [0.0, 4.0]]])).data.round(4))
        [[[0.5  0.  ]
          [0.   0.25]]]
    """


@batch_inv.resolve
def _(x: Any) -> Any:
    return _check_square("batch_inv", x)


@batch_inv.shape
def _(x: Any) -> Any:
    return x


@batch_inv.reference
def _(xp: Any, x: Any) -> Any:
    try:
        return xp.linalg.inv(x)
    except Exception:
        # One singular matrix refuses them all.
        singular = (xp.linalg.det(x) == 0)[..., None, None]
        if not bool(xp.any(singular)):
            raise
        others = xp.linalg.inv(xp.where(singular, xp.eye(x.shape[-1], dtype=x.dtype), x))
        return xp.where(singular, xp.asarray(xp.nan, dtype=x.dtype), others)


@batch_inv.gradient
def _(y: Any, dy: Any) -> Any:
    t = _transposed(y)
    return -batch_matmul(batch_matmul(t, dy), t)


@operator("BatchLogdet", group=GROUP)
def batch_logdet(x: Float) -> Any:
    """Logarithms of the absolute values of determinants, :math:`y_b = \\log |\\det x_b|`.

    Args:
        x: (..., n, n), invertible.
    Returns:
        (...,), one number per matrix.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[2.0, 0.0], [0.0, 4.0]]])
        >>> print(F.batch_logdet(x).data.round(4))
        [2.0794]
    """


@batch_logdet.resolve
def _(x: Any) -> Any:
    return _check_square("batch_logdet", x)


@batch_logdet.shape
def _(x: Any) -> Any:
    return x[:-2]


@batch_logdet.reference
def _(xp: Any, x: Any) -> Any:
    return xp.linalg.slogdet(x)[1]


@batch_logdet.gradient
def _(x: Any, dy: Any) -> Any:
    return _per_matrix(dy, x.shape) * _transposed(batch_inv(x))


@operator("BatchCholesky", group=GROUP)
def batch_cholesky(x: Float, upper: Boolean = False) -> Any:
    """Triangular factors of symmetric positive definite matrices, :math:`x = L L^T` or :math:`x = U^T U`.

    The gradient is symmetric (Murray 2016, "Differentiation of the Cholesky decomposition", section 3.3).

    Args:
        x: (..., n, n), symmetric and positive definite; one triangle of it is read.
        upper: Return U rather than L.
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.batch_cholesky(nn.NdArray.from_numpy_array([[[4.0, 2.0], [2.0, 5.0]]])).data.round(4))
        [[[2. 0.]
          [1. 2.]]]
    """


@batch_cholesky.resolve
def _(x: Any, upper: bool) -> Any:
    return _check_square("batch_cholesky", x)


@batch_cholesky.shape
def _(x: Any, upper: bool) -> Any:
    return x


@batch_cholesky.reference
def _(xp: Any, x: Any, upper: bool) -> Any:
    return xp.linalg.cholesky(x, upper=upper)


@batch_cholesky.gradient
def _(y: Any, dy: Any, upper: bool) -> Any:
    factor, slope = (_transposed(y), _transposed(dy)) if upper else (y, dy)
    inner = batch_matmul(_transposed(factor), trilu(slope, 0, False))
    halved = trilu(inner, 0, False) - matrix_diag(matrix_diag_part(inner)) * 0.5
    inverse = batch_inv(factor)
    whole = batch_matmul(batch_matmul(_transposed(inverse), halved), inverse)
    return (whole + _transposed(whole)) * 0.5
