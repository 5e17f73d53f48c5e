"""Comparisons, logic and choosing, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, normal
from nnabla.testing.conformance import conformance

NAN, INF = np.nan, np.inf
A = given([1.0, 2.0, NAN, 1.0, INF, -INF, 0.0, NAN])
B = given([1.0, 1.0, 1.0, NAN, INF, 2.0, -0.0, NAN])
COMPARISONS = ["equal", "not_equal", "greater", "greater_equal", "less", "less_equal"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]


def truth(name):
    function = getattr(np, name)
    return lambda *x, **args: function(*x, *args.values()).astype(float)


CASES = [
    *(
        case
        for name in [*COMPARISONS, *LOGIC]
        for case in [
            *cases(getattr(F, name), [A, B], expect=truth(name), grad=False),
            *cases(
                getattr(F, name),
                [choice([0, 1, 2], 2, 1, 3), choice([0, 1], 4, 1)],
                expect=truth(name),
                grad=False,
                label="broadcast",
            ),
            *cases(getattr(F, name), [normal(0, 2), normal(2)], expect=truth(name), grad=False, label="empty"),
            *cases(getattr(F, name), [normal(), normal()], expect=truth(name), grad=False, label="0-d"),
        ]
    ),
    *(
        case
        for name in COMPARISONS
        for case in cases(getattr(F, name + "_scalar"), [A], {"val": [1.0, -INF]}, expect=truth(name), grad=False)
    ),
    *(
        case
        for name in LOGIC
        for case in cases(getattr(F, name + "_scalar"), [A], {"val": [True, False]}, expect=truth(name), grad=False)
    ),
    *cases(F.logical_not, [A], expect=truth("logical_not"), grad=False),
    *cases(F.isnan, [A], expect=truth("isnan"), grad=False),
    *cases(F.isinf, [A], expect=truth("isinf"), grad=False),
    *cases(F.reset_nan, [A], {"val": [0, 2.5]}, expect=lambda x, val: np.where(np.isnan(x), val, x), grad=False),
    *cases(F.reset_inf, [A], {"val": [0, 2.5]}, expect=lambda x, val: np.where(np.isinf(x), val, x), grad=False),
    *cases(F.reset_nan, [normal(2, 3)], expect=lambda x: x),
    *cases(F.reset_inf, [normal(2, 3)], expect=lambda x: x),
    *(
        case
        for f, expect in ((F.maximum2, np.maximum), (F.minimum2, np.minimum))
        for case in [
            *cases(f, [A, B], expect=expect, grad=False),
            *cases(f, [normal(2, 3), normal(2, 3)], expect=expect),
            *cases(f, [normal(2, 1, 3), normal(4, 1)], expect=expect, label="broadcast"),
            *cases(f, [normal(0, 2), normal(2)], expect=expect, label="empty"),
        ]
    ),
    *cases(F.maximum_scalar, [normal(2, 3)], {"val": [1.0, -0.5]}, expect=lambda x, val: np.maximum(x, val)),
    *cases(F.minimum_scalar, [normal(2, 3)], {"val": [1.0, -0.5]}, expect=lambda x, val: np.minimum(x, val)),
    *cases(
        F.sign,
        [given([-2.0, 0.0, 3.0, -0.0])],
        {"alpha": [1.0, 0.0, -0.5]},
        expect=lambda x, alpha: np.where(x == 0, alpha, np.sign(x)),
        grad=False,
    ),
    *cases(F.where, [choice([0, 1], 2, 3), normal(2, 3), normal(2, 3)], expect=np.where, grad=[1, 2]),
    *cases(
        F.where,
        [choice([0, 2], 2, 3), normal(2, 3, 4), normal(2, 3, 4)],
        expect=lambda c, x, y: np.where(c[..., None], x, y),
        grad=[1, 2],
        label="leading",
    ),
    *cases(F.where, [choice([0, 2], 2, 3), normal(3), normal(2, 1)], expect=np.where, grad=[1, 2], label="broadcast"),
    *cases(F.where, [given([0.0, 1.0, NAN]), given([NAN, 1, 2]), given([3, INF, 4])], expect=np.where, grad=False),
    *cases(F.where, [given(1.0), normal(), normal()], expect=np.where, grad=[1, 2], label="0-d"),
    *cases(F.where, [normal(0, 2), normal(0, 2), normal(0, 2)], expect=np.where, grad=[1, 2], label="empty"),
]
test_conformance = conformance(CASES)

SEQUENCE = np.array([[1, 2, 2, 3], [-4, 0, 6, 7]], np.float32)
VALUES = np.array([[0, 2, 2.5, 3, 9], [-5, -4, 0, 1, 8]], np.float32)


def per_row(sequence, values, right=False):
    rows = zip(sequence.reshape(-1, sequence.shape[-1]), values.reshape(-1, values.shape[-1]))
    side = "right" if right else "left"
    return np.array([np.searchsorted(s, v, side) for s, v in rows]).reshape(values.shape)


test_searchsorted = conformance(
    [
        *cases(F.searchsorted, [given(SEQUENCE), given(VALUES)], {"right": [False, True]}, expect=per_row, grad=False),
        *cases(F.searchsorted, [given(SEQUENCE[0]), given(VALUES[0])], expect=per_row, grad=False),
        *cases(
            F.searchsorted,
            [given(SEQUENCE.reshape(2, 1, 4)), given(VALUES.reshape(2, 1, 5))],
            {"right": True},
            expect=per_row,
            grad=False,
        ),
        *cases(
            F.searchsorted,
            [given(np.zeros((2, 0))), given(VALUES)],
            expect=lambda s, v: np.zeros((2, 5)),
            grad=False,
            label="empty",
        ),
    ]
)


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
