"""The cases of the core's operators, a module for each family of :mod:`nnabla.ops`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from nnabla.testing.cases import Case

__all__ = ["cases_of", "families"]


def families() -> dict[str, list[Case]]:
    """Return the cases of each family by the name of its module.

    Raises:
        ImportError: SciPy, with which some expectations are computed, is missing: ``nnabla-core[testing]`` brings it.
    """
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name: cases_of(importlib.import_module(f"{__name__}.{name}")) for name in names}


def cases_of(module: ModuleType) -> list[Case]:
    """Return the cases in the lists of a module, each once."""
    found: dict[int, Case] = {}
    for value in vars(module).values():
        if isinstance(value, list):
            found.update((id(case), case) for case in value if isinstance(case, Case))
    return list(found.values())
