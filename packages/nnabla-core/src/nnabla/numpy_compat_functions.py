"""Functions with NumPy's semantics over Variables, NdArrays, NumPy arrays and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla.errors import ArgumentError

if TYPE_CHECKING:
    from nnabla import NdArray, Variable

__all__ = ["dot"]


def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Dot product with the rules of `numpy.dot`.

    The sum runs over the last dimension of ``a`` and the last but one of ``b`` (its only one, if it
    has one); if one of them is a number or has no dimension, they are multiplied.

    Args:
        a: Variable, NdArray, NumPy array or number.
        b: Variable, NdArray, NumPy array or number.
        out: Where to put the result. It must have the result's type, shape and dtype.

    Returns:
        A NumPy array (or number) if both are NumPy's or Python's, an NdArray if one of them is an
        NdArray, a Variable otherwise; ``out`` itself if it was given.

    Raises:
        ShapeError: The dimensions summed over differ.
        ArgumentError: ``out`` does not fit the result.
    """
    from nnabla import NdArray, Variable

    if not isinstance(a, (Variable, NdArray)) and not isinstance(b, (Variable, NdArray)):
        return np.dot(a, b, out)
    kind = NdArray if isinstance(a, NdArray) or isinstance(b, NdArray) else Variable
    result = _dot(_operand(a, kind), _operand(b, kind))
    return result if out is None else _put(result, out)


def _operand(x: Any, kind: type[Any]) -> Any:
    """NumPy arrays as ``kind``; Python's numbers and 0-dimensional arrays as float."""
    from nnabla import NdArray, Variable

    if isinstance(x, (Variable, NdArray)):
        return x
    if np.ndim(x) == 0:
        return float(x)
    return kind.from_numpy_array(np.asarray(x))


def _dot(a: Any, b: Any) -> Variable | NdArray:
    from nnabla.ops.array_manipulation import reshape, transpose
    from nnabla.ops.fully_connected import affine

    if isinstance(a, float) or isinstance(b, float):
        return a * b
    if a.shape == () or b.shape == ():
        ndim = max(len(a.shape), len(b.shape))
        if ndim == 0:
            return a * b
        a, b = (reshape(x, (1,) * ndim) if x.shape == () else x for x in (a, b))
        return a * b
    contracted = b.shape[-2] if len(b.shape) > 1 else b.shape[0]
    if a.shape[-1] != contracted:
        from nnabla.errors import ShapeError

        raise ShapeError(
            f"dot: the last dimension of a {a.shape} and the last but one of b {b.shape} must be "
            f"equal, got {a.shape[-1]} and {contracted}"
        )
    # Affine sums over b's first dimension, and wants a matrix on either side.
    shape = a.shape[:-1] + b.shape[:-2] + b.shape[-1:] * (len(b.shape) > 1)
    if len(b.shape) > 2:
        last = len(b.shape) - 1
        b = transpose(b, (last - 1, *range(last - 1), last))
    rows = reshape(a, (math.prod(a.shape[:-1]), contracted))
    columns = reshape(b, (contracted, math.prod(b.shape[1:])))
    return reshape(affine(rows, columns), shape)


def _put(result: Any, out: Any) -> Any:
    from nnabla import Variable

    fits = type(out) is type(result) and out.shape == result.shape
    dtype = _dtype(out) if fits else None
    # NumPy takes None for float64 in comparisons of dtypes.
    if not fits or (dtype is not None and dtype != np.float32):
        raise ArgumentError(
            f"dot: out must have the type, shape and dtype of the result, which is a "
            f"{type(result).__name__} of the shape {result.shape} and dtype float32; got "
            f"{type(out).__name__}{f' of the shape {out.shape}' if hasattr(out, 'shape') else ''}"
        )
    if isinstance(out, Variable):
        out.rewire_on(result)
    else:
        out.copy_from(result)
    return out


def _dtype(x: Any) -> Any:
    """The dtype in memory, or None where there is nothing in memory yet."""
    try:
        return np.dtype(getattr(x, "data", x).dtype if hasattr(x, "grad") else x.dtype)
    except RuntimeError:
        return None
