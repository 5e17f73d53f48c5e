"""Native kernels: the compiled module, where it is there and wanted, and the functions over it, a module a family.

Environment variables choose before a program starts:

- ``NNABLA_CPU_TARGET``: the instructions to use (``avx512``, ``avx2``, ``baseline``), or ``numpy`` for none of the
  native code; without it the best that the processor has.
- ``NNABLA_CPU_NUM_THREADS``: on how many threads kernels run.
- ``NNABLA_CPU_WINOGRAD``: 0 forbids Winograd's convolutions.

A value that none of them takes is refused when the backend loads.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from nnabla.errors import ArgumentError
from nnabla.logger import logger
from nnabla_ext.cpu.settings import MOST_THREADS

__all__ = ["FAMILIES", "missing", "module", "over"]

FAMILIES = (
    "convolution",
    "copy",
    "detection",
    "elementwise",
    "factor",
    "gemm",
    "loss",
    "movement",
    "normalization",
    "pooling",
    "random",
    "recurrent",
    "reduction",
    "sampling",
    "selection",
    "softmax",
    "solver",
    "windows",
)


NAME = "nnabla_ext.cpu._native"


def _load() -> tuple[Any, str]:
    """Return the compiled module, or None and why there is none."""
    found, missing = None, ""
    wanted = os.environ.get("NNABLA_CPU_TARGET") or None
    if wanted == "numpy":
        missing = "NNABLA_CPU_TARGET=numpy"
    else:
        try:
            found = importlib.import_module(NAME)
        except ModuleNotFoundError as error:
            missing = f"{NAME} was not built for this Python" if error.name == NAME else str(error)
        except ImportError as error:
            missing = f"{NAME} does not load: {error}"
    choices = ["numpy"] if found is None else [*found.targets(), "numpy"]
    if wanted is not None and wanted not in choices:
        why = f"{missing}; " if found is None else ""
        raise ArgumentError(
            f"NNABLA_CPU_TARGET is {wanted!r}, but here it can be {' or '.join(choices)} ({why}or unset)"
        )
    _check_threads(os.environ.get("NNABLA_CPU_NUM_THREADS"))
    _check_winograd(os.environ.get("NNABLA_CPU_WINOGRAD"))
    if found is None and wanted is None:
        logger.warning(
            "nnabla-ext-cpu: there is no native code (%s), so NumPy computes, several times slower. Install a wheel"
            " that has it, or a C++ compiler and the package again; NNABLA_CPU_TARGET=numpy ends this message.",
            missing,
        )
    return found, missing


def _check_threads(text: str | None) -> None:
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_THREADS):
        raise ArgumentError(f"NNABLA_CPU_NUM_THREADS is {text!r}, but must be 1 to {MOST_THREADS}, or unset")


def _check_winograd(text: str | None) -> None:
    if text and text not in ("0", "1"):
        raise ArgumentError(f"NNABLA_CPU_WINOGRAD is {text!r}, but must be 0 or 1, or unset")


#: The compiled module, or None: then NumPy computes everything. `missing` says why it is None.
module: Any
missing: str
module, missing = _load()


def over(kernels: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return kernels by name, native ones in the place of those over NumPy; ``kind`` names the families' tables."""
    found = dict(kernels)
    if module is not None:
        for family in FAMILIES:
            found.update(getattr(importlib.import_module(f"nnabla_ext.cpu.native.{family}"), kind, {}))
    return found
