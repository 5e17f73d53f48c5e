"""Extensions are the backends; these are made up."""

import importlib
import logging
import sys
import types

import pytest

import nnabla.ext_utils as ext_utils
from nnabla.plugins import PluginLoadError, PluginNotFoundError, hookimpl, plugins
from nnabla.plugins.backend import Backend


class Imaginary(Backend):
    array_classes = ("ImaginaryArray",)

    def __init__(self, name):
        self.name = name

    def library(self, device_id):
        raise NotImplementedError

    def devices(self):
        return ["0"]


class Broken:
    @hookimpl
    def nnabla_contract_version(self):
        return 1

    @hookimpl
    def nnabla_backend(self):
        raise OSError("no driver")


@pytest.fixture
def extensions(monkeypatch):
    """``imaginary`` works, ``nomodule`` has no ``nnabla_ext`` module, ``brokenext`` fails."""
    names = ("imaginary", "nomodule", "brokenext")
    monkeypatch.setitem(sys.modules, "nnabla_ext.imaginary", types.ModuleType("nnabla_ext.imaginary"))
    plugins.register("backends", "imaginary", Imaginary("imaginary"))
    plugins.register("backends", "nomodule", Imaginary("nomodule"))
    plugins.register("backends", "brokenext", Broken())
    yield
    for name in names:
        plugins.unregister("backends", name)


@pytest.fixture
def log(caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("nnabla"), "propagate", True)
    return caplog


def test_only_extensions_that_work_are_listed(extensions):
    listed = ext_utils.list_extensions()
    assert "imaginary" in listed
    assert not {"nomodule", "brokenext"} & set(listed)
    for name in listed:
        assert ext_utils.import_extension_module(name).__name__ == f"nnabla_ext.{name}"
        assert ext_utils.get_extension_context(name).backend


def test_a_context_takes_device_and_type_configuration(extensions):
    context = ext_utils.get_extension_context("imaginary", device_id=3, type_config="half")
    assert context.backend == ["imaginary:half", "imaginary:float"]
    assert (context.array_class, context.device_id) == ("ImaginaryArray", "3")


@pytest.mark.parametrize("ask", [ext_utils.import_extension_module, ext_utils.get_extension_context])
def test_an_unknown_extension_is_logged_and_raised_with_what_would_bring_it(log, ask):
    with pytest.raises(ModuleNotFoundError, match="backend 'zzz' is not installed") as caught:
        ask("zzz")
    assert "pip install nnabla-ext-zzz" in str(caught.value)
    assert [r.message for r in log.records if r.levelno == logging.ERROR] == [str(caught.value)]


@pytest.mark.parametrize("ask", [ext_utils.import_extension_module, ext_utils.get_extension_context])
def test_a_broken_extension_is_raised_with_its_cause(extensions, log, ask):
    with pytest.raises(PluginLoadError, match=r"'brokenext'.*OSError: no driver"):
        ask("brokenext")


def test_a_backend_without_its_module_is_named(extensions):
    with pytest.raises(PluginNotFoundError, match=r"has no module nnabla_ext.nomodule"):
        ext_utils.import_extension_module("nomodule")


@pytest.mark.parametrize(
    ("code", "cause"),
    [("import not_there_at_all", "No module named 'not_there_at_all'"), ("1 / 0", "division")],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_cause(extensions, tmp_path, monkeypatch, code, cause):
    folder = tmp_path / "nnabla_ext"  # a namespace package: no __init__.py
    folder.mkdir()
    (folder / "nomodule.py").write_text(code)
    # Where extensions are looked for; an editable install fixes it when it is first imported.
    namespace = importlib.import_module("nnabla_ext")
    monkeypatch.setattr(namespace, "__path__", [*namespace.__path__, str(folder)])
    with pytest.raises(PluginLoadError, match=f"nnabla_ext.nomodule cannot be imported: {cause}"):
        ext_utils.import_extension_module("nomodule")
    assert "nomodule" not in ext_utils.list_extensions()
