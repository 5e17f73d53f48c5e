"""What NNabla calls for the operator ``Snake``."""

from __future__ import annotations

from nnabla.ops.definition import Operator
from nnabla.plugins import hookimpl
from nnabla_sample.functions import snake


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_operator() -> Operator:
    return snake
