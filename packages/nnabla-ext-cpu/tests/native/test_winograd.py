"""Winograd's convolutions against convolutions that NumPy adds up tap by tap in float64."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native

_native = native.module
pytestmark = pytest.mark.skipif(_native is None, reason="the native module is not built")

TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}
TARGETS = _native.targets() if _native is not None else []
#: (N, H, W, Ci, Co): odd channels, images of one tile, of parts of tiles and of many, batches of one and more.
SIZES = [
    (1, 1, 1, 1, 1),
    (5, 2, 3, 3, 5),
    (1, 4, 4, 17, 48),
    (5, 5, 7, 5, 17),
    (1, 8, 13, 48, 3),
    (2, 13, 9, 17, 17),
    (1, 6, 6, 150, 70),  # more than one block of depth, several panels
    (5, 12, 12, 48, 33),  # more tiles than outputs
    (1, 3, 11, 35, 130),
]


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = _native.target()
    assert _native.use_target(request.param)
    yield request.param
    _native.use_target(before)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = _native.thread_count()
    _native.set_thread_count(request.param)
    yield request.param
    _native.set_thread_count(before)


def normal(*shape: int, dtype: Any, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def in_order(w: np.ndarray, order: str) -> np.ndarray:
    """The same (O, I, 3, 3) weights, lying in memory in another order of axes."""
    axes = {
        "OIRS": (0, 1, 2, 3),
        "ORSI": (0, 2, 3, 1),
        "RSIO": (2, 3, 1, 0),
        "IORS": (1, 0, 2, 3),
        "SOIR": (3, 0, 1, 2),
    }
    order_axes = axes[order]
    return np.ascontiguousarray(w.transpose(order_axes)).transpose(np.argsort(order_axes))


def padded(x: np.ndarray, pad: int) -> np.ndarray:
    return np.pad(x.astype(np.float64), ((0, 0), (pad, pad), (pad, pad), (0, 0)))


def convolution(x: np.ndarray, w: np.ndarray, pad: int) -> np.ndarray:
    z, w = padded(x, pad), w.astype(np.float64)
    h, v = z.shape[1] - 2, z.shape[2] - 2
    taps = [z[:, r : r + h, s : s + v] @ w[:, :, r, s].T for r in range(3) for s in range(3)]
    return np.sum(taps, axis=0)


def data_gradient(dy: np.ndarray, w: np.ndarray, h: int, v: int, pad: int) -> np.ndarray:
    dz = np.zeros((len(dy), h + 2 * pad, v + 2 * pad, w.shape[1]))
    for r in range(3):
        for s in range(3):
            dz[:, r : r + dy.shape[1], s : s + dy.shape[2]] += dy.astype(np.float64) @ w[:, :, r, s].astype(np.float64)
    return dz[:, pad : pad + h, pad : pad + v]


def weight_gradient(x: np.ndarray, dy: np.ndarray, pad: int) -> np.ndarray:
    z, dy = padded(x, pad), dy.astype(np.float64)
    _, h, v, outputs = dy.shape
    dw = np.zeros((outputs, x.shape[3], 3, 3))
    for r in range(3):
        for s in range(3):
            dw[:, :, r, s] = np.einsum("nhwo,nhwi->oi", dy, z[:, r : r + h, s : s + v], optimize=True)
    return dw


def assert_near(found: np.ndarray, expected: np.ndarray, dtype: Any) -> None:
    assert found.dtype == dtype
    assert found.shape == expected.shape
    error = np.abs(found - expected).max(initial=0)
    assert error <= TOLERANCE[dtype] * np.abs(expected).max(initial=0)


def pads(h: int, v: int) -> list[int]:
    return [pad for pad in (0, 1, 2) if min(h, v) + 2 * pad >= 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_all_passes_agree_with_sums_over_taps(target: str, size: tuple[int, ...], dtype: Any) -> None:
    n, h, v, ci, co = size
    x, w = normal(n, h, v, ci, dtype=dtype, seed=1), normal(co, ci, 3, 3, dtype=dtype, seed=2)
    for pad in pads(h, v):
        y = convolution(x, w, pad)
        assert_near(_native.winograd_forward(x, w, pad), y, dtype)
        dy = normal(*y.shape, dtype=dtype, seed=3)
        assert_near(_native.winograd_data_gradient(dy, w, h, v, pad), data_gradient(dy, w, h, v, pad), dtype)
        assert_near(_native.winograd_weight_gradient(x, dy, pad), weight_gradient(x, dy, pad), dtype)


@pytest.mark.parametrize("height", range(1, 14))
def test_every_height_and_width(height: int) -> None:
    for width in range(1, 14):
        pad = 1 if min(height, width) < 3 else (height + width) % 3
        x = normal(2, height, width, 5, dtype=np.float32, seed=height)
        w = normal(7, 5, 3, 3, dtype=np.float32, seed=width)
        y = convolution(x, w, pad)
        dy = normal(*y.shape, dtype=np.float32, seed=3)
        assert_near(_native.winograd_forward(x, w, pad), y, np.float32)
        dx = data_gradient(dy, w, height, width, pad)
        assert_near(_native.winograd_data_gradient(dy, w, height, width, pad), dx, np.float32)
        assert_near(_native.winograd_weight_gradient(x, dy, pad), weight_gradient(x, dy, pad), np.float32)


@pytest.mark.parametrize("order", ["OIRS", "ORSI", "RSIO", "IORS", "SOIR"])
@pytest.mark.parametrize("channels", [(3, 5), (32, 64), (35, 50)], ids=str)
def test_weights_in_any_order_of_memory(target: str, order: str, channels: tuple[int, int]) -> None:
    ci, co = channels
    x = normal(2, 6, 7, ci, dtype=np.float32, seed=1)
    w = in_order(normal(co, ci, 3, 3, dtype=np.float32, seed=2), order)
    y = convolution(x, w, 1)
    dy = normal(*y.shape, dtype=np.float32, seed=3)
    assert_near(_native.winograd_forward(x, w, 1), y, np.float32)
    assert_near(_native.winograd_data_gradient(dy, w, 6, 7, 1), data_gradient(dy, w, 6, 7, 1), np.float32)
    u = _native.winograd_transform(w)
    assert_near(_native.winograd_forward_transformed(x, u, co, 1), y, np.float32)


@pytest.mark.parametrize("channels", [(1, 1), (17, 35), (48, 64)], ids=str)
def test_weight_gradient_in_channels_last_order(target: str, channels: tuple[int, int]) -> None:
    ci, co = channels
    x, dy = normal(3, 9, 6, ci, dtype=np.float32, seed=1), normal(3, 9, 6, co, dtype=np.float32, seed=2)
    dw = _native.winograd_weight_gradient(x, dy, 1, channels_last=True)
    assert dw.transpose(0, 2, 3, 1).flags.c_contiguous
    assert_near(dw, weight_gradient(x, dy, 1), np.float32)


@pytest.mark.parametrize("size", [(4, 20, 20, 24, 40), (1, 8, 8, 160, 200)], ids=str)
def test_threads_and_transformed_weights(target: str, threads: int, size: tuple[int, ...]) -> None:
    n, h, v, ci, co = size
    x, w = normal(n, h, v, ci, dtype=np.float32, seed=1), normal(co, ci, 3, 3, dtype=np.float32, seed=2)
    y = convolution(x, w, 1)
    dy = normal(*y.shape, dtype=np.float32, seed=3)
    found = _native.winograd_forward(x, w, 1)
    assert_near(found, y, np.float32)
    assert np.array_equal(found, _native.winograd_forward(x, w, 1))
    assert_near(_native.winograd_forward_transformed(x, _native.winograd_transform(w), co, 1), y, np.float32)
    assert_near(_native.winograd_data_gradient(dy, w, h, v, 1), data_gradient(dy, w, h, v, 1), np.float32)
    assert_near(_native.winograd_weight_gradient(x, dy, 1), weight_gradient(x, dy, 1), np.float32)


def test_weight_gradient_of_so_many_tiles_that_they_are_taken_in_chunks(target: str, threads: int) -> None:
    x, dy = normal(8, 40, 40, 40, dtype=np.float32, seed=1), normal(8, 40, 40, 72, dtype=np.float32, seed=2)
    assert_near(_native.winograd_weight_gradient(x, dy, 1), weight_gradient(x, dy, 1), np.float32)


@pytest.mark.parametrize("size", [(2, 9, 9, 20, 19), (1, 5, 5, 40, 100)], ids=str)
def test_bias_and_rectification(target: str, size: tuple[int, ...]) -> None:
    n, h, v, ci, co = size
    x, w = normal(n, h, v, ci, dtype=np.float32, seed=1), normal(co, ci, 3, 3, dtype=np.float32, seed=2)
    b = 20 * normal(co, dtype=np.float32, seed=3)
    y = convolution(x, w, 1) + b
    assert_near(_native.winograd_forward(x, w, 1, b), y, np.float32)
    assert_near(_native.winograd_forward(x, w, 1, b, rectify=True), np.maximum(y, 0), np.float32)
    assert (y < 0).any()


@pytest.mark.parametrize("size", [(0, 5, 5, 3, 4), (2, 2, 5, 3, 4), (2, 5, 5, 0, 4), (2, 5, 5, 3, 0)], ids=str)
def test_empty_arrays(target: str, size: tuple[int, ...]) -> None:
    n, h, v, ci, co = size
    x, w = np.ones((n, h, v, ci), np.float32), np.ones((co, ci, 3, 3), np.float32)
    y = convolution(x, w, 0)
    b = np.arange(co, dtype=np.float32)
    assert_near(_native.winograd_forward(x, w, 0, b), y + b, np.float32)
    dy = np.ones(y.shape, np.float32)
    assert_near(_native.winograd_data_gradient(dy, w, h, v, 0), data_gradient(dy, w, h, v, 0), np.float32)
    assert_near(_native.winograd_weight_gradient(x, dy, 0), weight_gradient(x, dy, 0), np.float32)


def test_it_pays_for_the_layers_of_networks_and_not_for_few_channels_or_outputs() -> None:
    for n, size, channels in [(32, 32, 64), (32, 4, 512), (1, 56, 64), (1, 7, 512), (8, 32, 16)]:
        assert _native.winograd_pays(n, size, size, channels, channels)
    for n, size, inputs, outputs in [(8, 32, 3, 64), (8, 32, 64, 8), (1, 4, 512, 512), (32, 5, 64, 64), (0, 9, 64, 64)]:
        assert not _native.winograd_pays(n, size, size, inputs, outputs)


def test_nan_reaches_the_outputs_of_its_tile_and_no_other() -> None:
    x = np.ones((1, 16, 16, 40), np.float32)
    x[0, 1, 1, 3] = np.nan
    y = _native.winograd_forward(x, np.ones((40, 40, 3, 3), np.float32), 1, rectify=True)
    assert np.isnan(y[0, 0:3, 0:3]).all()
    assert np.isfinite(y[0, 4:, 4:]).all()


def test_errors_name_what_is_wrong() -> None:
    x, w = np.ones((1, 5, 5, 3), np.float32), np.ones((4, 3, 3, 3), np.float32)
    with pytest.raises(ValueError, match="pad is 3, but must be 0, 1 or 2"):
        _native.winograd_forward(x, w, 3)
    with pytest.raises(ValueError, match="has 3 channels, but the weights 2"):
        _native.winograd_forward(x, w[:, :2], 1)
    with pytest.raises(ValueError, match="1 x 5 with a pad of 0"):
        _native.winograd_forward(x[:, :1].copy(), w, 0)
    with pytest.raises(ValueError, match="dy does not fit"):
        _native.winograd_weight_gradient(x, np.ones((1, 4, 5, 4), np.float32), 1)
    with pytest.raises(ValueError, match="u was not transformed for these"):
        _native.winograd_forward_transformed(x, np.ones(5, np.float32), 4, 1)
    with pytest.raises(TypeError, match="another dtype"):
        _native.winograd_forward(x, w.astype(np.float64), 1)
