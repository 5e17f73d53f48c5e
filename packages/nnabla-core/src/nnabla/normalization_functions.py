"""Normalizations: the public path of those of ``nnabla.functions`` that can return statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla import ops
from nnabla.composed.normalization import (
    batch_normalization,
    fused_batch_normalization,
    group_normalization,
    instance_normalization,
    layer_normalization,
    sync_batch_normalization,
    tensor_normalization,
    weight_standardization,
)

__all__ = [
    "BatchNormalizationInOutAdapter",
    "batch_normalization",
    "fused_batch_normalization",
    "group_normalization",
    "instance_normalization",
    "layer_normalization",
    "sync_batch_normalization",
    "tensor_normalization",
    "weight_standardization",
]


class BatchNormalizationInOutAdapter:
    """Brings several axes together as the last one, and back.

    Batch normalization takes any number of axes itself; this is for operators that take one.

    Args:
        ndim: Number of dimensions of what is adapted.
        axes: The axes that become one.
    """

    def __init__(self, ndim: int, axes: Sequence[int]) -> None:
        self.axes = [a % ndim for a in axes]
        self.order = [a for a in range(ndim) if a not in self.axes] + self.axes

    def __call__(self, x: Any) -> Any:
        """Return ``x`` with the axes moved to the end and flattened to one."""
        x = ops.transpose(x, self.order)
        split = len(self.order) - len(self.axes)
        self.sizes = x.shape[split:]
        return ops.reshape(x, (*x.shape[:split], -1), False)

    def inv(self, y: Any) -> Any:
        """Return what has the adapted layout in the layout of the last ``x`` that was adapted."""
        y = ops.reshape(y, (*y.shape[:-1], *self.sizes), False)
        return ops.transpose(y, [self.order.index(a) for a in range(len(self.order))])
