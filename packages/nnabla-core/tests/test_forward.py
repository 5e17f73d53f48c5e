"""Modules that stand for a module of another distribution."""

import sys

import pytest

from nnabla.plugins import PluginNotFoundError


@pytest.fixture
def forwarding(tmp_path, monkeypatch):
    """Writes a module ``standin_<name>`` that forwards to ``target``; returns its import."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, target):
        (tmp_path / f"standin_{name}.py").write_text(
            f"from nnabla._forward import forward\nforward(__name__, {target!r}, 'nnabla-example')\n"
        )
        return lambda: __import__(f"standin_{name}")

    return write


def test_the_module_is_the_target(forwarding, tmp_path):
    (tmp_path / "real_target.py").write_text("thing = object()\n")
    module = forwarding("whole", "real_target")()
    assert module is sys.modules["real_target"] is sys.modules["standin_whole"]


@pytest.mark.parametrize("target", ["not_installed", "not_installed.deeper", "json.not_there_yet"])
def test_a_missing_target_says_what_to_install(forwarding, target):
    with pytest.raises(PluginNotFoundError, match=r"standin_x needs.*`pip install nnabla-example`"):
        forwarding("x", target)()
    assert "standin_x" not in sys.modules


def test_what_the_target_itself_lacks_is_reported_as_it_is(forwarding, tmp_path):
    (tmp_path / "needy.py").write_text("import something_else_missing\n")
    with pytest.raises(ModuleNotFoundError, match="something_else_missing") as caught:
        forwarding("y", "needy")()
    assert not isinstance(caught.value, PluginNotFoundError)
