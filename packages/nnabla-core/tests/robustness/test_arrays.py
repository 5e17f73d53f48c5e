"""Wrong values and shapes for arrays are errors that name them, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF


def three() -> nn.Variable:
    return nn.Variable.from_numpy_array(np.arange(12.0).reshape(4, 3))


def assign(name: str, value: Any) -> Callable[[nn.Variable], None]:
    return lambda x: setattr(x, name, value)


def put(key: Any, value: Any) -> Callable[[nn.Variable], None]:
    return lambda x: x.__setitem__(key, value)


def put_now(key: Any, value: Any) -> Callable[[nn.Variable], None]:
    return lambda x: x.data.__setitem__(key, value)


REFUSED: dict[str, tuple[Callable[[nn.Variable], Any], type[Exception], str]] = {
    "data of another shape": (
        assign("d", np.ones(5)),
        ValueError,
        r"values of shape \(5,\) do not broadcast to \(4, 3\)",
    ),
    "a gradient of another shape": (assign("g", np.ones(5)), ValueError, r"shape \(5,\) do not broadcast to \(4, 3\)"),
    "another array": (assign("data", nn.NdArray((2,))), ValueError, r"has shape \(4, 3\), the NdArray \(2,\)"),
    "no array": (assign("data", np.ones((4, 3))), TypeError, "an NdArray is expected, not ndarray"),
    "a string": (assign("d", "abc"), TypeError, "values of dtype <U3 can't be held; give real numbers"),
    "an object": (assign("d", object()), TypeError, "values of dtype object can't be held"),
    "a complex number": (assign("d", 1j), TypeError, "values of dtype complex128 can't be held"),
    "rows of two lengths": (assign("d", [[1, 2], [3]]), ValueError, r"\[\[1, 2\], \[3\]\] is no array"),
    "a name that is none": (assign("name", 3), TypeError, "Variable.name: a str is expected, not 3"),
    "a dtype that is none": (lambda x: x.data.cast("flat"), TypeError, "'flat' is no dtype"),
    "a dtype of strings": (lambda x: x.data.cast("S3"), TypeError, r"values of dtype \|S3 can't be held"),
    "a mode that is none": (lambda x: x.data.get_data("x"), AssertionError, "mode is one of 'r', 'w', 'rw', not 'x'"),
    "filled with a string": (lambda x: x.data.fill("1"), TypeError, "NdArray.fill: a real number is expected, not '1'"),
    "filled with nothing": (lambda x: x.data.fill(None), TypeError, "a real number is expected, not None"),
    "rows beyond the last": (lambda x: x.data.narrow(0, 3, 4), RuntimeError, r"rows 3 to 7 are not within the 4 rows"),
    "rows before the first": (lambda x: x.data.narrow(0, -1, 1), RuntimeError, r"rows -1 to 0 are not within"),
    "another axis": (lambda x: x.data.narrow(1, 0, 1), RuntimeError, "only dim 0 can be narrowed"),
    "another size": (
        lambda x: x.reset_shape((5,)),
        RuntimeError,
        r"\(4, 3\) has 12 elements, \(5,\) has 5; pass force",
    ),
    "a negative size": (lambda x: x.reset_shape((-4, -3)), ValueError, "no negative sizes"),
    "another view": (lambda x: x.data.view((5,)), RuntimeError, r"NdArray.view: \(4, 3\) has 12 elements"),
    "an index too many": (lambda x: x[0, 0, 0], IndexError, "3 were given for an array of 2 dimensions"),
    "an index too large": (lambda x: x[4], IndexError, r"index 4 is out of range for dimension 0 of \(4, 3\)"),
    "an index of no kind": (lambda x: x["a"], TypeError, "invalid index 'a' of type str"),
    "assigned beyond": (put(4, 1), IndexError, "index 4 is out of range for dimension 0"),
    "assigned a string": (put(0, "a"), TypeError, "numbers are assigned, not values of dtype <U1"),
    "assigned another shape": (put(0, np.ones(7)), ValueError, r"\(7,\) does not broadcast to"),
    "assigned at once beyond": (put_now(4, 1), IndexError, "index 4 is out of range for dimension 0"),
    "assigned at once a string": (put_now(0, "a"), TypeError, "numbers are assigned, not values of dtype <U1"),
    "assigned at once another shape": (put_now(0, np.ones(7)), ValueError, r"shape \(7,\) can't be assigned"),
}


@pytest.mark.parametrize(("change", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_the_values_stay(change: Any, error: type[Exception], message: str) -> None:
    x = three()
    with pytest.raises(error, match=message) as caught:
        change(x)
    assert isinstance(caught.value, RuntimeError)
    assert x.shape == (4, 3)
    np.testing.assert_array_equal(x.d, np.arange(12.0).reshape(4, 3))
    y = F.mul_scalar(x, 2)
    y.forward()
    np.testing.assert_array_equal(y.d, 2 * np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize("values", ["abc", None, [[1], [1, 2]], np.ones(2, complex), [object()]])
def test_what_is_no_array_of_numbers_makes_no_variable(values: Any) -> None:
    with pytest.raises(RuntimeError, match="NdArray: "):
        nn.Variable.from_numpy_array(values)


HUGE = (2**25, 2**20)
BEYOND_MEMORY: dict[str, tuple[Callable[[], Any], str]] = {
    "data": (lambda: nn.NdArray(HUGE).data, r"140,737,488,355,328 bytes for an array of shape \(33554432, 1048576\)"),
    "another dtype": (lambda: nn.NdArray(HUGE).cast(np.float64), "281,474,976,710,656 bytes"),
    "a constant": (
        lambda: F.tanh(F.constant(1, HUGE)).forward(),
        r"tanh: .*140,737,488,355,328 bytes for an array of shape \(33554432, 1048576\)",
    ),
    "a copy": (lambda: nn.NdArray.from_numpy_array(np.broadcast_to(np.float32(1), HUGE)), "140,737,488,355,328 bytes"),
    "an operator at once": (lambda: F.tanh(nn.NdArray(HUGE)), "140,737,488,355,328 bytes"),
    "a gradient": (
        lambda: F.sum(nn.Variable(HUGE, need_grad=True)).backward(),
        "sum: there is not enough memory .inputs",
    ),
    "a range": (lambda: F.arange(0, 2.0**50).forward(), "arange: there is not enough memory"),
    "a parameter": (
        lambda: PF.affine(nn.Variable((2, 3)), 2**45, name="huge"),
        r"parameter 'W' of shape \(3, 35184372088832\)",
    ),
}


@pytest.mark.parametrize(("make", "message"), BEYOND_MEMORY.values(), ids=BEYOND_MEMORY)
def test_memory_that_is_not_there_is_told_in_bytes_or_by_name(make: Any, message: str) -> None:
    with pytest.raises(MemoryError, match=message) as caught:
        make()
    assert isinstance(caught.value, RuntimeError)
    assert "huge/affine/W" not in nn.get_parameters()
