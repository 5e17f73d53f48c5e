"""Load one plugin: import it, check its contract version, call its hook, check what it gave; ask how it is."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pluggy

from nnabla.plugins import hookspecs
from nnabla.plugins.check import Check
from nnabla.plugins.errors import PluginContractError, PluginError, PluginLoadError
from nnabla.plugins.hookspecs import CONTRACT_VERSION
from nnabla.plugins.kinds import Kind

__all__ = ["Loaded", "call_hooks"]


@dataclass(frozen=True)
class Loaded:
    """A plugin that was loaded.

    Attributes:
        value: What the hook of its kind returned.
        what: What messages call it.
        hooks: Its hooks; None for what was registered without any.
    """

    value: Any
    what: str
    hooks: pluggy.PluginManager | None = None

    def checks(self) -> list[Check]:
        """What its doctor hook says; a hook that fails, or returns something else, is itself what is broken."""
        if self.hooks is None or not self.hooks.hook.nnabla_doctor.get_hookimpls():
            return []
        try:
            found = _call(self.hooks, self.what, "nnabla_doctor")
        except PluginError as error:
            return [Check("nnabla_doctor", "broken", str(error))]
        if isinstance(found, list | tuple) and all(isinstance(check, Check) for check in found):
            return list(found)
        message = f"{self.what} is broken: nnabla_doctor() returned {_describe(found)}, expected a list of Check"
        return [Check("nnabla_doctor", "broken", message)]


def call_hooks(kind: Kind, name: str, origin: str, load: Callable[[], Any]) -> Loaded:
    """Load a plugin.

    Args:
        kind: Its kind.
        name: Its name.
        origin: Its distribution and version, for messages.
        load: Gives the module or object with hook implementations.

    Raises:
        PluginLoadError: ``load`` or a hook raised.
        PluginContractError: It does not keep the contract.
    """
    what = f"{kind.noun} {name!r} of {origin}"
    if kind.hook is None:
        raise PluginContractError(f"{what} cannot be used: contract version {CONTRACT_VERSION} has no {kind.noun}s")
    plugin = _guarded(load, f"{what} cannot be imported")
    # A manager of its own for each plugin: a hook call then reaches this plugin and no other.
    manager = pluggy.PluginManager("nnabla")
    manager.add_hookspecs(hookspecs)

    def register() -> None:
        manager.register(plugin)
        manager.check_pending()

    unfit = f"{what} has a hook that does not fit its specification"
    _guarded(register, unfit, PluginContractError)
    _check_version(what, _call(manager, what, "nnabla_contract_version"))
    value = _call(manager, what, kind.hook)
    expected = kind.expected_type()
    if not isinstance(value, expected):
        raise PluginContractError(
            f"{what} is broken: {kind.hook}() returned {_describe(value)}, expected "
            f"{expected.__module__}.{expected.__qualname__}"
        )
    unreadable = f"{what} is broken: its name or suffixes cannot be read"
    names = _guarded(lambda: _names(value, name), unreadable, PluginContractError)
    # What calls itself something else would be found by one name and reported by another.
    if name not in names:
        raise PluginContractError(
            f"{what} is broken: it calls itself {', '.join(map(repr, names))}, but its entry point is named {name!r}"
        )
    return Loaded(value, what, manager)


def _call(manager: pluggy.PluginManager, what: str, hook: str) -> Any:
    caller = getattr(manager.hook, hook)
    if not caller.get_hookimpls():
        raise PluginContractError(f"{what} does not implement {hook}(); mark the function with nnabla.plugins.hookimpl")
    results = _guarded(caller, f"{what} is broken: {hook}() raised")
    return results[0] if results else None


def _check_version(what: str, version: Any) -> None:
    if type(version) is not int:
        raise PluginContractError(
            f"{what} is broken: nnabla_contract_version() returned {_describe(version)}, expected an int"
        )
    if version != CONTRACT_VERSION:
        older = "the plugin" if version < CONTRACT_VERSION else "nnabla-core"
        raise PluginContractError(
            f"{what} was written for contract version {version}, this nnabla-core has version "
            f"{CONTRACT_VERSION}; upgrade {older}"
        )


def _names(value: Any, name: str) -> list[str]:
    """The names that a plugin's object has for itself."""
    return [suffix.lstrip(".") for suffix in getattr(value, "suffixes", ())] or [getattr(value, "name", name)]


def _guarded(function: Callable[[], Any], message: str, kind: type[PluginError] = PluginLoadError) -> Any:
    handled = sys.exc_info()[1]  # the caller's, if it asks for a plugin in an except clause
    try:
        return function()
    except (Exception, SystemExit) as error:  # a plugin that exits must not end the process
        failure = kind(f"{message}: {type(error).__name__}: {_text(str, error)}")
        failure.details = "".join(traceback.format_exception(error))
        _drop_tracebacks(error, handled)
        raise failure from error


def _drop_tracebacks(error: BaseException, handled: BaseException | None) -> None:
    """Drop the tracebacks of ``error`` and its causes, which keep the callers' locals alive.

    The exception that the caller was handling is none of the causes; it is unlinked.
    """
    chain: list[BaseException | None] = [error]
    seen: set[int] = set()
    while chain:
        link = chain.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        link.__traceback__ = None
        if link.__context__ is handled:
            link.__context__ = None
        chain += [link.__cause__, link.__context__]


def _describe(value: Any) -> str:
    text = _text(repr, value)
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _text(convert: Callable[[Any], str], value: Any) -> str:
    """``str`` or ``repr`` of what a plugin made, which may raise in its turn."""
    try:
        return convert(value)
    except Exception as error:
        return f"(no text: {type(error).__name__})"
