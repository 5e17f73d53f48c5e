"""The backend object: NumPy's namespace, host arrays, and the kernels that beat the reference ones."""

from __future__ import annotations

from typing import Any

import array_api_compat.numpy as xp

from nnabla.array.library import HOST, ArrayLibrary
from nnabla.context import Context
from nnabla.plugins.backend import Backend
from nnabla_ext.cpu.kernels import ACCUMULATE_KERNELS, BACKWARD_KERNELS, FORWARD_KERNELS
from nnabla_ext.cpu.solver_kernels import GRADIENT_KERNELS, SOLVER_KERNELS

__all__ = ["BACKEND", "CpuBackend"]


class CpuBackend(Backend):
    """NumPy on the host."""

    name = "cpu"
    distribution = "nnabla-ext-cpu"
    array_classes = ("CpuCachedArray", "CpuArray", "CpuDlpackArray")
    namespace: Any = xp
    kernels = FORWARD_KERNELS
    backward_kernels = BACKWARD_KERNELS
    accumulate_kernels = ACCUMULATE_KERNELS
    solver_kernels = SOLVER_KERNELS
    gradient_kernels = GRADIENT_KERNELS

    def library(self, device_id: str) -> ArrayLibrary:
        return HOST

    def context(self, device_id: str = "", type_config: str = "float", **options: Any) -> Context:
        # There is one CPU, and NNabla 1.39 leaves its number out of contexts.
        return super().context(device_id="", type_config=type_config, **options)

    def devices(self) -> list[str]:
        return ["0"]


BACKEND = CpuBackend()
