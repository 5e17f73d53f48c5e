"""Non-maximum suppression, against values of nnabla 1.39.0 and a greedy loop."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.detection import CASES, ONNX

test_conformance = conformance(CASES)

X = np.array(
    [[[0.2, 0.2, 0.2, 0.2, 0.9, 0.5508, 0.7081], [0.22, 0.2, 0.2, 0.2, 0.8, 0.2909, 0.5108],
      [0.6, 0.6, 0.2, 0.2, 0.7, 0.8929, 0.8963], [0.61, 0.6, 0.2, 0.2, 0.95, 0.1256, 0.2072],
      [0.2, 0.21, 0.2, 0.2, 0.6, 0.0515, 0.4408], [0.9, 0.9, 0.2, 0.2, 0.3, 0.0299, 0.4568]]]
)  # fmt: skip


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ({}, [[0.9, 0, 0.6373], [0.8, 0, 0], [0.7, 0.625, 0.6274], [0.95, 0, 0], [0.6, 0, 0], [0, 0, 0]]),
        (dict(nms_per_class=False), [[0.9, 0, 0.6373], [0, 0, 0], [0, 0, 0], [0.95, 0, 0], [0, 0, 0], [0, 0, 0]]),
        (
            dict(thresh=0.2, nms=0.9),
            [
                [0.9, 0.4957, 0.6373],
                [0.8, 0.2327, 0.4086],
                [0.7, 0.625, 0.6274],
                [0.95, 0, 0],
                [0.6, 0, 0],
                [0.3, 0, 0],
            ],
        ),
    ],
)
def test_detections_are_those_of_nnabla_1(args, expected) -> None:
    y = F.nms_detection2d(nn.Variable.from_numpy_array(X), **args)
    y.forward()
    np.testing.assert_allclose(y.d[0, :, 4:], expected, 1e-3, 1e-3)
    np.testing.assert_allclose(y.d[..., :4], X[..., :4], 1e-6)


test_onnx = conformance(ONNX)


def test_onnx_indices_are_kept_as_uint64() -> None:
    boxes = nn.Variable.from_numpy_array(np.array([[[0, 0, 1, 1], [0, 0.1, 1, 1.1], [0, 10, 1, 11.0]]]))
    scores = nn.Variable.from_numpy_array(np.array([[[0.5, 0.9, 0.7]]]))
    y = F.onnx_non_max_suppression(boxes, scores, 0, 3, 0.5, 0.0)
    y.forward()
    np.testing.assert_array_equal(y.d, [[0, 0, 1], [0, 0, 2]])
    assert y.data.dtype == np.uint64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: F.nms_detection2d(v(3, 7)), r"x \(3, 7\) must be \(B, N, 5 \+ classes\)"),
        (lambda v: F.nms_detection2d(v(1, 3, 5)), "a class or more"),
        (lambda v: F.onnx_non_max_suppression(v(1, 6, 4), v(1, 2, 5)), "must be"),
        (lambda v: F.onnx_non_max_suppression(v(1, 6, 4), v(1, 2, 6), 2), "center_point_box=2"),
    ],
)
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(lambda *shape: nn.Variable(shape))
