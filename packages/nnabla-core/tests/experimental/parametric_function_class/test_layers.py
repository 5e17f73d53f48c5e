"""Layers as classes compute what parametric functions of the same parameters compute."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.experimental.parametric_function_classes as PFC
import nnabla.parametric_functions as PF

Array = np.ndarray[Any, Any]
PACKAGE = "nnabla.experimental.parametric_function_class"
FACTS = json.loads((Path(__file__).parents[2] / "facts" / "api.json").read_text())
CONSTRUCTORS = [
    (module, name, members["__init__"])
    for module, names in FACTS.items()
    if module.startswith(PACKAGE)
    for name, members in names.items()
]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    before = nn.random.prng
    nn.random.prng = np.random.RandomState(3)
    nn.clear_parameters()
    yield
    nn.random.prng = before
    nn.clear_parameters()


def drawn(*shape: int) -> nn.Variable:
    return nn.Variable.from_numpy_array(np.random.RandomState(0).randn(*shape).astype(np.float32))


def value(y: nn.Variable) -> Array:
    y.forward()
    return y.d.copy()


@pytest.mark.parametrize(("module", "name", "expected"), CONSTRUCTORS)
def test_constructors_have_the_signatures_of_version_1(module: str, name: str, expected: str) -> None:
    found = getattr(importlib.import_module(module), name)
    assert found is getattr(PFC, name)
    scope: dict[str, Any] = {}
    exec(f"def f{expected}: pass", scope)
    assert [(p.name, p.default) for p in inspect.signature(found.__init__).parameters.values()] == [
        (p.name, p.default) for p in inspect.signature(scope["f"]).parameters.values()
    ]


SAME: list[tuple[Callable[[], Any], Callable[[nn.Variable], nn.Variable], tuple[int, ...]]] = [
    (lambda: PFC.Affine(12, 5), lambda x: PF.affine(x, 5), (2, 3, 4)),
    (lambda: PFC.Linear(4, 5, base_axis=2, with_bias=False), lambda x: PF.affine(x, 5, 2, with_bias=False), (2, 3, 4)),
    (lambda: PFC.Conv1d(4, 6, (3,)), lambda x: PF.convolution(x, 6, (3,)), (2, 4, 6)),
    (
        lambda: PFC.Conv2d(4, 6, (3, 3), pad=(1, 1), stride=(2, 1), dilation=(1, 2), group=2),
        lambda x: PF.convolution(x, 6, (3, 3), (1, 1), (2, 1), (1, 2), 2),
        (2, 4, 6, 6),
    ),
    (lambda: PFC.Conv3d(2, 3, (1, 2, 3)), lambda x: PF.convolution(x, 3, (1, 2, 3)), (2, 2, 3, 3, 3)),
    (lambda: PFC.Deconv1d(4, 6, (3,)), lambda x: PF.deconvolution(x, 6, (3,)), (2, 4, 6)),
    (
        lambda: PFC.Deconv2d(4, 6, (3, 3), pad=(1, 1), stride=(2, 1), dilation=(1, 2), group=2),
        lambda x: PF.deconvolution(x, 6, (3, 3), (1, 1), (2, 1), (1, 2), 2),
        (2, 4, 6, 6),
    ),
    (lambda: PFC.Deconv3d(2, 3, (1, 2, 3)), lambda x: PF.deconvolution(x, 3, (1, 2, 3)), (2, 2, 3, 3, 3)),
    (lambda: PFC.BatchNorm1d(4), PF.batch_normalization, (2, 4, 6)),
    (lambda: PFC.BatchNorm2d(6, axes=[3], eps=0.1), lambda x: PF.batch_normalization(x, [3], eps=0.1), (2, 4, 5, 6)),
    (lambda: PFC.BatchNorm3d(4), PF.batch_normalization, (2, 4, 3, 3, 3)),
    (lambda: PFC.BatchNormalization(4, 2), PF.batch_normalization, (5, 4)),
]


@pytest.mark.parametrize(("make", "function", "shape"), SAME)
def test_a_layer_and_the_parametric_function_agree(
    make: Callable[[], Any], function: Callable[[nn.Variable], nn.Variable], shape: tuple[int, ...]
) -> None:
    layer = make()
    nn.random.prng = np.random.RandomState(3)
    np.testing.assert_array_equal(value(layer(drawn(*shape))), value(function(drawn(*shape))))
    theirs = [(p.shape, p.need_grad) for p in nn.get_parameters(grad_only=False).values()]
    assert [(p.shape, p.need_grad) for p in layer.get_parameters(grad_only=False).values()] == theirs
    nn.clear_parameters()
    layer(drawn(*shape))
    assert not nn.get_parameters()


def test_initial_weights_are_those_of_version_1() -> None:
    sums = {}
    for name, make in (
        ("affine", lambda: PFC.Affine(12, 5)),
        ("conv", lambda: PFC.Conv2d(4, 6, (3, 3))),
        ("group", lambda: PFC.Conv1d(4, 6, (3,), group=2)),
    ):
        nn.random.prng = np.random.RandomState(3)
        sums[name] = float(make().W.d.sum())
    assert sums == pytest.approx({"affine": -2.28616, "conv": -1.40591, "group": -0.6865}, abs=1e-4)
    assert float(PFC.Affine(12, 5, rng=np.random.RandomState(1)).W.d.sum()) == pytest.approx(-3.47066, abs=1e-4)


def test_a_shape_of_outputs_becomes_one_size() -> None:
    layer = PFC.Affine(4, (2, 3), base_axis=2)
    assert layer.W.shape == (4, 6)
    assert layer(drawn(2, 3, 4)).shape == (2, 3, 6)


def test_initial_values_may_be_given() -> None:
    given = np.arange(12, dtype=np.float32).reshape(4, 3)
    layer = PFC.Affine(4, 3, w_init=given, b_init=nn.initializer.ConstantInitializer(2))
    x = drawn(2, 4)
    np.testing.assert_allclose(value(layer(x)), x.d @ given + 2, rtol=1e-5)
    with pytest.raises(ValueError, match=r"\(4, 5\) of parameter 'W' differs"):
        PFC.Affine(4, 5, w_init=given)
    normalized = PFC.BatchNorm1d(4, param_init={"gamma": np.full((1, 4, 1), 3, np.float32)})
    assert (normalized.gamma.d == 3).all() and (normalized.beta.d == 0).all()


def test_embed_gives_the_vector_of_each_index() -> None:
    layer = PFC.Embed(7, 3)
    index = np.array([[0, 6], [2, 2]])
    np.testing.assert_array_equal(value(layer(nn.Variable.from_numpy_array(index))), layer.W.d[index])
    assert np.abs(layer.W.d).max() <= np.sqrt(3)


@pytest.mark.parametrize(
    "layer",
    [
        lambda **k: PFC.Affine(3, 2, **k),
        lambda **k: PFC.Conv1d(3, 2, (1,), **k),
        lambda **k: PFC.Deconv1d(3, 2, (1,), **k),
        lambda **k: PFC.BatchNorm1d(3, **k),
        lambda **k: PFC.Embed(3, 2, **k),
    ],
)
def test_fixed_parameters_are_not_trained(layer: Callable[..., Any]) -> None:
    assert layer().get_parameters()
    fixed = layer(fix_parameters=True)
    assert not fixed.get_parameters()
    assert fixed.get_parameters(grad_only=False).keys() == layer().get_parameters(grad_only=False).keys()


def test_parameters_made_without_gradients_around_stay_trainable() -> None:
    with nn.no_grad():
        assert list(PFC.Affine(3, 2).get_parameters()) == ["/W", "/b"]


def test_test_normalizes_by_the_running_statistics() -> None:
    x = drawn(8, 4, 3)
    layer = PFC.BatchNorm1d(4, decay_rate=0.5)
    y = value(layer(x))
    mean = x.d.mean((0, 2), keepdims=True)
    np.testing.assert_allclose(y, (x.d - mean) / np.sqrt(x.d.var((0, 2), keepdims=True) + 1e-5), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.mean.d, 0.5 * mean, rtol=1e-4, atol=1e-6)
    running = layer.mean.d.copy(), layer.var.d.copy()
    expected = (x.d - running[0]) / np.sqrt(running[1] + 1e-5)
    np.testing.assert_allclose(value(layer(x, test=True)), expected, rtol=1e-4, atol=1e-5)
    layer.batch_stat = False
    np.testing.assert_allclose(value(layer(x)), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(layer.mean.d, running[0])


def test_statistics_can_be_had() -> None:
    x = drawn(8, 4, 3)
    _, mean, _ = PFC.BatchNorm1d(4, output_stat=True)(x)
    mean.forward()
    np.testing.assert_allclose(mean.d, x.d.mean((0, 2), keepdims=True), rtol=1e-4, atol=1e-6)


def test_wrong_arguments() -> None:
    with pytest.raises(TypeError, match=r"Convolution: kernel must be a sequence"):
        PFC.Conv2d(3, 4, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Deconvolution: kernel must be a sequence"):
        PFC.Deconv2d(3, 4, 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"axes=\[1, 2\] must be one axis"):
        PFC.BatchNorm2d(3, axes=[1, 2])
    with pytest.raises(IndexError, match="axes=4"):
        PFC.BatchNorm2d(3, axes=[4])
    with pytest.raises(ValueError, match="param_init has 'gama'; its keys are beta, gamma, mean, var"):
        PFC.BatchNorm2d(3, param_init={"gama": np.ones(1)})
