"""Incremental network quantization: schedule and values of nnabla 1.39.0."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def leaf(values) -> nn.Variable:
    v = nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=True)
    v.grad.zero()
    return v


def test_half_of_the_weights_become_powers_of_two_and_in_the_end_all() -> None:
    x, w = leaf([[1, 2, 3], [4, 5, 6]]), leaf([[0.5, -0.2], [0.01, 0.3], [-0.7, 2]])
    fixed = leaf(np.zeros((3, 2)))
    y = F.inq_affine(x, w, fixed, leaf([0, 0]), num_bits=3, inq_iterations=(2, 4))
    original = w.d.copy()
    for _ in range(2):
        y.forward()
        np.testing.assert_array_equal(w.d, original)
        np.testing.assert_allclose(y.d, x.d @ original, 1e-5)
    y.forward()
    np.testing.assert_array_equal(fixed.d, [[1, 0], [0, 0], [1, 1]])
    np.testing.assert_allclose(w.d, [[1, -0.2], [0.01, 0.3], [-1, 2]], 1e-5)
    np.testing.assert_allclose(y.d, [[-1.98, 6.4], [-1.95, 12.7]], 1e-5)
    x.grad.zero(), w.grad.zero()
    y.backward()
    np.testing.assert_allclose(x.g, [[0.8, 0.31, 1]] * 2, 1e-5)
    np.testing.assert_allclose(w.g, [[5, 5], [7, 7], [9, 9]], 1e-5)
    # What training does to fixed weights is undone.
    w.d = w.d + 0.05
    y.forward()
    np.testing.assert_allclose(w.d, [[1, -0.15], [0.06, 0.35], [-1, 2]], 1e-5)
    y.forward()
    np.testing.assert_array_equal(fixed.d, np.ones((3, 2)))
    np.testing.assert_array_equal(w.d, [[1, 0], [0, 0], [-1, 2]])


@pytest.mark.parametrize(
    ("n", "stages"),
    [
        (5, [[0.3, 0.6, 0.9, 1, 1], [0.3, 0.6, 1, 1, 1], [0.25, 0.5, 1, 1, 1]]),
        (7, [[0.3, 0.6, 0.9, 1.2, 2, 2, 2], [0.3, 0.6, 1, 1, 2, 2, 2], [0.25, 0.5, 1, 1, 2, 2, 2]]),
    ],
)
def test_of_an_odd_number_the_smaller_half_is_fixed(n: int, stages) -> None:
    w, fixed = leaf(np.arange(1, n + 1).reshape(n, 1) * 0.3), leaf(np.zeros((n, 1)))
    y = F.inq_affine(leaf(np.ones((1, n))), w, fixed, inq_iterations=(1, 2, 3))
    y.forward()
    for expected in stages:
        y.forward()
        np.testing.assert_allclose(w.d.ravel(), expected, 1e-5)


def test_random_selection_fixes_as_many_and_follows_its_seed() -> None:
    chosen = []
    for seed in (3, 3, 4):
        w, fixed = leaf(np.random.RandomState(0).randn(4, 5)), leaf(np.zeros((4, 5)))
        y = F.inq_affine(leaf(np.eye(4)), w, fixed, inq_iterations=(0, 1, 2), selection_algorithm="random", seed=seed)
        counts = []
        for _ in range(3):
            y.forward()
            counts.append(int(fixed.d.sum()))
            if len(counts) == 1:
                chosen.append(fixed.d.copy())
        assert counts == [10, 15, 20]
        np.testing.assert_array_equal(y.d, w.d)
    np.testing.assert_array_equal(chosen[0], chosen[1])
    assert not np.array_equal(chosen[0], chosen[2])


def test_convolution_agrees_with_the_plain_layer_on_the_quantized_weights() -> None:
    rng = np.random.RandomState(1)
    x, w, b = leaf(rng.randn(2, 4, 6, 5)), leaf(rng.randn(6, 2, 3, 2)), leaf(rng.randn(6))
    geometry = dict(pad=(1, 0), stride=(2, 1), group=2)
    y = F.inq_convolution(x, w, leaf(np.zeros(w.shape)), b, **geometry, inq_iterations=(0,))
    y.forward()
    exponents = np.log2(np.abs(w.d[w.d != 0]))
    np.testing.assert_array_equal(exponents, np.round(exponents))
    assert len(np.unique(exponents)) <= 4
    plain = F.convolution(x, w, b, **geometry)
    plain.forward()
    np.testing.assert_allclose(y.d, plain.d, 1e-5, 1e-5)


def test_recomputation_does_not_count_as_an_iteration() -> None:
    w, fixed = leaf(np.ones((2, 2)) * 0.3), leaf(np.zeros((2, 2)))
    x = leaf(np.eye(2))
    y = F.inq_affine(x, w, fixed, inq_iterations=(1,))
    f, ins = y.parent, [x, w, fixed]
    f.setup_recompute(ins, [y])
    f.forward(ins, [y])
    f.recompute(ins, [y])
    assert not fixed.d.any()
    f.forward(ins, [y])
    assert fixed.d.all()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (dict(selection_algorithm="best"), "selection_algorithm='best'"),
        (dict(inq_iterations=(3, 2)), "must not decrease"),
        (dict(num_bits=1), "num_bits=1 must be 2"),
    ],
)
def test_bad_arguments_are_named(args, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.inq_affine(nn.Variable((2, 3)), nn.Variable((3, 4)), nn.Variable((3, 4)), **args)
    with pytest.raises(RuntimeError, match="indicator_fixedweights"):
        F.inq_affine(nn.Variable((2, 3)), nn.Variable((3, 4)), nn.Variable((3, 3)))
