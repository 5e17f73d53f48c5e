"""The comparison of benchmarks: medians, ratios, failures."""

import importlib.util
import re
import subprocess
import sys

import pytest


@pytest.fixture
def compare(root):
    spec = importlib.util.spec_from_file_location("compare", root / "benchmarks/compare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_rows_have_medians_and_ratios_to_each_other_and_to_the_best(compare):
    runs = {
        "ours": [{"a": 2.0, "b": 1.0}, {"a": 1.0, "b": 1.0}, {"a": 9.0, "b": 1.0}],
        "torch": [{"a": 6.0, "b": None}] * 3,
        "jax": [{"a": 1.0}] * 3,
    }
    head, a, b = compare.table(list(runs), runs, ["a", "b"], variants=True)
    assert re.split(r"  +", head) == [
        "case",
        "ours",
        "torch",
        "jax",
        "vs torch",
        "vs jax",
        "vs best",
    ]
    assert re.split(r"  +", a) == [
        "a",
        "2.000 ms",
        "6.000 ms",
        "1.000 ms",
        "3.00x",
        "0.50x",
        "0.50x",
    ]
    assert re.split(r"  +", b) == ["b", "1.000 ms", *["-"] * 5]


def test_a_failing_case_is_shown_and_others_are_kept(compare, tmp_path, capsys):
    cases = tmp_path / "cases.py"
    cases.write_text("print('good      1.500 ms')\nprint('bad  ERROR ValueError: no such shape')\n")
    assert compare.measure([sys.executable, str(cases)], []) == {"good": 1.5, "bad": None}
    assert "no such shape" in capsys.readouterr().err


def test_a_case_of_ours_runs_and_an_unknown_one_fails(root):
    command = [sys.executable, str(root / "benchmarks/compare.py")]
    command += ["--ours", sys.executable, "--rounds", "1", "imperative_100_mul_scalar_64x64"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[1].split()[2] == "ms"
    done = subprocess.run([*command, "no_such_case"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "no_such_case" in done.stderr
