"""Elementary functions, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.mathematics import CASES, SMOOTH, STEPS

test_conformance = pytest.mark.filterwarnings("ignore::RuntimeWarning")(conformance(CASES))


@pytest.mark.parametrize("function", [f for f, _ in STEPS])
def test_rounding_passes_the_gradient_straight_through(function) -> None:
    x = nn.Variable.from_numpy_array(np.array([-1.5, 0.0, 0.4], np.float32), need_grad=True)
    x.grad.zero()
    y = function(x)
    y.forward()
    y.backward(np.array([1.0, 2.0, 3.0], np.float32))
    np.testing.assert_array_equal(x.g, [1, 2, 3])


def test_the_largest_float_below_a_half_is_rounded_to_zero() -> None:
    x = nn.NdArray.from_numpy_array(np.array([np.nextafter(np.float32(0.5), np.float32(0))]))
    assert F.round(x).data[0] == 0


@pytest.mark.parametrize(
    "function, expect",
    [(F.erf, scipy.special.erf), (F.asinh, np.arcsinh), (F.sinh, np.sinh), (F.atanh, np.arctanh)],
    ids=["erf", "asinh", "sinh", "atanh"],
)
def test_double_precision_is_kept(function, expect) -> None:
    x = np.concatenate([np.linspace(-0.999, 0.999, 2001), np.geomspace(1e-12, 0.9, 100)])
    if function is not F.atanh:
        x = np.concatenate([x, np.geomspace(1, 20, 1000)])
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="double")):
        y = function(nn.NdArray.from_numpy_array(x))
    np.testing.assert_allclose(y.data, expect(x), 3e-15)


def test_identity_does_not_share_memory_with_its_input() -> None:
    x = nn.NdArray.from_numpy_array(np.ones(3, np.float32))
    y = F.identity(x)
    x.data[0] = 5
    np.testing.assert_array_equal(y.data, [1, 1, 1])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_half_precision() -> None:
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, expect, (low, high) in SMOOTH:
            values = np.linspace(low, min(high, 1.3), 5).astype(np.float32)
            x = nn.Variable.from_numpy_array(values, need_grad=True)
            x.grad.zero()
            y = function(x)
            y.forward()
            y.backward()
            assert y.data.dtype == x.grad.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(values), atol=0.1)
