"""The conformance kit as a command and as a pytest plugin."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nnabla.functions as F
from nnabla.plugins import PluginError
from nnabla.testing.__main__ import main
from nnabla.testing.cases import Case, normal
from nnabla.testing.conformance import check_backend
from nnabla.testing.kit.report import FAILED, FALLS_BACK, NOT_SUPPORTED, PASSED, Check, FallsBack, NotSupported, Report
from nnabla.testing.operators import families

OPERATOR = """
import numpy as np
import nnabla.functions as F
from nnabla.testing.cases import cases, normal

RIGHT = cases(F.tanh, [normal(2, 3)], expect=np.tanh)
WRONG = cases(F.exp, [normal(2, 3)], expect=np.exp2)
"""


def conformance(*arguments: object) -> int:
    return main(["conformance", *map(str, arguments)])


def test_a_part_of_a_backend_is_checked_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    assert conformance("--backend", "cpu", "--family", "arrays", "--family", "embedding", "--json", path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["backend", "'cpu'", "passed", "failed", "falls", "back", "not", "supported"]
    assert [line.split()[0] for line in lines if line[0] != "-"] == ["backend", "arrays", "embedding", "all"]
    report = json.loads(path.read_text())
    assert report["ok"] and report["title"] == "backend 'cpu'"
    assert report["counts"][PASSED] == len(report["outcomes"]) > 50
    assert {"group": "arrays", "status": PASSED}.items() <= report["outcomes"][0].items()


def test_one_operator_of_a_backend(capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance("--backend", "opaque", "--operator", "Tanh") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:3]] == ["activation"]


def test_an_operators_cases_may_be_anywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "some_cases.py"
    path.write_text(OPERATOR)
    assert conformance("--operator", "Tanh", "--cases", path) == 0
    assert conformance("--operator", "Exp", "--cases", path) == 1
    assert "FAILED forward: exp: forward: AssertionError" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backend", "cpuu"], "backend 'cpuu' is not installed; installed: .*did you mean 'cpu'"),
        (["--backend", "cpu", "--operator", "Tanhh"], "operator 'Tanhh' is not installed"),
        (["--backend", "cpu", "--family", "activations"], "no family 'activations'; choose from arrays, .*activation"),
        (["--operator", "Tanhh"], "operator 'Tanhh' is not installed"),
        (["--operator", "Tanh", "--cases", "no_such_module"], "--cases no_such_module: it cannot be imported"),
        (["--operator", "Tanh", "--cases", "no_such_file.py"], "there is no file no_such_file.py"),
        (["--operator", "Tanh", "--cases", "json"], "--cases json: no list in it has cases"),
        (["--format", "h6"], "'h6' is not installed"),
        (["--command", "plug"], "'plug' is not installed"),
        ([], "give one of --backend, --operator, --format and --command"),
        (["--format", "h5", "--command", "plugins"], "give one of"),
    ],
)
def test_what_is_not_there_is_an_error(arguments: list[str], message: str, capfd: pytest.CaptureFixture[str]) -> None:
    import re

    assert conformance(*arguments) == 2
    out, err = capfd.readouterr()
    assert re.search(message, err) and not out


def test_a_backend_that_the_cases_do_not_name_is_looked_up() -> None:
    case = Case(F.tanh, [normal(2)], {}, np.tanh)
    with pytest.raises(PluginError, match="backend 'no_such' is not installed"):
        check_backend(case, "no_such")
    check_backend(dataclasses.replace(case, backends=()), "opaque")  # the kit's own may be left out


@pytest.mark.parametrize(("option", "name"), [("format", "h5"), ("command", "plugins"), ("command", "doctor")])
def test_what_the_project_ships_is_right(option: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert conformance(f"--{option}", name) == 0, capsys.readouterr().out


def test_every_family_has_cases_and_each_is_there_once() -> None:
    found = families()
    assert {"activation", "convolution", "gathering"} <= set(found)
    assert all(found.values())
    assert all(len({id(case) for case in cases}) == len(cases) for cases in found.values())


def fails() -> None:
    raise ValueError("two\nlines")


def leaves() -> None:
    raise FallsBack("no kernel")


def declines() -> None:
    raise NotSupported("not here")


def test_a_report_counts_by_group() -> None:
    checks = [Check("a", "x", "one", lambda: None), Check("a", "y", "two", fails), Check("b", "", "three", leaves)]
    report = Report("thing").run([*checks, Check("b", "", "four", declines)])
    assert [o.status for o in report.outcomes] == [PASSED, FAILED, FALLS_BACK, NOT_SUPPORTED]
    rows = [line.split() for line in report.table().splitlines() if line and line[0] != "-"]
    assert rows[1:4] == [["a", "1", "1", "-", "-"], ["b", "-", "-", "1", "1"], ["all", "1", "1", "1", "1"]]
    assert report.table().splitlines()[-1] == "FAILED a: y: two: ValueError: two lines"
    assert "fails" in report.failures[0].traceback
    assert not report.ok
    assert not Report("nothing").ok and "nothing was checked" in Report("nothing").table()


def collected(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    options = ["-q", "-rs", "-p", "no:cacheprovider", "-p", "nnabla.testing.pytest_plugin"]
    command = [sys.executable, "-m", "pytest", *options, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_as_a_pytest_plugin_each_check_is_a_test(tmp_path: Path) -> None:
    done = collected(tmp_path, "--nnabla-command", "plugins", "--nnabla-command", "version")
    assert done.returncode == 0, done.stdout
    assert "14 passed" in done.stdout
    (tmp_path / "some_cases.py").write_text(OPERATOR)
    done = collected(tmp_path, "--nnabla-operator", "Exp", "--nnabla-cases", "some_cases.py")
    assert done.returncode == 1
    assert "operator[Exp]-forward-exp-forward" in done.stdout
    done = collected(tmp_path, "--nnabla-backend", "cpuu")
    assert done.returncode == 4 and "backend 'cpuu' is not installed" in done.stderr + done.stdout
