"""What NNabla calls for parameter files ``.npz``."""

from __future__ import annotations

from nnabla.plugins import ParameterFormat, hookimpl
from nnabla_sample.npz import NpzFormat


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_parameter_format() -> ParameterFormat:
    return NpzFormat()
