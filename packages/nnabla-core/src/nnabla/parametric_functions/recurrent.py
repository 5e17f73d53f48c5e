"""Recurrent layers over sequences, and the LSTM cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla import functions as F
from nnabla import random
from nnabla.errors import ShapeError
from nnabla.initializer import ConstantInitializer, calc_uniform_lim_glorot
from nnabla.parametric_functions.api import Initial, parameter, parametric_function_api
from nnabla.parametric_functions.fully_connected import affine

if TYPE_CHECKING:
    from nnabla import Variable
    from nnabla.parametric_functions.api import Input

__all__ = ["LSTMCell", "gru", "lstm", "lstm_cell", "rnn"]


def _described(gates: str, biases: str) -> list[tuple[str, str, str, bool]]:
    return [
        ("weight_l0", "Weights of the first layer", f"(D, {gates}H, I + H)", True),
        ("weight", "Weights of the other layers", f"(L - 1, D, {gates}H, D * H + H)", True),
        ("bias", "Bias", f"(L, D, {biases}H)", True),
    ]


@parametric_function_api("rnn", _described("", ""))
def rnn(
    x: Input,
    h: Input,
    w0_init: Initial | None = None,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    num_layers: int = 1,
    nonlinearity: str = "tanh",
    dropout: float = 0.0,
    bidirectional: bool = False,
    training: bool = True,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    fix_parameters: bool = False,
) -> Any:
    """Elman network over a sequence, several layers and both directions.

    With T steps, B samples, I input features, H hidden features, L layers and D directions:

    Args:
        x: ``(T, B, I)``.
        h: Initial hidden states, ``(L, D, B, H)``.
        w0_init: Initial weights of the first layer, uniform by `calc_uniform_lim_glorot`, for input
            and hidden state separately, by default.
        w_init: Initial weights of the other layers, likewise.
        b_init: Initial bias, 0 by default.
        num_layers: L.
        nonlinearity: ``'tanh'`` or ``'relu'``.
        dropout: Probability to drop an output between layers, 0 to 1.
        bidirectional: D is 2 instead of 1.
        training: Backward will follow.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        fix_parameters: Use the parameters without training them here.

    Returns:
        Outputs ``(T, B, D * H)`` and last hidden states ``(L, D, B, H)``.
    """
    weights = _weights(
        "rnn", x, h, (), (), w0_init, w_init, b_init, num_layers, bidirectional, rng, with_bias,
        fix_parameters,
    )  # fmt: skip
    return F.rnn(x, h, *weights, num_layers, nonlinearity, dropout, bidirectional, training)


@parametric_function_api("lstm", _described("4, ", "4, "))
def lstm(
    x: Input,
    h: Input,
    c: Input,
    w0_init: Initial | None = None,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    num_layers: int = 1,
    dropout: float = 0.0,
    bidirectional: bool = False,
    training: bool = True,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    fix_parameters: bool = False,
) -> Any:
    """Long short-term memory over a sequence, several layers and both directions.

    Source: Hochreiter, Schmidhuber 1997, with the forget gate of Gers, Schmidhuber, Cummins 2000.
    With T steps, B samples, I input features, H hidden features, L layers and D directions:

    Args:
        x: ``(T, B, I)``.
        h: Initial hidden states, ``(L, D, B, H)``.
        c: Initial cell states, ``(L, D, B, H)``.
        w0_init: Initial weights of the first layer, uniform by `calc_uniform_lim_glorot`, for input
            and hidden state separately, by default.
        w_init: Initial weights of the other layers, likewise.
        b_init: Initial bias, 0 by default.
        num_layers: L.
        dropout: Probability to drop an output between layers, 0 to 1.
        bidirectional: D is 2 instead of 1.
        training: Backward will follow.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        fix_parameters: Use the parameters without training them here.

    Returns:
        Outputs ``(T, B, D * H)``, last hidden and last cell states ``(L, D, B, H)``.
    """
    weights = _weights(
        "lstm", x, h, (4,), (4,), w0_init, w_init, b_init, num_layers, bidirectional, rng,
        with_bias, fix_parameters,
    )  # fmt: skip
    return F.lstm(x, h, c, *weights, num_layers, dropout, bidirectional, training)


@parametric_function_api("gru", _described("3, ", "4, "))
def gru(
    x: Input,
    h: Input,
    w0_init: Initial | None = None,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    num_layers: int = 1,
    dropout: float = 0.0,
    bidirectional: bool = False,
    training: bool = True,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    fix_parameters: bool = False,
) -> Any:
    """Gated recurrent units over a sequence, several layers and both directions.

    Source: Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder".
    With T steps, B samples, I input features, H hidden features, L layers and D directions:

    Args:
        x: ``(T, B, I)``.
        h: Initial hidden states, ``(L, D, B, H)``.
        w0_init: Initial weights of the first layer, uniform by `calc_uniform_lim_glorot`, for input
            and hidden state separately, by default.
        w_init: Initial weights of the other layers, likewise.
        b_init: Initial bias, 0 by default.
        num_layers: L.
        dropout: Probability to drop an output between layers, 0 to 1.
        bidirectional: D is 2 instead of 1.
        training: Backward will follow.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        fix_parameters: Use the parameters without training them here.

    Returns:
        Outputs ``(T, B, D * H)`` and last hidden states ``(L, D, B, H)``.
    """
    weights = _weights(
        "gru", x, h, (3,), (4,), w0_init, w_init, b_init, num_layers, bidirectional, rng, with_bias,
        fix_parameters,
    )  # fmt: skip
    return F.gru(x, h, *weights, num_layers, dropout, bidirectional, training)


def _weights(
    function: str,
    x: Input,
    h: Input,
    gates: tuple[int, ...],
    biases: tuple[int, ...],
    w0_init: Initial | None,
    w_init: Initial | None,
    b_init: Initial | None,
    num_layers: int,
    bidirectional: bool,
    rng: np.random.RandomState | None,
    with_bias: bool,
    fix_parameters: bool,
) -> tuple[Variable, Variable | None, Variable | None]:
    """The weights of the first layer, of the others (if any) and the bias (if any)."""
    directions = 2 if bidirectional else 1
    if len(x.shape) != 3 or len(h.shape) != 4 or h.shape[:2] != (num_layers, directions):
        raise ShapeError(
            f"{function}: needs x of the shape (T, B, I) and h of ({num_layers}, {directions}, B, "
            f"H) for num_layers={num_layers}, bidirectional={bidirectional}; "
            f"got x {x.shape} and h {h.shape}"
        )
    inputs, hidden = x.shape[2], h.shape[3]
    first = (directions, *gates, hidden)
    weight_l0 = parameter(
        "weight_l0",
        (*first, inputs + hidden),
        w0_init,
        lambda: _drawn(first, inputs, rng),
        fix_parameters,
    )
    weight = bias = None
    if num_layers > 1:
        others = (num_layers - 1, *first)
        weight = parameter(
            "weight",
            (*others, directions * hidden + hidden),
            w_init,
            lambda: _drawn(others, directions * hidden, rng),
            fix_parameters,
        )
    if with_bias:
        shape = (num_layers, directions, *biases, hidden)
        bias = parameter("bias", shape, b_init, ConstantInitializer, fix_parameters)
    return weight_l0, weight, bias


def _drawn(shape: tuple[int, ...], inputs: int, rng: np.random.RandomState | None) -> np.ndarray[Any, Any]:
    """Weights for ``inputs`` features, and beside them those for the hidden state."""
    rng = random.prng if rng is None else rng
    hidden = shape[-1]
    parts = [
        rng.uniform(*calc_uniform_lim_glorot(features, hidden), size=(*shape, features))
        for features in (inputs, hidden)
    ]
    return np.concatenate(parts, axis=-1).astype(np.float32)


@parametric_function_api(
    "lstm",
    [
        ("affine/W", "Weights of all gates", "(I + H, 4, H)", True),
        ("affine/b", "Bias of all gates", "(4, H)", True),
    ],
)
def lstm_cell(
    x: Input,
    h: Input,
    c: Input,
    state_size: int,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
) -> tuple[Input, Input]:
    """One step of long short-term memory, composed of other functions.

    The gates stand in the order input, output, forget, candidate.
    Source: Hochreiter, Schmidhuber 1997, with the forget gate of Gers, Schmidhuber, Cummins 2000.

    Args:
        x: ``(B, I)``.
        h: Hidden state, ``(B, H)``.
        c: Cell state, ``(B, H)``.
        state_size: H.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.

    Returns:
        The next hidden and the next cell state, ``(B, H)`` each.
    """
    if h.shape[-1] != state_size or c.shape != h.shape:
        raise ShapeError(
            f"lstm_cell: needs h and c of the shape (B, {state_size}) for "
            f"state_size={state_size}, got h {h.shape} and c {c.shape}"
        )
    gates = affine(
        F.concatenate(x, h, axis=1),
        (4, state_size),
        w_init=w_init,
        b_init=b_init,
        fix_parameters=fix_parameters,
    )
    i, o, f, candidate = F.split(gates, axis=1)
    c_next = F.sigmoid(f) * c + F.sigmoid(i) * F.tanh(candidate)
    return F.sigmoid(o) * F.tanh(c_next), c_next


class LSTMCell:
    """Long short-term memory that keeps its state from one call to the next.

    Args:
        batch_size: B.
        state_size: H.
        h: Initial hidden state ``(B, H)``, zeros by default.
        c: Initial cell state ``(B, H)``, zeros by default.
        name: Scope of the parameters, in front of ``lstm``.

    Attributes:
        h: The present hidden state.
        c: The present cell state.
    """

    def __init__(
        self,
        batch_size: int,
        state_size: int,
        h: Variable | None = None,
        c: Variable | None = None,
        name: str | None = None,
    ) -> None:
        self.batch_size = batch_size
        self.state_size = state_size
        self.name = name
        self.h = self._zeros() if h is None else h
        self.c = self._zeros() if c is None else c

    def _zeros(self) -> Variable:
        from nnabla.variable import Variable

        state = Variable((self.batch_size, self.state_size))
        state.data.zero()
        return state

    def reset_state(self) -> None:
        """Write zeros into the present states."""
        self.h.data.zero()
        self.c.data.zero()

    def __call__(
        self,
        x: Input,
        w_init: Initial | None = None,
        b_init: Initial | None = None,
        fix_parameters: bool = False,
    ) -> Input:
        """Make one step and keep the states.

        Args:
            x: ``(B, I)``.
            w_init: Initial weights, see `lstm_cell`.
            b_init: Initial bias, see `lstm_cell`.
            fix_parameters: Use the parameters without training them here.

        Returns:
            The next hidden state, ``(B, H)``.
        """
        self.h, self.c = lstm_cell(x, self.h, self.c, self.state_size, w_init, b_init, fix_parameters, name=self.name)
        return self.h
