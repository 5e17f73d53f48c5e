"""What a program chooses of the native code: threads, Winograd's convolutions, the memory that is kept.

Environment variables choose the same before a program starts; `nnabla_ext.cpu.native` reads and checks them.
"""

from __future__ import annotations

import operator
from typing import Any

from nnabla.errors import ArgumentError, ArgumentTypeError, StateError, shown

__all__ = [
    "MOST_THREADS",
    "enable_winograd",
    "num_threads",
    "release_memory",
    "set_num_threads",
    "target",
    "targets",
    "winograd_enabled",
]

#: More threads than this are taken for a mistake.
MOST_THREADS = 1024


def set_num_threads(n: int) -> None:
    """Set on how many threads native kernels run, in the whole process from the next operator on.

    Results are the same, bit for bit, for the same number of threads.

    Args:
        n: 1 to 1024, or 0 for what ``NNABLA_CPU_NUM_THREADS`` or ``OMP_NUM_THREADS`` says, else one for each processor
            that the process may use.

    Raises:
        ArgumentError: ``n`` is out of range.
        ArgumentTypeError: ``n`` is no integer.
        StateError: There is no native code here.
    """
    try:
        count = operator.index(n)
    except TypeError:
        raise ArgumentTypeError(f"set_num_threads: n is {shown(n)}, but must be an integer") from None
    if not 0 <= count <= MOST_THREADS:
        raise ArgumentError(f"set_num_threads: n is {count}, but must be 1 to {MOST_THREADS}, or 0 for the default")
    _native("set_num_threads").set_thread_count(count)


def num_threads() -> int:
    """Return on how many threads native kernels run.

    Raises:
        StateError: There is no native code here.
    """
    return int(_native("num_threads").thread_count())


def enable_winograd(enabled: bool) -> None:
    """Let 3x3 convolutions use Winograd's algorithm where that is faster, or forbid it.

    It multiplies less than half as much, and rounds more: errors in float32 are about 5e-5 of the results' standard
    deviation, those of direct convolutions 1e-6. ``NNABLA_CPU_WINOGRAD=0`` forbids it from the start.

    Raises:
        ArgumentTypeError: ``enabled`` is neither True nor False.
        StateError: There is no native code here.
    """
    if enabled is not True and enabled is not False:
        raise ArgumentTypeError(f"enable_winograd: enabled is {shown(enabled)}, but must be True or False")
    _native("enable_winograd").enable_winograd(enabled)


def winograd_enabled() -> bool:
    """Return whether convolutions may use Winograd's algorithm; False where there is no native code."""
    module = _module()
    return module is not None and bool(module.winograd_enabled())


def targets() -> list[str]:
    """Return the instruction sets that ``NNABLA_CPU_TARGET`` may name here, the fastest first.

    They are those that the native module was built for and this processor has: ``avx512``, ``avx2``, ``baseline``. The
    last is always ``numpy``: no native code.
    """
    module = _module()
    return [*(module.targets() if module is not None else ()), "numpy"]


def target() -> str:
    """Return the one of :func:`targets` that is in use."""
    module = _module()
    return "numpy" if module is None else str(module.target())


def release_memory() -> int:
    """Give the memory that is kept for the next results back to the system.

    Returns:
        How many bytes these were; 0 where there is no native code, which keeps it.
    """
    module = _module()
    if module is None:
        return 0
    kept = int(module.memory()[1])
    module.release_memory()
    return kept


def _module() -> Any:
    from nnabla_ext.cpu import native  # not before it is needed: loading it reads the environment

    return native.module


def _native(asked: str) -> Any:
    from nnabla_ext.cpu import native

    if native.module is None:
        raise StateError(
            f"nnabla_ext.cpu.{asked}: there is no native code here ({native.missing}), so NumPy computes, which takes"
            " its number of threads from OMP_NUM_THREADS and knows no Winograd"
        )
    return native.module
