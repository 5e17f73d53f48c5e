"""The table of operators: docs/operator-table.md says what the code says, and each column tells what it ought to."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

TESTS = """
import numpy as np
import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import Case, normal
from nnabla.testing.conformance import conformance

test_direct = conformance([Case(F.elu, [normal(2)], double=False), Case(F.elu, [normal(3)], grad=False)])
test_called = conformance([Case(lambda x: F.sum(x, axis=0), [normal(2, 3)], backends=())])
test_inner = conformance([Case(lambda x: F.tanh(F.exp(x)), [normal(2)], dict())])

def test_half_precision():
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        F.relu(nn.Variable((2,))).forward()

def test_of_another_kind():
    raise AssertionError("only collected")
"""


def coverage(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command; without native code, so that what it tells of kernels is the same everywhere."""
    command = [sys.executable, "-m", "nnabla.testing", "coverage", *map(str, arguments)]
    environment = os.environ | ({"NNABLA_CPU_TARGET": "numpy"} | environment)
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


def test_the_page_is_true() -> None:
    if pytest.importorskip("nnabla_ext.cpu.native").module is None:
        pytest.skip("the page is that of a CPU backend with native code, which is not built here")
    done = coverage("--check", "--backend", "cpu", NNABLA_CPU_TARGET="")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    names = ["ELU", "Sum", "Tanh", "Exp", "ReLU", "Greater", "Convolution", "NoSuchOperator"]
    (tmp_path / "facts").mkdir()
    (tmp_path / "facts" / "functions.json").write_text(json.dumps({n: {"group": "Some"} for n in names}))
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def rows(page: str) -> dict[str, list[str]]:
    cells = [re.split(r" *\| *", line.strip("| ")) for line in page.splitlines() if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells}


def test_each_column_tells_what_the_definition_the_backend_and_the_cases_say(folder: Path) -> None:
    done = coverage("--tests", folder, "--backend", "cpu")
    assert done.returncode == 0, done.stderr
    assert "7 of 8 operators are defined" in done.stdout
    assert "; 4 cases." in done.stdout
    assert rows(done.stdout) == {
        "operator": ["kind", "cpu forward", "cpu backward", "gradient", "double", "dtypes", "cases"],
        "ELU": ["composed", "composed", "composed", "own", "no", "float32 float64", "2"],
        "Sum": ["primitive", "kernel", "composed", "own", "yes", "float32 float64", "1"],
        "Tanh": ["primitive", "reference", "kernel", "own", "yes", "float32 float64", "1"],
        "Exp": ["primitive", "reference", "composed", "own", "no", "-", "0"],
        "ReLU": ["composed", "composed", "composed", "own", "no", "half", "0"],
        "Greater": ["primitive", "reference", "-", "-", "-", "-", "0"],
        "Convolution": ["composed", "kernel", "composed", "own", "no", "-", "0"],
        "NoSuchOperator": ["not defined", "-", "-", "-", "-", "-", "0"],
    }


def test_a_page_is_written_and_one_that_is_not_true_fails(folder: Path) -> None:
    page = folder / "page.md"
    common = ["--tests", folder, "--backend", "cpu"]
    assert coverage(*common, "--write", page).returncode == 0
    assert coverage(*common, "--check", page).returncode == 0
    page.write_text(page.read_text().replace("ReLU", "ReLV"))
    done = coverage(*common, "--check", page)
    assert done.returncode == 1
    assert "nox -s coverage-table -- --write" in done.stdout


def test_tests_that_fail_in_half_precision_or_do_not_import_give_no_table(folder: Path) -> None:
    for text, told in (
        ("def test_half_precision(): raise ValueError('too far')\n", "too far"),
        ("import no_such_module_of_mine\n", "no_such_module_of_mine"),
    ):
        (folder / "test_other.py").write_text(text)
        done = coverage("--tests", folder)
        assert done.returncode != 0
        assert told in done.stderr
