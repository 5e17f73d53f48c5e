"""The plugin's hooks."""

from __future__ import annotations

from nnabla.plugins import hookimpl
from nnabla_ext.cpu.backend import BACKEND, CpuBackend


@hookimpl
def nnabla_contract_version() -> int:
    """The contract this backend is written against."""
    return 1


@hookimpl
def nnabla_backend() -> CpuBackend:
    """The CPU backend."""
    return BACKEND
