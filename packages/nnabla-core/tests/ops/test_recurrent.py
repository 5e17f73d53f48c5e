"""Recurrent layers, against nnabla 1.39.0 (golden/recurrent.npz) and against loops in NumPy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.recurrent import CASES, inputs

GOLDEN = Path(__file__).parents[1] / "golden" / "recurrent.npz"


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
