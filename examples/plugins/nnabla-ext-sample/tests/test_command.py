"""``nnabla_cli compare-parameters``."""

import json
import subprocess
import sys

import numpy as np
import pytest

import nnabla as nn
from nnabla_cli.main import main


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save("one.npz", w=np.ones((2, 2)), b=np.zeros(2))
    save("same.npz", b=np.zeros(2), w=np.ones((2, 2)))
    save("near.npz", w=np.ones((2, 2)) * 1.01, b=np.zeros(2))
    save("other.npz", w=np.ones((2, 3)), c=np.zeros(2))


def save(path, **arrays):
    with nn.parameter_scope("", {}):
        for name, values in arrays.items():
            nn.parameter.get_parameter_or_create(name, values.shape, values)
        nn.save_parameters(path)


def compare(*arguments):
    return main(["compare-parameters", *arguments])


def test_equal_files_are_silent(capsys):
    assert compare("one.npz", "same.npz") == 0
    assert capsys.readouterr().out == ""


def test_differences_are_listed_by_name(capsys):
    assert compare("one.npz", "other.npz") == 1
    assert capsys.readouterr().out.splitlines() == [
        "b: only in the first",
        "c: only in the second",
        "w: shapes (2, 2) and (2, 3)",
    ]


@pytest.mark.parametrize(("tolerance", "status"), [([], 1), (["--rtol", "0.1"], 0), (["--atol", "0.001"], 1)])
def test_values_differ_beyond_the_tolerance(capsys, tolerance, status):
    assert compare("one.npz", "near.npz", *tolerance) == status
    assert capsys.readouterr().out == ("w: values, by 0.01 at most\n" if status else "")


def test_programs_get_json(capsys):
    assert compare("one.npz", "near.npz", "--json") == 1
    assert json.loads(capsys.readouterr().out) == [{"parameter": "w", "difference": "values, by 0.01 at most"}]
    assert compare("one.npz", "same.npz", "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize("path", ["missing.npz", "one.unknown", "one", "broken.npz"])
def test_a_file_that_cannot_be_read_is_named(capsys, path):
    with open("broken.npz", "wb") as file:
        file.write(b"PK")
    assert compare("one.npz", path) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("nnabla_cli compare-parameters: ")
    assert path.rpartition(".")[2] in output.err


def test_the_parameters_of_the_process_are_left_alone():
    with nn.parameter_scope("", {}):
        kept = nn.parameter.get_parameter_or_create("w", (2, 2), np.full((2, 2), 7.0))
        assert compare("one.npz", "same.npz") == 0
        assert nn.get_parameters() == {"w": kept}
        assert (kept.d == 7).all()


def test_it_is_in_the_list_of_commands_and_has_help():
    command = [sys.executable, "-m", "nnabla_cli"]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "compare-parameters" in done.stdout and "Tell which parameters of two files differ." in done.stdout
    done = subprocess.run([*command, "compare-parameters", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(text in done.stdout for text in ("--rtol", "--atol", "--json", "Exit status"))
    done = subprocess.run([*command, "compare-parameters", "one.npz"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "required: FILE" in done.stderr
