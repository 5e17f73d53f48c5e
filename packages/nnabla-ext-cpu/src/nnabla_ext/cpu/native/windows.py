"""Windows weighted by kernels of their own, and patches compared with shifted ones, by native kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray


def _separable(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.separable(*inputs)


def _separable_backward(
    xp: Any, values: Any, grads: Any, need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Array | None]:
    return module.separable_gradient(*values, grads[0], need)


def _correlate(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.correlate(*inputs, **args)


def _correlate_backward(
    xp: Any, values: Any, grads: Any, need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Array | None]:
    return module.correlate_gradient(*values, grads[0], need, **args)


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "AdaptiveSeparableConvolution": _separable,
    "PatchCorrelation": _correlate,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "AdaptiveSeparableConvolution": BackwardKernel(_separable_backward, ("x", "vertical_kernel", "horizontal_kernel")),
    "PatchCorrelation": BackwardKernel(_correlate_backward, ("x1", "x2")),
}
