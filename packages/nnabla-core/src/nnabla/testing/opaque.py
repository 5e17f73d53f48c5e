"""Backends for tests: an opaque one that shows any reaching around the contract, and NumPy without kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnabla.array.library import HOST, ArrayLibrary
from nnabla.plugins import plugins
from nnabla.plugins.backend import DOUBLE, FLOAT, Backend, NumericTypes

__all__ = ["OpaqueBackend", "PlainBackend", "install"]


class _StrictArrays(ArrayLibrary):
    """Arrays of ``array_api_strict``: immutable here, never shared, not NumPy's."""

    name = "opaque"
    mutable = False

    def __init__(self, xp: Any) -> None:
        self.xp = xp

    def _dtype(self, dtype: np.dtype) -> Any:
        return getattr(self.xp, np.dtype(dtype).name)

    def from_numpy(self, array: np.ndarray) -> Any:
        return self.xp.asarray(np.array(array, copy=True))

    def to_numpy(self, array: Any) -> np.ndarray:
        return np.array(array._array, copy=True)

    def full(self, shape: Sequence[int], value: float, dtype: np.dtype) -> Any:
        return self.from_numpy(np.full(tuple(shape), value, dtype))

    def cast(self, array: Any, dtype: np.dtype) -> Any:
        return self.xp.astype(array, self._dtype(dtype), copy=True)

    def reshape(self, array: Any, shape: Sequence[int]) -> Any:
        return self.xp.reshape(array, tuple(shape), copy=True)

    def copy(self, array: Any) -> Any:
        return self.xp.asarray(array, copy=True)

    def own(self, result: Any, fresh: bool) -> Any:
        if not isinstance(result, type(self.xp.asarray(0.0))):
            raise TypeError(f"a kernel gave {type(result).__name__} instead of an array of this backend")
        return result if fresh else self.copy(result)

    def dtype(self, array: Any) -> np.dtype:
        return np.dtype(str(array.dtype).rpartition(".")[2])

    def assign(self, target: Any, source: Any) -> Any:
        return self.cast(source, self.dtype(target))

    def add(self, target: Any, source: Any) -> Any:
        return target + source


class OpaqueBackend(Backend):
    """Computes by reference kernels on arrays that hide everything but the array API standard.

    Attributes:
        asked: Type names of the operators it was asked to run, in order.
    """

    name = "opaque"
    distribution = "nnabla-core[testing]"
    array_classes = ("OpaqueArray",)
    types: Mapping[str, NumericTypes] = {"float": FLOAT, "double": DOUBLE}

    def __init__(self) -> None:
        import array_api_strict as xp

        self.namespace = xp
        self.asked: list[str] = []
        self._library = _StrictArrays(xp)

    def library(self, device_id: str) -> ArrayLibrary:
        return self._library

    def devices(self) -> list[str]:
        return ["0"]

    def supports(self, op: Any, args: Mapping[str, Any]) -> bool:
        self.asked.append(op.name)
        return True


class PlainBackend(Backend):
    """NumPy by reference kernels and bodies alone: what kernels of other backends are compared with."""

    name = "plain"
    distribution = "nnabla-core[testing]"
    array_classes = ("PlainArray",)

    def __init__(self) -> None:
        import array_api_compat.numpy as xp

        self.namespace = xp

    def library(self, device_id: str) -> ArrayLibrary:
        return HOST

    def devices(self) -> list[str]:
        return ["0"]


_installed: dict[str, Backend] = {}


def install() -> dict[str, Backend]:
    """Register both backends in this process (once) and return them by name."""
    if not _installed:
        for backend in (OpaqueBackend(), PlainBackend()):
            plugins.register("backends", backend.name, backend)
            _installed[backend.name] = backend
    return _installed
