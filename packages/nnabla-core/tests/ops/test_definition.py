"""Definitions: how calls are bound, what primitives may keep and update, what goes wrong with them."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.function_bases as bases
import nnabla.functions as F
from nnabla.ops import definition
from nnabla.ops.definition import find_operator, operator
from nnabla.ops.spec import Float, FloatArg, Int
from nnabla.testing.cases import cases, normal
from nnabla.testing.conformance import conformance


@operator("TestDoubleAbs")
def double_abs(x: Float, factor: FloatArg = 2.0) -> Any:
    """Twice the absolute value, with its sign kept for the gradient: a primitive that saves."""


double_abs.saved = ("direction",)


@double_abs.shape
def _(x: Any, factor: float) -> Any:
    return x


@double_abs.saved_shape
def _(x: Any, factor: float) -> Any:
    return [(x, "float")]


@double_abs.reference
def _(xp: Any, x: Any, factor: float) -> Any:
    return xp.abs(x) * factor, xp.sign(x)


@double_abs.gradient
def _(direction: Any, dy: Any, factor: float) -> Any:
    return dy * direction * factor


@operator("TestCount", updates=("count",))
def count_up(x: Float, count: Float, step: Int = 1) -> Any:
    """The input, while ``count`` goes up: a primitive that updates."""


@count_up.shape
def _(x: Any, count: Any, step: int) -> Any:
    return x


@count_up.reference
def _(xp: Any, x: Any, count: Any, step: int) -> Any:
    return xp.asarray(x, copy=True), count + step


@count_up.gradient
def _(dy: Any) -> Any:
    return dy, None


for _op in (double_abs, count_up):  # known to this module alone
    definition._OPERATORS.pop(_op.name)

test_a_primitive_may_save = conformance(
    cases(double_abs, [normal(3, 4)], {"factor": [2.0, -0.5]}, expect=lambda x, factor: np.abs(x) * factor)
)


def test_a_primitive_may_update_its_inputs() -> None:
    x = nn.Variable.from_numpy_array(np.ones(2), need_grad=True)
    count = nn.Variable.from_numpy_array(np.zeros(1))
    y = count_up(x, count, step=3)
    for expected in (3, 6):
        y.forward()
        assert count.d == expected
    y.forward()
    x.grad.zero()
    y.backward()
    assert count.d == 9
    np.testing.assert_array_equal(x.g, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: bases.tanh(x, x), "tanh: takes at most 1 positional arguments"),
        (lambda x: bases.tanh(x, y=1), "tanh: unknown argument 'y'; it takes x"),
        (lambda x: bases.softmax(x, 0, axis=1), "softmax: argument 'axis' was given twice"),
        (lambda x: bases.add2(x), "add2: x1 must be given"),
        (lambda x: bases.concatenate(), "concatenate: at least one input must be given"),
        (lambda x: bases.tanh(None), "tanh: the input x must be given, not None"),
        (lambda x: bases.softmax(x, axis=1.5), "softmax: argument axis=1.5 can't be taken as int64"),
        (lambda x: bases.pad(x, (1, 1), mode="no"), "argument mode='no' is not known; choose one of 'constant'"),
        (lambda x: bases.reshape(x, None), "reshape: .*shape.*must be given"),
        (lambda x: F.add2(x, 3), "add2: All inputs must be Variable or NdArray, but int was given"),
    ],
)
def test_calls_that_do_not_fit_say_why(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(nn.Variable((2, 3)))


def test_definitions_show_a_signature_a_name_and_a_page() -> None:
    assert str(inspect.signature(bases.affine)).startswith("(x, weight, bias=None, base_axis=1")
    assert bases.affine.__name__ == "affine"
    assert "Fully connected" in bases.affine.__doc__
    assert repr(bases.affine) == "<operator Affine>"


def test_definitions_can_be_pickled_by_name() -> None:
    assert pickle.loads(pickle.dumps(bases.affine)) is bases.affine


def test_an_unknown_type_name_says_what_is_known() -> None:
    assert find_operator("Tanh") is bases.tanh
    with pytest.raises(RuntimeError, match="'NoSuchOperator' is not installed"):
        find_operator("NoSuchOperator")


def test_a_name_is_defined_once() -> None:
    with pytest.raises(RuntimeError, match=r"operator Tanh is already defined by nnabla\.ops\.activation"):

        @operator("Tanh")
        def tanh(x: Float) -> Any:
            """Again."""


def test_unknown_traits_and_annotations_are_refused() -> None:
    def plain(x: Float) -> Any:
        """A definition like any other."""

    with pytest.raises(TypeError, match=r"operator X: unknown traits \['colour'\]"):
        operator("X", colour=1)(plain)

    def odd(x: int) -> Any:
        """No annotation that says what x is."""

    with pytest.raises(TypeError, match="odd: parameter x has no annotation"):
        operator("Odd")(odd)


def test_a_gradient_of_another_shape_is_the_definitions_fault() -> None:
    @operator("TestWrongGradient")
    def wrong(x: Float) -> Any:
        """Twice the input, with a gradient of the wrong shape."""
        return x * 2.0

    definition._OPERATORS.pop("TestWrongGradient")

    @wrong.gradient
    def _(dy: Any) -> Any:
        from nnabla.ops.internal import zeros

        return zeros((7,))

    x = nn.Variable((2,), need_grad=True)
    y = wrong(x)
    y.forward()
    with pytest.raises(RuntimeError, match=r"the gradient of input 0 has shape \(7,\), the input has \(2,\)"):
        y.backward()
