"""Convolutions with computed sampling places or kernels, against loops in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.sampling_convolution import ADAPTIVE_SEPARABLE_CONVOLUTION, DEFORMABLE_CONVOLUTION

test_deformable_convolution = conformance(DEFORMABLE_CONVOLUTION)


test_adaptive_separable_convolution = conformance(ADAPTIVE_SEPARABLE_CONVOLUTION)


@pytest.mark.parametrize(
    ("function", "shapes", "args", "message"),
    [
        (F.deformable_convolution, [(2, 4, 6, 6), (5, 4, 3, 3), (2, 18, 4, 4)], {}, r"offset \(2, 18, 4, 4\) must be"),
        (F.deformable_convolution, [(2, 4, 6), (5, 4, 3), (2, 6, 6)], {}, "must have 2 spatial dimensions, not 1"),
        (
            F.deformable_convolution,
            [(2, 4, 6, 6), (5, 4, 3, 3), (2, 18, 6, 6)],
            {"deformable_group": 3},
            "deformable_group=3 must divide the 4 channels",
        ),
        (
            F.deformable_convolution,
            [(2, 4, 6, 6), (5, 4, 3, 3), (2, 18, 6, 6)],
            {"pad": (2, 2)},
            "gives more windows",
        ),
        (
            F.adaptive_separable_convolution,
            [(1, 2, 5, 5), (1, 2, 4, 5), (1, 2, 4, 4)],
            {},
            "vertical_kernel .* must be",
        ),
    ],
)
def test_errors_name_what_does_not_fit(function, shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        function(*(nn.Variable(s) for s in shapes), **args)


def test_offsets_have_no_slope_where_a_sample_lies_on_the_first_zero_outside() -> None:
    x = nn.Variable.from_numpy_array(np.ones((1, 1, 3, 3)))
    offset = nn.Variable.from_numpy_array(np.zeros((1, 18, 3, 3)), need_grad=True)
    y = F.deformable_convolution(x, nn.Variable.from_numpy_array(np.ones((1, 1, 3, 3))), offset, pad=(1, 1))
    y.forward()
    np.testing.assert_allclose(y.d[0, 0], [[4, 6, 4], [6, 9, 6], [4, 6, 4]])
    offset.grad.zero()
    y.backward()
    # The first tap of the first window lies at (-1, -1), the last of the last window at (3, 3).
    assert (offset.g[0, :2, 0, 0] == 0).all()
    assert (offset.g[0, -2:, -1, -1] == 0).all()
    # The last row's middle tap slides towards the zeros below it.
    assert offset.g[0, 8, 2, 1] == -1


def test_deformable_convolution_of_no_image() -> None:
    x = nn.Variable((0, 2, 4, 4), need_grad=True)
    y = F.deformable_convolution(x, nn.Variable((3, 2, 3, 3)), nn.Variable((0, 18, 4, 4)), pad=(1, 1))
    y.forward()
    y.backward()
    assert y.shape == (0, 3, 4, 4)
