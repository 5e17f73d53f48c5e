"""Fully connected layers."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.fully_connected import AFFINE

test_affine = conformance(AFFINE)


def test_arguments_and_dependences() -> None:
    inputs = [nn.Variable(s, need_grad=True) for s in ((2, 3, 4), (4, 5), (5,))]
    f = F.affine(*inputs, base_axis=-1).parent
    assert f.info.args == {"base_axis": -1}
    depends = [[f.grad_depends_input_data(i, j) for j in range(3)] for i in range(3)]
    assert depends == [[False, True, False], [True, False, False], [False, False, False]]
    assert not any(f.grad_depends_output_data(i, 0) for i in range(3))


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        ([(2, 3, 4), (7, 5)], {}, r"affine: x \(2, 3, 4\) gives 12 features .* weight \(7, 5\) takes 7"),
        ([(2, 3), (3, 5), (3,)], {}, r"affine: bias \(3,\) must have the shape \(5,\)"),
        ([(2, 3), (3, 5)], {"base_axis": 2}, "affine: base_axis=2 is outside the 2 dimensions"),
        ([(2, 3), (3,)], {}, r"affine: .* weight \(3,\)"),
    ],
)
def test_errors_name_what_does_not_fit(shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.affine(*(nn.Variable(s) for s in shapes), **args)


def test_computes_on_arrays_at_once() -> None:
    rng = np.random.RandomState(0)
    x, w, b = (rng.randn(*s).astype(np.float32) for s in ((3, 4), (4, 5), (5,)))
    y = F.affine(*(nn.NdArray.from_numpy_array(a) for a in (x, w, b)))
    assert isinstance(y, nn.NdArray)
    np.testing.assert_allclose(y.data, x @ w + b, 1e-5, 1e-6)


def test_half_precision_is_near() -> None:
    rng = np.random.RandomState(0)
    x, w = rng.randn(3, 4), rng.randn(4, 5)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        y = F.affine(nn.Variable.from_numpy_array(x), nn.Variable.from_numpy_array(w))
        y.forward()
    assert y.d.dtype == np.float16
    np.testing.assert_allclose(y.d, x @ w, atol=0.1)
