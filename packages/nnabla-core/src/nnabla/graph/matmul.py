"""The operator ``@`` on Variables and NdArrays: numpy.matmul's rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.errors import ArgumentTypeError

__all__ = ["matmul"]


class _DimensionError(ArgumentTypeError, AssertionError):
    """An operand of ``@`` has no dimension."""


def matmul(a: Any, b: Any) -> Any:
    """Return the matrix product of ``a`` and ``b`` as numpy.matmul defines it.

    Args:
        a: (..., M, K) or (K,); batch dimensions broadcast.
        b: (..., K, N) or (K,).

    Returns:
        (..., M, N), without M or N where an operand has one dimension.

    Raises:
        AssertionError: An operand has no dimension.
    """
    from nnabla.ops.array_manipulation import reshape
    from nnabla.ops.matrix import batch_matmul

    for number, operand in enumerate((a, b)):
        if np.ndim(operand) == 0 if isinstance(operand, (int, float, np.ndarray, np.generic)) else not operand.shape:
            raise _DimensionError(
                f"@: operand {number} has 0 dimension; it does not have enough dimensions "
                "(a matrix product takes one or more); use * for numbers"
            )
    a, b = _operand(a, b), _operand(b, a)
    rows, columns = len(a.shape) > 1, len(b.shape) > 1
    left = a if rows else reshape(a, (1, a.shape[0]), False)
    right = b if columns else reshape(b, (b.shape[0], 1), False)
    product = batch_matmul(left, right)
    shape = product.shape
    if rows and columns:
        return product
    kept = shape[:-2] + (shape[-2:-1] if rows else ()) + (shape[-1:] if columns else ())
    return reshape(product, kept, False)


def _operand(value: Any, other: Any) -> Any:
    """Wrap a NumPy array in the class of the other operand."""
    if isinstance(value, np.ndarray):
        return type(other).from_numpy_array(value)
    return value
