"""Operators that bodies and gradients are written with, but that NNabla's files do not know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla.errors import ShapeError
from nnabla.graph.arithmetic import Arithmetic
from nnabla.ops.definition import operator
from nnabla.ops.elementwise import elementwise
from nnabla.ops.spec import Double, Float, Index, Int, Numbers, Real, Shape, String

__all__ = [
    "arg_max",
    "cast",
    "constant_like",
    "expm1",
    "full",
    "iota",
    "literal",
    "log1p",
    "one_hot_along",
    "ones",
    "same_index",
    "sqrt",
    "zeros",
]


@operator("Cast", internal=True, views=True, outputs="y:arg:kind")
def cast(x: Real, kind: String) -> Any:
    """Convert ``x`` to another dtype class: ``float``, ``index``, ``bool`` (whether not 0), ``int32``, ``bits``."""


@cast.shape
def _(x: Any, kind: str) -> Any:
    return x


@cast.reference
def _(xp: Any, x: Any, dtype: Any) -> Any:
    return xp.astype(x, dtype, copy=False)


@cast.gradient
def _(dy: Any) -> Any:
    return dy


@operator("Full", internal=True, outputs="y:arg:kind")
def full(val: Double, shape: Shape = (), kind: String = "float") -> Any:
    """An array of ``shape`` whose elements are all ``val``."""


@full.shape
def _(val: float, shape: Any, kind: str) -> Any:
    if any(n < 0 for n in shape):
        raise ShapeError(f"shape={tuple(shape)} has negative sizes; they must be 0 or more")
    return shape


@full.reference
def _(xp: Any, val: float, shape: Any, dtype: Any) -> Any:
    return xp.full(shape, val, dtype=dtype)


def zeros(shape: Sequence[int], kind: str = "float") -> Any:
    """Return zeros, for use in bodies and gradients."""
    return full(0.0, tuple(shape), kind)


def ones(shape: Sequence[int], kind: str = "float") -> Any:
    """Return ones, for use in bodies and gradients."""
    return full(1.0, tuple(shape), kind)


def constant_like(value: Any, kind: str) -> Any:
    """Return a Python number as a 0-dimensional value of the trace being recorded."""
    if isinstance(value, Arithmetic):
        raise TypeError(f"a body computes with its own inputs, not with {value!r}")
    return full(float(value), (), "float" if kind == "any" else kind)


@operator("Sqrt", internal=True)
def sqrt(x: Float) -> Any:
    """Square root, element by element; NaN below 0."""


@sqrt.shape
def _(x: Any) -> Any:
    return x


@sqrt.reference
def _(xp: Any, x: Any) -> Any:
    return xp.sqrt(x)


@sqrt.gradient
def _(y: Any, dy: Any) -> Any:
    return 0.5 * dy / y


@operator("Expm1", internal=True)
def expm1(x: Float) -> Any:
    """:math:`e^x - 1`, accurate near 0."""


@expm1.shape
def _(x: Any) -> Any:
    return x


@expm1.reference
def _(xp: Any, x: Any) -> Any:
    return xp.expm1(x)


@expm1.gradient
def _(y: Any, dy: Any) -> Any:
    return dy * (y + 1.0)


@operator("Log1p", internal=True)
def log1p(x: Float) -> Any:
    """:math:`\\log(1 + x)`, accurate near 0."""


@log1p.shape
def _(x: Any) -> Any:
    return x


@log1p.reference
def _(xp: Any, x: Any) -> Any:
    return xp.log1p(x)


@log1p.gradient
def _(x: Any, dy: Any) -> Any:
    return dy / (x + 1.0)


@operator("Iota", internal=True, outputs="y:arg:kind")
def iota(n: Int, kind: String = "index", start: Int = 0) -> Any:
    """``n`` numbers from ``start`` on, in steps of 1."""


@iota.shape
def _(n: int, kind: str, start: int) -> Any:
    return (n,)


@iota.reference
def _(xp: Any, n: int, start: int, dtype: Any) -> Any:
    return xp.arange(start, start + n, dtype=dtype)


@operator("Literal", internal=True, outputs="y:arg:kind")
def literal(values: Numbers, kind: String = "float") -> Any:
    """The numbers of ``values``: a constant with one dimension, computed while an operator is set up."""


@literal.shape
def _(values: Any, kind: str) -> Any:
    return (len(values),)


@literal.reference
def _(xp: Any, values: Any, dtype: Any) -> Any:
    return xp.asarray(list(values), dtype=dtype)


def one_hot_along(index: Any, size: int, axis: int) -> Any:
    """Return truth values: 1 where the position along ``axis`` (size 1 in ``index``) equals ``index``."""
    from nnabla.ops.array_manipulation import reshape

    shape = [1] * len(index.shape)
    shape[axis] = size
    return same_index(reshape(iota(size), tuple(shape), False), index)


@operator("SameIndex", internal=True, differentiable=False, outputs="y:bool")
def same_index(x0: Index, x1: Index) -> Any:
    """Whether two arrays of indices are equal, element by element with broadcasting."""


elementwise(same_index, "equal")


@operator("ArgMax", internal=True, differentiable=False, outputs="y:index")
def arg_max(x: Float, axis: Int) -> Any:
    """The first position of the largest value along ``axis``, which is kept with size 1."""


@arg_max.shape
def _(x: Any, axis: int) -> Any:
    return tuple(1 if i == axis % len(x) else n for i, n in enumerate(x))


@arg_max.reference
def _(xp: Any, x: Any, axis: int, dtype: Any) -> Any:
    return xp.astype(xp.argmax(x, axis=axis, keepdims=True), dtype, copy=False)
