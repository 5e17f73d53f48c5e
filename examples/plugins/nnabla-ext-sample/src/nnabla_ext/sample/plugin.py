"""What NNabla calls for ``sample``."""

from __future__ import annotations

import importlib.metadata

from nnabla.plugins import Backend, Check, hookimpl
from nnabla_ext.sample.backend import BACKEND, INSTALL


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_backend() -> Backend:
    return BACKEND


@hookimpl
def nnabla_doctor() -> list[Check]:
    if not BACKEND.devices():
        return [Check("PyTorch", "missing", "not installed; the other plugins of the distribution work", INSTALL)]
    return [Check("PyTorch", "ok", importlib.metadata.version("torch"))]
