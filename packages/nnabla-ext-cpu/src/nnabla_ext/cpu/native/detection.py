"""Suppression of overlapping boxes by native code."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.plugins.backend import ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["FORWARD_KERNELS"]

Array = np.ndarray


def _suppress(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    return module.suppress(*inputs, args["overlap"])


def _non_max_suppression(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    most, thresholds = args["max_output_boxes_per_class"], (args["iou_threshold"], args["score_threshold"])
    found = module.suppressed(*inputs, args["center_point_box"] != 0, most, *thresholds)
    return found.astype(args["dtype"], copy=False)


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "ONNXNonMaxSuppression": _non_max_suppression,
    "Suppress": _suppress,
}
