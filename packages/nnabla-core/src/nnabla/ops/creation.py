"""Arrays from numbers, shapes and indices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape
from nnabla.ops.definition import Result, operator
from nnabla.ops.internal import cast, full, iota, same_index, zeros
from nnabla.ops.joining import concatenate
from nnabla.ops.logical import logical_and, logical_or
from nnabla.ops.slicing import part
from nnabla.ops.spec import Float, FloatArg, Index, Int, Real, Shape

GROUP = "Math"


@operator("Constant", group=GROUP)
def constant(val: FloatArg = 0, shape: Shape = ()) -> Any:
    """An array whose elements are all one number, :math:`y_i = v`.

    Args:
        val: The number v.
        shape: Sizes of the output.
    Returns:
        ``shape``.
    Example:
        >>> y = F.constant(0.5, (2, 3))
        >>> y.forward()
        >>> print(y.d)
        [[0.5 0.5 0.5]
         [0.5 0.5 0.5]]
    """
    return full(val, shape)


@operator("Arange", group=GROUP)
def arange(start: FloatArg, stop: FloatArg, step: FloatArg = 1) -> Any:
    """Numbers at equal distances, :math:`y_i = a + i s`, from ``start`` to before ``stop``.

    How many there are is computed in single precision, which is that of the arguments.

    Args:
        start: The first number a.
        stop: Where it ends; this number is left out.
        step: The distance s, not 0; negative to count down.
    Returns:
        (n,), with as many numbers as there are before ``stop``.
    Example:
        >>> y = F.arange(0, 2, 0.5)
        >>> y.forward()
        >>> print(y.d)
        [0.  0.5 1.  1.5]
    """
    with np.errstate(all="ignore"):
        steps = float((np.float32(stop) - np.float32(start)) / np.float32(step))
    count = max(math.ceil(steps), 0)
    if float(start).is_integer() and float(step).is_integer() and step == 1:
        return iota(count, "float", int(start))
    return iota(count, "float") * step + start


@arange.resolve
def _(start: float, stop: float, step: float) -> Any:
    if step == 0 or not math.isfinite(start) or not math.isfinite(stop) or math.isnan(step):
        raise ArgumentError(f"arange: step={step} must not be 0, and start={start} and stop={stop} be finite")
    return {}


@operator("Linspace", group=GROUP)
def linspace(start: FloatArg, stop: FloatArg, num: Int) -> Any:
    """Numbers at equal distances from ``start`` to ``stop``, both included, :math:`y_i = a + i (b - a) / (n - 1)`.

    Args:
        start: The first number a.
        stop: The last number b.
        num: How many, n.
    Returns:
        (n,).
    Example:
        >>> y = F.linspace(0, 1, 5)
        >>> y.forward()
        >>> print(y.d)
        [0.   0.25 0.5  0.75 1.  ]
    """
    if num < 2:
        return full(start, (num,))
    # Weighted so that both ends are exact.
    part_of = iota(num, "float") * (1.0 / (num - 1))
    rising, falling = part_of, iota(num, "float", 1 - num) * (-1.0 / (num - 1))
    return falling * start + rising * stop


@linspace.resolve
def _(start: float, stop: float, num: int) -> Any:
    if num < 0:
        raise ArgumentError(f"linspace: num={num} must be 0 or more")
    return {}


@operator("OneHot", group="Array Manipulation", outputs="output", differentiable=False)
def one_hot(x: Index, shape: Shape) -> Any:
    """1 at the coordinates that ``x`` holds, 0 elsewhere: :math:`y_{n,j} = 1` where :math:`j = x_n`, else 0.

    Args:
        x: (..., D): D coordinates each; a negative one counts from the end once, and coordinates outside of
            ``shape`` give zeros only.
        shape: The D sizes of one result.
    Returns:
        (..., *shape).
    Example:
        >>> print(F.one_hot(nn.NdArray.from_numpy_array([[0], [2]]), (3,)).data)
        [[1. 0. 0.]
         [0. 0. 1.]]
    """
    lead, y = x.shape[:-1], None
    for d, n in enumerate(shape):
        at = reshape(part(x, len(lead), d, d + 1), (*lead, *(1,) * len(shape)), False)
        spots = tuple(n if i == d else 1 for i in range(len(shape)))
        hit = None
        for start in (0, -n):
            found = same_index(reshape(iota(n, "index", start), spots, False), at)
            hit = found if hit is None else logical_or(hit, found)
        y = hit if y is None else logical_and(y, hit)
    return cast(broadcast(y, (*lead, *shape)), "float")


@one_hot.resolve
def _(x: Any, shape: Any) -> Any:
    if not x or x[-1] != len(shape) or not shape:
        raise ShapeError(
            f"one_hot: the last dimension of x {tuple(x)} must have one coordinate for each of the {len(shape)} "
            f"sizes in shape={tuple(shape)}"
        )
    return {}


@operator("Shape", group="Array Manipulation", outputs="shape", differentiable=False, depends=("x", "shape"))
def shape(x: Real, start: Int = 0, end: Int = 0) -> Any:
    """The sizes of ``x`` as numbers, :math:`y_i = n_{a + i}`, where n are the sizes and a is ``start``.

    Args:
        x: Any shape; its values are not read.
        start: First dimension, as in Python's slices.
        end: Dimension before which it ends, as in Python's slices, but 0 for all.
    Returns:
        (number of dimensions from ``start`` to before ``end``,).
    Example:
        >>> print(F.shape(nn.NdArray.from_numpy_array(np.zeros((2, 3, 4)))).data)
        [2. 3. 4.]
    """
    sizes = x.shape[start : end or None]
    if not sizes:
        return zeros((0,))
    return concatenate(*(full(n, (1,)) for n in sizes), axis=0) if len(sizes) > 1 else full(sizes[0], (1,))


@operator("Assign", group="Array Manipulation", updates=("dst",))
def assign(dst: Float, src: Float) -> Any:
    """Copy ``src`` into ``dst`` when it runs, :math:`\\mathrm{dst} \\leftarrow \\mathrm{src}`, and return the values;
    the gradient goes to ``dst`` alone.

    Args:
        dst: What is changed; any shape.
        src: The shape of ``dst``.
    Returns:
        The shape of ``dst``.
    Example:
        >>> dst, src = nn.Variable.from_numpy_array([0.0, 0.0]), nn.Variable.from_numpy_array([1.0, 2.0])
        >>> F.assign(dst, src).forward()
        >>> print(dst.d)
        [1. 2.]
    """
    return Result(src, updates={"dst": src})


@assign.resolve
def _(dst: Any, src: Any) -> Any:
    if dst != src:
        raise ShapeError(f"assign: dst {tuple(dst)} and src {tuple(src)} must have the same shape")
    return {}


@assign.gradient
def _(dy: Any) -> Any:
    return dy, None
