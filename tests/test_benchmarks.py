"""The comparison of benchmarks: medians, ratios, failures."""

import importlib.util
import json
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


@pytest.fixture
def operators(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    spec = importlib.util.spec_from_file_location("operators", root / "benchmarks/operators.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    for name in ("operator_cases", "operators"):
        sys.modules.pop(name, None)


def test_every_operator_has_a_use_in_the_benchmark(root, operators):
    names = json.loads((root / "packages/nnabla-core/tests/ops/facts/functions.json").read_text())
    assert set(names) - set(operators.USES) == {"SyncBatchNormalization"}
    assert set(operators.USES) <= set(names)


def test_ratios_of_operators_have_geometric_means_and_the_worst_come_first(operators):
    forward, backward = ("ELU", "small", "forward"), ("ELU", "small", "backward")
    other = ("Sum", "small", "forward")
    runs = [{forward: 1.0, other: 2.0, backward: 5.0}, {forward: 3.0, other: 2.0}, {forward: 2.0, other: 2.0}]
    ours = operators.medians(runs)
    assert ours == {forward: 2.0, other: 2.0, backward: 5.0}
    results = {"ours": ours, "reference": {forward: 1.0, other: 16.0}}
    lines = list(operators.summary(results, worst=1))
    assert "  small  forward     2.00x   1 of 2" in lines
    assert [line.split() for line in lines[-2:]] == [["the", "1", "worst"], ["ELU", "small", "forward", "0.50x"]]
    rows = [line.split() for line in operators.table(results)]
    assert rows[0] == ["operator", "size", "pass", "ours", "reference", "vs", "reference"]
    assert rows[3] == ["ELU", "small", "backward", "5.0000", "ms", "-", "-"]


def test_an_operator_that_ends_the_process_is_left_out(operators, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys\n"
        "for name in sys.argv[3:]:\n"
        "    print(json.dumps({'begins': name}), flush=True)\n"
        "    if name == 'Bad':\n"
        "        os._exit(3)\n"
        "    print(json.dumps(dict(operator=name, size='small', direction='forward', ms=1.5)), flush=True)\n"
    )
    times = operators.measure(sys.executable, str(script), 1, ["First", "Bad", "Last"])
    assert times == {(name, "small", "forward"): 1.5 for name in ("First", "Last")}
    assert "Bad ended the process" in capsys.readouterr().err


def test_operators_run_here_and_are_written_as_json(root, tmp_path):
    found = tmp_path / "found.json"
    command = [sys.executable, str(root / "benchmarks/operators.py"), "--ours", sys.executable, "--rounds", "1"]
    done = subprocess.run([*command, "--json", str(found), "ELU", "Greater"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    keys = [(row["operator"], row["size"], row["direction"]) for row in json.loads(found.read_text())["rows"]]
    passes = [("ELU", "forward"), ("ELU", "backward"), ("Greater", "forward")]
    assert sorted(keys) == sorted((name, size, way) for name, way in passes for size in ("small", "large"))
    done = subprocess.run([*command, "NoSuchOperator"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "NoSuchOperator" in done.stderr
