"""Operator definitions, one module a family. ``docs/operators.md`` tells how to write one."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from nnabla.ops.definition import _OPERATORS

# Every module of this package defines operators, or serves those that do: a new family is found by being here.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

_own = [op for op in _OPERATORS.values() if op.__module__.startswith(__name__) and op.name == op.type_name]
globals().update({op.snake_name: op for op in _own})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"there is no operator {name!r}; nnabla.function_bases lists them")
