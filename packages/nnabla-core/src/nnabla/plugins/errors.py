"""Exceptions of the plugin system.

All derive from :class:`PluginError`, a ``RuntimeError``, and from the built-in exception that a
caller would expect in the same place.
"""

from __future__ import annotations

__all__ = [
    "PluginConflictError",
    "PluginConflictWarning",
    "PluginContractError",
    "PluginError",
    "PluginKindError",
    "PluginLoadError",
    "PluginNotFoundError",
]


class PluginError(RuntimeError):
    """Something is wrong with a plugin.

    Attributes:
        details: Traceback of the cause as text, or an empty string. The traceback itself is not
            kept, because it would keep the caller's local variables alive with it.
    """

    details: str = ""


class PluginNotFoundError(PluginError, ModuleNotFoundError):
    """No installed distribution offers the plugin that was asked for.

    Attributes:
        name: The name asked for.
    """

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


class PluginLoadError(PluginError, ImportError):
    """The plugin is installed but its import, or its hook, raised; ``__cause__`` is what it was."""


class PluginContractError(PluginError, TypeError):
    """The plugin was loaded but does not keep the contract (version, hook, type or name)."""


class PluginConflictError(PluginError, ValueError):
    """Two plugins of one kind have the same name."""


class PluginConflictWarning(RuntimeWarning):
    """Several distributions offer an operator or a format; the warning says which of them is used."""


class PluginKindError(PluginError, ValueError):
    """There is no such kind of plugin."""
