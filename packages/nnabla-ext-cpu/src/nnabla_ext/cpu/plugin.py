"""The plugin's hooks."""

from __future__ import annotations

from nnabla.plugins import Check, hookimpl
from nnabla_ext.cpu.backend import BACKEND, CpuBackend


@hookimpl
def nnabla_contract_version() -> int:
    """The contract this backend is written against."""
    return 1


@hookimpl
def nnabla_backend() -> CpuBackend:
    """The CPU backend."""
    return BACKEND


@hookimpl
def nnabla_doctor() -> list[Check]:
    """What the backend stands on here."""
    from nnabla_ext.cpu.checks import checks

    return checks()
