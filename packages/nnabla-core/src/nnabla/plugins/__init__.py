"""Plugins: backends, operators, file formats, communicators and commands of other distributions.

``plugins`` is the registry of this process. A plugin's author uses ``hookimpl``,
``CONTRACT_VERSION`` and the class of what the plugin gives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnabla.plugins.check import Check
from nnabla.plugins.command import Command
from nnabla.plugins.errors import (
    PluginConflictError,
    PluginConflictWarning,
    PluginContractError,
    PluginError,
    PluginKindError,
    PluginLoadError,
    PluginNotFoundError,
)
from nnabla.plugins.manager import PluginManager, PluginStatus, plugins
from nnabla.plugins.parameter_format import ParameterFormat, ParameterRecord

if TYPE_CHECKING:
    from nnabla.plugins.backend import Backend
    from nnabla.plugins.hookspecs import CONTRACT_VERSION, hookimpl

__all__ = [
    "CONTRACT_VERSION",
    "Backend",
    "Check",
    "Command",
    "ParameterFormat",
    "ParameterRecord",
    "PluginConflictError",
    "PluginConflictWarning",
    "PluginContractError",
    "PluginError",
    "PluginKindError",
    "PluginLoadError",
    "PluginManager",
    "PluginNotFoundError",
    "PluginStatus",
    "hookimpl",
    "plugins",
]

_LAZY = {
    "Backend": "nnabla.plugins.backend",
    "CONTRACT_VERSION": "nnabla.plugins.hookspecs",
    "hookimpl": "nnabla.plugins.hookspecs",
}


def __getattr__(name: str) -> Any:
    # pluggy and the backend contract are not needed to import nnabla.
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
