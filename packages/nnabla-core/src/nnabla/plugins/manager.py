"""The registry of plugins: finds them by entry points and loads each when it is first needed."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from nnabla.plugins.errors import (
    PluginConflictError,
    PluginConflictWarning,
    PluginError,
    PluginLoadError,
    PluginNotFoundError,
)
from nnabla.plugins.kinds import KINDS, Kind, find_kind

if TYPE_CHECKING:
    from nnabla.plugins.check import Check
    from nnabla.plugins.discovery import Discovery, InstalledPlugin
    from nnabla.plugins.loading import Loaded

__all__ = ["PluginManager", "PluginStatus", "plugins"]

IN_PROCESS = "(this process)"


@dataclass(frozen=True)
class PluginStatus:
    """What is known about one plugin.

    Attributes:
        kind: Its kind, ``"backends"`` for example; ``"?"`` if its entry points are unreadable.
        name: Name of its entry point.
        distribution: Distribution that offers it; ``"(this process)"`` if it was registered.
        version: That distribution's version.
        state: ``"loaded"``, ``"not loaded"`` (nobody needed it yet), ``"failed"``, or ``"hidden"`` by the same name
            of another distribution.
        reason: Why it failed or what hides it, otherwise empty.
        details: Traceback of the failure as text, or empty.
    """

    kind: str
    name: str
    distribution: str
    version: str
    state: str
    reason: str = ""
    details: str = ""


@dataclass
class _Slot:
    """Loading state of one plugin; ``lock`` is held by the thread that loads it."""

    lock: Any = field(default_factory=threading.RLock)
    loading: bool = False
    loaded: Loaded | None = None
    error: PluginError | None = None


class PluginManager:
    """Finds, loads and keeps plugins.

    Installed plugins are found by the entry points of :data:`nnabla.plugins.kinds.KINDS`, which
    are read once, when first needed. A plugin is imported when it is first asked for. What it
    gives, or its failure, is kept. All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._discovery: Discovery | None = None
        self._registered: dict[tuple[str, str], Any] = {}
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._values: dict[tuple[str, str], Any] = {}
        self._listeners: list[Callable[[], None]] = []

    def get(self, kind: str, name: str) -> Any:
        """The plugin ``name`` of ``kind``, loaded if it was not.

        Args:
            kind: A key of :data:`nnabla.plugins.kinds.KINDS`, such as ``"backends"``.
            name: Name of the entry point, such as ``"cpu"``.

        Returns:
            What the plugin's hook returned: a Backend, an Operator, a ParameterFormat or a Command.

        Raises:
            PluginNotFoundError: Nothing installed or registered has that name.
            PluginLoadError: The plugin's import or hook raised.
            PluginContractError: It was written for another contract version, lacks its hook, or
                the hook returned something else than its kind needs.
            PluginConflictError: Several distributions offer that backend, command or communicator. Of several
                that offer an operator or a format the first in order is used, with a PluginConflictWarning.
            PluginKindError: There is no such kind.
        """
        value = self._values.get((kind, name))
        return self._load(find_kind(kind), name) if value is None else value

    def names(self, kind: str) -> tuple[str, ...]:
        """Sorted names of the plugins of ``kind``, installed or registered; imports none.

        Raises:
            PluginKindError: There is no such kind.
        """
        find_kind(kind)
        keys = {*self._found().plugins, *list(self._registered)}
        return tuple(sorted(name for found_kind, name in keys if found_kind == kind))

    def checks(self, kind: str, name: str) -> list[Check]:
        """What a plugin says of its own state by the hook ``nnabla_doctor``; empty if it has none.

        Raises:
            PluginError: It cannot be loaded, as :meth:`get`.
        """
        self.get(kind, name)
        loaded = self._slot(find_kind(kind), name).loaded
        return [] if loaded is None else loaded.checks()

    def statuses(self, load: bool = False) -> list[PluginStatus]:
        """The state of every plugin found, by kind and name.

        Args:
            load: Load those that nobody has needed yet, so that what is broken shows.
        """
        found = self._found()
        statuses = []
        for kind in KINDS.values():
            for name in self.names(kind.name):
                slot = self._examine(kind, name, load)
                candidates = self._candidates(kind, name)
                if not candidates:
                    statuses.append(_status(kind, name, IN_PROCESS, "", slot))
                for rank, plugin in enumerate(candidates):
                    if rank and kind.first_wins:
                        reason = f"{candidates[0].origin} offers it too and comes first"
                        hidden = PluginStatus(kind.name, name, plugin.distribution, plugin.version, "hidden", reason)
                        statuses.append(hidden)
                    else:
                        statuses.append(_status(kind, name, plugin.distribution, plugin.version, slot))
        for broken in found.unreadable:
            reason = f"its entry points cannot be read ({broken.reason}); install it anew"
            statuses.append(PluginStatus("?", "?", broken.distribution, "", "failed", reason))
        return statuses

    def register(self, kind: str, name: str, plugin: Any) -> None:
        """Add a plugin for the rest of this process, without a distribution.

        Args:
            kind: A key of :data:`nnabla.plugins.kinds.KINDS`.
            name: The name it is found by.
            plugin: What an entry point would load to, a module or object with hook
                implementations; or directly what its hook would return.

        Raises:
            PluginConflictError: The name is taken.
            PluginKindError: There is no such kind.
        """
        find_kind(kind)
        found = self._found()
        with self._lock:
            if (kind, name) in self._registered or (kind, name) in found.plugins:
                raise PluginConflictError(
                    f"{KINDS[kind].noun} {name!r} exists already; choose another name or "
                    "unregister what was registered before"
                )
            self._registered[kind, name] = plugin
        self._tell()

    def unregister(self, kind: str, name: str) -> None:
        """Take back what :meth:`register` added.

        Raises:
            PluginNotFoundError: Nothing was registered so.
            PluginKindError: There is no such kind.
        """
        with self._lock:
            if (find_kind(kind).name, name) not in self._registered:
                raise PluginNotFoundError(
                    f"{KINDS[kind].noun} {name!r} was not registered in this process",
                    str(name),
                )
            del self._registered[kind, name]
            self._slots.pop((kind, name), None)
            self._values.pop((kind, name), None)
        self._tell()

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener()`` whenever a plugin is registered or unregistered in this process."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _found(self) -> Discovery:
        if self._discovery is None:
            from nnabla.plugins.discovery import discover  # importlib.metadata takes 20 ms

            with self._lock:
                if self._discovery is None:
                    self._discovery = discover()
        return self._discovery

    def _slot(self, kind: Kind, name: str) -> _Slot:
        with self._lock:
            return self._slots.setdefault((kind.name, name), _Slot())

    def _load(self, kind: Kind, name: str) -> Any:
        key = (kind.name, name)
        if key not in self._registered and key not in self._found().plugins:
            raise _not_found(kind, name, self.names(kind.name))
        slot = self._examine(kind, name, load=True)
        if slot.error is not None:
            _raise_again(slot.error)
        assert slot.loaded is not None
        return slot.loaded.value

    def _candidates(self, kind: Kind, name: str) -> list[InstalledPlugin]:
        """Those that offer a name: the distribution that the core would name first, then by distribution's name."""
        found = self._found().plugins.get((kind.name, name), [])
        own = kind.distribution(name)
        return sorted(found, key=lambda plugin: (plugin.key != own, plugin.key, plugin.entry_point.value))

    def _examine(self, kind: Kind, name: str, load: bool) -> _Slot:
        """The slot of a plugin that exists, after loading it if ``load`` says so."""
        slot = self._slot(kind, name)
        candidates = self._candidates(kind, name)
        if len(candidates) > 1 and not kind.first_wins and slot.error is None:
            slot.error = _conflict(kind, name, candidates)
        if not load:
            return slot
        # One lock a plugin: loading one may load another, and may wait for an import that a
        # second thread is in.
        with slot.lock:
            if slot.loading:
                raise PluginLoadError(f"{kind.noun} {name!r} asks for itself while it is loaded")
            if slot.loaded is None and slot.error is None:
                slot.loading = True
                try:
                    slot.loaded = self._load_once(kind, name, candidates)
                    self._values[kind.name, name] = slot.loaded.value
                except PluginError as error:
                    error.__context__ = error.__traceback__ = None  # they hold callers' frames
                    slot.error = error
                finally:
                    slot.loading = False
        return slot

    def _load_once(self, kind: Kind, name: str, candidates: list[InstalledPlugin]) -> Loaded:
        from nnabla.plugins.loading import Loaded, call_hooks  # pluggy is needed only from here on

        if candidates:
            plugin = candidates[0]
            if len(candidates) > 1:
                warning = f"{_offered(kind, name, candidates)}; {plugin.origin}'s is used; uninstall what is not wanted"
                warnings.warn(warning, PluginConflictWarning, stacklevel=5)
            return call_hooks(kind, name, plugin.origin, plugin.entry_point.load)
        registered = self._registered[kind.name, name]
        if kind.type_path is not None and isinstance(registered, kind.expected_type()):
            return Loaded(registered, f"{kind.noun} {name!r} of {IN_PROCESS}")
        return call_hooks(kind, name, IN_PROCESS, lambda: registered)


def _status(kind: Kind, name: str, distribution: str, version: str, slot: _Slot) -> PluginStatus:
    state, reason, details = "not loaded", "", ""
    if slot.error is not None:
        state, reason, details = "failed", str(slot.error), slot.error.details
    elif slot.loaded is not None:
        state = "loaded"
    return PluginStatus(kind.name, name, distribution, version, state, reason, details)


def _not_found(kind: Kind, name: str, installed: tuple[str, ...]) -> PluginNotFoundError:
    import difflib  # only a mistake needs it

    message = f"{kind.noun} {name!r} is not installed; "
    message += f"installed: {', '.join(installed)}" if installed else f"no {kind.noun} is installed"
    if close := difflib.get_close_matches(str(name), installed, n=1):
        message += f" (did you mean {close[0]!r}?)"
    if distribution := kind.distribution(str(name)):
        message += f"; `pip install {distribution}` would bring it, if that distribution has it"
    else:
        message += f"; a distribution with an entry point of group {kind.group!r} would bring it"
    return PluginNotFoundError(message, str(name))


def _conflict(kind: Kind, name: str, candidates: list[InstalledPlugin]) -> PluginConflictError:
    return PluginConflictError(f"{_offered(kind, name, candidates)}; uninstall all of them but one")


def _offered(kind: Kind, name: str, candidates: list[InstalledPlugin]) -> str:
    origins = " and ".join(f"{plugin.origin} ({plugin.entry_point.value})" for plugin in candidates)
    return f"{kind.noun} {name!r} is offered by {origins}"


def _raise_again(error: PluginError) -> NoReturn:
    """Raise a copy: an exception raised twice, or by two threads, would mix their tracebacks."""
    copy = type(error)(*error.args)
    copy.details = error.details
    raise copy from error.__cause__


plugins = PluginManager()
"""The plugins of this process."""
