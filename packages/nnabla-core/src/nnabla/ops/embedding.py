"""Rows of a table chosen by index."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.definition import operator
from nnabla.ops.scatter import flat_index, take_rows
from nnabla.ops.spec import Float, Index

__all__ = ["embed"]


@operator("Embed", group="Neural Network Layer", parameters=("w",))
def embed(x0: Index, w: Float) -> Any:
    """Rows of a table, :math:`y_i = w_{x_i}`.

    Args:
        x0: Row numbers, any shape; negative ones count from the end.
        w: (rows, ...).
    Returns:
        The shape of ``x0``, then the other dimensions of ``w``.
    Raises:
        IndexRangeError: A row number is outside of ``w``.
    Example:
        >>> table = nn.NdArray.from_numpy_array([[0.0, 0.1], [1.0, 1.1], [2.0, 2.1]])
        >>> print(F.embed(nn.NdArray.from_numpy_array([2, 0, 2]), table).data)
        [[2.  2.1]
         [0.  0.1]
         [2.  2.1]]
    """
    return take_rows(w, flat_index(reshape(x0, (1, *x0.shape), False), (w.shape[0],), "embed"))


@embed.resolve
def _(x0: Any, w: Any) -> None:
    if not w:
        raise ShapeError("embed: w () must have one dimension or more; its first are the rows")
