"""Limits for values and for gradients, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.clipping import CASES

test_conformance = conformance(CASES)


def variable(values):
    v = nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=True)
    v.grad.zero()
    return v


def test_gradients_by_value_stay_between_the_limits() -> None:
    x, low, high = variable([[1, 2, 3], [4, 5, 6]]), variable([-0.5, 0, 0.5]), variable([0.5, 1, 1])
    y = F.clip_grad_by_value(x, low, high)
    y.forward()
    y.backward(np.array([[9, -9, 0], [-9, 0.3, 0.7]], np.float32))
    np.testing.assert_allclose(x.g, [[0.5, 0, 0.5], [-0.5, 0.3, 0.7]])
    assert not low.g.any() and not high.g.any()


@pytest.mark.parametrize("axes", [None, (0,), (-1,), (0, 1)])
def test_gradients_by_norm_get_that_norm(axes) -> None:
    x = variable(np.zeros((2, 3)))
    dy = np.arange(1, 7, dtype=np.float32).reshape(2, 3) / 100
    y = F.clip_grad_by_norm(x, 2.0, axes)
    y.forward()
    y.backward(dy)
    np.testing.assert_allclose(x.g, 2 * dy / np.sqrt((dy * dy).sum(axes, keepdims=True)), 1e-6)
    assert y.parent.info.args["axes"] == list((0, 1) if axes is None else axes)


def test_nothing_passes_at_a_limit_that_is_a_number() -> None:
    x = variable([0, 1, 2])
    y = F.clip_by_value(x, 0, 2)
    y.forward()
    y.backward()
    np.testing.assert_array_equal(x.g, [0, 1, 0])


def test_an_ndarray_makes_clipping_imperative() -> None:
    limit = nn.NdArray.from_numpy_array(np.array([1, 1], np.float32))
    for y in (F.clip_by_value(nn.Variable((2,)), limit, 2), F.clip_by_value(limit, variable([3, 0]), 2.0)):
        assert isinstance(y, nn.NdArray)
    np.testing.assert_array_equal(y.data, [2, 1])
    assert isinstance(F.clip_by_norm(limit, 1.0), nn.NdArray)


def test_bad_limits_are_named() -> None:
    x = nn.Variable((2, 3))
    for low, high, name in ((np.ones(3), 1, "min"), (0, None, "max"), ("a", 1, "min")):
        with pytest.raises(TypeError, match=f"clip_by_value: {name} must be a number, a Variable or an NdArray"):
            F.clip_by_value(x, low, high)
    for value in (0, -1.0):
        with pytest.raises(ValueError, match=f"clip_by_norm: clip_norm={value} must be positive"):
            F.clip_by_norm(x, value)
    with pytest.raises(TypeError, match="clip_by_norm: clip_norm must be a number"):
        F.clip_by_norm(x, "a")
    with pytest.raises(RuntimeError, match=r"clip_grad_by_value: max \(2, 2, 3\) does not broadcast"):
        F.clip_grad_by_value(x, nn.Variable((3,)), nn.Variable((2, 2, 3)))
    with pytest.raises(RuntimeError, match="clip_grad_by_norm: axes=2 is outside the 2 dimensions"):
        F.clip_grad_by_norm(x, axes=(2,))
