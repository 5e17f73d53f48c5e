"""Losses, against their formulas in NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.loss import CASES, TINY, softmax_cross_entropy

test_conformance = conformance(CASES)


def test_kl_of_normalized_distributions_is_scipys_entropy() -> None:
    p, q = np.random.RandomState(0).dirichlet([1.0, 2.0, 3.0], (2, 5)).astype(np.float32)
    y = F.kl_multinomial(nn.Variable.from_numpy_array(p), nn.Variable.from_numpy_array(q))
    y.forward()
    np.testing.assert_allclose(y.d[:, 0], stats.entropy(p, q, axis=1), 1e-4, 1e-6)


def gradients(function, *arrays, need=(0,), **args):
    variables = [nn.Variable.from_numpy_array(np.asarray(a), need_grad=i in need) for i, a in enumerate(arrays)]
    y = function(*variables, **args)
    for i in need:
        variables[i].grad.zero()
    y.forward()
    y.backward()
    return [variables[i].g for i in need]


def test_label_minus_one_gives_no_loss_and_no_gradient() -> None:
    for function, x in ((F.softmax_cross_entropy, [[1.0, 2.0]]), (F.categorical_cross_entropy, [[0.3, 0.7]])):
        assert np.all(gradients(function, x, [[-1]])[0] == 0)


def test_gradients_at_the_borders() -> None:
    # Values of nnabla 1.39.
    np.testing.assert_array_equal(gradients(F.absolute_error, [0.0, 1.0], [0.0, 2.0])[0], [-1, -1])
    np.testing.assert_array_equal(gradients(F.huber_loss, [1.0, -3.0], [0.0, 0.0])[0], [2, -2])
    np.testing.assert_array_equal(gradients(F.epsilon_insensitive_loss, [1.0, 1.5], [0.0, 0.0], epsilon=1.0)[0], [0, 1])
    dx, dt = gradients(F.binary_cross_entropy, [0.0, 1.0, 0.2], [0.0, 0.3, 1.0], need=(0, 1))
    np.testing.assert_allclose(dx, [0, 0.7 / TINY, -5], 1e-5)
    np.testing.assert_allclose(dt, [-np.log(TINY), np.log(TINY), np.log(4)], 1e-5)
    np.testing.assert_allclose(gradients(F.categorical_cross_entropy, [[0.0, 1.0]], [[0]])[0], [[-1 / TINY, 0]], 1e-5)


def test_labels_may_be_floats_and_are_cut_to_integers() -> None:
    x = nn.Variable.from_numpy_array(np.eye(3))
    y = F.softmax_cross_entropy(x, nn.Variable.from_numpy_array(np.array([[1.7], [0.2], [-0.5]], np.float32)))
    y.forward()
    np.testing.assert_allclose(y.d, softmax_cross_entropy(np.eye(3), np.array([[1], [0], [0]])), 1e-6)


def test_softmax_cross_entropy_keeps_no_input_but_the_labels_for_its_gradient() -> None:
    f = F.softmax_cross_entropy(nn.Variable((2, 3), need_grad=True), nn.Variable((2, 1))).parent
    assert [f.grad_depends_input_data(0, j) for j in (0, 1)] == [False, True]
    assert not f.grad_depends_output_data(0, 0)


@pytest.mark.parametrize(
    "name", ["squared_error", "absolute_error", "huber_loss", "binary_cross_entropy", "sigmoid_cross_entropy"]
)
def test_gradients_read_both_inputs(name: str) -> None:
    f = getattr(F, name)(nn.Variable((2, 3), need_grad=True), nn.Variable((2, 3))).parent
    assert [f.grad_depends_input_data(0, j) for j in (0, 1)] == [True, True]
    assert not f.grad_depends_output_data(0, 0)


def test_arguments_are_those_of_files() -> None:
    x, t = nn.Variable((2, 3, 4)), nn.Variable((2, 1, 4))
    assert F.softmax_cross_entropy(x, t, axis=-2).parent.info.args == {"axis": -2}
    assert F.categorical_cross_entropy(x, nn.Variable((2, 3, 1))).parent.info.args == {"axis": 2}
    assert F.huber_loss(x, x, 0.1).parent.info.args == {"delta": float(np.float32(0.1))}
    assert F.kl_multinomial(x, x, base_axis=-1).parent.info.args == {"base_axis": -1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.softmax_cross_entropy(v(2, 3), v(2, 3)), r"target \(2, 3\) must be \(2, 1\)"),
        (lambda v: F.softmax_cross_entropy(v(2, 3), v(2, 1), axis=2), "softmax_cross_entropy: axis=2 is outside"),
        (lambda v: F.categorical_cross_entropy(v(2, 3), v(2)), r"target \(2,\) must be \(2, 1\)"),
        (lambda v: F.sigmoid_cross_entropy(v(2, 3), v(1, 3)), "must have the same shape"),
        (lambda v: F.binary_cross_entropy(v(2, 3), v(3)), "must have the same shape"),
        (lambda v: F.squared_error(v(2, 3), v(2)), "squared_error: shapes .* do not broadcast"),
        (lambda v: F.huber_loss(v(2, 3), v(4)), "huber_loss: shapes .* do not broadcast"),
        (lambda v: F.kl_multinomial(v(2, 3), v(2, 4)), "kl_multinomial: p .* the same shape"),
        (lambda v: F.kl_multinomial(v(2, 3), v(2, 3), base_axis=2), "kl_multinomial: base_axis=2"),
        (lambda v: F.epsilon_insensitive_loss(v(2), v(2)), "epsilon must be given"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))


def test_half_precision_is_near_single() -> None:
    rng = np.random.RandomState(0)
    x, t = rng.uniform(0.1, 0.9, (3, 4)), rng.randint(0, 4, (3, 1))
    for function, target in (
        (F.softmax_cross_entropy, t), (F.categorical_cross_entropy, t), (F.sigmoid_cross_entropy, x),
        (F.binary_cross_entropy, x), (F.squared_error, x), (F.huber_loss, x), (F.kl_multinomial, x),
    ):  # fmt: skip
        found = []
        for config in ("float", "half"):
            with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config=config)):
                a, b = nn.Variable.from_numpy_array(x, need_grad=True), nn.Variable.from_numpy_array(target)
                y = function(a, b)
                a.grad.zero()
                y.forward()
                y.backward()
                found.append((y.d, a.g))
        assert found[1][0].dtype == np.float16
        for single, half in zip(*found):
            np.testing.assert_allclose(half, single, 0, 0.1)
