"""What the CPU backend says of its own state: the processor, threads, BLAS and kernels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nnabla.plugins import Check
from nnabla_ext.cpu.backend import BACKEND

__all__ = ["checks"]

#: What sets the number of threads of the BLAS libraries that NumPy is built with.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def checks() -> list[Check]:
    """The checks of ``nnabla_cli doctor``."""
    built: Any = np.show_config(mode="dicts") or {}
    return [
        _features(built.get("SIMD Extensions", {})),
        _threads(),
        _blas(built.get("Build Dependencies", {}).get("blas", {})),
        _kernels(),
    ]


def _features(simd: dict[str, list[str]]) -> Check:
    used = [*simd.get("baseline", ()), *simd.get("found", ())]
    return Check("CPU features", "ok", f"NumPy uses {', '.join(used)}" if used else "NumPy names none")


def _threads() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if os.environ.get(name)]
    found = f"{usable} of {os.cpu_count()} processors usable"
    return Check("threads", "ok", f"{found}; {', '.join(chosen) or 'no variable limits the threads of BLAS'}")


def _blas(blas: dict[str, Any]) -> Check:
    if blas.get("found"):
        return Check("BLAS", "ok", f"{blas.get('name')} {blas.get('version', '')}".rstrip() + " through NumPy")
    return Check("BLAS", "missing", "NumPy was built without one, so that products of matrices are slow")


def _kernels() -> Check:
    own = f"{len(BACKEND.kernels)} forward and {len(BACKEND.backward_kernels)} backward over NumPy"
    return Check(
        "kernels", "ok", f"{own}; the other operators run by reference kernels; this version has no native code"
    )
