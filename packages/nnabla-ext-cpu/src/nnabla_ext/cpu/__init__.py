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
    "explain",
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


def explain(variable: Any, clear_buffer: bool = True, runs: int = 5) -> str:
    """Run ``forward`` of a variable some times and return a table of what it does and takes.

    Args:
        variable: The output of a graph; all that it is computed from needs data.
        clear_buffer: Run as ``forward(clear_buffer=True)`` does, in inference; else as with
            ``clear_no_need_grad=True``, in training.
        runs: Number of runs that count, 1 or more; two more come before them.
    """
    from nnabla_ext.cpu.explanation import explain as explained

    return explained(variable, clear_buffer, runs)
