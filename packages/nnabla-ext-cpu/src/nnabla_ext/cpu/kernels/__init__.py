"""Kernels that beat the reference ones on NumPy arrays, one module a family, in tables by operator type name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import (
    activation,
    affine,
    convolution,
    detection,
    indexing,
    loss,
    normalization,
    ordering,
    pooling,
    random,
    reduction,
    selection,
    sequences,
    spectral,
)

__all__ = ["ACCUMULATE_KERNELS", "BACKWARD_KERNELS", "FORWARD_KERNELS"]

FORWARD_KERNELS: dict[str, ForwardKernel] = {
    **selection.FORWARD_KERNELS,
    **activation.FORWARD_KERNELS,
    **reduction.FORWARD_KERNELS,
    **ordering.FORWARD_KERNELS,
    **detection.FORWARD_KERNELS,
    **sequences.FORWARD_KERNELS,
    **spectral.FORWARD_KERNELS,
    **loss.FORWARD_KERNELS,
    **random.FORWARD_KERNELS,
    **normalization.FORWARD_KERNELS,
    **affine.FORWARD_KERNELS,
    **convolution.FORWARD_KERNELS,
    **indexing.FORWARD_KERNELS,
    **pooling.FORWARD_KERNELS,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    **selection.BACKWARD_KERNELS,
    **activation.BACKWARD_KERNELS,
    **reduction.BACKWARD_KERNELS,
    **ordering.BACKWARD_KERNELS,
    **loss.BACKWARD_KERNELS,
    **spectral.BACKWARD_KERNELS,
}

ACCUMULATE_KERNELS: dict[str, Callable[..., Any]] = {**indexing.ACCUMULATE_KERNELS}
