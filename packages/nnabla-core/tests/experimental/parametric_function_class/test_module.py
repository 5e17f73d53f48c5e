"""Modules whose parameters are the Variables among their attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.experimental.parametric_function_classes as PFC


class Inner(PFC.Module):
    def __init__(self) -> None:
        self.c = PFC.Conv2d(1, 2, (1, 1))


class Net(PFC.Module):
    def __init__(self) -> None:
        self.a = PFC.Affine(3, 2)
        self.b = PFC.BatchNorm2d(4)
        self.unseen = [PFC.Affine(1, 1)]
        self.w = nn.Variable((2,), need_grad=True)
        self.inner = Inner()


TRAINED = ["/w", "a/W", "a/b", "b/beta", "b/gamma", "inner/c/W", "inner/c/b"]
ALL = [*TRAINED[:5], "b/mean", "b/var", *TRAINED[5:]]


def test_parameters_are_listed_by_path() -> None:
    net = Net()
    assert list(net.get_parameters()) == TRAINED
    assert list(net.get_parameters(grad_only=False)) == ALL
    assert net.get_parameters()["a/W"] is net.a.W
    assert not PFC.Module().get_parameters()


def test_modules_are_listed_once_by_path() -> None:
    net = Net()
    net.again = net.a  # type: ignore[attr-defined]
    assert [(path, type(module)) for path, module in net.get_modules()] == [
        ("", Net),
        ("a", PFC.Affine),
        ("b", PFC.BatchNorm2d),
        ("inner", Inner),
        ("inner/c", PFC.Conv2d),
    ]
    assert list(net.get_parameters()) == TRAINED
    assert [path for path, _ in net.get_modules({net.inner}, "net")] == ["net", "net/a", "net/b"]


def test_saved_parameters_come_back_in_place(tmp_path: Path) -> None:
    path = str(tmp_path / "net.h5")
    saved, net = Net(), Net()
    saved.w.d = 3
    saved.b.mean.d = 2
    saved.save_parameters(path)
    held = net.get_parameters(grad_only=False)
    net.load_parameters(path)
    for key, value in saved.get_parameters(grad_only=False).items():
        assert net.get_parameters(grad_only=False)[key] is held[key]
        np.testing.assert_array_equal(held[key].d, value.d)


def test_a_file_holds_plain_names(tmp_path: Path) -> None:
    path = str(tmp_path / "net.h5")
    Net().save_parameters(path, grad_only=True)
    with nn.parameter_scope("", {}):
        nn.load_parameters(path)
        assert list(nn.get_parameters()) == [key.lstrip("/") for key in TRAINED]


def test_a_file_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "net.h5")
    net = Net()
    before = net.a.W.d.copy()
    Net().save_parameters(path, grad_only=True)
    with pytest.raises(ValueError, match=r"Net\.load_parameters: .*net\.h5 has no parameter 'b/mean'; it has w, a/W"):
        net.load_parameters(path)
    other = Net()
    other.inner.c = PFC.Conv2d(1, 3, (1, 1))
    other.save_parameters(path)
    with pytest.raises(ValueError, match=r"'inner/c/W' has the shape \(2, 1, 1, 1\), and \(3, 1, 1, 1\) in"):
        net.load_parameters(path)
    np.testing.assert_array_equal(net.a.W.d, before)
    with pytest.raises(FileNotFoundError):
        net.load_parameters(str(tmp_path / "missing.h5"))
