"""Ready modules of image networks compute what version 1.39 computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.core.modules import ConvBn, ResUnit, complete_dims, get_conv_same_pad

X = np.random.RandomState(1).randn(2, 4, 4, 4).astype(np.float32)


@pytest.fixture
def drawn() -> Iterator[None]:
    before = nn.random.prng
    nn.random.prng = np.random.RandomState(5)
    yield
    nn.random.prng = before


# Shape, sum, sum of magnitudes, two elements, and the sums of the filters, as 1.39.0 gives them.
GOLDEN: list[tuple[Callable[[], Any], dict[str, Any], tuple[int, ...], list[float], dict[str, float]]] = [
    (
        lambda: ConvBn(3, kernel=3, stride=2, act=F.elu),
        {},
        (2, 3, 2, 2),
        [3.99362, 16.58423, -0.73313, -0.67586],
        {"conv/W": -0.562},
    ),
    (
        lambda: ConvBn(3, kernel=(1, 3)),
        {"training": False},
        (2, 3, 4, 4),
        [-8.58155, 70.00131, -1.11487, -0.37475],
        {"conv/W": -2.0936},
    ),
    (
        lambda: ResUnit(8, stride=2),
        {},
        (2, 8, 2, 2),
        [43.99166, 43.99166, 0.0, 0.63091],
        {
            "@conv1/conv/W": 1.2051,
            "@conv2/conv/W": -1.2767,
            "@conv3/conv/W": -0.1149,
            "@skip/conv/W": 0.2145,
        },
    ),
    (
        lambda: ResUnit(4, skip_by_conv=False),
        {},
        (2, 4, 4, 4),
        [70.78063, 70.78063, 0.0, 0.05912],
        {"@conv1/conv/W": 0.4777, "@conv2/conv/W": -0.4278, "@conv3/conv/W": -0.5991},
    ),
]


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(("make", "options", "shape", "numbers", "weights"), GOLDEN)
def test_values(
    make: Callable[[], Any],
    options: dict[str, Any],
    shape: tuple[int, ...],
    numbers: list[float],
    weights: dict[str, float],
) -> None:
    module = make()
    y = module(nn.Variable.from_numpy_array(X), **options)
    y.forward()
    assert y.shape == shape
    np.testing.assert_allclose(
        [y.d.sum(), np.abs(y.d).sum(), y.d[0, 1, 1, 0], y.d[1, 0, 0, 1]], numbers, rtol=1e-5, atol=1e-5
    )
    found = {k: float(p.d.sum()) for k, p in module.get_parameters().items() if k.endswith("conv/W")}
    assert found == pytest.approx(weights, abs=1e-4)


def test_parameters_of_a_convolution_with_normalization() -> None:
    module = ConvBn(6, 3)
    module(nn.Variable((2, 4, 8, 8)))
    assert {k: (p.shape, p.need_grad) for k, p in module.get_parameters().items()} == {
        "conv/W": ((6, 4, 3, 3), True),
        "bn/beta": ((1, 6, 1, 1), True),
        "bn/gamma": ((1, 6, 1, 1), True),
        "bn/mean": ((1, 6, 1, 1), False),
        "bn/var": ((1, 6, 1, 1), False),
    }


@pytest.mark.parametrize(("kernel", "stride", "size"), [(1, 1, (8, 8)), ((3, 5), 2, (4, 4)), (2, (1, 2), (9, 5))])
def test_odd_kernels_keep_the_size(kernel: Any, stride: Any, size: tuple[int, int]) -> None:
    assert ConvBn(6, kernel, stride)(nn.Variable((2, 4, 8, 8))).shape == (2, 6, *size)


def test_normalization_follows_the_argument_training() -> None:
    module = ResUnit(8)
    x = nn.Variable.from_numpy_array(X)
    module(x)
    for param in module.get_parameters(grad_only=False).values():
        if not param.need_grad:
            param.d = 4
    before = {k: p.d.copy() for k, p in module.get_parameters().items()}
    frozen, training = module(x, training=False), module(x)
    frozen.forward()
    assert all(np.array_equal(p.d, before[k]) for k, p in module.get_parameters().items())
    training.forward()
    assert not np.allclose(frozen.d, training.d)
    assert not np.allclose(module.get_parameters()["@skip/bn/mean"].d, 4)


def test_the_shortcut_without_convolution_has_no_parameters() -> None:
    module = ResUnit(4, skip_by_conv=False)
    module(nn.Variable((2, 4, 8, 8)))
    assert list(module.submodules) == ["conv1", "conv2", "conv3", "skip"]
    assert not any(k.startswith("@skip") for k in module.get_parameters())
    with pytest.raises(RuntimeError):
        ResUnit(8, skip_by_conv=False)(nn.Variable((2, 4, 8, 8)))


def test_too_few_channels_for_a_bottleneck() -> None:
    with pytest.raises(ValueError, match="channels=3 leaves no channel for the bottleneck"):
        ResUnit(3)


def test_one_size_for_each_dimension() -> None:
    assert complete_dims(1, 2) == (1, 1)
    assert complete_dims(np.int64(3), 3) == (3, 3, 3)
    sizes = [3, 5]
    assert complete_dims(sizes, 2) is sizes
    for wrong in ((1,), (1, 2, 3)):
        with pytest.raises(ValueError):
            complete_dims(wrong, 2)
    with pytest.raises(ValueError, match=r"complete_dims: \(1,\) has 1 sizes for 2 dimensions"):
        complete_dims((1,), 2)


def test_padding_is_half_of_the_kernel() -> None:
    assert get_conv_same_pad((3, 3)) == (1, 1)
    assert get_conv_same_pad([1, 5, 4]) == (0, 2, 2)
    with pytest.raises(TypeError):
        get_conv_same_pad(3)  # type: ignore[arg-type]
