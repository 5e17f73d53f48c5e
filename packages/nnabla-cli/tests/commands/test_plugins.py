"""``nnabla_cli plugins``, with the installed plugins and some that were registered."""

import json

import pytest

from nnabla.plugins import Command, hookimpl, plugins
from nnabla_cli.main import main


class Loud:
    """A plugin that prints while it is loaded, and may fail."""

    def __init__(self, name, error=None):
        self.name, self.error = name, error

    @hookimpl
    def nnabla_contract_version(self):
        print("noise")
        return 1

    @hookimpl
    def nnabla_command(self):
        if self.error:
            raise self.error
        command = Quiet()
        command.name = self.name
        return command


class Quiet(Command):
    def run(self, args):
        return 0


@pytest.fixture
def working():
    plugins.register("commands", "loud", Loud("loud"))
    yield
    plugins.unregister("commands", "loud")


@pytest.fixture
def failing(working):
    plugins.register("commands", "failing", Loud("failing", OSError("no terminal")))
    yield
    plugins.unregister("commands", "failing")


def rows(text):
    return [line.split(None, 4) for line in text.splitlines() if not line.startswith(" ")]


def test_every_plugin_is_a_row_with_distribution_version_and_state(working, capsys):
    assert main(["plugins"]) == 0
    table = {(row[0], row[1]): row[2:] for row in rows(capsys.readouterr().out)}
    assert table["kind", "name"] == ["distribution", "version", "state"]
    distribution, version, state = table["commands", "plugins"]
    assert (distribution, state) == ("nnabla-cli", "loaded")
    assert version[0].isdigit()
    assert table["commands", "version"][::2] == ["nnabla-cli", "loaded"]
    assert ("commands", "loud") in table


def test_a_broken_plugins_reason_stands_below_its_row(failing, capsys):
    assert main(["plugins"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [i for i, line in enumerate(lines) if line.split()[:2] == ["commands", "failing"]]
    assert lines[row].endswith("failed")
    assert "nnabla_command() raised: OSError: no terminal" in lines[row + 1]


def test_check_fails_and_shows_tracebacks_if_a_plugin_is_broken(failing, capsys):
    assert main(["plugins", "--check"]) == 1
    assert "| Traceback (most recent call last):" in capsys.readouterr().out


def test_check_passes_if_all_plugins_work(working, capsys):
    states = {status.state for status in plugins.statuses(load=True)}
    assert main(["plugins", "--check"]) == int("failed" in states)


def test_json_has_every_field_and_nothing_that_plugins_print(failing, capsys):
    assert main(["plugins", "--json"]) == 0
    captured = capsys.readouterr()
    found = {entry["name"]: entry for entry in json.loads(captured.out)}
    assert found["plugins"] == {
        "kind": "commands",
        "name": "plugins",
        "distribution": "nnabla-cli",
        "version": found["version"]["version"],
        "state": "loaded",
        "reason": "",
        "details": "",
    }
    assert found["failing"]["state"] == "failed"
    assert "OSError: no terminal" in found["failing"]["reason"]
    assert "noise" in captured.err
