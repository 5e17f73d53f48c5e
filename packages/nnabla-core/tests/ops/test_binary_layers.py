"""Layers with binary weights, with values of nnabla 1.39.0 and against the plain layers."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.binary_layers import CASES

test_binary_layers = conformance(CASES)

X = np.array([[1, 2, 3.0], [4, 5, 6]])
W = np.array([[0.5, -0.2], [0, 0.3], [-0.7, 2]])
B = np.array([0.1, 0.2])
IMAGES, KERNEL = np.arange(9.0).reshape(1, 1, 3, 3), np.arange(-4, 4.0).reshape(2, 1, 2, 2)


def run(function, *arrays, **args):
    """Return the output, the gradients of all inputs for ones, and the inputs' data afterwards."""
    variables = [nn.Variable.from_numpy_array(np.asarray(a, np.float32), need_grad=True) for a in arrays]
    for v in variables:
        v.grad.zero()
    y = function(*variables, **args)
    y.forward()
    y.backward()
    return y.d, [v.g for v in variables], [v.d for v in variables]


@pytest.mark.parametrize(
    ("zero_to", "y", "dx", "binary"),
    [
        (1.0, [[0.1, 4.2], [3.1, 7.2]], [0, 2, 0], [[1, -1], [1, 1], [-1, 1]]),
        (-1.0, [[-3.9, 4.2], [-6.9, 7.2]], [0, 0, 0], [[1, -1], [-1, 1], [-1, 1]]),
    ],
)
def test_binary_connect_affine(zero_to, y, dx, binary) -> None:
    found, grads, data = run(F.binary_connect_affine, X, W, 0 * W, B, quantize_zero_to=zero_to)
    np.testing.assert_allclose(found, y, 1e-5)
    np.testing.assert_allclose(grads[0], [dx, dx], 1e-6)
    for dw in grads[1:3]:
        np.testing.assert_allclose(dw, [[5, 5], [7, 7], [9, 9]], 1e-6)
    np.testing.assert_allclose(grads[3], [2, 2], 1e-6)
    np.testing.assert_array_equal(data[2], binary)


def test_binary_weight_affine() -> None:
    y, grads, data = run(F.binary_weight_affine, X, W, 0 * W, 0 * B, B)
    np.testing.assert_allclose(y, [[0.1, 3.53333], [1.3, 6.03333]], 1e-5)
    np.testing.assert_allclose(grads[0], [[-0.43333, 1.23333, 0.43333]] * 2, 1e-4)
    np.testing.assert_allclose(grads[1], [[5, 5], [7, 7], [9, 9]], 1e-6)
    assert not grads[2].any() and not grads[3].any()
    np.testing.assert_allclose(grads[4], [2, 2])
    np.testing.assert_allclose(data[3], [0.4, 0.83333], 1e-5)


def test_binary_connect_convolution() -> None:
    y, grads, data = run(F.binary_connect_convolution, IMAGES, KERNEL, 0 * KERNEL, B)
    np.testing.assert_allclose(y, [[[[-7.9, -11.9], [-19.9, -23.9]], [[8.2, 12.2], [20.2, 24.2]]]], 1e-5)
    assert not grads[0].any()
    for dw in grads[1:3]:
        np.testing.assert_allclose(dw, [[[[8, 12], [20, 24]]]] * 2, 1e-6)
    np.testing.assert_array_equal(data[2].ravel(), [-1] * 4 + [1] * 4)


def test_binary_weight_convolution() -> None:
    y, grads, data = run(F.binary_weight_convolution, IMAGES, KERNEL, 0 * KERNEL, 0 * B, B)
    np.testing.assert_allclose(y, [[[[-19.9, -29.9], [-49.9, -59.9]], [[12.2, 18.2], [30.2, 36.2]]]], 1e-5)
    np.testing.assert_allclose(grads[0], [[[[-1, -2, -1], [-2, -4, -2], [-1, -2, -1]]]], 1e-5)
    np.testing.assert_allclose(grads[1], [[[[8, 12], [20, 24]]]] * 2, 1e-6)
    assert not grads[2].any() and not grads[3].any()
    np.testing.assert_allclose(data[3], [2.5, 1.5])


def test_convolutions_take_the_geometry_of_the_plain_layer() -> None:
    rng = np.random.RandomState(0)
    x, w, b = rng.randn(2, 2, 4, 7, 6), rng.randn(6, 2, 3, 2), rng.randn(6)
    geometry = dict(base_axis=2, pad=(1, 0), stride=(2, 1), dilation=(1, 2), group=2)
    sign, alpha = np.sign(w), np.abs(w).mean((1, 2, 3))
    y, grads, _ = run(F.binary_connect_convolution, x, w, w, b, **geometry)
    plain, expected, _ = run(F.convolution, x, sign, b, **geometry)
    np.testing.assert_allclose(y, plain, 1e-5, 1e-5)
    np.testing.assert_allclose(grads[0], expected[0], 1e-4, 1e-4)
    np.testing.assert_allclose(grads[1], expected[1], 1e-4, 1e-4)
    y, grads, _ = run(F.binary_weight_convolution, x, w, w, alpha, b, **geometry)
    plain, expected, _ = run(F.convolution, x, sign * alpha[:, None, None, None], b, **geometry)
    np.testing.assert_allclose(y, plain, 1e-4, 1e-4)
    np.testing.assert_allclose(grads[0], expected[0], 1e-4, 1e-4)


def test_bias_may_be_left_out() -> None:
    np.testing.assert_allclose(run(F.binary_connect_affine, X, W, W)[0], [[0, 4], [3, 7]], 1e-5)
    np.testing.assert_allclose(run(F.binary_weight_affine, X, W, W, B)[0], [[0, 10 / 3], [1.2, 35 / 6]], 1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.binary_connect_affine(v(2, 3), v(3, 4), v(4, 3)), r"binary_weight \(4, 3\) must have the shape"),
        (lambda v: F.binary_weight_affine(v(2, 3), v(3, 4), v(3, 4), v(3)), r"alpha \(3,\) must be \(4,\)"),
        (lambda v: F.binary_connect_affine(v(2, 3), v(2, 4), v(2, 4)), "affine: x"),
        (lambda v: F.binary_weight_convolution(v(1, 3, 5, 5), v(4, 3, 2, 2), v(4, 3, 2, 2), v(3)), r"must be \(4,\)"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))
