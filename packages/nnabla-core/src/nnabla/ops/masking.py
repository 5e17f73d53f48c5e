"""Elements chosen by truth values."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import broadcast
from nnabla.ops.definition import broadcast_shapes, operator, prod
from nnabla.ops.internal import full
from nnabla.ops.spec import Bool, Float, FloatArg, Int

GROUP = "Array Manipulation"


def _check_mask(name: str, shape: Any, mask: Any, what: str) -> None:
    if tuple(shape[: len(mask)]) != tuple(mask):
        raise ShapeError(f"{name}: mask {tuple(mask)} must have the first sizes of {what} {tuple(shape)}")


def _chosen(xp: Any, x: Any, mask: Any) -> Any:
    """Return the rows of ``x`` where ``mask`` holds."""
    rows = xp.reshape(x, (prod(mask.shape), *x.shape[mask.ndim :]))
    return xp.take(rows, xp.nonzero(xp.reshape(mask, (-1,)))[0], axis=0)


@operator("BoolGather", group=GROUP, outputs="output", data_dependent=True, depends=("input", "mask"))
def bool_gather(input: Float, mask: Bool) -> Any:
    """The elements or slices of ``input`` where ``mask`` is not 0, one below the other:
    :math:`y = (x_i : m_i \\ne 0)`.

    Args:
        input: Any shape.
        mask: The first dimensions of ``input``.
    Returns:
        (number of non-zero elements of ``mask``, remaining dimensions of ``input``...); 0 of them until there is
        data.
    Example:
        >>> input = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> mask = nn.NdArray.from_numpy_array([1, 0, 1])
        >>> print(F.bool_gather(input, mask).data)
        [1. 3.]
    """


@bool_gather.resolve
def _(input: Any, mask: Any) -> Any:
    _check_mask("bool_gather", input, mask, "input")
    return {}


@bool_gather.shape
def _(input: Any, mask: Any) -> Any:
    return (0, *input[len(mask) :])


@bool_gather.reference
def _(xp: Any, input: Any, mask: Any) -> Any:
    return _chosen(xp, input, mask)


@bool_gather.gradient
def _(mask: Any, doutput: Any) -> Any:
    return bool_scatter(doutput, mask, None)


@operator("BoolTake", internal=True)
def bool_take(x: Float, mask: Bool, count: Int) -> Any:
    """The ``count`` rows of ``x`` where ``mask`` is not 0: gathering when their number is known."""


@bool_take.shape
def _(x: Any, mask: Any, count: int) -> Any:
    return (count, *x[len(mask) :])


@bool_take.reference
def _(xp: Any, x: Any, mask: Any) -> Any:
    return _chosen(xp, x, mask)


@bool_take.gradient
def _(mask: Any, dy: Any) -> Any:
    return bool_scatter(dy, mask, None)


@operator("BoolScatter", group=GROUP, overwrites=("output",), keeps=("mask",))
def bool_scatter(input: Float, mask: Bool, output: Float | None = None) -> Any:
    """Put elements or slices where ``mask`` is not 0: the adjoint of :func:`bool_gather`.

    :math:`(y_i : m_i \\ne 0) = x`, the other elements being those of ``output``, or 0.

    Args:
        input: (number of non-zero elements of ``mask``, ...).
        mask: Any shape.
        output: The array to change, its first dimensions those of ``mask``; without it zeros are. A leaf is
            changed itself as well.
    Returns:
        The shape of ``mask``, then the dimensions of ``input`` after the first.
    Example:
        >>> input = nn.NdArray.from_numpy_array([10.0, 30.0])
        >>> mask = nn.NdArray.from_numpy_array([1, 0, 1])
        >>> print(F.bool_scatter(input, mask).data)
        [10.  0. 30.]
    """


@bool_scatter.resolve
def _(input: Any, mask: Any, output: Any) -> Any:
    if not input:
        raise ShapeError("bool_scatter: input must have a dimension that counts the non-zero elements of mask")
    wanted = (*mask, *input[1:])
    if output is not None and tuple(output) != wanted:
        raise ShapeError(
            f"bool_scatter: output {tuple(output)} must have shape {wanted} for input {tuple(input)} and mask "
            f"{tuple(mask)}"
        )
    return {}


@bool_scatter.shape
def _(input: Any, mask: Any, output: Any) -> Any:
    return (*mask, *input[1:])


@bool_scatter.reference
def _(xp: Any, input: Any, mask: Any, output: Any) -> Any:
    flat = xp.reshape(mask, (-1,))
    row = (1,) * (input.ndim - 1)
    rank = xp.cumulative_sum(xp.astype(flat, xp.int64))
    count = int(rank[-1]) if flat.shape[0] else 0
    if count != input.shape[0]:
        raise ShapeError(
            f"bool_scatter: input has {input.shape[0]} rows, but mask has {count} non-zero elements; they must agree"
        )
    base = xp.zeros((flat.shape[0], *input.shape[1:]), dtype=input.dtype)
    if output is not None:
        base = xp.reshape(output, base.shape)
    if count:
        rows = xp.take(input, xp.where(flat, rank - 1, xp.zeros_like(rank)), axis=0)
        base = xp.where(xp.reshape(flat, (-1, *row)), rows, base)
    y = xp.asarray(xp.reshape(base, (*mask.shape, *input.shape[1:])), copy=True)
    return y if output is None else (y, y)


@bool_scatter.gradient
def _(input_shape: Any, mask: Any, output_shape: Any, dy: Any) -> Any:
    from nnabla.ops.array_manipulation import reshape

    dinput = bool_take(dy, mask, input_shape[0])
    if output_shape is None:
        return dinput, None
    rest = reshape(mask, (*mask.shape, *(1,) * (len(dy.shape) - len(mask.shape))), False)
    return dinput, None, bool_fill(dy, rest, 0.0)


@operator("BoolFill", group=GROUP, depends={"mask": ("data",)})
def bool_fill(data: Float, mask: Bool, value: FloatArg = 0) -> Any:
    """``data`` with a number where ``mask`` is not 0: :math:`y_i = v` where :math:`m_i \\ne 0`, else :math:`x_i`.

    Args:
        data: Any shape.
        mask: A shape that broadcasts to that of ``data``.
        value: The number v.
    Returns:
        The shape of ``data``.
    Example:
        >>> data = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> mask = nn.NdArray.from_numpy_array([1, 0, 1])
        >>> print(F.bool_fill(data, mask, value=-1).data)
        [-1.  2. -1.]
    """
    from nnabla import ops

    return ops.where(broadcast(mask, data.shape), broadcast(full(value), data.shape), data)


@bool_fill.resolve
def _(data: Any, mask: Any, value: float) -> Any:
    if broadcast_shapes("bool_fill", data, mask) != tuple(data):
        raise ShapeError(f"bool_fill: mask {tuple(mask)} does not broadcast to data {tuple(data)}")
    return {}


@operator(
    "NonZero",
    group=GROUP,
    outputs="y:index",
    data_dependent=True,
    differentiable=False,
    depends=("y",),
    snake_name="nonzero",
)
def nonzero(x: Float) -> Any:
    """Coordinates of the elements that are not 0, :math:`x_{y_{0,j}, y_{1,j}, \\dots} \\ne 0`.

    Args:
        x: Any shape.
    Returns:
        (number of dimensions, number of non-zero elements), unsigned integers in C order; none until there is
        data.
    Example:
        >>> print(F.nonzero(nn.NdArray.from_numpy_array([[1.0, 0.0], [2.0, 3.0]])).data)
        [[0 1 1]
         [0 0 1]]
    """


@nonzero.shape
def _(x: Any) -> Any:
    return (len(x), 0)


@nonzero.reference
def _(xp: Any, x: Any, dtype: Any) -> Any:
    if x.ndim == 0:
        return xp.zeros((0, int(x != 0)), dtype=dtype)
    return xp.astype(xp.stack(xp.nonzero(x)), dtype, copy=False)
