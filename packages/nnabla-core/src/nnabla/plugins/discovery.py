"""Find plugins by the metadata of installed distributions, without importing any."""

from __future__ import annotations

import importlib.metadata
import re
from dataclasses import dataclass

from nnabla.plugins.kinds import KINDS

__all__ = ["Discovery", "InstalledPlugin", "UnreadableDistribution", "discover"]


@dataclass(frozen=True)
class InstalledPlugin:
    """An entry point of one of NNabla's groups."""

    kind: str
    entry_point: importlib.metadata.EntryPoint
    distribution: str
    version: str

    @property
    def name(self) -> str:
        return self.entry_point.name

    @property
    def key(self) -> str:
        """The distribution's name as package indexes compare it."""
        return _key(self.distribution)

    @property
    def origin(self) -> str:
        """Distribution and version as messages show them."""
        return f"{self.distribution} {self.version}".rstrip()


@dataclass(frozen=True)
class UnreadableDistribution:
    """A distribution that seems to have plugins but whose entry points cannot be read."""

    distribution: str
    reason: str


@dataclass(frozen=True)
class Discovery:
    """Everything found: plugins by kind and name (several where names collide)."""

    plugins: dict[tuple[str, str], list[InstalledPlugin]]
    unreadable: list[UnreadableDistribution]


def discover() -> Discovery:
    """Read the entry points of all distributions on ``sys.path``.

    A distribution found twice counts once, where it comes first, as ``import`` has it. What is
    wrong with one distribution's metadata does not keep others from being found.
    """
    kind_of_group = {kind.group: kind.name for kind in KINDS.values()}
    plugins: dict[tuple[str, str], list[InstalledPlugin]] = {}
    unreadable = []
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        name = "an unnamed distribution"
        try:
            # Most distributions have no plugin; parsing only those that may costs a tenth.
            if "[nnabla." not in re.sub(r"\s", "", distribution.read_text(_FILE) or ""):
                continue
            name = distribution.metadata["Name"] or name
            if _key(name) in seen:
                continue
            seen.add(_key(name))
            version = distribution.version or ""
            entry_points = list(distribution.entry_points)
        except Exception as error:  # whatever a damaged installation gives
            unreadable.append(UnreadableDistribution(name, f"{type(error).__name__}: {error}"))
            continue
        for entry_point in entry_points:
            kind = kind_of_group.get(entry_point.group)
            if kind is None:
                continue
            found = plugins.setdefault((kind, entry_point.name), [])
            plugin = InstalledPlugin(kind, entry_point, name, version)
            if plugin not in found:
                found.append(plugin)
    return Discovery(plugins, unreadable)


def _key(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


_FILE = "entry_points.txt"
