"""Elementary functions, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal, uniform
from nnabla.testing.conformance import conformance

INF, NAN = np.inf, np.nan


def away_from_zero(x):
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def in_single(function):
    """What is too large for float32 is expected to be infinite."""
    return lambda x: np.float32(function(x))


# Function, expectation, range where it is smooth.
SMOOTH = [
    (F.identity, lambda x: x, (-3, 3)),
    (F.abs, np.abs, (0.1, 3)),
    (F.exp, np.exp, (-3, 3)),
    (F.log, np.log, (0.1, 3)),
    (F.sin, np.sin, (-7, 7)),
    (F.cos, np.cos, (-7, 7)),
    (F.tan, np.tan, (-1.3, 1.3)),
    (F.sinh, np.sinh, (-3, 3)),
    (F.cosh, np.cosh, (-3, 3)),
    (F.asin, np.arcsin, (-0.9, 0.9)),
    (F.acos, np.arccos, (-0.9, 0.9)),
    (F.atan, np.arctan, (-3, 3)),
    (F.asinh, np.arcsinh, (-3, 3)),
    (F.acosh, np.arccosh, (1.2, 3)),
    (F.atanh, np.arctanh, (-0.9, 0.9)),
    (F.erf, scipy.special.erf, (-3, 3)),
]
STEPS = [(F.floor, np.floor), (F.ceil, np.ceil), (F.round, away_from_zero)]
# Where rounding, overflow and cancellation show.
EXTREMES = [1e-30, 1e-4, 0.4687, 0.469, 1.0001, 4.0, 7.0, 88.9, 89.1, 1e5, 1e9, 1e30, INF, 0.0]
EXTREMES = [*EXTREMES, *(-v for v in EXTREMES), NAN]

CASES = [
    *(
        case
        for f, expect, (low, high) in SMOOTH
        for shape in ((2, 3), (), (0, 2))
        for case in cases(f, [uniform(low, high, *shape)], expect=expect, label=str(shape))
    ),
    *(
        case
        for f, expect, _ in SMOOTH
        if f not in (F.tan, F.sin, F.cos)
        for case in cases(f, [given(EXTREMES)], expect=in_single(expect), grad=False, label="extremes")
    ),
    *(
        case
        for f, expect in STEPS
        for case in [
            *cases(f, [given([-2.5, -1.5, -0.5, -0.2, 0.0, 0.2, 0.5, 1.5, 2.5, INF])], expect=expect, grad=False),
            *cases(f, [normal(2, 3, scale=5)], expect=expect, grad=False),
            *cases(f, [given([8388609.0, -16777214.0])], expect=expect, grad=False, label="large"),
        ]
    ),
    *(
        case
        for a, b in [((2, 3), (2, 3)), ((2, 1), (3,)), ((), ()), ((0, 2), (2,))]
        for case in cases(F.atan2, [normal(*a), normal(*b)], expect=np.arctan2, label=f"{a}{b}")
    ),
    *cases(
        F.atan2,
        [given([1.0, 1.0, -1.0, 0.0, 0.0, INF]), given([0.0, -1.0, -1.0, -1.0, 1.0, INF])],
        expect=np.arctan2,
        grad=False,
    ),
]
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
