"""Dropout and random choice: what is drawn, and that gradients use the same draw."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.opaque import install

ONES = np.ones((50, 40), np.float32)


def leaf(values) -> nn.Variable:
    v = nn.Variable.from_numpy_array(np.asarray(values), need_grad=True)
    v.grad.zero()
    return v


# -- dropout -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_a_share_of_p_and_scales_the_rest(p: float) -> None:
    y = F.dropout(leaf(ONES), p, seed=1)
    y.forward()
    np.testing.assert_allclose(np.unique(y.d), [0, 1 / (1 - p)], 1e-6)
    assert stats.binomtest(int((y.d == 0).sum()), ONES.size, p).pvalue > 0.01


def test_dropout_backward_and_its_gradient_graph_use_the_latest_mask() -> None:
    x = leaf(np.random.RandomState(0).randn(20, 10))
    y = F.dropout(x, 0.5)
    graph = nn.grad([F.sum(y * y)], [x])[0]
    loss = F.sum(graph * graph)
    for _ in range(3):
        x.grad.zero()
        nn.forward_all([y, loss])
        mask = (y.d != 0) * 2.0
        np.testing.assert_allclose(graph.d, 2 * x.d * mask**2, 1e-5)
        y.backward()
        np.testing.assert_allclose(x.g, mask, 1e-6)
        x.grad.zero()
        loss.backward()
        np.testing.assert_allclose(x.g, 8 * x.d * mask**4, 1e-5)


def test_dropout_with_p_0_is_the_identity() -> None:
    x = leaf(np.arange(6.0))
    y = F.dropout(x, 0)
    y.forward()
    y.backward()
    np.testing.assert_array_equal(y.d, x.d)
    np.testing.assert_array_equal(x.g, np.ones(6))


def test_dropout_reads_neither_input_nor_output_backwards() -> None:
    f = F.dropout(leaf(ONES), 0.3).parent
    assert not f.grad_depends_input_data(0, 0) and not f.grad_depends_output_data(0, 0)
    assert f.auto_grad_depends_input_data(0, 0)
    assert f.info.args == {"p": 0.3, "seed": -1}


@pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
def test_dropout_refuses_what_is_no_probability_to_drop_with(p: float) -> None:
    with pytest.raises(RuntimeError, match=f"dropout: p={p}"):
        F.dropout(leaf(ONES), p)


@pytest.mark.parametrize("name", ["plain", "opaque"])
def test_dropout_draws_the_same_on_every_backend(name: str) -> None:
    drawn = []
    for ctx in (nn.ext_utils.get_extension_context("cpu"), install()[name].context()):
        with nn.context_scope(ctx):
            x = leaf(np.ones((7, 13)))
            y = F.dropout(x, 0.37, seed=9)
            y.forward()
            y.backward()
            drawn.append((y.d.copy(), x.g.copy()))
    np.testing.assert_allclose(drawn[0], drawn[1], 1e-6)


def test_dropout_advances_with_each_run_and_restarts_with_the_seed() -> None:
    y = F.dropout(leaf(ONES))
    runs = []
    for _ in range(2):
        nn.seed(8)
        for _ in range(2):
            y.forward()
            runs.append(y.d.copy())
    np.testing.assert_array_equal(runs[:2], runs[2:])
    assert not np.array_equal(runs[0], runs[1])


RANDOM = {
    "dropout": lambda x: F.dropout(x, 0.5),
    "rand": lambda x: F.rand(shape=(4, 3, 6)),
    "randn": lambda x: F.randn(shape=(4, 3, 6)),
    "randint": lambda x: F.randint(0, 100, (4, 3, 6)),
    "random_choice": lambda x: F.random_choice(x, F.exp(x), (6,)),
    "random_choice_once": lambda x: F.random_choice(x, F.exp(x), (6,), replace=False),
    "random_crop": lambda x: F.random_crop(x, (2, 3)),
    "random_flip": lambda x: F.random_flip(x, (1, 2)),
    "random_shift": lambda x: F.random_shift(x, (1, 2), border_mode="constant"),
}


@pytest.mark.parametrize("name", RANDOM)
def test_recomputation_repeats_the_draw(name: str) -> None:
    x = leaf(np.random.RandomState(2).randn(4, 3, 6))
    y = RANDOM[name](x)
    f = y.parent
    assert f.need_setup_recompute(0)
    ins, outs = f.inputs, [y]
    y.forward()
    f.setup_recompute(ins, outs)
    f.forward(ins, outs)
    drawn = y.d.copy()
    y.data.clear()
    f.recompute(ins, outs)
    np.testing.assert_array_equal(y.d, drawn)
    y.forward()
    assert not np.array_equal(y.d, drawn)


@pytest.mark.parametrize("name", RANDOM)
def test_half_precision_runs(name: str) -> None:
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        x = leaf(np.random.RandomState(2).randn(4, 3, 6))
        y = RANDOM[name](x)
        y.forward()
        assert y.d.dtype == (np.int32 if name == "randint" else np.float16)
        if y.parent.inputs:
            F.sum(y).forward()
            y.backward()
            assert x.g.dtype == np.float16


# -- choice ------------------------------------------------------------------------------------------------------
WEIGHTS = np.array([1, 2, 0, 3, 4], np.float32)


def test_choice_with_replacement_follows_the_weights() -> None:
    x, w = leaf(np.arange(5.0)), leaf(WEIGHTS)
    y = F.random_choice(x, w, (100, 50), seed=2)
    y.forward()
    counts = np.bincount(y.d.astype(int).ravel(), minlength=5)
    assert y.shape == (100, 50) and counts[2] == 0
    kept = WEIGHTS > 0
    assert stats.chisquare(counts[kept], 5000 * WEIGHTS[kept] / WEIGHTS.sum()).pvalue > 0.01


def test_choice_without_replacement_draws_one_after_the_other() -> None:
    rows = 4000
    x, w = leaf(np.tile(np.arange(3.0), (rows, 1))), leaf(np.tile([1.0, 2.0, 3.0], (rows, 1)))
    y = F.random_choice(x, w, (3,), replace=False, seed=2)
    y.forward()
    assert np.all(np.sort(y.d, 1) == [0, 1, 2])
    orders = {(0, 1, 2): 1 / 6 * 2 / 5, (0, 2, 1): 1 / 6 * 3 / 5, (1, 0, 2): 2 / 6 * 1 / 4,
              (1, 2, 0): 2 / 6 * 3 / 4, (2, 0, 1): 3 / 6 * 1 / 3, (2, 1, 0): 3 / 6 * 2 / 3}  # fmt: skip
    found = [np.sum(np.all(y.d == order, axis=1)) for order in orders]
    assert stats.chisquare(found, np.array(list(orders.values())) * rows).pvalue > 0.01


@pytest.mark.parametrize("replace", [True, False])
def test_choice_sends_gradients_of_both_inputs_to_what_was_drawn(replace: bool) -> None:
    rng = np.random.RandomState(0)
    x, w = leaf(np.arange(24.0).reshape(2, 3, 4)), leaf(rng.uniform(0.5, 1, (2, 3, 4)))
    y = F.random_choice(x, w, (2, 2), replace)
    dy = rng.randn(2, 3, 2, 2)
    graph = nn.grad([F.sum(y * nn.Variable.from_numpy_array(dy))], [x])[0]
    nn.forward_all([y, graph])
    y.backward(dy)
    expected = np.zeros(24)
    np.add.at(expected, y.d.astype(int).ravel(), dy.ravel())
    for found in (x.g, w.g, graph.d):
        np.testing.assert_allclose(found, expected.reshape(2, 3, 4), 1e-5, 1e-6)


def test_choice_of_nothing_else_than_one_element() -> None:
    y = F.random_choice(leaf(np.arange(5.0)), leaf(WEIGHTS), ())
    y.forward()
    assert y.shape == (1,) and y.d[0] in range(5)


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        (((3,), (4,)), {}, r"random_choice: x \(3,\) and w \(4,\)"),
        (((2, 3), (3,)), {}, "must have one shape"),
        (((), ()), {}, "a dimension or more"),
        (((3,), (3,)), dict(shape=(4,), replace=False), "asks for 4 of 3 elements without replacement"),
    ],
)
def test_choice_names_what_does_not_fit(shapes, args, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.random_choice(*(nn.Variable(s) for s in shapes), **args)


@pytest.mark.parametrize("replace", [True, False])
def test_a_choice_without_shape_is_one_element_of_each_row(replace: bool) -> None:
    x = nn.Variable.from_numpy_array(np.arange(6.0).reshape(2, 3))
    y = F.random_choice(x, nn.Variable.from_numpy_array([[0, 1, 0], [0, 0, 1]]), shape=[], replace=replace)
    y.forward()
    np.testing.assert_array_equal(y.d, [[1], [5]])
