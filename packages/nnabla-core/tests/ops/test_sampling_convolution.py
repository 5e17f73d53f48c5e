"""Convolutions with computed sampling places or kernels, against loops in NumPy."""

from __future__ import annotations

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
