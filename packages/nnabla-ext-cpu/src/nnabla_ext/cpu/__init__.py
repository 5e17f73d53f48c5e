"""The CPU backend of NNabla: every operator on NumPy arrays, the frequent ones by native kernels."""

from __future__ import annotations

from typing import Any

from nnabla_ext.cpu.settings import (
    enable_winograd,
    num_threads,
    release_memory,
    set_num_threads,
    target,
    targets,
    winograd_enabled,
)

__all__ = [
    "context",
    "enable_winograd",
    "num_threads",
    "release_memory",
    "set_num_threads",
    "target",
    "targets",
    "winograd_enabled",
]


def context(device_id: str = "", type_config: str = "float", **kw: Any) -> Any:
    """Return a context that computes on the CPU.

    Args:
        device_id: Ignored; there is one CPU.
        type_config: ``'float'`` (float32), ``'half'`` (stores float16) or ``'double'`` (float64).
    """
    from nnabla_ext.cpu.backend import BACKEND

    return BACKEND.context(device_id=device_id, type_config=type_config, **kw)
