"""The cells of recurrent layers: one step forwards, and one step of back-propagation through time.

Products of gates are matrices (batch, blocks * H); the blocks of a cell stand in the order that its class tells.
"""

from __future__ import annotations

from typing import Any, ClassVar

from nnabla import ops
from nnabla.ops.internal import cast, zeros
from nnabla.ops.slicing import part

__all__ = ["CELLS", "Cell"]


def columns(z: Any, size: int, first: int, count: int = 1) -> Any:
    """Return ``count`` blocks of ``size`` columns from block ``first`` on."""
    return part(z, 1, first * size, (first + count) * size)


def side_by_side(*blocks: Any) -> Any:
    """Join matrices along their columns."""
    return ops.concatenate(*blocks, axis=1)


class Cell:
    """What the layers need to know of a cell.

    Attributes:
        blocks: Number of weight blocks, and of blocks in the products.
        biases: Number of bias blocks in files.
        order: Weight block of files for each block of the products.
        state: Whether there is a state besides the output (c of LSTM).
    """

    blocks: ClassVar[int] = 1
    biases: ClassVar[int] = 1
    order: ClassVar[tuple[int, ...]] = (0,)
    state: ClassVar[bool] = False

    def step(self, zx: Any, zh: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
        """Return output, state and what back-propagation needs of this step, from products of input and output."""
        raise NotImplementedError

    def back(self, dh: Any, dc: Any, kept: Any, h_before: Any, c_before: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        """Return gradients of both products, of ``h_before`` besides the product (or None), and of ``c_before``."""
        raise NotImplementedError


class Tanh(Cell):
    """:math:`h' = \\tanh(z)`."""

    def step(self, zx: Any, zh: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
        h = ops.tanh(zx + zh)
        return h, None, h

    def back(self, dh: Any, dc: Any, kept: Any, h_before: Any, c_before: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        dz = dh * (1.0 - kept * kept)
        return dz, dz, None, None


class Relu(Cell):
    """:math:`h' = \\max(0, z)`."""

    def step(self, zx: Any, zh: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
        h = ops.relu(zx + zh)
        return h, None, h

    def back(self, dh: Any, dc: Any, kept: Any, h_before: Any, c_before: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        dz = dh * cast(kept > 0.0, "float")
        return dz, dz, None, None


class Lstm(Cell):
    """Blocks input, forget and output gate, candidate: :math:`c' = f c + i g`, :math:`h' = o \\tanh c'`."""

    blocks, biases, order, state = 4, 4, (0, 1, 3, 2), True

    def step(self, zx: Any, zh: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
        z, size = zx + zh, h.shape[1]
        gates, g = ops.sigmoid(columns(z, size, 0, 3)), ops.tanh(columns(z, size, 3))
        c = columns(gates, size, 1) * c + columns(gates, size, 0) * g
        return columns(gates, size, 2) * ops.tanh(c), c, side_by_side(gates, g)

    def back(self, dh: Any, dc: Any, kept: Any, h_before: Any, c_before: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        size = dh.shape[1]
        i, f, o, g = (columns(kept, size, k) for k in range(4))
        bent = ops.tanh(c)
        dc = dc + dh * o * (1.0 - bent * bent)
        gates = columns(kept, size, 0, 3)
        dgates = side_by_side(dc * g, dc * c_before, dh * bent) * (gates * (1.0 - gates))
        dz = side_by_side(dgates, dc * i * (1.0 - g * g))
        return dz, dz, None, dc * f


class Gru(Cell):
    """Blocks reset and update gate, candidate: :math:`h' = (1 - z) n + z h`, :math:`n = \\tanh(x_n + r h_n)`."""

    blocks, biases, order = 3, 4, (0, 1, 2)

    def step(self, zx: Any, zh: Any, h: Any, c: Any) -> tuple[Any, Any, Any]:
        size = h.shape[1]
        gates = ops.sigmoid(columns(zx, size, 0, 2) + columns(zh, size, 0, 2))
        q = columns(zh, size, 2)
        n = ops.tanh(columns(zx, size, 2) + columns(gates, size, 0) * q)
        return n + columns(gates, size, 1) * (h - n), None, side_by_side(gates, n, q)

    def back(self, dh: Any, dc: Any, kept: Any, h_before: Any, c_before: Any, c: Any) -> tuple[Any, Any, Any, Any]:
        size = dh.shape[1]
        r, z, n, q = (columns(kept, size, k) for k in range(4))
        dn = dh * (1.0 - z) * (1.0 - n * n)
        gates = columns(kept, size, 0, 2)
        dgates = side_by_side(dn * q, dh * (h_before - n)) * (gates * (1.0 - gates))
        return side_by_side(dgates, dn), side_by_side(dgates, dn * r), dh * z, None


CELLS: dict[str, Cell] = {"tanh": Tanh(), "relu": Relu(), "lstm": Lstm(), "gru": Gru()}


def bias_rows(cell: Cell, bias: Any) -> tuple[Any, Any]:
    """Return what is added to the products of the input and of the output, from bias blocks (biases, H).

    A GRU's candidate has a bias for each; otherwise that of the output's product is None.
    """
    size = bias.shape[1]
    row = ops.reshape(bias, (1, cell.biases * size), False)
    rows = [columns(row, size, k) for k in cell.order]
    if cell.biases == cell.blocks:
        return (rows[0] if len(rows) == 1 else side_by_side(*rows)), None
    return side_by_side(*rows), side_by_side(zeros((1, 2 * size)), columns(row, size, 3))
