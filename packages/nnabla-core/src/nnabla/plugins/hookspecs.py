"""Hook specifications: what a plugin implements.

An entry point loads to a module, or to an object, that has these functions marked with
:data:`hookimpl`. Every plugin implements :func:`nnabla_contract_version` and the one hook of its
kind; the others are optional. Hooks are called once, when the plugin is loaded, and what they return is
kept, except :func:`nnabla_doctor`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from nnabla.ops.definition import Operator
    from nnabla.plugins.backend import Backend
    from nnabla.plugins.check import Check
    from nnabla.plugins.command import Command
    from nnabla.plugins.parameter_format import ParameterFormat

__all__ = [
    "CONTRACT_VERSION",
    "hookimpl",
    "hookspec",
    "nnabla_backend",
    "nnabla_command",
    "nnabla_contract_version",
    "nnabla_doctor",
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
    """Version of the contract that the plugin was written for; checked before any other hook.

    Every plugin has it. Return the number itself, not ``CONTRACT_VERSION``, which is that of the installed core.
    """


@hookspec
def nnabla_backend() -> Backend:  # type: ignore[empty-body]
    """A place that computes, of group ``nnabla.backends``; the entry's name is the backend's.

    The distribution also has a module ``nnabla_ext.<name>`` with a function ``context(**kw)``, so that
    ``nnabla.ext_utils.import_extension_module`` finds it. ``nnabla_ext`` is a namespace package: it must have no
    ``__init__.py``.
    """


@hookspec
def nnabla_operator() -> Operator:  # type: ignore[empty-body]
    """An operator's definition, of group ``nnabla.operators``; the entry's name is its type name.

    A file that names the operator finds it without importing others.
    """


@hookspec
def nnabla_parameter_format() -> ParameterFormat:  # type: ignore[empty-body]
    """The reader and writer of parameter files, of group ``nnabla.formats.parameters``.

    The entry's name is a suffix without its dot (``h5``); a format of several suffixes has an entry for each. It
    gets binary, seekable files; opening, atomic writing and naming the file in errors are the core's.
    """


@hookspec
def nnabla_command() -> Command:  # type: ignore[empty-body]
    """A subcommand of ``nnabla_cli``, of group ``nnabla.commands``; the entry's name is what the user types.

    The list of commands in ``nnabla_cli --help`` imports the plugin: what only ``run`` needs is imported there.
    """


@hookspec
def nnabla_doctor() -> list[Check]:  # type: ignore[empty-body]
    """What works and what is missing here, for ``nnabla_cli doctor``; optional, for plugins of every kind.

    It is called each time somebody asks, after the plugin was loaded: name devices, drivers, versions of what the
    plugin stands on, and the command that would bring what is missing. A plugin that fails to load cannot be
    asked, so what may be missing is best imported late.
    """
