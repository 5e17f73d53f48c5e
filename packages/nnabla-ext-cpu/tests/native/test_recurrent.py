"""Native recurrent layers against the definition, differentiated by PyTorch in float64."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built or not wanted", allow_module_level=True)
from nnabla.errors import StateError
from nnabla_ext.cpu.native.recurrent import BACKWARD_KERNELS, FORWARD_KERNELS

torch = pytest.importorskip("torch")

GATES = {"LSTM": (4,), "GRU": (3,), "RNN": ()}
BIASES = {"LSTM": (4,), "GRU": (4,), "RNN": ()}
NAMES = {
    "LSTM": ["x", "h", "c", "weight_l0", "weight", "bias"],
    "GRU": ["x", "h", "weight_l0", "weight", "bias"],
    "RNN": ["x", "h", "weight_l0", "weight", "bias"],
}


@pytest.fixture(params=native.module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = native.module.target()
    assert native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    native.module.set_thread_count(request.param)
    yield request.param
    native.module.set_thread_count(0)


def arrays(kind, steps, batch, features, size, layers=1, directions=1, bias=True, dtype=np.float32):
    rng = np.random.default_rng(5)

    def draw(*shape):
        return (rng.standard_normal(shape) / np.sqrt(max(1, shape[-1]))).astype(dtype)

    given = {"x": 2 * draw(steps, batch, features), "h": draw(layers, directions, batch, size)}
    if kind == "LSTM":
        given["c"] = draw(layers, directions, batch, size)
    given["weight_l0"] = draw(directions, *GATES[kind], size, features + size)
    if layers > 1:
        given["weight"] = draw(layers - 1, directions, *GATES[kind], size, (directions + 1) * size)
    if bias:
        given["bias"] = draw(layers, directions, *BIASES[kind], size)
    return given


def step(kind, nonlinearity, x, h, c, w, b):
    """One step by the definition."""
    if kind == "LSTM":
        i, f, g, o = (torch.cat([x, h], 1) @ w[k].T + b[k] for k in range(4))
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
    if kind == "GRU":
        r, z = (torch.sigmoid(torch.cat([x, h], 1) @ w[k].T + b[k]) for k in range(2))
        of_x, of_h = x @ w[2, :, : x.shape[1]].T + b[2], h @ w[2, :, x.shape[1] :].T + b[3]
        return (1 - z) * torch.tanh(of_x + r * of_h) + z * h, c
    z = torch.cat([x, h], 1) @ w.T + b
    return (torch.tanh(z) if nonlinearity == "tanh" else torch.relu(z)), c


def expected(kind, given, mask=None, dropout=0.0, nonlinearity="tanh"):
    """All layers by the definition: outputs, last outputs, last states."""
    x, h, c = (given.get(name) for name in "xhc")
    layers, directions, _, size = h.shape
    last, states = [], []
    for layer in range(layers):
        outputs = []
        for d in range(directions):
            now, state = h[layer, d], None if c is None else c[layer, d]
            w = given["weight_l0"][d] if layer == 0 else given["weight"][layer - 1, d]
            zero = torch.zeros(*BIASES[kind], size, dtype=x.dtype)
            b = given["bias"][layer, d] if "bias" in given else zero
            found = [None] * len(x)
            for t in range(len(x)) if d == 0 else reversed(range(len(x))):
                now, state = step(kind, nonlinearity, x[t], now, state, w, b)
                found[t] = now
            outputs.append(torch.stack(found))
            last.append(now)
            states.append(state)
        x = torch.cat(outputs, 2)
        if mask is not None and layer < layers - 1:
            x = x * torch.tensor(mask[layer], dtype=x.dtype) / (1 - dropout)
    results = [x, torch.stack(last).reshape(h.shape)]
    return [*results, torch.stack(states).reshape(h.shape)] if kind == "LSTM" else results


def check(kind, given, tolerance, dropout=0.0, nonlinearity="tanh"):
    names = NAMES[kind]
    args = {"training": True, "dropout": dropout, "nonlinearity": nonlinearity, "state": (3, 1), "lane": 0}
    inputs = tuple(given.get(name) for name in names)
    results = FORWARD_KERNELS[kind](np, inputs, (None,) * 3, args)
    count = 3 if kind == "LSTM" else 2
    outputs, saved = results[:count], list(results[count:])
    layers = given["h"].shape[0]
    mask = saved.pop(0) if dropout and layers > 1 else None
    leaves = {n: torch.tensor(v.astype(float), requires_grad=True) for n, v in given.items()}
    wanted = expected(kind, leaves, mask, dropout, nonlinearity)
    for found, want in zip(outputs, wanted):
        assert found.dtype == given["x"].dtype
        np.testing.assert_allclose(found, want.detach().numpy(), rtol=tolerance, atol=tolerance)
    rng = np.random.default_rng(8)
    grads = [rng.standard_normal(y.shape).astype(y.dtype) for y in outputs]
    torch.autograd.backward(wanted, [torch.tensor(g.astype(float)) for g in grads])
    kernel = BACKWARD_KERNELS[kind]
    known = {**given, **dict(zip(("gates", "hidden", "cells"), saved)), "mask": mask}
    values = [known.get(name) for name in kernel.reads]
    found = kernel.compute(np, values, grads, tuple(n in given for n in names), args)
    for name, grad in zip(names, found):
        if name in given:
            want = leaves[name].grad.numpy()
            assert grad.shape == want.shape, name
            least = tolerance * max(0.01, np.abs(want).max(initial=0))
            np.testing.assert_allclose(grad, want, rtol=tolerance, atol=least, err_msg=name)
    return mask


SIZES = [(2, 0, 3, 4), (2, 3, 0, 4), (2, 3, 4, 0), (1, 1, 1, 1), (3, 2, 5, 7), (4, 13, 9, 33), (2, 5, 17, 70)]


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_one_layer_of_any_size(kind, sizes, dtype, tolerance, target):
    check(kind, arrays(kind, *sizes, dtype=dtype), tolerance)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("sizes", [(3, 7, 20, 270), (3, 33, 20, 70)])
def test_threads_share_units_or_samples(kind, sizes, threads):
    check(kind, arrays(kind, *sizes), 3e-5)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_layers_directions_and_dropout(kind, directions, bias, dropout):
    given = arrays(kind, 4, 3, 5, 18, layers=3, directions=directions, bias=bias, dtype=np.float64)
    mask = check(kind, given, 1e-12, dropout)
    assert dropout == 0 or 0.5 < mask.mean() < 0.7


@pytest.mark.parametrize("directions", [1, 2])
def test_rectified_rnn(directions):
    check("RNN", arrays("RNN", 4, 3, 5, 18, directions=directions, dtype=np.float64), 1e-12, nonlinearity="relu")


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("directions", [1, 2])
def test_without_training_nothing_is_kept_and_the_outputs_are_the_same(kind, directions):
    given = arrays(kind, 4, 3, 5, 18, layers=3, directions=directions)
    inputs = tuple(given.get(name) for name in NAMES[kind])
    args = {"dropout": 0.0, "nonlinearity": "tanh", "state": (3, 1), "lane": 0}
    kept = FORWARD_KERNELS[kind](np, inputs, (None,) * 3, {**args, "training": True})
    found = FORWARD_KERNELS[kind](np, inputs, (None,) * 3, {**args, "training": False, "dropout": 0.5})
    assert len(found) == (3 if kind == "LSTM" else 2)
    for a, b in zip(found, kept):
        np.testing.assert_array_equal(a, b)
    kernel = BACKWARD_KERNELS[kind]
    values = [given.get(name) for name in kernel.reads]
    with pytest.raises(StateError, match="training=True"):
        kernel.compute(np, values, list(found), (True,) * len(inputs), {**args, "training": False})


def test_inputs_may_lie_in_memory_in_any_way():
    given = arrays("LSTM", 4, 3, 5, 18, dtype=np.float64)
    check("LSTM", {name: np.asfortranarray(value) for name, value in given.items()}, 1e-12)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spreads_as_in_the_definition(value):
    given = arrays("LSTM", 3, 2, 5, 18)
    given["x"][1, 1, 2] = value
    found = FORWARD_KERNELS["LSTM"](
        np, tuple(given.get(n) for n in NAMES["LSTM"]), (None,) * 3, {"training": False, "dropout": 0.0}
    )[0]
    want = expected("LSTM", {n: torch.tensor(v) for n, v in given.items()})[0].numpy()
    np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)


def test_what_does_not_fit_is_refused():
    given = arrays("LSTM", 3, 2, 5, 18)
    args = {"training": True, "dropout": 0.0}

    def run(**changed):
        inputs = tuple({**given, **changed}.get(n) for n in NAMES["LSTM"])
        FORWARD_KERNELS["LSTM"](np, inputs, (None,) * 3, args)

    with pytest.raises(ValueError, match="wrong number of elements"):
        run(weight_l0=given["weight_l0"][:, :3])
    with pytest.raises(TypeError, match="dtype of x"):
        run(h=given["h"].astype(float))
    with pytest.raises(ValueError, match=r"x must be \(T, B, I\)"):
        run(x=given["x"][0])
