"""The contract's page names every hook, kind, error and method, and its examples work."""

import re
import types
from pathlib import Path

import numpy as np
import pytest

from nnabla import plugins as package
from nnabla.parameter_files import read_parameters, write_parameters
from nnabla.plugins import ParameterRecord, PluginManager, hookspecs, plugins
from nnabla.plugins.kinds import KINDS

PAGE = Path(__file__).parents[4] / "docs" / "plugins.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text("utf-8")


@pytest.fixture(scope="module")
def examples(page):
    """The Python blocks of the page as modules, by the hook that they implement."""
    found = {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        module = types.ModuleType("example")
        exec(code, vars(module))
        found[re.findall(r"def (nnabla_\w+)", code)[-1]] = module
    return found


def test_every_hook_has_a_heading_and_every_heading_a_hook(page):
    hooks = {name for name in vars(hookspecs) if name.startswith("nnabla_")}
    assert set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == hooks


def test_every_hook_has_a_docstring():
    for name, hook in vars(hookspecs).items():
        assert not name.startswith("nnabla_") or len(hook.__doc__) > 20


def test_the_table_has_every_kind_with_its_group_and_hook(page):
    rows = re.findall(r"^\| `(\w+)` \| `(nnabla\.[\w.]+)` \|.*\| (.*) \|$", page, re.MULTILINE)
    assert rows == [
        (kind.name, kind.group, f"`{kind.hook}`" if kind.hook else "none in contract version 1")
        for kind in KINDS.values()
    ]


def test_every_error_and_every_method_of_the_registry_is_mentioned(page):
    errors = {name for name in package.__all__ if name.endswith("Error")}
    methods = {f"plugins.{name}(" for name in vars(PluginManager) if not name.startswith("_")}
    for name in errors | methods:
        assert f"`{name}" in page


def test_the_format_of_the_example_keeps_parameters(examples, tmp_path):
    plugins.register("parameter_formats", "npz", examples["nnabla_parameter_format"])
    try:
        written = [ParameterRecord("a/W", np.eye(2)), ParameterRecord("b", np.ones(()), False)]
        write_parameters(tmp_path / "net.npz", written)
        read = read_parameters(tmp_path / "net.npz")
    finally:
        plugins.unregister("parameter_formats", "npz")
    assert [(r.name, r.need_grad) for r in read] == [("a/W", True), ("b", False)]
    np.testing.assert_array_equal(read[0].array, np.eye(2))


def test_the_command_of_the_example_runs(examples, capsys):
    plugins.register("commands", "hello", examples["nnabla_command"])
    try:
        command = plugins.get("commands", "hello")
    finally:
        plugins.unregister("commands", "hello")
    command.run(types.SimpleNamespace(who="world"))
    assert capsys.readouterr().out == "hello, world\n"
