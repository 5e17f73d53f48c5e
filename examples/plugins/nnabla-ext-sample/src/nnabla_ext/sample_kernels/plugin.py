"""What NNabla calls for ``sample_kernels``."""

from __future__ import annotations

from nnabla.plugins import Backend, hookimpl
from nnabla_ext.sample_kernels.backend import BACKEND


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_backend() -> Backend:
    return BACKEND
