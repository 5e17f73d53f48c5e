"""Recurrent layers, against nnabla 1.39.0 (golden/recurrent.npz) and against loops in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, normal
from nnabla.testing.conformance import conformance

GOLDEN = Path(__file__).parents[1] / "golden" / "recurrent.npz"
GATES = {"lstm": (4,), "gru": (3,), "rnn": ()}
BIASES = {"lstm": (4,), "gru": (4,), "rnn": ()}


def golden_names() -> list[str]:
    with np.load(GOLDEN) as data:
        return sorted({key.partition(".")[0] for key in data})


@pytest.mark.parametrize("name", golden_names())
def test_outputs_and_gradients_are_those_of_nnabla_1(name: str) -> None:
    with np.load(GOLDEN) as data:
        case = {key.partition(".")[2]: data[key] for key in data if key.startswith(name + ".")}
    kind, args = name.partition("_")[0], name.rpartition("_")[2]
    kwargs = {"num_layers": int(args[1]), "bidirectional": args[3] == "2"}
    if kind == "rnn":
        kwargs["nonlinearity"] = name.split("_")[1]
    inputs = [case.get(f"in{i}") for i in range(6 if kind == "lstm" else 5)]
    variables = [None if a is None else nn.Variable.from_numpy_array(a, need_grad=True) for a in inputs]
    given = [v for v in variables if v is not None]
    for v in given:
        v.grad.zero()
    outputs = getattr(F, kind)(*variables, **kwargs)
    sink = F.sink(*outputs, one_input_grad=False)
    sink.forward(clear_no_need_grad=True)
    for i, y in enumerate(outputs):
        np.testing.assert_allclose(y.d, case[f"out{i}"], 1e-5, 1e-6)
        y.g = case[f"gout{i}"]
    sink.backward()
    for i, v in enumerate(variables):
        if v is not None:
            np.testing.assert_allclose(v.g, case[f"gin{i}"], 1e-4, 1e-5, err_msg=f"gradient of input {i}")


def inputs(kind: str, layers: int, directions: int, bias: bool, steps: int = 3, batch: int = 2) -> list:
    """Makers of the inputs of small layers."""
    features, size = 2, 3
    state = (layers, directions, batch, size)
    makers = [normal(steps, batch, features), normal(*state)]
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
]
test_conformance = conformance(CASES)


def variables(kind: str, *sizes, **rest) -> list:
    rng = np.random.RandomState(3)
    made = [None if m is None else m(rng) for m in inputs(kind, *sizes, **rest)]
    return [None if a is None else nn.Variable.from_numpy_array(a, need_grad=True) for a in made]


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_backward_is_refused_after_a_run_that_is_no_training(kind: str) -> None:
    outputs = getattr(F, kind)(*variables(kind, 1, 1, True), training=False)
    outputs[0].forward(clear_no_need_grad=True)
    with pytest.raises(RuntimeError, match="training=True"):
        outputs[0].backward()


def test_dropout_between_layers_keeps_its_draw_for_backward_and_for_gradient_graphs() -> None:
    given = variables("lstm", 2, 1, True)
    y = F.lstm(*given, num_layers=2, dropout=0.5)[0]
    plain = F.lstm(*given, num_layers=2)[0]
    graph = nn.grad([y], [given[0]])[0]
    seen = set()
    plain.forward()
    for _ in range(8):
        given[0].grad.zero()
        nn.forward_all([y, graph])
        y.backward()
        np.testing.assert_allclose(graph.d, given[0].g, 1e-4, 1e-6)
        seen.add(y.d.tobytes())
        assert not np.allclose(y.d, plain.d)
    assert len(seen) == 8


def test_dropout_is_left_out_without_training_and_after_the_last_layer() -> None:
    given = variables("gru", 2, 1, True)
    expected = F.gru(*given, num_layers=2)[0]
    still = F.gru(*given, num_layers=2, dropout=0.5, training=False)[0]
    single = variables("gru", 1, 1, True)
    pair = F.gru(*single, dropout=0.5)[0], F.gru(*single)[0]
    nn.forward_all([expected, still, *pair])
    np.testing.assert_array_equal(still.d, expected.d)
    np.testing.assert_array_equal(pair[0].d, pair[1].d)


def test_dropout_follows_the_seed() -> None:
    given = variables("rnn", 2, 1, False)
    y = F.rnn(*given, num_layers=2, dropout=0.5)[0]
    nn.seed(5)
    y.forward()
    first = y.d.copy()
    y.forward()
    assert not np.array_equal(y.d, first)
    nn.seed(5)
    y.forward()
    np.testing.assert_array_equal(y.d, first)


def test_inputs_in_the_middle_may_be_left_out() -> None:
    x, h, c, w0, _, b = variables("lstm", 1, 1, True)
    f = F.lstm(x, h, c, w0, None, b)[0].parent
    assert len(f.inputs) == 5
    assert f.info.args == {"num_layers": 1, "dropout": 0.0, "bidirectional": False, "training": True}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.lstm(v(4, 3), v(1, 1, 2, 5), v(1, 1, 2, 5), v(1, 4, 5, 8)), r"x \(4, 3\) must be \(T, B, I\)"),
        (lambda v: F.lstm(v(4, 2, 3), v(1, 1, 2, 4), v(1, 1, 2, 5), v(1, 4, 4, 7)), r"c \(1, 1, 2, 5\) must be"),
        (lambda v: F.lstm(v(4, 2, 3), v(1, 1, 2, 5), v(1, 1, 2, 5), v(1, 4, 5, 7)), r"must be \(1, 4, 5, 8\)"),
        (lambda v: F.gru(v(4, 2, 3), v(2, 1, 2, 5), v(1, 3, 5, 8)), r"h \(2, 1, 2, 5\) must be \(1, 1, 2, H\)"),
        (lambda v: F.gru(v(4, 2, 3), v(2, 1, 2, 5), v(1, 3, 5, 8), num_layers=2), "num_layers=2 needs weight"),
        (lambda v: F.gru(v(4, 2, 3), v(1, 1, 2, 5), v(1, 3, 5, 8), None, v(1, 1, 3, 5)), r"must be \(1, 1, 4, 5\)"),
        (lambda v: F.rnn(v(4, 2, 3), v(1, 1, 2, 5), v(1, 5, 8), nonlinearity="sigmoid"), "nonlinearity='sigmoid'"),
        (lambda v: F.rnn(v(4, 2, 3), v(1, 1, 2, 5), v(1, 5, 8), num_layers=0), "num_layers=0 must be 1 or more"),
        (lambda v: F.rnn(v(4, 2, 3), v(1, 1, 2, 5), v(1, 5, 8), dropout=1.0), "dropout=1.0 must be"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))


def test_half_precision_is_near_single() -> None:
    found = []
    for config in ("float", "half"):
        with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config=config)):
            given = variables("lstm", 2, 2, True)
            y = F.mean(F.lstm(*given, num_layers=2, bidirectional=True)[0])
            for v in given:
                v.grad.zero()
            y.forward()
            y.backward()
            found.append([y.d, *(v.g for v in given)])
    assert found[1][0].dtype == np.float16
    for single, half in zip(*found):
        np.testing.assert_allclose(half, single, 0, 0.1)
