"""Sequential calls modules one after the other."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.parametric_functions as PF


class Layer(nn.Module):
    def __init__(self, maps: int) -> None:
        self.maps = maps

    def call(self, x: Any) -> Any:
        return PF.affine(x, self.maps)


class BigLayer(Layer):
    pass


class Recorder(nn.Module):
    """Keeps what it was called with."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def call(self, *args: Any, **kwargs: Any) -> Any:
        self.got = args, kwargs
        return self.result


def test_modules_are_called_in_turn() -> None:
    net = nn.Sequential(Layer(3), ("last", Layer(2)))
    x = nn.Variable.from_numpy_array(np.arange(10).reshape(2, 5))
    y = net(x)
    y.forward()
    p = {key: param.d for key, param in net.get_parameters().items()}
    expected = (x.d @ p["@layer_0/affine/W"] + p["@layer_0/affine/b"]) @ p["@last/affine/W"] + p["@last/affine/b"]
    np.testing.assert_allclose(y.d, expected, rtol=1e-5)


def test_modules_without_a_name_are_called_after_their_class_and_place() -> None:
    net = nn.Sequential(Layer(3), ("named", Layer(3)), BigLayer(3), nn.Sequential(Layer(1)))
    net(nn.Variable((2, 5)))
    assert list(net.submodules) == ["layer_0", "named", "big_layer_2", "sequential_3"]
    assert net.big_layer_2 is net.submodules["big_layer_2"]
    assert list(net.get_parameters())[-1] == "@sequential_3/@layer_0/affine/b"


def test_a_tuple_is_given_on_as_arguments_and_a_list_as_one() -> None:
    first, second, third = Recorder((1, 2)), Recorder([3, 4]), Recorder(5)
    assert nn.Sequential(first, second, third)(6, 7) == 5
    assert [r.got[0] for r in (first, second, third)] == [(6, 7), (1, 2), ([3, 4],)]


def test_keywords_reach_every_module() -> None:
    recorders = [Recorder(1), Recorder(2)]
    nn.Sequential(*recorders)(0, training=False)
    assert [r.got[1] for r in recorders] == [{"training": False}] * 2


def test_one_module_in_two_places_is_called_twice() -> None:
    layer = Layer(2)
    net = nn.Sequential(layer, layer)
    net(nn.Variable((1, 2)))
    assert list(net.submodules) == ["layer_0", "layer_1"]
    assert list(net.get_parameters()) == ["@layer_0/affine/W", "@layer_0/affine/b"]


def test_without_modules_the_arguments_come_back() -> None:
    x = nn.Variable((2, 5))
    assert nn.Sequential()(x) is x
    assert nn.Sequential()(x, x) == (x, x)


@pytest.mark.parametrize("wrong", [3, lambda x: x, ["q", Layer(1)], ("q", 3), ("q",), (3, Layer(1))])
def test_what_is_no_module_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"Sequential: argument 1 must be an nn\.Module or a pair"):
        nn.Sequential(Layer(1), wrong)


@pytest.mark.parametrize("name", ["layer_0", "call", "parent"])
def test_a_name_in_use_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"argument 1 cannot be named '{name}'"):
        nn.Sequential(Layer(1), (name, Layer(1)))


def test_keywords_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("nnabla")
    logger.addHandler(caplog.handler)
    try:
        net = nn.Sequential(Layer(1), more=Layer(1))
    finally:
        logger.removeHandler(caplog.handler)
    assert list(net.submodules) == ["layer_0"]
    assert "Sequential: more left out" in caplog.text
