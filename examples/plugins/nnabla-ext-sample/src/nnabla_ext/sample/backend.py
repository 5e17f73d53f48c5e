"""The backend ``sample``: PyTorch's tensors on the CPU, computed on by reference kernels alone.

PyTorch is imported when the backend is first used, so that the distribution's other plugins work without it.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import array_api_compat.numpy
import numpy as np

import nnabla as nn
from nnabla.array.library import ArrayLibrary
from nnabla.ops.definition import find_operator
from nnabla.plugins import Backend

__all__ = ["BACKEND", "INSTALL", "SampleBackend"]

INSTALL = "pip install 'nnabla-ext-sample[torch]'"


class Tensors(ArrayLibrary):
    name = "torch"

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def from_numpy(self, array: np.ndarray) -> Any:
        return self.xp.asarray(np.array(array, order="C"))  # the tensor shares the copy's memory

    def to_numpy(self, array: Any) -> np.ndarray:
        return array.numpy()

    def full(self, shape: Sequence[int], value: float, dtype: np.dtype) -> Any:
        return self.xp.full(tuple(shape), value, dtype=getattr(self.xp, np.dtype(dtype).name))

    def cast(self, array: Any, dtype: np.dtype) -> Any:
        return array.to(getattr(self.xp, np.dtype(dtype).name))

    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        return array.reshape(tuple(shape))

    def copy(self, array: Any) -> Any:
        return array.clone()

    def dtype(self, array: Any) -> np.dtype:
        return np.dtype(str(array.dtype).removeprefix("torch."))

    def assign(self, target: Any, source: Any) -> Any:
        return target.copy_(source)

    def add(self, target: Any, source: Any) -> Any:
        return target.add_(source)


def draw(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    """RandomIntegers, by NumPy: PyTorch does not calculate with the unsigned integers of the generator."""
    dtype = np.dtype(str(args["dtype"]).removeprefix("torch."))
    wanted = {name: args[name] for name in ("state", "lane", "shape", "span", "low")} | {"dtype": dtype}
    kernel: Any = find_operator("RandomIntegers").reference_kernel
    return xp.asarray(kernel(array_api_compat.numpy, **wanted))


class SampleBackend(Backend):
    name = "sample"
    distribution = "nnabla-ext-sample"
    array_classes = ("SampleArray",)
    kernels: Mapping[str, Any] = {"RandomIntegers": draw}

    @cached_property
    def namespace(self) -> Any:
        if not self.devices():
            raise RuntimeError(f"backend 'sample' needs PyTorch, which is not installed; {INSTALL}")
        return importlib.import_module("array_api_compat.torch")

    @cached_property
    def tensors(self) -> Tensors:
        return Tensors(self.namespace)

    def devices(self) -> list[str]:
        return ["0"] if importlib.util.find_spec("torch") else []

    def library(self, device_id: str) -> ArrayLibrary:
        return self.tensors

    def context(self, device_id: str = "", type_config: str = "float", **options: Any) -> nn.Context:
        self.library(device_id)  # says at once if PyTorch is missing
        return super().context(device_id, type_config, **options)

    def supports(self, op: Any, args: Mapping[str, Any]) -> bool:
        return op.name != "Unique"  # the one thing that PyTorch lacks of what reference kernels call


BACKEND = SampleBackend()
