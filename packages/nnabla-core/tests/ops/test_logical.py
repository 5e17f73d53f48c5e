"""Comparisons, logic and choosing, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.logical import CASES, COMPARISONS, INF, LOGIC, NAN, SEARCHSORTED

test_conformance = conformance(CASES)


test_searchsorted = conformance(SEARCHSORTED)


def gradients(function, *values, **args):
    variables = [nn.Variable.from_numpy_array(np.array(v, np.float32), need_grad=True) for v in values]
    for v in variables:
        v.grad.zero()
    y = function(*variables, **args)
    y.forward()
    y.backward()
    return [v.g for v in variables]


def test_the_second_of_two_equal_values_gets_the_gradient() -> None:
    for function in (F.maximum2, F.minimum2):
        np.testing.assert_array_equal(gradients(function, [1.0], [1.0]), [[0], [1]])
    for function in (F.maximum_scalar, F.minimum_scalar):
        np.testing.assert_array_equal(gradients(function, [1.0], val=1.0), [[0]])


def test_what_is_reset_gets_no_gradient() -> None:
    np.testing.assert_array_equal(gradients(F.reset_nan, [1, NAN, INF]), [[1, 0, 1]])
    np.testing.assert_array_equal(gradients(F.reset_inf, [1, NAN, INF, -INF]), [[1, 1, 0, 0]])


def test_sign_passes_the_gradient_straight_through() -> None:
    np.testing.assert_array_equal(gradients(F.sign, [-2, 0, 3], alpha=0.0), [[1, 1, 1]])


def test_where_passes_no_gradient_to_the_condition_or_to_values_not_chosen() -> None:
    condition, true, false = gradients(F.where, [1, 0], [1, NAN], [INF, 2])
    np.testing.assert_array_equal([condition, true, false], [[0, 0], [1, 0], [0, 1]])


def test_comparisons_are_floats_for_the_user() -> None:
    y = F.greater(nn.Variable((2,)), nn.Variable((2,)))
    y.forward()
    assert y.data.dtype == np.float32


@pytest.mark.parametrize("condition", [(3,), (2, 2), (3, 2, 3, 1)])
def test_where_names_a_condition_that_does_not_fit(condition) -> None:
    shape = (2, 3)
    with pytest.raises(RuntimeError, match=r"where: condition \(.*\) must have the first dimensions of x_true"):
        F.where(nn.Variable(condition), nn.Variable(shape), nn.Variable(shape))


@pytest.mark.parametrize("shapes", [((4,), (2, 3)), ((2, 4), (3, 4)), ((), ())])
def test_searchsorted_names_shapes_that_do_not_fit(shapes) -> None:
    with pytest.raises(RuntimeError, match=r"searchsorted: sorted_sequence .* must have equal shapes"):
        F.searchsorted(*map(nn.Variable, shapes))


def test_a_truth_value_must_be_given() -> None:
    with pytest.raises(TypeError, match="logical_and_scalar: val must be given"):
        F.logical_and_scalar(nn.Variable((2,)))
    assert F.logical_xor_scalar(nn.Variable((2,)), val=3).parent.info.args == {"val": True}


def test_half_precision() -> None:
    values = [np.array([1, 2.5, 3], np.float32), np.array([1, 3, 2], np.float32)]
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for name in [*COMPARISONS, *LOGIC, "maximum2", "minimum2"]:
            numpy_name = name.rstrip("2")
            y = getattr(F, name)(*(nn.Variable.from_numpy_array(v) for v in values))
            y.forward()
            assert y.data.dtype == np.float16
            np.testing.assert_allclose(y.d, getattr(np, numpy_name)(*values).astype(float), atol=0.1)
