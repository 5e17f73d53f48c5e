"""Modules own parameters and other modules."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
from nnabla.core.module import ParamMemo, insert_parent_name


class Layer(nn.Module):
    def __init__(self, maps: int) -> None:
        self.maps = maps

    def call(self, x: Any) -> Any:
        return PF.affine(x, self.maps)

    def other(self, x: Any) -> Any:
        return PF.affine(x, self.maps, name="other")


class Net(nn.Module):
    def __init__(self) -> None:
        self.a = Layer(4)
        self.b = Layer(3)
        self.size = 5

    def call(self, x: Any) -> Any:
        h = F.reshape(F.relu(self.a(x)), (2, 1, 2, 2))
        return self.b(PF.convolution(h, 2, (1, 1), name="c"))


NAMES = ["@a/affine/W", "@a/affine/b", "@b/affine/W", "@b/affine/b", "c/conv/W", "c/conv/b"]


@pytest.fixture
def net() -> Net:
    made = Net()
    made(nn.Variable((2, 5)))
    return made


def test_parameters_of_submodules_come_first_and_outside_the_registry(net: Net) -> None:
    assert list(net.get_parameters()) == NAMES
    assert list(net.get_parameters(recursive=False)) == NAMES[4:]
    assert list(net.a.get_parameters()) == ["affine/W", "affine/b"]
    assert list(nn.get_parameters()) == []


def test_a_module_is_independent_of_the_scope_it_is_called_in() -> None:
    with nn.parameter_scope("outer"):
        layer = Layer(3)
        layer(nn.Variable((2, 5)))
        PF.affine(nn.Variable((2, 5)), 1)
    assert list(layer.get_parameters()) == ["affine/W", "affine/b"]
    assert list(nn.get_parameters()) == ["outer/affine/W", "outer/affine/b"]
    nn.clear_parameters()


def test_any_method_runs_in_the_modules_scope() -> None:
    layer = Layer(3)
    layer.other(nn.Variable((2, 5)))
    assert list(layer.get_parameters()) == ["other/affine/W", "other/affine/b"]


def test_methods_that_operators_call_run_in_the_modules_scope_too() -> None:
    class Whole(nn.Module):
        def __init__(self) -> None:
            self.part = Layer(2)

        def __call__(self, x: Any) -> Any:
            return self.part(PF.affine(x, 4))

        def __getitem__(self, key: str) -> Any:
            return nn.parameter.get_parameter_or_create(key, (2,))

    whole = Whole()
    whole(nn.Variable((2, 5)))
    whole["w"]
    assert list(whole.get_parameters()) == ["@part/affine/W", "@part/affine/b", "affine/W", "affine/b", "w"]
    assert not nn.get_parameters()


def test_new_and_static_methods_get_no_scope() -> None:
    class Made(Layer):
        def __new__(cls, *args: Any) -> Made:
            return super().__new__(cls)

        @staticmethod
        def three() -> int:
            return 3

    assert Made(4).three() == 3


def test_parameters_may_be_made_in_the_constructor() -> None:
    class Weighted(nn.Module):
        def __init__(self) -> None:
            self.w = nn.parameter.get_parameter_or_create("w", (2,))

    assert list(Weighted().get_parameters()) == ["w"]


def test_a_second_call_finds_the_parameters(net: Net) -> None:
    before = net.get_parameters()
    net(nn.Variable((2, 5)))
    assert all(net.get_parameters()[k] is v for k, v in before.items())


def test_names_and_paths(net: Net) -> None:
    assert (net.name, net.a.name) == ("net", "a")
    assert (net.is_root(), net.a.is_root()) == (True, False)
    assert net.a.parent is net and net.parent is None
    assert (net.get_path_name(), net.a.get_path_name()) == ("@net", "@net/@a")
    assert (net.get_scope_name(), net.a.get_scope_name()) == ("", "@a")
    assert list(net.submodules) == ["a", "b"]
    assert not hasattr(net, "unknown")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Net", "net"), ("MyNet", "my_net"), ("ConvBN", "conv_b_n"), ("Res50V2", "res50_v2"), ("My_Net", "my__net")],
)
def test_a_root_is_named_after_its_class(name: str, expected: str) -> None:
    root = type(nn.Module)(name, (Layer,), {})(3)
    assert (root.name, root.get_path_name()) == (expected, f"@{expected}")


def test_a_module_belongs_to_the_attribute_that_it_became_last() -> None:
    first, second, layer = Net(), Net(), Layer(4)
    first.a = layer
    second.b = layer
    assert layer.parent is second and layer.get_path_name() == "@net/@b"


def test_a_replaced_attribute_is_no_submodule_any_more(net: Net) -> None:
    net.a = Layer(2)
    assert list(net.get_parameters()) == NAMES[2:]
    net.b = None
    assert list(net.submodules) == ["a"]
    del net.a
    assert list(net.submodules) == []


def test_training_is_set_recursively(net: Net) -> None:
    assert net.training and net.a.training
    net.training = False
    assert not net.a.training


def test_parameters_can_be_shared(net: Net) -> None:
    other = Net()
    other.set_parameters(net.get_parameters())
    assert all(other.get_parameters()[k] is v for k, v in net.get_parameters().items())


def test_one_shared_module_is_listed_once() -> None:
    net = Net()
    net.b = net.a
    net.a(nn.Variable((2, 5)))
    assert list(net.get_parameters()) == NAMES[:2]


def test_missing_submodules_are_left_out_or_named(net: Net) -> None:
    net.set_parameter("@z/affine/W", nn.Variable((2,)))
    assert list(net.get_parameters()) == NAMES
    with pytest.raises(ValueError, match=r"Net has no submodule 'z' for parameter '@z/affine/W'; it has a, b"):
        net.set_parameter("@z/affine/W", nn.Variable((2,)), raise_if_missing=True)
    with pytest.raises(TypeError, match="must be a Variable, not int"):
        net.set_parameter("w", 3)  # type: ignore[arg-type]


def test_grad_only_and_zero_grad(net: Net) -> None:
    net.get_parameters()["@a/affine/W"].need_grad = False
    assert list(net.get_parameters(grad_only=True)) == NAMES[1:]
    net.zero_grad()
    assert net.get_parameters()["@b/affine/W"].grad.zeroing
    assert net.get_parameters()["@a/affine/W"].grad.zeroing


def test_saved_parameters_come_back_in_place(net: Net, tmp_path: Path) -> None:
    net.get_parameters()["c/conv/b"].need_grad = False
    path = str(tmp_path / "net.h5")
    net.save_parameters(path)
    fresh = Net()
    fresh(nn.Variable((2, 5)))
    held = fresh.get_parameters()
    fresh.load_parameters(path)
    for key, param in net.get_parameters().items():
        assert fresh.get_parameters()[key] is held[key]
        np.testing.assert_array_equal(held[key].d, param.d)
        assert held[key].need_grad == param.need_grad
    unbuilt = Net()
    unbuilt.load_parameters(path)
    assert list(unbuilt.get_parameters()) == NAMES


def test_a_path_tells_the_format_and_a_file_object_is_told_it(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "net.unknown"
    with pytest.raises(AssertionError):
        net.save_parameters(str(path))
    assert not path.exists()
    file = io.BytesIO()
    net.save_parameters(file, extension=".h5")
    fresh = Net()
    fresh.load_parameters(file, extension=".h5")
    assert list(fresh.get_parameters()) == NAMES


def test_a_file_with_parameters_of_unknown_submodules(net: Net, tmp_path: Path) -> None:
    path = str(tmp_path / "net.h5")
    net.save_parameters(path)
    layer = Layer(3)
    with pytest.raises(ValueError):
        layer.load_parameters(path)
    layer.load_parameters(path, raise_if_missing=False)
    assert "c/conv/W" in layer.get_parameters()
    with pytest.raises(FileNotFoundError):
        layer.load_parameters(str(tmp_path / "missing.h5"))


def test_what_is_loaded_into_the_scope_reaches_submodules(net: Net, tmp_path: Path) -> None:
    path = str(tmp_path / "net.h5")
    net.save_parameters(path)
    fresh = Net()
    with nn.parameter_scope("", fresh.parameter_scope):
        nn.load_parameters(path)
    fresh.update_parameter()
    assert list(fresh.get_parameters()) == NAMES
    np.testing.assert_array_equal(fresh.get_parameters()[NAMES[0]].d, net.get_parameters()[NAMES[0]].d)


def test_a_module_made_within_call_loses_its_parameters() -> None:
    class Local(nn.Module):
        def call(self, x: Any) -> Any:
            return Layer(3)(x)

    local = Local()
    local(nn.Variable((2, 5)))
    assert not local.get_parameters()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_has_parameters_and_submodules_of_its_own(net: Net, copied: Any) -> None:
    other = copied(net)
    assert other.a.parent is other and net.a.parent is net
    other.get_parameters()["@a/affine/W"].d = 7
    other.c = Layer(1)
    assert not (net.get_parameters()["@a/affine/W"].d == 7).any()
    assert list(net.submodules) == ["a", "b"]
    assert other.get_parameters()["@b/affine/W"].need_grad
    part = copied(net.a)
    assert part.is_root() and list(part.get_parameters()) == ["affine/W", "affine/b"]


def test_a_shallow_copy_leaves_the_submodules_where_they_are(net: Net) -> None:
    other = copy.copy(net)
    other.c = Layer(1)
    assert list(net.submodules) == ["a", "b"]
    assert net.a.parent is net and other.a is net.a


def test_modules_go_without_the_collector() -> None:
    gc.disable()
    try:
        net = Net()
        net(nn.Variable((2, 5)))
        refs = [weakref.ref(net), weakref.ref(net.a)]
        del net
        assert [r() for r in refs] == [None, None]
    finally:
        gc.enable()


def test_a_module_without_call_says_so() -> None:
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty\.call"):
        Empty()()


def test_memo_and_names() -> None:
    v = nn.Variable((2,))
    memo = ParamMemo()
    assert list(memo.filter_and_update({"w": v, "again": v})) == ["w"]
    assert not memo.filter_and_update({"w": v})
    assert list(insert_parent_name("a", {"w": v})) == ["@a/w"]
