"""Pooling, against loops over windows in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.pooling import (
    AVERAGE,
    CASES,
    GLOBAL_AVERAGE_POOLING,
    MAX,
    MAX_POOLING_BACKWARD,
    UNPOOLING,
)

test_pooling = conformance(CASES)

test_global_average_pooling = conformance(GLOBAL_AVERAGE_POOLING)


test_unpooling = conformance(UNPOOLING)


test_max_pooling_backward = conformance(MAX_POOLING_BACKWARD)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "whole", "cut"),
    [(7, 2, 2, 0, 3, 4), (7, 3, 1, 0, 5, 7), (7, 3, 2, 1, 4, 4), (5, 2, 3, 1, 2, 2), (1, 3, 3, 0, 1, 1)],
)
def test_number_of_windows_with_and_without_border(size, kernel, stride, pad, whole, cut) -> None:
    # Expectations from nnabla 1.39.0.
    x = nn.Variable((1, 1, size, 1))
    for ignore_border, expected in ((True, whole), (False, cut)):
        y = F.sum_pooling(x, (kernel, 1), (stride, 1), ignore_border, (pad, 0))
        assert y.shape == (1, 1, expected, 1)


def test_a_window_larger_than_the_input_is_cut_off() -> None:
    x = nn.Variable.from_numpy_array([[[[1.0], [3.0]]]])
    y = F.average_pooling(x, (3, 1), (2, 1))
    y.forward()
    np.testing.assert_allclose(y.d, [[[[2.0]]]])


def test_the_first_of_equal_values_gets_the_gradient() -> None:
    x = nn.Variable.from_numpy_array(np.ones((1, 1, 2, 2)), need_grad=True)
    y = F.max_pooling(x, (2, 2))
    y.forward()
    x.grad.zero()
    y.backward()
    np.testing.assert_array_equal(x.g, [[[[1, 0], [0, 0]]]])


def test_padding_is_never_the_largest_value() -> None:
    x = nn.Variable.from_numpy_array(np.full((1, 1, 2, 2), -5.0))
    y = F.max_pooling(x, (2, 2), (1, 1), pad=(1, 1))
    y.forward()
    np.testing.assert_array_equal(y.d, np.full((1, 1, 3, 3), -5.0))


def test_pooling_keeps_no_input_for_backward() -> None:
    x = nn.Variable((2, 3, 4, 4), need_grad=True)
    for function in (F.max_pooling, F.average_pooling, F.sum_pooling):
        f = function(x, (2, 2)).parent
        assert not f.grad_depends_input_data(0, 0)
        assert not f.grad_depends_output_data(0, 0)
        assert f.info.args["stride"] == [2, 2]
        assert f.info.args["pad"] == [0, 0]
    assert F.max_pooling(x, (2, 2)).parent.auto_grad_depends_input_data(0, 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"kernel": (2, 2, 2, 2)}, r"kernel=\(2, 2, 2, 2\) must have one entry per spatial dimension"),
        ({"kernel": (2, 2), "stride": (1,)}, r"stride=\(1,\) needs 2 entries"),
        ({"kernel": (2, 2), "stride": (0, 1)}, r"stride=\(0, 1\) must be 1 or more"),
        ({"kernel": (2, 2), "pad": (0, -1)}, r"pad=\(0, -1\) 0 or more"),
        ({"kernel": (9, 1), "stride": (1, 1)}, r"kernel=\(9, 1\) does not fit into the spatial sizes \(4, 4\)"),
    ],
)
@pytest.mark.parametrize("name", ["max_pooling", "average_pooling", "sum_pooling"])
def test_errors_name_what_does_not_fit(name, args, message) -> None:
    with pytest.raises(RuntimeError, match=f"{name}: .*{message}"):
        getattr(F, name)(nn.Variable((3, 4, 4)), **args)


def test_half_precision_is_near() -> None:
    values = np.random.RandomState(0).randn(2, 3, 4, 4)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, expect in ((F.max_pooling, MAX), (F.average_pooling, AVERAGE)):
            y = function(nn.Variable.from_numpy_array(values), (2, 2))
            y.forward()
            assert y.d.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(values, (2, 2)), atol=0.1)


def test_nan_and_infinity_pass() -> None:
    y = F.max_pooling(nn.Variable.from_numpy_array([[-np.inf, -np.inf, np.inf, 1.0]]), (2,))
    y.forward()
    np.testing.assert_array_equal(y.d, [[-np.inf, np.inf]])


def test_the_average_of_nothing_is_nan_and_has_no_gradient() -> None:
    x = nn.Variable((2, 3, 4, 0), need_grad=True)
    y = F.global_average_pooling(x)
    y.forward()
    y.backward()
    assert y.shape == (2, 3, 1, 1)
    assert np.isnan(y.d).all()
