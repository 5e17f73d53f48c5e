"""Non-maximum suppression, against a greedy loop."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, uniform


def overlap(a, b):
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    return sides.prod() / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - sides.prod())


def greedy(boxes, scores, present, threshold):
    """Numbers of the boxes that stay, best first."""
    chosen: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if present[i] and all(overlap(boxes[i], boxes[j]) <= threshold for j in chosen):
            chosen.append(int(i))
    return chosen


def detections(x, thresh=0.5, nms=0.45, nms_per_class=True):
    thresh, y = np.float32(thresh), x.copy()
    for b, sample in enumerate(x):
        boxes = np.concatenate([sample[:, :2] - sample[:, 2:4] / 2, sample[:, :2] + sample[:, 2:4] / 2], 1)
        confidence = np.where(sample[:, 4] > thresh, sample[:, 4], 0)
        scores = confidence[:, None] * sample[:, 5:]
        scores = np.where(scores > thresh, scores, 0)
        if nms_per_class:
            keep = np.zeros_like(scores)
            for c in range(scores.shape[1]):
                keep[greedy(boxes, scores[:, c], scores[:, c] > 0, nms), c] = 1
        else:
            keep = np.zeros((len(boxes), 1))
            keep[greedy(boxes, confidence, confidence > 0, nms)] = 1
            confidence = confidence * keep[:, 0]
        y[b, :, 4], y[b, :, 5:] = confidence, scores * keep
    return y


CASES = cases(
    F.nms_detection2d,
    [uniform(0.1, 1, 2, 30, 8)],
    dict(thresh=[0.2, 0.5], nms=[0.1, 0.45], nms_per_class=[True, False]),
    expect=detections,
    grad=False,
)


def suppressed(boxes, scores, center_point_box=0, max_output_boxes_per_class=0, iou_threshold=0.0, score_threshold=0.0):
    if center_point_box:
        boxes = np.concatenate([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)
    ends = boxes.reshape(*boxes.shape[:2], 2, 2)
    boxes = np.concatenate([ends.min(2), ends.max(2)], -1)
    rows = [
        (b, c, i)
        for b in range(scores.shape[0])
        for c in range(scores.shape[1])
        for i in greedy(boxes[b], scores[b, c], scores[b, c] >= score_threshold, iou_threshold)[
            :max_output_boxes_per_class
        ]
    ]
    return np.array(rows).reshape(-1, 3)


ONNX = cases(
    F.onnx_non_max_suppression,
    [uniform(0, 1, 2, 20, 4), uniform(0, 1, 2, 3, 20)],
    dict(center_point_box=[0, 1], max_output_boxes_per_class=[3, 100], iou_threshold=0.25, score_threshold=0.25),
    expect=suppressed,
    grad=False,
) + cases(
    F.onnx_non_max_suppression,
    [given([[[0.0, 0, 1, 1], [0, 0, 1, 1]]]), given(np.ones((1, 1, 2)))],
    dict(max_output_boxes_per_class=[0, 5], score_threshold=[0.0, 1.0]),
    expect=suppressed,
    grad=False,
)
