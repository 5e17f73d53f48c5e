"""Native kernels: the compiled module, where it is there and wanted, and the functions over it, a module a family.

The environment variable ``NNABLA_CPU_TARGET`` names the instructions to use (``avx512``, ``avx2``, ``baseline``), or
``numpy`` for none of the native code; without it the best that the processor has is used.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

__all__ = ["FAMILIES", "module", "over"]

FAMILIES = (
    "convolution",
    "elementwise",
    "gemm",
    "movement",
    "normalization",
    "pooling",
    "random",
    "recurrent",
    "reduction",
    "softmax",
    "solver",
    "winograd",
)


def _load() -> Any:
    if os.environ.get("NNABLA_CPU_TARGET") == "numpy":
        return None
    try:
        return importlib.import_module("nnabla_ext.cpu._native")
    except ImportError:
        return None


#: The compiled module, or None: then NumPy computes everything.
module: Any = _load()


def over(kernels: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return kernels by name, native ones in the place of those over NumPy; ``kind`` names the families' tables."""
    found = dict(kernels)
    if module is not None:
        for family in FAMILIES:
            found.update(getattr(importlib.import_module(f"nnabla_ext.cpu.native.{family}"), kind, {}))
    return found
