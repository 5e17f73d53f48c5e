"""Python's operators for everything that NNabla computes with: Variable, NdArray and traced values.

Each maps to the operator of the framework that has the same meaning, so that an expression in a script, in an
operator's body and in a gradient reads alike.
"""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np

__all__ = ["Arithmetic"]


def _scalar(value: Any) -> bool:
    return isinstance(value, (Number, np.generic))


def _ops() -> Any:
    # The operators import the graph, so the graph finds them late; the first call replaces this function.
    import nnabla.ops as ops

    globals()["_ops"] = lambda: ops
    return ops


class Arithmetic:
    """Adds arithmetic, matrix product and indexing to a class that operators accept as input."""

    __slots__ = ()

    # NumPy must leave ``numpy_array * variable`` to this class rather than try it element by element.
    __array_ufunc__ = None

    shape: tuple[int, ...]

    def __pos__(self) -> Any:
        return self

    def __neg__(self) -> Any:
        return _ops().mul_scalar(self, -1.0)

    def __add__(self, other: Any) -> Any:
        if _scalar(other):
            return _ops().add_scalar(self, other)
        return _ops().add2(self, other) if isinstance(other, Arithmetic) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if _scalar(other):
            return _ops().add_scalar(self, -other)
        return _ops().sub2(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __rsub__(self, other: Any) -> Any:
        return _ops().r_sub_scalar(self, other) if _scalar(other) else NotImplemented

    def __mul__(self, other: Any) -> Any:
        if _scalar(other):
            return _ops().mul_scalar(self, other)
        return _ops().mul2(self, other) if isinstance(other, Arithmetic) else NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if _scalar(other):
            return _ops().mul_scalar(self, 1.0 / other)
        return _ops().div2(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __rtruediv__(self, other: Any) -> Any:
        return _ops().r_div_scalar(self, other) if _scalar(other) else NotImplemented

    def __pow__(self, other: Any) -> Any:
        if _scalar(other):
            return _ops().pow_scalar(self, other)
        return _ops().pow2(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return _ops().r_pow_scalar(self, other) if _scalar(other) else NotImplemented

    def __lt__(self, other: Any) -> Any:
        return _ops().less_scalar(self, other) if _scalar(other) else _ops().less(self, other)

    def __le__(self, other: Any) -> Any:
        return _ops().less_equal_scalar(self, other) if _scalar(other) else _ops().less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return _ops().greater_scalar(self, other) if _scalar(other) else _ops().greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return _ops().greater_equal_scalar(self, other) if _scalar(other) else _ops().greater_equal(self, other)

    def __and__(self, other: Any) -> Any:
        return _ops().logical_and(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __or__(self, other: Any) -> Any:
        return _ops().logical_or(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __xor__(self, other: Any) -> Any:
        return _ops().logical_xor(self, other) if isinstance(other, Arithmetic) else NotImplemented

    def __invert__(self) -> Any:
        return _ops().logical_not(self)

    def __matmul__(self, other: Any) -> Any:
        from nnabla.graph.matmul import matmul

        return matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        from nnabla.graph.matmul import matmul

        return matmul(other, self)

    def __getitem__(self, key: Any) -> Any:
        from nnabla.graph.indexing import index

        return index(self, key)

    def __iter__(self) -> Any:
        if not self.shape:
            raise TypeError("iteration over a 0-dimensional array")
        return (self[i] for i in range(self.shape[0]))
