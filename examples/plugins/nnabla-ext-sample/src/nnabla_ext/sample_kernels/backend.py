"""The backend ``sample_kernels``: NumPy once more, but without an array namespace, so that kernels say all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.array.library import ArrayLibrary
from nnabla.plugins import Backend
from nnabla_ext.sample_kernels.kernels import KERNELS

__all__ = ["BACKEND", "SampleKernelsBackend"]


class Arrays(ArrayLibrary):
    """NumPy arrays that count as this backend's own."""

    name = "sample_kernels"

    def from_numpy(self, array: np.ndarray) -> Any:
        return np.array(array, order="C")

    def to_numpy(self, array: Any) -> np.ndarray:
        return array

    def full(self, shape: Sequence[int], value: float, dtype: np.dtype) -> Any:
        return np.full(shape, value, dtype)

    def cast(self, array: Any, dtype: np.dtype) -> Any:
        return array.astype(dtype, copy=False)

    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        return array.reshape(shape)

    def copy(self, array: Any) -> Any:
        return np.array(array, order="C")

    def own(self, result: Any, fresh: bool) -> Any:
        return result if fresh and isinstance(result, np.ndarray) else self.copy(result)  # NumPy gives scalars

    def dtype(self, array: Any) -> np.dtype:
        return array.dtype

    def assign(self, target: Any, source: Any) -> Any:
        target[...] = source
        return target

    def add(self, target: Any, source: Any) -> Any:
        target += source
        return target


class SampleKernelsBackend(Backend):
    """Operators that have a kernel, and those whose body is made of such."""

    name = "sample_kernels"
    distribution = "nnabla-ext-sample"
    array_classes = ("SampleKernelsArray",)
    kernels = KERNELS

    def __init__(self) -> None:
        self._arrays = Arrays()

    def devices(self) -> list[str]:
        return ["0"]

    def library(self, device_id: str) -> ArrayLibrary:
        return self._arrays


BACKEND = SampleKernelsBackend()
