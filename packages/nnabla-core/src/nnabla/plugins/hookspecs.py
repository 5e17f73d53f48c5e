"""Hook specifications: what a plugin implements.

An entry point loads to a module, or to an object, that has these functions marked with
:data:`hookimpl`. Every plugin implements :func:`nnabla_contract_version` and the one hook of its
kind. Hooks are called once, when the plugin is loaded, and what they return is kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from nnabla.ops.definition import Operator
    from nnabla.plugins.backend import Backend
    from nnabla.plugins.command import Command
    from nnabla.plugins.parameter_format import ParameterFormat

__all__ = [
    "CONTRACT_VERSION",
    "hookimpl",
    "hookspec",
    "nnabla_backend",
    "nnabla_command",
    "nnabla_contract_version",
    "nnabla_operator",
    "nnabla_parameter_format",
]

CONTRACT_VERSION = 1
"""Version of the contract between the core and its plugins. It grows when a plugin written for
the version before could no longer work."""

hookspec = pluggy.HookspecMarker("nnabla")
hookimpl = pluggy.HookimplMarker("nnabla")


@hookspec
def nnabla_contract_version() -> int:  # type: ignore[empty-body]
    """Version of the contract that the plugin was written for; checked before any other hook."""


@hookspec
def nnabla_backend() -> Backend:  # type: ignore[empty-body]
    """The backend, of group ``nnabla.backends``; the entry's name is the backend's."""


@hookspec
def nnabla_operator() -> Operator:  # type: ignore[empty-body]
    """The operator, of group ``nnabla.operators``; the entry's name is its type name."""


@hookspec
def nnabla_parameter_format() -> ParameterFormat:  # type: ignore[empty-body]
    """The reader and writer of parameter files, of group ``nnabla.formats.parameters``.

    The entry's name is a suffix without its dot (``h5``); a format of several suffixes has an
    entry for each.
    """


@hookspec
def nnabla_command() -> Command:  # type: ignore[empty-body]
    """The subcommand of ``nnabla_cli``, of group ``nnabla.commands``; the entry's name is what
    the user types."""
