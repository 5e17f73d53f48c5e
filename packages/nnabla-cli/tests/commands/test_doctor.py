"""``nnabla_cli doctor``, on what is installed and on plugins registered with this or that missing."""

import json
import platform

import numpy as np
import pytest

from nnabla.array.library import HOST
from nnabla.plugins import Backend, Check, Command, hookimpl, plugins
from nnabla_cli.main import main


class Healthy(Command):
    name = "patient"

    def run(self, args):
        return 0


class Plugin:
    """A command whose doctor hook gives, or raises, what a test wants."""

    def __init__(self, said):
        self.said = said

    @hookimpl
    def nnabla_contract_version(self):
        return 1

    @hookimpl
    def nnabla_command(self):
        return Healthy()

    @hookimpl
    def nnabla_doctor(self):
        print("noise")
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Board(Backend):
    """NumPy, as far as ``found`` lets it."""

    name = "board"
    array_classes = ("BoardArray",)

    def __init__(self, found, namespace=None):
        import array_api_compat.numpy as xp

        self.found, self.namespace = found, namespace or xp

    def library(self, device_id):
        return HOST

    def devices(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def register():
    """Register plugins for a test."""
    names = []

    def do(kind, name, plugin):
        plugins.register(kind, name, plugin)
        names.append((kind, name))

    yield do
    for kind, name in names:
        plugins.unregister(kind, name)


def examine(capsys):
    status = main(["doctor", "--json"])
    found = json.loads(capsys.readouterr().out)
    return status, {(entry["subject"], entry["name"]): entry for entry in found}


def test_python_packages_and_backends_are_told_of(capsys):
    _, found = examine(capsys)
    assert platform.python_version() in found["python", "version"]["found"]
    assert found["packages", "numpy"]["found"] == np.__version__
    assert found["packages", "nnabla-core"]["state"] == "ok"
    assert found["backend cpu", "devices"]["state"] == "ok"
    assert found["backend cpu", "computes"]["found"] == "1 + 2 = 3"
    assert {"CPU features", "threads", "BLAS", "kernels"} <= {name for subject, name in found if "cpu" in subject}


def test_what_a_plugin_says_is_shown_with_the_command_that_helps(register, capsys):
    said = [Check("driver", "missing", "no driver\nsecond line", "apt install driver"), Check("memory", "ok", "2 GiB")]
    register("commands", "patient", Plugin(said))
    status, found = examine(capsys)
    assert found["command patient", "driver"] == {
        "subject": "command patient",
        "name": "driver",
        "state": "missing",
        "found": "no driver\nsecond line",
        "fix": "apt install driver",
    }
    assert status == int(any(entry["state"] == "broken" for entry in found.values()))
    main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    (row,) = [i for i, line in enumerate(lines) if line.split()[:2] == ["missing", "driver"]]
    assert lines[row - 1] == "command patient"
    assert lines[row + 1].strip() == "second line"
    assert lines[row + 2].strip() == "-> apt install driver"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([Check("driver", "broken", "it smokes")], "it smokes"),
        (OSError("no answer"), "nnabla_doctor() raised: OSError: no answer"),
        (None, "nnabla_doctor() returned NoneType None, expected a list of Check"),
        ("fine", "nnabla_doctor() returned str 'fine', expected a list of Check"),
        (["fine"], "expected a list of Check"),
    ],
)
def test_what_is_broken_gives_status_1_and_hides_nothing_else(register, capsys, said, reason):
    register("commands", "patient", Plugin(said))
    status, found = examine(capsys)
    assert status == 1
    (broken,) = [entry for (subject, _), entry in found.items() if subject == "command patient"]
    assert broken["state"] == "broken" and reason in broken["found"]
    assert ("backend cpu", "devices") in found


def test_a_plugin_that_does_not_load_is_broken_with_its_reason(register, capsys):
    class Unfit(Plugin):
        @hookimpl
        def nnabla_command(self):
            raise ModuleNotFoundError("No module named 'toolkit'")

    register("commands", "patient", Unfit([]))
    status, found = examine(capsys)
    assert status == 1
    entry = found["command patient", "loads"]
    assert "No module named 'toolkit'" in entry["found"]
    assert entry["fix"].startswith("pip install ")


@pytest.mark.parametrize(
    ("devices", "state", "text", "status"),
    [
        (["0", "1"], "ok", "0, 1", 0),
        ([], "missing", "none", 0),
        (OSError("driver mismatch"), "broken", "OSError: driver mismatch", 1),
    ],
)
def test_devices_of_a_backend_are_listed_or_found_missing(register, capsys, devices, state, text, status):
    register("backends", "board", Board(devices))
    code, found = examine(capsys)
    entry = found["backend board", "devices"]
    assert entry["state"] == state and text in entry["found"]
    assert code == status


def test_a_backend_that_computes_something_else_is_broken(register, capsys):
    wrong = Board(["0"])
    wrong.kernels = {"AddScalar": lambda xp, inputs, out, args: inputs[0] + 3}
    register("backends", "board", wrong)
    code, found = examine(capsys)
    assert code == 1
    assert found["backend board", "computes"]["found"] == "1 + 2 = 4"


def test_a_state_that_is_none_is_refused():
    with pytest.raises(ValueError, match="'driver': state 'sick' is none of ok, missing, broken"):
        Check("driver", "sick", "")
