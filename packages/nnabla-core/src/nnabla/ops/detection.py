"""Suppression of boxes that overlap with better ones (non-maximum suppression)."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import operator
from nnabla.ops.internal import cast
from nnabla.ops.slicing import part
from nnabla.ops.spec import Boolean, Float, FloatArg, Int

GROUP = "Unsupported, Special Use"


def _overlaps(xp: Any, corners: Any) -> Any:
    """Return the intersection over union of all pairs of (n, 4) boxes: two corners each, lower one first."""
    low, high = corners[:, None, :2], corners[:, None, 2:]
    first, last = xp.maximum(low, corners[None, :, :2]), xp.minimum(high, corners[None, :, 2:])
    sides = xp.maximum(last - first, xp.zeros_like(last))
    common = sides[..., 0] * sides[..., 1]
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    union = area[:, None] + area[None, :] - common
    return common / xp.where(union > 0, union, xp.ones_like(union))


def _kept(xp: Any, overlapping: Any, scores: Any, present: Any) -> Any:
    """Return which boxes stay: those present that no better one that stays overlaps; the first of equals is better."""
    number = xp.arange(scores.shape[0])
    better = (scores[None, :] > scores[:, None]) | (
        (scores[None, :] == scores[:, None]) & (number[None, :] < number[:, None])
    )
    rivals = overlapping & better
    kept = present
    # The boxes' fates follow from those of better ones, so that this ends after as many steps as a chain is long.
    while True:
        found = present & ~xp.any(rivals & kept[None, :], axis=1)
        if bool(xp.all(found == kept)):
            return found
        kept = found


@operator("Suppress", internal=True, differentiable=False, outputs="kept:bool")
def suppress(corners: Float, scores: Float, overlap: FloatArg) -> Any:
    """Which boxes stay when every box that overlaps with a better one is left out, best first.

    Args:
        corners: (B, N, 4): lower and upper corner of each box.
        scores: (B, K, N); each of the K lists is for itself. Boxes with a score of 0 are not there.
        overlap: Intersection over union from above which boxes overlap.
    Returns:
        (B, K, N).
    """


@suppress.shape
def _(corners: Any, scores: Any, overlap: float) -> Any:
    return scores


@suppress.reference
def _(xp: Any, corners: Any, scores: Any, overlap: float) -> Any:
    batch, lists, n = scores.shape
    if 0 in (batch, lists, n):
        return xp.zeros(scores.shape, dtype=xp.bool)
    rows = []
    for b in range(batch):
        overlapping = _overlaps(xp, corners[b, ...]) > overlap
        rows += [_kept(xp, overlapping, scores[b, k, :], scores[b, k, :] > 0) for k in range(lists)]
    return xp.reshape(xp.stack(rows), scores.shape)


def _corners(center: Any, size: Any) -> Any:
    half = size * 0.5
    return ops.concatenate(center - half, center + half, axis=2)


@operator("NmsDetection2d", group=GROUP, differentiable=False)
def nms_detection2d(x: Float, thresh: FloatArg = 0.5, nms: FloatArg = 0.45, nms_per_class: Boolean = True) -> Any:
    """Set the scores of detections to 0 that are low, or whose boxes overlap with better ones.

    Boxes overlap where the area of their intersection, divided by that of their union, is above ``nms``:
    :math:`|A \\cap B| / |A \\cup B| > \\mathrm{nms}`

    Args:
        x: (B, N, 5 + classes): center x and y, width, height, confidence, and the probabilities of the classes.
        thresh: Confidences, and products with probabilities, that are not above it become 0.
        nms: Intersection over union from above which boxes overlap.
        nms_per_class: Compare boxes for each class by itself, by confidence times probability; else by confidence.
    Returns:
        The shape of ``x``, with confidence times probability in place of the probabilities.
    Source: Redmon, Farhadi 2017, "YOLO9000", for which such detections are.
    Example:
        >>> boxes = [[0.5, 0.5, 1, 1, 0.9, 1.0], [0.5, 0.6, 1, 1, 0.8, 1.0], [5.0, 5.0, 1, 1, 0.7, 1.0]]
        >>> x = nn.NdArray.from_numpy_array([boxes])
        >>> print(F.nms_detection2d(x).data[0, :, 5].round(4))  # the second box overlaps with the first
        [0.9 0.  0.7]
    """
    batch, n, width = x.shape
    box = _corners(part(x, 2, 0, 2), part(x, 2, 2, 4))
    confidence = part(x, 2, 4, 5)
    confidence = confidence * cast(ops.greater(confidence, thresh), "float")
    scores = confidence * part(x, 2, 5, width)
    scores = scores * cast(ops.greater(scores, thresh), "float")
    if nms_per_class:
        kept = suppress(box, ops.transpose(scores, (0, 2, 1)), nms)
        scores = scores * cast(ops.transpose(kept, (0, 2, 1)), "float")
    else:
        kept = ops.reshape(suppress(box, ops.reshape(confidence, (batch, 1, n), False), nms), (batch, n, 1), False)
        confidence, scores = confidence * cast(kept, "float"), scores * cast(kept, "float")
    return ops.concatenate(part(x, 2, 0, 4), confidence, scores, axis=2)


@nms_detection2d.resolve
def _(x: Any, thresh: float, nms: float, nms_per_class: bool) -> None:
    if len(x) != 3 or x[2] < 6:
        raise ShapeError(f"nms_detection2d: x {tuple(x)} must be (B, N, 5 + classes) with a class or more")


@operator(
    "ONNXNonMaxSuppression", group=GROUP, outputs="y:index", data_dependent=True, differentiable=False,
    snake_name="onnx_non_max_suppression",
)  # fmt: skip
def onnx_non_max_suppression(
    boxes: Float,
    scores: Float,
    center_point_box: Int = 0,
    max_output_boxes_per_class: Int = 0,
    iou_threshold: FloatArg = 0.0,
    score_threshold: FloatArg = 0.0,
) -> Any:
    """Batch, class and number of the boxes that stay when those that overlap with better ones are left out.

    Boxes overlap where :math:`|A \\cap B| / |A \\cup B| > \\mathrm{iou}`, intersection over union.

    Args:
        boxes: (B, N, 4): y and x of two opposite corners, or with ``center_point_box=1`` center x and y, width and
            height.
        scores: (B, classes, N).
        center_point_box: How boxes are given, 0 or 1.
        max_output_boxes_per_class: Largest number of boxes for each sample and class.
        iou_threshold: Intersection over union from above which boxes overlap, 0 to 1.
        score_threshold: Boxes whose score is below it are left out.
    Returns:
        (boxes that stay, 3), by sample, class and falling score.
    Source: the operator NonMaxSuppression of ONNX.
    Example:
        >>> boxes = nn.NdArray.from_numpy_array([[[0.0, 0.0, 1.0, 1.0], [0.0, 0.1, 1.0, 1.1], [5.0, 5.0, 6.0, 6.0]]])
        >>> scores = nn.NdArray.from_numpy_array([[[0.9, 0.8, 0.7]]])
        >>> settings = dict(max_output_boxes_per_class=2, iou_threshold=0.5)
        >>> print(F.onnx_non_max_suppression(boxes, scores, **settings).data)
        [[0 0 0]
         [0 0 2]]
    """


@onnx_non_max_suppression.shape
def _(boxes: Any, scores: Any, **_: Any) -> Any:
    return (0, 3)


@onnx_non_max_suppression.resolve
def _(boxes: Any, scores: Any, center_point_box: int, iou_threshold: float, **_: Any) -> None:
    fits = len(boxes) == 3 and len(scores) == 3 and boxes[2] == 4
    if not fits or (boxes[0], boxes[1]) != (scores[0], scores[2]):
        raise ShapeError(
            f"onnx_non_max_suppression: boxes {tuple(boxes)} must be (B, N, 4), and scores {tuple(scores)} "
            "(B, classes, N)"
        )
    if center_point_box not in (0, 1) or not 0 <= iou_threshold <= 1:
        raise ArgumentError(
            f"onnx_non_max_suppression: center_point_box={center_point_box} must be 0 or 1 and "
            f"iou_threshold={iou_threshold} from 0 to 1"
        )


@onnx_non_max_suppression.reference
def _(
    xp: Any,
    boxes: Any,
    scores: Any,
    center_point_box: int,
    max_output_boxes_per_class: int,
    iou_threshold: float,
    score_threshold: float,
    dtype: Any,
) -> Any:
    first, second = boxes[..., :2], boxes[..., 2:]
    if center_point_box:
        first, second = first - second / 2, first + second / 2
    corners = xp.concat([xp.minimum(first, second), xp.maximum(first, second)], axis=2)
    rows = []
    for b in range(scores.shape[0]):
        overlapping = _overlaps(xp, corners[b, ...]) > iou_threshold
        for c in range(scores.shape[1]):
            score = scores[b, c, :]
            order = xp.argsort(score, descending=True, stable=True)
            kept = xp.take(_kept(xp, overlapping, score, score >= score_threshold), order)
            chosen = xp.take(order, xp.nonzero(kept)[0])
            number = xp.astype(chosen[: min(max(max_output_boxes_per_class, 0), chosen.shape[0])], dtype)
            rows.append(xp.stack([xp.full_like(number, b), xp.full_like(number, c), number], axis=1))
    return xp.concat(rows, axis=0) if rows else xp.zeros((0, 3), dtype=dtype)
