"""The backend object: NumPy's namespace, host arrays, and the kernels that beat the reference ones, native first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import array_api_compat.numpy as xp

from nnabla.array.library import HOST, ArrayLibrary
from nnabla.context import Context
from nnabla.plugins.backend import Backend
from nnabla_ext.cpu import native
from nnabla_ext.cpu.compilation import compile_segment
from nnabla_ext.cpu.kernels import ACCUMULATE_KERNELS, BACKWARD_KERNELS, FORWARD_KERNELS
from nnabla_ext.cpu.native.copy import converted, copied, filled
from nnabla_ext.cpu.solver_kernels import GRADIENT_KERNELS, SOLVER_KERNELS

__all__ = ["BACKEND", "CpuBackend"]


class CpuBackend(Backend):
    """NumPy on the host."""

    name = "cpu"
    distribution = "nnabla-ext-cpu"
    array_classes = ("CpuCachedArray", "CpuArray", "CpuDlpackArray")
    namespace: Any = xp
    kernels = native.over(FORWARD_KERNELS, "FORWARD_KERNELS")
    backward_kernels = native.over(BACKWARD_KERNELS, "BACKWARD_KERNELS")
    accumulate_kernels = native.over(ACCUMULATE_KERNELS, "ACCUMULATE_KERNELS")
    solver_kernels = native.over(SOLVER_KERNELS, "SOLVER_KERNELS")
    gradient_kernels = native.over(GRADIENT_KERNELS, "GRADIENT_KERNELS")

    def supports(self, op: Any, args: Mapping[str, Any]) -> bool:
        # Of a negative slope the output, which is all that the kernel's gradient reads, does not tell the sign.
        return not (op.name == "LeakyReLU" and args["alpha"] < 0)

    def library(self, device_id: str) -> ArrayLibrary:
        return HOST

    def context(self, device_id: str = "", type_config: str = "float", **options: Any) -> Context:
        # There is one CPU, and NNabla 1.39 leaves its number out of contexts.
        return super().context(device_id="", type_config=type_config, **options)

    def compile(self, segment: Any) -> Callable[[], None] | None:
        return compile_segment(segment)

    def devices(self) -> list[str]:
        return ["0"]


BACKEND = CpuBackend()

if native.module is not None:
    HOST.copied, HOST.converted, HOST.filled = copied, converted, filled
    HOST.assigned, HOST.added = native.module.assign, native.module.add
