"""Pooling by native kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnabla.plugins.backend import BackwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

FORWARD_KERNELS: dict[str, Callable[..., Any]] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}
