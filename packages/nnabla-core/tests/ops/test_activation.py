"""Activations, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.activation import CASES, PLAIN

test_conformance = conformance(CASES)


def gradient(function, values, **args):
    x = nn.Variable.from_numpy_array(np.array(values, np.float32), need_grad=True)
    x.grad.zero()
    y = function(x, **args)
    y.forward()
    y.backward()
    return x.g


@pytest.mark.parametrize("function, inside", [(F.binary_sigmoid, 0.5), (F.binary_tanh, 1.0)])
def test_gradients_of_binary_values_pass_inside_of_one(function, inside) -> None:
    np.testing.assert_array_equal(gradient(function, [-1.5, -1, -0.9, 0, 0.9, 1, 1.5]), [0, 0, *[inside] * 3, 0, 0])


def test_gradients_at_kinks() -> None:
    np.testing.assert_array_equal(gradient(F.relu, [0.0]), [0])
    np.testing.assert_array_equal(gradient(F.relu6, [0.0, 6.0]), [0, 0])
    np.testing.assert_array_equal(gradient(F.hard_tanh, [-1.0, 1.0]), [1, 1])
    np.testing.assert_allclose(gradient(F.hard_sigmoid, [-2.5, 2.5]), [0.2, 0.2])


@pytest.mark.parametrize("function", [f for f, _ in PLAIN], ids=lambda f: f.snake_name)
def test_gradients_of_large_inputs_are_finite(function) -> None:
    with np.errstate(over="raise", invalid="raise"):
        assert np.all(np.isfinite(gradient(function, [-500.0, -100.0, 0.0, 100.0, 500.0])))


def test_the_slope_of_sinc_near_zero_keeps_its_digits() -> None:
    x = np.array([1e-6, 1e-3, 0.1, 0.499, 0.501, 0.7])
    exact = -x / 3 + x**3 / 30 - x**5 / 840 + x**7 / 45360 - x**9 / 3991680 + x**11 / 518918400
    np.testing.assert_allclose(gradient(F.sinc, x), exact, 1e-6)


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax, F.crelu, F.celu])
def test_a_bad_axis_is_named(function) -> None:
    with pytest.raises(RuntimeError, match=f"{function.snake_name}: axis=3 is outside the 2 dimensions"):
        function(nn.Variable((2, 3)), axis=3)
    with pytest.raises(RuntimeError, match="is outside the 0 dimensions"):
        function(nn.Variable(()))


def test_prelu_names_slopes_that_do_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"prelu: x1 \(2,\) must hold one slope, or have the shape \(3,\)"):
        F.prelu(nn.Variable((1, 3)), nn.Variable((2,)))
    with pytest.raises(RuntimeError, match="prelu: base_axis=2 is outside the 2 dimensions"):
        F.prelu(nn.Variable((1, 3)), nn.Variable((3,)), base_axis=2)


def test_softplus_refuses_to_divide_by_zero() -> None:
    with pytest.raises(ValueError, match=r"softplus: beta=0\.0 must not be 0"):
        F.softplus(nn.Variable((2,)), beta=0)


def test_arguments_are_those_of_files() -> None:
    x = nn.Variable((2, 3))
    assert F.leaky_relu(x).parent.info.args == {"alpha": float(np.float32(0.1)), "inplace": False}
    assert F.selu(x).parent.info.args == {"scale": 1.05070098735548, "alpha": 1.673263242354377}
    assert F.softmax(x).parent.info.args == {"axis": 1}
    assert F.softmax(x, axis=-1).parent.info.args == {"axis": -1}


def test_half_precision() -> None:
    values = np.linspace(-3, 3, 7).astype(np.float32)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, expect in PLAIN:
            x = nn.Variable.from_numpy_array(values, need_grad=True)
            x.grad.zero()
            y = function(x)
            y.forward()
            y.backward()
            assert y.data.dtype == x.grad.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(values), atol=0.1)


def test_the_gradient_of_gelu_does_not_overflow() -> None:
    x = nn.Variable.from_numpy_array(np.asarray([-1e30, -30, 0, 30, 1e30]), need_grad=True)
    x.grad.zero()
    y = F.gelu(x)
    y.forward()
    y.backward()
    np.testing.assert_allclose(x.g, [0, 0, 0.5, 1, 1])
