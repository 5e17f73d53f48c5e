"""``nnabla_cli new-plugin``: what it refuses and what it writes; that the result works, the docs' test shows."""

import ast
import re
import sys

import pytest

from nnabla.plugins import Command, plugins
from nnabla.plugins.kinds import KINDS
from nnabla_cli.main import main

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


EXPECTED = [
    ("backend", "fastBoard", "nnabla-ext-fast-board", "nnabla.backends", "fast_board", "nnabla_ext.fast_board"),
    ("operator", "my-swish", "nnabla-operator-my-swish", "nnabla.operators", "MySwish", "nnabla_operator_my_swish"),
    ("operator", "SELU2d", "nnabla-operator-selu2-d", "nnabla.operators", "SELU2d", "nnabla_operator_selu2_d"),
    ("format", "tensors", "nnabla-format-tensors", "nnabla.formats.parameters", "tensors", "nnabla_format_tensors"),
    ("command", "show_it", "nnabla-command-show-it", "nnabla.commands", "show-it", "nnabla_command_show_it"),
]


@pytest.mark.parametrize(("kind", "name", "distribution", "group", "entry", "package"), EXPECTED)
def test_names_follow_from_the_one_that_is_given(tmp_path, kind, name, distribution, group, entry, package):
    assert main(["new-plugin", name, "--kind", kind]) == 0
    folder = tmp_path / distribution
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == distribution
    assert project["entry-points"] == {group: {entry: f"{package}.plugin"}}
    assert "nnabla-core~=2.0" in project["dependencies"]
    assert (folder / "src" / package.replace(".", "/") / "plugin.py").is_file()
    assert not (folder / "src/nnabla_ext/__init__.py").exists()


@pytest.mark.parametrize("kind", ["backend", "operator", "format", "command"])
def test_every_file_of_a_distribution_is_there_and_filled_in(tmp_path, kind):
    assert main(["new-plugin", "Fresh", "--kind", kind, "--output", "here/below"]) == 0
    files = {str(p.relative_to(tmp_path / "here/below")): p for p in (tmp_path / "here").rglob("*") if p.is_file()}
    assert {"pyproject.toml", "README.md", ".gitignore", ".github/workflows/tests.yml"} <= set(files)
    assert any(path.startswith("tests/test_") for path in files)
    assert any(path.endswith("/py.typed") for path in files)
    for path, file in files.items():
        text = file.read_text("utf-8")
        assert not re.search(r"@[a-z_]+@", text)
        if path.endswith(".py"):
            assert ast.get_docstring(ast.parse(text))
        assert max(map(len, text.splitlines()), default=0) <= 120
    assert "python -m pytest" in files[".github/workflows/tests.yml"].read_text()
    for path in (".github/workflows/tests.yml", "README.md"):
        assert f"python -m nnabla.testing conformance --{kind} " in files[path].read_text()


def test_what_comes_next_is_said(capsys):
    assert main(["new-plugin", "fresh", "--kind", "format"]) == 0
    assert "cd nnabla-format-fresh" in capsys.readouterr().out


def test_nothing_is_overwritten(tmp_path, capsys):
    assert main(["new-plugin", "fresh", "--kind", "format"]) == 0
    kept = tmp_path / "nnabla-format-fresh" / "README.md"
    kept.write_text("mine")
    assert main(["new-plugin", "fresh", "--kind", "format"]) == 2
    assert kept.read_text() == "mine"
    assert "nnabla-format-fresh exists already and is not overwritten" in capsys.readouterr().err
    (tmp_path / "file").write_text("mine")
    assert main(["new-plugin", "fresh", "--kind", "format", "--output", "file"]) == 2


def test_an_empty_folder_may_be_filled(tmp_path):
    (tmp_path / "empty").mkdir()
    assert main(["new-plugin", "fresh", "--kind", "format", "--output", "empty"]) == 0


@pytest.mark.parametrize(
    "name",
    ["", "1st", "../evil", "a b", "a--b", "-a", "a-", "a.b", "ü", "class", "json", "x" * 61, "@name@"],
)
def test_a_name_that_no_package_can_have_is_refused(tmp_path, capsys, name):
    arguments = ["new-plugin", "--kind", "backend", "--", name]
    assert main(arguments) == 2
    assert f"{name!r} cannot be a plugin's name" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "name"), [("operator", "Tanh"), ("backend", "cpu"), ("command", "new-plugin")])
def test_a_name_that_is_taken_is_refused(tmp_path, capsys, kind, name):
    assert main(["new-plugin", name, "--kind", kind]) == 2
    assert f"there is a {kind} {name!r} already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_name_registered_in_this_process_is_taken_too(capsys):
    class Taken(Command):
        name = "taken"

        def run(self, args):
            return 0

    plugins.register("commands", "taken", Taken())
    try:
        assert main(["new-plugin", "taken", "--kind", "command"]) == 2
    finally:
        plugins.unregister("commands", "taken")


def test_an_unknown_kind_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["new-plugin", "fresh", "--kind", "wheel"])
    assert caught.value.code == 2
    assert "choose from" in capsys.readouterr().err


def test_every_kind_that_has_a_hook_can_be_generated():
    from nnabla_cli.commands.new_plugin import TEMPLATES

    assert {template.kind for template in TEMPLATES.values()} == {k.name for k in KINDS.values() if k.hook}
