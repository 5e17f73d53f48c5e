"""The conformance kit as a pytest plugin: ``pytest -p nnabla.testing.pytest_plugin --nnabla-backend NAME``.

Each check becomes a test beside those that pytest collects. What a backend leaves to others, or declares not to do, is
skipped with that reason.
"""

from __future__ import annotations

from typing import Any

import pytest

from nnabla.testing.kit.command_line import KINDS, checks_of
from nnabla.testing.kit.report import Check, FallsBack, NotSupported

__all__ = ["pytest_addoption", "pytest_collection_modifyitems"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare an option for each kind of plugin, and where an operator's cases are."""
    group = parser.getgroup("nnabla", "conformance of NNabla's plugins")
    for kind in KINDS:
        group.addoption(f"--nnabla-{kind}", action="append", default=[], metavar="NAME", help=f"check this {kind}")
    group.addoption("--nnabla-cases", metavar="MODULE", help="a module or file with the operator's cases")


class _Item(pytest.Item):
    """A check as a test."""

    def __init__(self, *, check: Check, **rest: Any) -> None:
        super().__init__(**rest)
        self.check = check

    def runtest(self) -> None:
        try:
            self.check.run()
        except (FallsBack, NotSupported) as reason:
            pytest.skip(f"{type(reason).__name__}: {reason}")

    def reportinfo(self) -> tuple[Any, int | None, str]:
        return "nnabla", None, self.name


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the checks that the options ask for."""
    from nnabla.errors import StateError
    from nnabla.plugins import PluginError

    for kind in KINDS:
        for name in config.getoption(f"--nnabla-{kind}"):
            try:
                checks = list(checks_of(kind, name, cases=config.getoption("--nnabla-cases")))
            except (PluginError, StateError) as error:
                raise pytest.UsageError(f"--nnabla-{kind} {name}: {error}") from error
            items += [_Item.from_parent(session, name=f"{kind}[{name}]-{c.id}", check=c) for c in checks]
