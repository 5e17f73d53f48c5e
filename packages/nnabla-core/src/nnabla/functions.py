"""Functions for building networks: the operators, and what is composed of them in Python.

A name here is the operator's definition itself unless a module of ``nnabla.composed`` gives it another signature.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from nnabla import composed as _composed
from nnabla.auto_forward import get_auto_forward as get_auto_forward
from nnabla.context import get_current_context as get_current_context
from nnabla.function_bases import function_api as function_api
from nnabla.numpy_compat_functions import dot as dot
from nnabla.ops.definition import all_operators as _all_operators
from nnabla.ops.docstring import combine as _combine

_operators = {op.snake_name: op for op in _all_operators().values() if not op.internal}
globals().update(_operators)

for _found in pkgutil.iter_modules(_composed.__path__):
    _module = importlib.import_module(f"{_composed.__name__}.{_found.name}")
    for _name in _module.__all__:
        _function = globals()[_name] = getattr(_module, _name)
        if _name in _operators:
            _function.__doc__ = _combine(_function, _operators[_name].doc)

__all__ = sorted(
    name
    for name in globals()
    if not name.startswith("_") and name not in ("annotations", "importlib", "pkgutil", "Any")
)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"nnabla.functions has no function {name!r}; see nnabla.functions.__all__ for those there are")
