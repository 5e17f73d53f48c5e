"""The kinds of plugins: where each is found, which hook gives it and what the hook must give."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from nnabla.plugins.errors import PluginKindError

__all__ = ["KINDS", "KNOWN_FORMATS", "Kind", "find_kind"]

KNOWN_FORMATS = frozenset({"h5", "protobuf", "nnp", "nntxt", "prototxt"})
"""Suffixes, without their dot, of NNabla's own files: if one has no plugin, a distribution is
missing."""


@dataclass(frozen=True)
class Kind:
    """One kind of plugin.

    Attributes:
        name: Name in :class:`~nnabla.plugins.manager.PluginManager`'s methods.
        group: Entry-point group.
        noun: What messages call one of them.
        hook: Hook that gives the object, or None while this contract version defines none.
        type_path: ``module:Class`` of what the hook must return, imported when first needed.
        distribution: Gives the distribution that would provide a missing name, or None.
        first_wins: Whether of several distributions that offer a name the first in order is used, with a warning.
            Where it is false nobody's is: what computes, and what a command does, must not depend on an order.
    """

    name: str
    group: str
    noun: str
    hook: str | None = None
    type_path: str | None = None
    distribution: Callable[[str], str | None] = lambda name: None
    first_wins: bool = False

    def expected_type(self) -> type:
        """Class that the hook's result must be an instance of."""
        assert self.type_path is not None
        module, _, attribute = self.type_path.partition(":")
        expected: type = getattr(importlib.import_module(module), attribute)
        return expected


def _backend_distribution(name: str) -> str | None:
    return f"nnabla-ext-{name}" if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*", name) else None


def _always(distribution: str) -> Callable[[str], str | None]:
    return lambda name: distribution


def _format_distribution(name: str) -> str | None:
    return "nnabla-io" if name in KNOWN_FORMATS else None


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "backends",
            "nnabla.backends",
            "backend",
            "nnabla_backend",
            "nnabla.plugins.backend:Backend",
            _backend_distribution,
        ),
        Kind(
            "operators",
            "nnabla.operators",
            "plugin operator",
            "nnabla_operator",
            "nnabla.ops.definition:Operator",
            first_wins=True,
        ),
        Kind(
            "parameter_formats",
            "nnabla.formats.parameters",
            "parameter format",
            "nnabla_parameter_format",
            "nnabla.plugins.parameter_format:ParameterFormat",
            _format_distribution,
            first_wins=True,
        ),
        Kind(
            "model_formats",
            "nnabla.formats.models",
            "model format",
            distribution=_format_distribution,
            first_wins=True,
        ),
        Kind(
            "dataset_formats",
            "nnabla.formats.datasets",
            "dataset format",
            distribution=_always("nnabla-io"),
            first_wins=True,
        ),
        Kind("communicators", "nnabla.communicators", "communicator"),
        Kind(
            "commands",
            "nnabla.commands",
            "command",
            "nnabla_command",
            "nnabla.plugins.command:Command",
            _always("nnabla-cli"),
        ),
    )
}


def find_kind(name: str) -> Kind:
    """The kind called ``name``.

    Raises:
        PluginKindError: There is none.
    """
    try:
        return KINDS[name]
    except (KeyError, TypeError):
        raise PluginKindError(f"{name!r} is not a kind of plugin; the kinds are {', '.join(KINDS)}") from None
