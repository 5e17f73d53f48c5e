"""Convolutions whose parameters stay: the compiled run against the interpreted one."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S
from nnabla_ext.cpu import native

pytestmark = pytest.mark.skipif(native.module is None, reason="the native module is not built")


@pytest.fixture(autouse=True)
def parameters():
    nn.clear_parameters()
    yield
    nn.clear_parameters()


def network(x):
    h = PF.convolution(x, 24, (3, 3), pad=(1, 1), with_bias=False, name="c0")
    h = F.relu(PF.batch_normalization(h, batch_stat=False, name="b0"))
    y = PF.convolution(h, 24, (3, 3), pad=(1, 1), name="c1")
    y = PF.batch_normalization(y, batch_stat=False, name="b1")
    h = F.relu(h + y)
    h = F.relu(PF.convolution(h, 20, (3, 3), group=4, stride=(2, 2), name="c2"))
    h = PF.depthwise_convolution(h, (3, 3), pad=(1, 1), name="c3")
    return PF.convolution(h, 3, (1, 1), name="c4")


def randomize(rng):
    for name, parameter in nn.get_parameters(grad_only=False).items():
        values = rng.standard_normal(parameter.shape)
        values = np.abs(values) + 0.5 if "var" in name else values * 0.3
        parameter.data.copy_from(nn.NdArray.from_numpy_array(values.astype(np.float32)))


def forward(y, **modes):
    """The result by the plan's segments, and by its functions one by one, which a hook asks for."""
    y.forward(**modes)
    compiled = y.d.copy()
    y.forward(function_pre_hook=lambda function: None, **modes)
    return compiled, y.d.copy()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("modes", [{"clear_buffer": True}, {"clear_no_need_grad": True}, {}])
def test_every_run_gives_what_the_interpreted_one_gives(batch, modes):
    rng = np.random.default_rng(3)
    x = nn.Variable((batch, 4, 13, 11))
    y = network(x)
    randomize(rng)
    for _ in range(4):
        x.d = rng.standard_normal(x.shape)
        compiled, expected = forward(y, **modes)
        np.testing.assert_allclose(compiled, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("change", ["assign", "in place", "held view", "update"])
def test_changed_parameters_count_at_once(change):
    rng = np.random.default_rng(4)
    x = nn.Variable((1, 4, 13, 11))
    y = network(x)
    randomize(rng)
    x.d = rng.standard_normal(x.shape)
    weight = nn.get_parameters()["c1/conv/W"]
    gamma = nn.get_parameters()["b0/bn/gamma"]
    view = weight.d if change == "held view" else None
    for _ in range(3):
        y.forward(clear_buffer=True)
    if change == "assign":
        gamma.d = rng.standard_normal(gamma.shape)
    elif change == "in place":
        weight.d[...] *= 2
    elif change == "held view":
        view[...] = rng.standard_normal(weight.shape)
    else:
        weight.grad.fill(1)
        solver = S.Sgd(0.5)
        solver.set_parameters({"w": weight})
        solver.update()
    compiled, expected = forward(y, clear_buffer=True)
    np.testing.assert_allclose(compiled, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def test_running_statistics_that_training_moves_count():
    rng = np.random.default_rng(5)
    x = nn.Variable((2, 3, 8, 8))
    training = PF.batch_normalization(PF.convolution(x, 8, (3, 3), name="c"), name="b")
    testing = PF.batch_normalization(PF.convolution(x, 8, (3, 3), name="c"), batch_stat=False, name="b")
    for _ in range(3):
        x.d = rng.standard_normal(x.shape) * 3 + 1
        training.forward()
        for _ in range(3):
            compiled, expected = forward(testing, clear_buffer=True)
            np.testing.assert_allclose(compiled, expected, rtol=1e-4, atol=1e-4)


def test_what_is_kept_is_there_and_right():
    rng = np.random.default_rng(6)
    x = nn.Variable((1, 3, 8, 8))
    h = PF.convolution(x, 8, (3, 3), name="c")
    h.persistent = True
    y = F.relu(PF.batch_normalization(h, batch_stat=False, name="b"))
    randomize(rng)
    x.d = rng.standard_normal(x.shape)
    for _ in range(3):
        y.forward(clear_buffer=True)
    kept = h.d.copy()
    h.forward()
    np.testing.assert_array_equal(kept, h.d)


def test_gradients_after_runs_without_training_are_right():
    rng = np.random.default_rng(7)
    x = nn.Variable((1, 3, 8, 8), need_grad=True)
    y = F.sum(F.relu(PF.convolution(x, 8, (3, 3), name="c")) ** 2)
    randomize(rng)
    x.d = rng.standard_normal(x.shape)
    gradients = []
    for _ in range(4):
        y.forward(clear_no_need_grad=True)
        x.grad.zero()
        y.backward(clear_buffer=True)
        gradients.append(x.g.copy())
    for gradient in gradients[1:]:
        np.testing.assert_allclose(gradient, gradients[0], rtol=1e-4, atol=1e-4)
