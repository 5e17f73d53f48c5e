"""Recurrent layers, against loops in NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import Maker, cases, normal

GATES = {"lstm": (4,), "gru": (3,), "rnn": ()}
BIASES = {"lstm": (4,), "gru": (4,), "rnn": ()}


def inputs(kind: str, layers: int, directions: int, bias: bool, steps: int = 3, batch: int = 2) -> list[Maker | None]:
    """Makers of the inputs of small layers."""
    features, size = 2, 3
    state = (layers, directions, batch, size)
    makers: list[Maker | None] = [normal(steps, batch, features), normal(*state)]
    if kind == "lstm":
        makers.append(normal(*state))
    makers.append(normal(directions, *GATES[kind], size, features + size, scale=0.5))
    wide = (layers - 1, directions, *GATES[kind], size, directions * size + size)
    makers.append(normal(*wide, scale=0.5) if layers > 1 else None)
    makers.append(normal(layers, directions, *BIASES[kind], size) if bias else None)
    return makers


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def cell(kind: str, nonlinearity: str, x, h, c, w, b):
    """One step by the definition: new output and state."""
    both = np.concatenate([x, h], 1)
    if kind == "lstm":
        i, f, g, o = (both @ w[k].T + (0 if b is None else b[k]) for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    if kind == "gru":
        b = np.zeros((4, h.shape[1])) if b is None else b
        r, z = (sigmoid(both @ w[k].T + b[k]) for k in range(2))
        n = np.tanh(x @ w[2, :, : x.shape[1]].T + b[2] + r * (h @ w[2, :, x.shape[1] :].T + b[3]))
        return (1 - z) * n + z * h, None
    z = both @ w.T + (0 if b is None else b)
    return (np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0)), None


def layers(kind: str):
    """The whole layer by its definition."""

    def run(x, h, *rest, num_layers=1, bidirectional=False, nonlinearity="tanh", **_):
        c, w0, w, b = rest if kind == "lstm" else (None, *rest)
        last, states, sequence = np.zeros_like(h), np.zeros_like(h), x
        for layer in range(num_layers):
            ys = np.zeros((len(x), 1 + bidirectional, *h.shape[2:]))
            for d in range(1 + bidirectional):
                hh, cc = h[layer, d], None if c is None else c[layer, d]
                weight = w0[d] if layer == 0 else w[layer - 1, d]
                for t in range(len(x))[:: 1 if d == 0 else -1]:
                    bias = None if b is None else b[layer, d]
                    hh, cc = cell(kind, nonlinearity, sequence[t], hh, cc, weight, bias)
                    ys[t, d] = hh
                last[layer, d], states[layer, d] = hh, 0 if cc is None else cc
            sequence = np.concatenate(list(ys.transpose(1, 0, 2, 3)), -1)
        return (sequence, last, states) if kind == "lstm" else (sequence, last)

    return run


CASES = [
    case
    for kind, function in (("rnn", F.rnn), ("lstm", F.lstm), ("gru", F.gru))
    for number, directions, bias in ((1, 1, True), (2, 2, True), (2, 1, False))
    for case in cases(
        function,
        inputs(kind, number, directions, bias),
        dict(num_layers=number, bidirectional=directions == 2),
        expect=layers(kind),
    )
] + [
    *cases(F.lstm, inputs("lstm", 1, 1, False, steps=1, batch=1), expect=layers("lstm")),
    *cases(F.gru, inputs("gru", 1, 1, True, steps=1), dict(training=True), expect=layers("gru")),
    *cases(
        F.rnn,
        inputs("rnn", 1, 2, True),
        dict(bidirectional=True, nonlinearity="relu"),
        expect=layers("rnn"),
        double=False,
    ),
    *(
        case
        for kind, function in (("rnn", F.rnn), ("lstm", F.lstm), ("gru", F.gru))
        for case in cases(
            function,
            inputs(kind, 2, 1, True),
            dict(num_layers=2, dropout=0.5, training=False),
            expect=layers(kind),
            grad=False,
        )
    ),
]
