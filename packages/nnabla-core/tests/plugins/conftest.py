"""Distributions made up for a test: modules and the metadata that an installation would leave."""

import itertools
import textwrap

import pytest

from nnabla.plugins import plugins

COUNTER = itertools.count()

GOOD_COMMAND = """
from nnabla.plugins import Command, hookimpl

loads = []

class Example(Command):
    name = "{name}"
    help = "An example."

    def run(self, args):
        return 0

@hookimpl
def nnabla_contract_version():
    return 1

@hookimpl
def nnabla_command():
    loads.append(1)
    return Example()
"""


class Site:
    """A folder that holds distributions."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def module(self, code):
        """Write a module and return its name, which no other test has."""
        name = f"fake_plugin_{next(COUNTER)}"
        (self.folder / f"{name}.py").write_text(textwrap.dedent(code))
        return name

    def distribution(self, name, version="1.0", **groups):
        """Write metadata; ``groups`` maps a kind's group suffix to ``{entry name: value}``."""
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = []
        for group, entries in groups.items():
            lines.append(f"[nnabla.{group.replace('_', '.')}]")
            lines += [f"{entry} = {value}" for entry, value in entries.items()]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        return info

    def command(self, name, code=GOOD_COMMAND, distribution=None):
        """Write a distribution with one command; return its module's name."""
        module = self.module(code.replace("{name}", name))
        self.distribution(distribution or f"dist-{name}", commands={name: module})
        return module


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A site that this process searches."""
    plugins.names("commands")  # the process's own registry keeps what it finds, so it looks before
    found = Site(tmp_path / "site")
    monkeypatch.syspath_prepend(found.folder)
    return found


@pytest.fixture
def good_command():
    return GOOD_COMMAND
