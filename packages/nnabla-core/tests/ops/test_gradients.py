"""Operators that matter in backward: VATNoise and TopKGrad, with values of nnabla 1.39.0."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def leaf(values) -> nn.Variable:
    v = nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=True)
    v.grad.zero()
    return v


@pytest.mark.parametrize("base_axis", [1, -1])
def test_vat_noise_has_norm_eps_and_stores_the_gradient(base_axis: int) -> None:
    values, dy = np.arange(6.0).reshape(2, 3) + 1, np.arange(6.0).reshape(2, 3)
    x, w = leaf(values), leaf(np.ones((2, 3)))
    y = F.vat_noise(F.identity(x), w, base_axis, 0.5)
    y.forward()
    np.testing.assert_allclose(y.d, 0.5 * values / np.linalg.norm(values, axis=1, keepdims=True), 1e-5)
    np.testing.assert_array_equal(w.d, np.ones((2, 3)))
    y.backward(dy)
    np.testing.assert_array_equal(w.d, dy * 0.5)
    assert not x.g.any() and not w.g.any()


def test_vat_noise_of_zeros_is_zero() -> None:
    y = F.vat_noise(leaf(np.zeros((2, 3))), leaf(np.zeros((2, 3))))
    y.forward()
    np.testing.assert_array_equal(y.d, np.zeros((2, 3)))


def test_vat_noise_writes_a_buffer_that_needs_no_gradient() -> None:
    x, w = leaf(np.ones((1, 4))), nn.Variable((1, 4))
    y = F.vat_noise(x, w, eps=2.0)
    y.forward()
    y.backward(3)
    np.testing.assert_array_equal(w.d, np.full((1, 4), 6.0))


GRADIENT = np.array([[1, -5, 3, 3.0], [-1, -2, -3, -4]])


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, [[0, 0, 3, 3], [-1, -2, 0, 0]]),
        (dict(abs=True), [[0, -5, 3, 0], [0, 0, -3, -4]]),
        (dict(base_axis=0), [[0, 0, 3, 3], [0, 0, 0, 0]]),
        (dict(base_axis=0, abs=True), [[0, -5, 0, 0], [0, 0, 0, -4]]),
        (dict(base_axis=-1), [[0, 0, 3, 3], [-1, -2, 0, 0]]),
    ],
)
def test_top_k_grad_lets_the_largest_pass(args, expected) -> None:
    x = leaf(np.arange(8.0).reshape(2, 4))
    y = F.top_k_grad(x, 2, **args)
    y.forward()
    y.backward(GRADIENT)
    np.testing.assert_array_equal(y.d, x.d)
    np.testing.assert_array_equal(x.g, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.top_k_grad(v(2, 3), 4), "k=4 must be from 1 to the 3 elements"),
        (lambda v: F.top_k_grad(v(2, 3), 0), "k=0 must be"),
        (lambda v: F.top_k_grad(v(2, 3), 1, base_axis=2), "top_k_grad: base_axis=2"),
        (lambda v: F.vat_noise(v(2, 3), v(3)), r"vat_noise: w \(3,\)"),
        (lambda v: F.vat_noise(v(2, 3), v(2, 3), 2), "vat_noise: base_axis=2"),
    ],
)
def test_bad_arguments_are_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))
