"""Recurrent layers: RNN, LSTM and GRU over whole sequences, with several layers and both directions."""

from __future__ import annotations

from typing import Any, Literal

from nnabla.ops.definition import operator
from nnabla.ops.recurrent_cells import CELLS
from nnabla.ops.recurrent_layers import backward, check, forward
from nnabla.ops.spec import Boolean, Float, FloatArg, Int

GROUP = "Neural Network Layer"
_SAVED = ("gates", "hidden")
#: With one layer, what follows the weights of the first is the bias.
_ABSENT = {"weight": lambda args, shapes: args["num_layers"] in (1, None)}


@operator(
    "RNN",
    group=GROUP,
    outputs="y, h_n",
    parameters=("weight_l0", "weight", "bias"),
    absent=_ABSENT,
    keeps=("x", "h", "weight_l0", "weight", "bias"),
    draws=True,
    saved=("mask",),
    saved_values=_SAVED,
)
def rnn(
    x: Float,
    h: Float,
    weight_l0: Float,
    weight: Float | None = None,
    bias: Float | None = None,
    num_layers: Int = 1,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    dropout: FloatArg = 0.0,
    bidirectional: Boolean = False,
    training: Boolean = True,
) -> Any:
    """Elman's recurrent network, layer by layer and step by step.

    :math:`h_t = \\phi(W (x_t, h_{t-1}) + b)`, where :math:`(x_t, h_{t-1})` is the input of a step followed by the
    output of the step before.

    Args:
        x: (T, B, I): steps, batch, features.
        h: Initial outputs (L, D, B, H): layers, directions, batch, units.
        weight_l0: Weights of the first layer (D, H, I + H).
        weight: Weights of the others (L - 1, D, H, D * H + H).
        bias: (L, D, H), optional.
        num_layers: L; each layer after the first reads the outputs of the one below.
        nonlinearity: What :math:`\\phi` is.
        dropout: Probability of dropout between layers, while training.
        bidirectional: Whether each layer runs over the steps in both directions (D = 2).
        training: Whether to keep what backward needs; without it backward raises a RuntimeError.
    Returns:
        y: (T, B, D * H), the outputs of the last layer.
        h_n: (L, D, B, H), the last outputs of all layers.
    Source: Elman 1990, "Finding structure in time".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.ones((3, 1, 2)))
        >>> h = nn.NdArray.from_numpy_array(np.zeros((1, 1, 1, 4)))
        >>> weight = nn.NdArray.from_numpy_array(np.full((1, 4, 6), 0.1))
        >>> y, h_n = F.rnn(x, h, weight)
        >>> print(y.shape, h_n.shape)
        (3, 1, 4) (1, 1, 1, 4)
        >>> print(y.data[:, 0, 0].round(4))
        [0.1974 0.2719 0.2993]
    """
    return forward(CELLS[nonlinearity], x, h, None, weight_l0, weight, bias, dropout, training)


@rnn.resolve
def _(
    x: Any,
    h: Any,
    weight_l0: Any,
    weight: Any,
    bias: Any,
    num_layers: int,
    nonlinearity: str,
    dropout: float,
    bidirectional: bool,
    training: bool,
) -> None:
    cell = CELLS[nonlinearity]
    check("rnn", cell, x, h, None, weight_l0, weight, bias, num_layers, bidirectional, dropout, False)


@rnn.gradient
def _(
    x: Any,
    h: Any,
    weight_l0: Any,
    weight: Any,
    bias_shape: Any,
    nonlinearity: str,
    dropout: float,
    gates: Any,
    hidden: Any,
    mask: Any,
    dy: Any,
    dh_n: Any,
) -> Any:
    return backward(
        CELLS[nonlinearity],
        x,
        h,
        None,
        weight_l0,
        weight,
        bias_shape,
        dropout,
        gates,
        hidden,
        None,
        mask,
        dy,
        dh_n,
        None,
    )


@operator(
    "LSTM",
    group=GROUP,
    outputs="y, h_n, c_n",
    parameters=("weight_l0", "weight", "bias"),
    absent=_ABSENT,
    keeps=("x", "h", "c", "weight_l0", "weight", "bias"),
    draws=True,
    saved=("mask",),
    saved_values=(*_SAVED, "cells"),
)
def lstm(
    x: Float,
    h: Float,
    c: Float,
    weight_l0: Float,
    weight: Float | None = None,
    bias: Float | None = None,
    num_layers: Int = 1,
    dropout: FloatArg = 0.0,
    bidirectional: Boolean = False,
    training: Boolean = True,
) -> Any:
    """Long short-term memory.

    With the gates i, f, o (sigmoids) and the candidate g (tanh) of :math:`W (x_t, h_{t-1}) + b`:

    :math:`c_t = f c_{t-1} + i g, \\quad h_t = o \\tanh c_t`

    Args:
        x: (T, B, I): steps, batch, features.
        h: Initial outputs (L, D, B, H): layers, directions, batch, units.
        c: Initial states, the shape of ``h``.
        weight_l0: Weights of the first layer (D, 4, H, I + H), in the order i, f, g, o.
        weight: Weights of the others (L - 1, D, 4, H, D * H + H).
        bias: (L, D, 4, H), optional.
        num_layers: L; each layer after the first reads the outputs of the one below.
        dropout: Probability of dropout between layers, while training.
        bidirectional: Whether each layer runs over the steps in both directions (D = 2).
        training: Whether to keep what backward needs; without it backward raises a RuntimeError.
    Returns:
        y: (T, B, D * H), the outputs of the last layer.
        h_n: (L, D, B, H), the last outputs of all layers.
        c_n: (L, D, B, H), the last states of all layers.
    Source: Hochreiter, Schmidhuber 1997, "Long short-term memory"; the forget gate: Gers, Schmidhuber, Cummins
    2000, "Learning to forget".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.ones((3, 1, 2)))
        >>> h, c = (nn.NdArray.from_numpy_array(np.zeros((1, 1, 1, 4))) for _ in range(2))
        >>> weight = nn.NdArray.from_numpy_array(np.full((1, 4, 4, 6), 0.1))
        >>> y, h_n, c_n = F.lstm(x, h, c, weight)
        >>> print(y.shape, h_n.shape, c_n.shape)
        (3, 1, 4) (1, 1, 1, 4) (1, 1, 1, 4)
        >>> print(y.data[:, 0, 0].round(4))
        [0.0594 0.1004 0.1287]
    """
    return forward(CELLS["lstm"], x, h, c, weight_l0, weight, bias, dropout, training)


@lstm.resolve
def _(
    x: Any,
    h: Any,
    c: Any,
    weight_l0: Any,
    weight: Any,
    bias: Any,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
    training: bool,
) -> None:
    check("lstm", CELLS["lstm"], x, h, c, weight_l0, weight, bias, num_layers, bidirectional, dropout)


@lstm.gradient
def _(
    x: Any,
    h: Any,
    c: Any,
    weight_l0: Any,
    weight: Any,
    bias_shape: Any,
    dropout: float,
    gates: Any,
    hidden: Any,
    cells: Any,
    mask: Any,
    dy: Any,
    dh_n: Any,
    dc_n: Any,
) -> Any:
    return backward(
        CELLS["lstm"], x, h, c, weight_l0, weight, bias_shape, dropout, gates, hidden, cells, mask, dy, dh_n, dc_n
    )


@operator(
    "GRU",
    group=GROUP,
    outputs="y, h_n",
    parameters=("weight_l0", "weight", "bias"),
    absent=_ABSENT,
    keeps=("x", "h", "weight_l0", "weight", "bias"),
    draws=True,
    saved=("mask",),
    saved_values=_SAVED,
)
def gru(
    x: Float,
    h: Float,
    weight_l0: Float,
    weight: Float | None = None,
    bias: Float | None = None,
    num_layers: Int = 1,
    dropout: FloatArg = 0.0,
    bidirectional: Boolean = False,
    training: Boolean = True,
) -> Any:
    """Gated recurrent unit.

    With the gates r, z (sigmoids) of :math:`W (x_t, h_{t-1}) + b`:

    :math:`n = \\tanh(W_n x_t + b_n + r (U_n h_{t-1} + b'_n)), \\quad h_t = (1 - z) n + z h_{t-1}`

    Args:
        x: (T, B, I): steps, batch, features.
        h: Initial outputs (L, D, B, H): layers, directions, batch, units.
        weight_l0: Weights of the first layer (D, 3, H, I + H), in the order r, z, n.
        weight: Weights of the others (L - 1, D, 3, H, D * H + H).
        bias: (L, D, 4, H), optional: of r, of z, and both of n.
        num_layers: L; each layer after the first reads the outputs of the one below.
        dropout: Probability of dropout between layers, while training.
        bidirectional: Whether each layer runs over the steps in both directions (D = 2).
        training: Whether to keep what backward needs; without it backward raises a RuntimeError.
    Returns:
        y: (T, B, D * H), the outputs of the last layer.
        h_n: (L, D, B, H), the last outputs of all layers.
    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", with the reset gate behind
    the product.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.ones((3, 1, 2)))
        >>> h = nn.NdArray.from_numpy_array(np.zeros((1, 1, 1, 4)))
        >>> weight = nn.NdArray.from_numpy_array(np.full((1, 3, 4, 6), 0.1))
        >>> y, h_n = F.gru(x, h, weight)
        >>> print(y.shape, h_n.shape)
        (3, 1, 4) (1, 1, 1, 4)
        >>> print(y.data[:, 0, 0].round(4))
        [0.0889 0.1451 0.1815]
    """
    return forward(CELLS["gru"], x, h, None, weight_l0, weight, bias, dropout, training)


@gru.resolve
def _(
    x: Any,
    h: Any,
    weight_l0: Any,
    weight: Any,
    bias: Any,
    num_layers: int,
    dropout: float,
    bidirectional: bool,
    training: bool,
) -> None:
    check("gru", CELLS["gru"], x, h, None, weight_l0, weight, bias, num_layers, bidirectional, dropout)


@gru.gradient
def _(
    x: Any,
    h: Any,
    weight_l0: Any,
    weight: Any,
    bias_shape: Any,
    dropout: float,
    gates: Any,
    hidden: Any,
    mask: Any,
    dy: Any,
    dh_n: Any,
) -> Any:
    return backward(
        CELLS["gru"], x, h, None, weight_l0, weight, bias_shape, dropout, gates, hidden, None, mask, dy, dh_n, None
    )
