"""What the CPU backend says of its own state: the processor, native code, threads, BLAS and kernels."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from nnabla.plugins import Check
from nnabla_ext.cpu import native, settings
from nnabla_ext.cpu.backend import BACKEND

__all__ = ["checks"]

#: What sets the number of threads of native kernels, and of the BLAS libraries that NumPy is built with.
THREAD_VARIABLES = (
    "NNABLA_CPU_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def checks() -> list[Check]:
    """The checks of ``nnabla_cli doctor``."""
    built: Any = np.show_config(mode="dicts") or {}
    return [
        _features(built.get("SIMD Extensions", {})),
        _native_code(),
        _threads(),
        _blas(built.get("Build Dependencies", {}).get("blas", {})),
        _kernels(),
    ]


def _features(simd: dict[str, list[str]]) -> Check:
    used = [*simd.get("baseline", ()), *simd.get("found", ())]
    return Check("CPU features", "ok", f"NumPy uses {', '.join(used)}" if used else "NumPy names none")


def _native_code() -> Check:
    if native.module is None:
        chosen = native.missing.startswith("NNABLA_CPU_TARGET")
        fix = "" if chosen else "pip install --force-reinstall --no-deps nnabla-ext-cpu"
        return Check("native code", "missing", f"{native.missing}: NumPy computes, several times slower", fix)
    others = ", ".join(name for name in settings.targets() if name != settings.target())
    winograd = "may be used" if settings.winograd_enabled() else "is off"
    return Check("native code", "ok", f"uses {settings.target()} (others here: {others}); Winograd {winograd}")


def _threads() -> Check:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    chosen = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if os.environ.get(name)]
    found = f"{usable} of {os.cpu_count()} processors usable"
    if native.module is not None:
        found += f", native kernels use {settings.num_threads()}"
    return Check("threads", "ok", f"{found}; {', '.join(chosen) or 'no variable limits threads'}")


def _blas(blas: dict[str, Any]) -> Check:
    if blas.get("found"):
        return Check("BLAS", "ok", f"{blas.get('name')} {blas.get('version', '')}".rstrip() + " through NumPy")
    return Check("BLAS", "missing", "NumPy was built without one, so that products of matrices are slow")


def _kernels() -> Check:
    own = f"{len(BACKEND.kernels)} forward and {len(BACKEND.backward_kernels)} backward"
    return Check("kernels", "ok", f"{own}; the other operators run by reference kernels")
