"""Pooling of regions, against a loop over boxes, cells and points in NumPy."""

from __future__ import annotations

import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.roi import ROI_ALIGN

test_roi_align = conformance(ROI_ALIGN)


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        ([(2, 3, 8), (4, 5)], {"output_size": (2, 2)}, r"input \(2, 3, 8\) must have 4 dimensions"),
        ([(2, 3, 8, 8), (4, 4)], {"output_size": (2, 2)}, r"boxes \(4, 4\) be \(number, 5\)"),
        ([(2, 3, 8, 8), (4, 5)], {"output_size": (2,)}, r"output_size=\(2,\)"),
    ],
)
def test_errors_name_what_does_not_fit(shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.roi_align(*(nn.Variable(s) for s in shapes), **args)


def test_without_boxes_the_result_is_empty() -> None:
    y = F.roi_align(nn.Variable((2, 3, 8, 8)), nn.Variable((0, 5)), (2, 2))
    y.forward()
    assert y.d.shape == (0, 3, 2, 2)
