"""The contract's page names every hook, kind, error and method, and what it promises and generates is true."""

import importlib.util
import re
from pathlib import Path

import pytest

from nnabla import plugins as package
from nnabla.plugins import CONTRACT_VERSION, PluginContractError, PluginManager, hookspecs
from nnabla.plugins.kinds import KINDS

PAGE = Path(__file__).parents[4] / "docs" / "plugins.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not here")


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text("utf-8")


def test_every_hook_has_a_heading_and_every_heading_a_hook(page):
    hooks = {name for name in vars(hookspecs) if name.startswith("nnabla_")}
    assert set(re.findall(r"^### `(\w+)`$", page, re.MULTILINE)) == hooks


def test_every_hook_has_a_docstring():
    for name, hook in vars(hookspecs).items():
        assert not name.startswith("nnabla_") or len(hook.__doc__) > 20


def test_the_reference_is_what_the_hook_specifications_say(page):
    spec = importlib.util.spec_from_file_location("hook_reference", PAGE.with_name("hook_reference.py"))
    writer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(writer)
    assert page == writer.fill(page), "write it with: python docs/hook_reference.py --write"


def test_the_reference_has_what_a_plugin_must_write(page):
    for text in ("| `devices()` (must be written) |", "| `from_numpy(array)` (must be written) |", "`nnabla_doctor()"):
        assert text in page


def test_the_table_has_every_kind_with_its_group_and_hook(page):
    rows = re.findall(r"^\| `(\w+)` \| `(nnabla\.[\w.]+)` \|.*\| (.*) \|$", page, re.MULTILINE)
    assert rows == [
        (kind.name, kind.group, f"`{kind.hook}`" if kind.hook else "none in contract version 1")
        for kind in KINDS.values()
    ]


def test_every_error_and_every_method_of_the_registry_is_mentioned(page):
    errors = {name for name in package.__all__ if name.endswith(("Error", "Warning"))}
    methods = {f"plugins.{name}(" for name in vars(PluginManager) if not name.startswith("_")}
    for name in errors | methods:
        assert f"`{name}" in page


def test_the_version_of_the_contract_is_told(page):
    assert f"an integer, at present {CONTRACT_VERSION}." in page


@pytest.mark.parametrize(("version", "line"), [(CONTRACT_VERSION + 1, 0), (CONTRACT_VERSION - 1, 1)])
def test_a_plugin_of_another_contract_version_gets_the_message_promised(page, site, version, line):
    (promised,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    code = f"""
    from nnabla.plugins import hookimpl

    @hookimpl
    def nnabla_contract_version():
        return {version}
    """
    site.distribution("my-commands", commands={"hello": site.module(code)})
    with pytest.raises(PluginContractError) as caught:
        PluginManager().get("commands", "hello")
    assert str(caught.value) == promised.splitlines()[line]
