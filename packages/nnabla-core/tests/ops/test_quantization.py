"""Quantizers, against their definitions in NumPy and against values of nnabla 1.39.0."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.quantization import CASES

X = np.array([[-2.3, -1, -0.26, 0, 0.24, 0.25, 1.1, 2.5, 3.7, -3.9]], np.float32)
DY = np.arange(1.0, 11).reshape(1, 10)


def leaf(values, need_grad: bool = True) -> nn.Variable:
    v = nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=need_grad)
    v.grad.zero()
    return v


def run(function, *arrays, dy=DY, need=1, **args):
    """Return the output, the gradients of the first ``need`` inputs, and the inputs' data afterwards."""
    variables = [leaf(a, i < need) for i, a in enumerate(arrays)]
    y = function(*variables, **args)
    y.forward()
    y.backward(dy)
    return y.d, [v.g for v in variables[:need]], [v.d for v in variables]


test_conformance = conformance(CASES)


# -- straight-through gradients ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("function", "args", "passes"),
    [
        (F.fixed_point_quantize, {}, [1] * 10),
        (F.fixed_point_quantize, dict(sign=False), [0, 0, 0, 1, 1, 1, 1, 1, 1, 0]),
        (F.fixed_point_quantize, dict(n=2, delta=0.5), [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]),
        (F.fixed_point_quantize, dict(n=2, delta=0.5, ste_fine_grained=False), [1] * 10),
        (F.pow2_quantize, {}, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]),
        (F.pow2_quantize, dict(sign=False), [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]),
        (F.pow2_quantize, dict(n=3, m=0), [0, 1, 1, 1, 1, 1, 1, 0, 0, 0]),
        (F.pow2_quantize, dict(n=4, ste_fine_grained=False), [1] * 10),
        (F.prune, dict(rate=0.5), [1] * 10),
        (F.binary_tanh, {}, [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]),
        (F.binary_sigmoid, {}, [0, 0, 0.5, 0.5, 0.5, 0.5, 0, 0, 0, 0]),
    ],
)
def test_gradients_pass_as_in_nnabla_1(function, args, passes) -> None:
    np.testing.assert_allclose(run(function, X, **args)[1][0], [DY[0] * passes], 1e-6)


# -- min-max -------------------------------------------------------------------------------------------------------
def one(value) -> np.ndarray:
    return np.full((1, 1), value)


@pytest.mark.parametrize(
    ("low", "high", "args", "y", "passes", "grads", "after"),
    [
        (-1.3, 2.0, {}, [-1.32, -1.1, -0.22, 0, 0.22, 0.22, 1.1, 1.98, 1.98, -1.32], [0, 1, 1, 1, 1, 1, 1, 0, 0, 0],
         (11, 17), (-1.3, 2.0)),
        (-1.3, 2.0, dict(ste_fine_grained=False), [-1.32, -1.1, -0.22, 0, 0.22, 0.22, 1.1, 1.98, 1.98, -1.32],
         [1] * 10, (11, 17), (-1.3, 2.0)),
        (-1.3, 2.0, dict(ema=True), [-1.32, -1.1, -0.22, 0, 0.22, 0.22, 1.1, 1.98, 1.98, -1.32],
         [0, 1, 1, 1, 1, 1, 1, 0, 0, 0], (0, 0), (-1.3, 2.0)),
        (-1.3, 2.0, dict(x_min_max=True), [v * 7.6 / 15 for v in (-5, -2, -1, 0, 0, 0, 2, 5, 7, -8)],
         [1, 1, 1, 1, 1, 1, 1, 1, 0, 1], (0, 0), (-3.9, 3.7)),
        (-1.3, 2.0, dict(x_min_max=True, ema=True, decay=0.9),
         [-1.492, -0.994667, -0.248667, 0, 0.248667, 0.248667, 0.994667, 2.238, 2.238, -1.492],
         [0, 1, 1, 1, 1, 1, 1, 0, 0, 0], (0, 0), (-1.56, 2.17)),
        (0.5, 0.1, {}, [0, 0, 0, 0, 0.01, 0.01, 0.01, 0.01, 0.01, 0], [0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
         (16, 35), (0.5, 0.51)),
        (0.5, 2.0, {}, [0, 0, 0, 0, 0.2, 0.3, 1.1, 1.5, 1.5, 0], [0, 0, 0, 1, 1, 1, 1, 0, 0, 0], (16, 17), (0.5, 2.0)),
        (-2.0, -0.7, {}, [-1.3, -1.04, -0.26, 0, 0, 0, 0, 0, 0, -1.3], [0, 1, 1, 1, 0, 0, 0, 0, 0, 0],
         (11, 35), (-2.0, -0.7)),
    ],
)  # fmt: skip
def test_min_max_quantize_is_that_of_nnabla_1(low, high, args, y, passes, grads, after) -> None:
    found, (dx, dlow, dhigh), data = run(F.min_max_quantize, X, one(low), one(high), one(0), one(15), need=3, **args)
    np.testing.assert_allclose(found, [y], 1e-4, 1e-5)
    np.testing.assert_allclose(dx, DY * passes, 1e-6)
    np.testing.assert_allclose((dlow.item(), dhigh.item()), grads, 1e-6)
    np.testing.assert_allclose((data[1].item(), data[2].item()), after, 1e-5)


def test_min_max_quantize_per_channel_follows_the_moving_average() -> None:
    x = np.arange(12.0).reshape(2, 3, 2)
    channel = np.ones((1, 3, 1))
    y, _, data = run(
        F.min_max_quantize, x, 0 * channel, channel, 0 * channel, 7 * channel, dy=np.ones_like(x), x_min_max=True,
        ema=True, decay=0.9,
    )  # fmt: skip
    np.testing.assert_allclose(data[1].ravel(), [0, 0.2, 0.4], 1e-5, 1e-6)
    np.testing.assert_allclose(data[2].ravel(), [1.6, 1.8, 2.0], 1e-5)
    np.testing.assert_allclose(y[0], [[0, 3.2 * 2 / 7], [1.6, 1.6], [1.6, 1.6]], 1e-4)


def test_recomputation_does_not_move_the_range_again() -> None:
    variables = [leaf(a) for a in (X, one(-1.3), one(2.0), one(0), one(15))]
    y = F.min_max_quantize(*variables, x_min_max=True, ema=True, decay=0.9)
    f = y.parent
    f.setup_recompute(variables, [y])
    f.forward(variables, [y])
    expected, moved = y.d.copy(), variables[1].d.copy()
    y.data.clear()
    f.recompute(variables, [y])
    np.testing.assert_array_equal(y.d, expected)
    np.testing.assert_array_equal(variables[1].d, moved)


@pytest.mark.parametrize("name", ["fixed_point_quantize", "min_max_quantize", "pow2_quantize"])
def test_quantize_false_passes_the_input_through(name: str) -> None:
    x = leaf(X)
    rest = [leaf(one(v)) for v in (-1, 1, 0, 15)] if name == "min_max_quantize" else []
    assert getattr(F, name)(x, *rest, quantize=False) is x


def test_quantize_linear_keeps_floats_and_sends_the_gradient_to_x_alone() -> None:
    dy = np.arange(1.0, 4).reshape(1, 3)
    y, (dx, dscale, dzero), _ = run(F.quantize_linear, [[-0.25, 0.25, 300]], one(0.5), one(3), dy=dy, need=3)
    np.testing.assert_array_equal(y, [[2, 4, 127]])
    np.testing.assert_array_equal(dx, dy / 0.5)
    assert dscale == 0 and dzero == 0
    v = F.quantize_linear(leaf(X), leaf(one(1)), leaf(one(0)))
    v.forward()
    assert v.data.dtype == np.float32
    assert v.parent.info.args == {"round_mode": "HALF_AWAY_FROM_ZERO", "narrow_range": False, "dtype": 1}


def test_arguments_are_those_of_files() -> None:
    x = nn.Variable((2, 3))
    assert F.prune(x).parent.info.args == {"rate": float(np.float32(0.9))}
    assert F.fixed_point_quantize(x).parent.info.args == {
        "sign": True, "n": 8, "delta": 0.0625, "ste_fine_grained": True,
    }  # fmt: skip
    q = [nn.Variable((1, 1)) for _ in range(4)]
    assert F.min_max_quantize(x, *q).parent.info.args == {
        "decay": float(np.float32(0.999)), "x_min_max": False, "ema": False, "ste_fine_grained": True,
        "eps": float(np.float32(0.01)),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.fixed_point_quantize(v(2), n=0), "n=0 must be 1 bit"),
        (lambda v: F.fixed_point_quantize(v(2), delta=0), "delta=0.0 above 0"),
        (lambda v: F.pow2_quantize(v(2), n=2), "n=2 leaves no bit for exponents"),
        (lambda v: F.prune(v(2), 1.5), "prune: rate=1.5"),
        (lambda v: F.min_max_quantize(v(2, 3), *[v(2)] * 4), "as many dimensions as x"),
        (lambda v: F.min_max_quantize(v(2, 3), *[v(1, 3)] * 3, v(1, 1)), "must have the same shape"),
        (lambda v: F.min_max_quantize(v(2, 3), *[v(1, 2)] * 4), "each of size 1 or that of x"),
        (lambda v: F.quantize_linear(v(2, 2), v(1), v(1)), "as many dimensions as x"),
        (lambda v: F.quantize_linear(v(2, 2), v(1, 2), v(1, 1)), "must have the same shape"),
        (lambda v: F.quantize_linear(v(2, 2), v(1, 1), v(1, 1), "UP"), "round_mode='UP'"),
        (lambda v: F.quantize_linear(v(2, 2), v(1, 1), v(1, 1), dtype=np.float32), "dtype=11 is no code"),
        (lambda v: F.dequantize_linear(v(2, 2), v(1), v(1)), "dequantize_linear: scale"),
    ],
)
def test_bad_arguments_are_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))


def test_half_precision_is_near_single() -> None:
    found = []
    for config in ("float", "half"):
        with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config=config)):
            x, q = leaf(X), [leaf(one(v)) for v in (-1.3, 2, 0, 15)]
            ys = [F.fixed_point_quantize(x), F.pow2_quantize(x), F.prune(x, 0.5), F.min_max_quantize(x, *q)]
            nn.forward_all(ys)
            found.append([y.d for y in ys])
    assert found[1][0].dtype == np.float16
    for single, half in zip(*found):
        np.testing.assert_allclose(half, single, 0, 0.1)
