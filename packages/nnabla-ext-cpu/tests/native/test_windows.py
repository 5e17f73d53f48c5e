"""Native separable windows and patches against loops over NumPy, on every target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import windows

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = windows.FORWARD_KERNELS, windows.BACKWARD_KERNELS
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def drawn(*shape: int, dtype: Any, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@DTYPES
@pytest.mark.parametrize(("kernel", "out"), [((1, 1), (2, 3)), ((3, 2), (5, 37)), ((2, 4), (3, 16))])
def test_separable_kernels(kernel: Any, out: Any, dtype: Any, each_target: str, each_count: int) -> None:
    x = drawn(2, 3, out[0] + kernel[0] - 1, out[1] + kernel[1] - 1, dtype=dtype)
    down, across = drawn(2, kernel[0], *out, dtype=dtype, seed=1), drawn(2, kernel[1], *out, dtype=dtype, seed=2)
    dy = drawn(2, 3, *out, dtype=dtype, seed=3)
    y, dx, ddown, dacross = np.zeros(dy.shape), np.zeros(x.shape), np.zeros(down.shape), np.zeros(across.shape)
    for v in range(kernel[0]):
        for h in range(kernel[1]):
            part = (..., slice(v, v + out[0]), slice(h, h + out[1]))
            weight = (down[:, v] * across[:, h])[:, None]
            y += x[part] * weight
            dx[part] += dy * weight
            ddown[:, v] += (dy * x[part]).sum(1) * across[:, h]
            dacross[:, h] += (dy * x[part]).sum(1) * down[:, v]
    found = FORWARD["AdaptiveSeparableConvolution"](None, (x, down, across), (None,), {})
    np.testing.assert_allclose(found, y, rtol=0, atol=TOLERANCE[dtype])
    compute = BACKWARD["AdaptiveSeparableConvolution"].compute
    for actual, expected in zip(
        compute(None, (x, down, across), (dy,), (True, True, True), {}), (dx, ddown, dacross), strict=True
    ):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype])
    assert [g is None for g in compute(None, (x, down, across), (dy,), (False, True, False), {})] == [True, False, True]


PATCHES = [
    {"patch": (1, 1), "shift": (0, 0), "patch_step": (1, 1), "shift_step": (1, 1), "padding": (0, 0, 0, 0)},
    {"patch": (2, 3), "shift": (2, 1), "patch_step": (2, 1), "shift_step": (1, 1), "padding": (1, 0, 2, 1)},
    {"patch": (3, 1), "shift": (3, 4), "patch_step": (1, 2), "shift_step": (2, 3), "padding": (0, 2, 0, 0)},
]


@DTYPES
@pytest.mark.parametrize("args", PATCHES)
@pytest.mark.parametrize("channels", [1, 19])
def test_patches(channels: int, args: dict[str, Any], dtype: Any, each_target: str, each_count: int) -> None:
    x1, x2 = drawn(2, 5, 6, channels, dtype=dtype), drawn(2, 5, 6, channels, dtype=dtype, seed=1)
    found = FORWARD["PatchCorrelation"](None, (x1, x2), (None,), args)
    dy = drawn(*found.shape, dtype=dtype, seed=2)
    top, bottom, left, right = args["padding"]
    tall, wide = args["shift"]
    beside = ((0, 0), (top + tall, bottom + tall), (left + wide, right + wide), (0, 0))
    # Both images with as many zeros around; the first counts only where it is itself or its own padding.
    a, b = np.pad(x1, beside).astype(float), np.pad(x2, beside).astype(float)
    y, da, db = np.zeros(found.shape), np.zeros(a.shape), np.zeros(b.shape)
    for n, r, c, u, v in np.ndindex(found.shape):
        row, column = r * args["patch_step"][0] + tall, c * args["patch_step"][1] + wide
        down, across = u * args["shift_step"][0] - tall, v * args["shift_step"][1] - wide
        first = (n, slice(row, row + args["patch"][0]), slice(column, column + args["patch"][1]))
        second = (
            n,
            slice(row + down, row + down + args["patch"][0]),
            slice(column + across, column + across + args["patch"][1]),
        )
        y[n, r, c, u, v] = (a[first] * b[second]).sum()
        da[first] += b[second] * dy[n, r, c, u, v]
        db[second] += a[first] * dy[n, r, c, u, v]
    own = (slice(None), slice(top + tall, top + tall + 5), slice(left + wide, left + wide + 6))
    scale = np.abs(y).max()
    np.testing.assert_allclose(found / scale, y / scale, rtol=0, atol=TOLERANCE[dtype])
    compute = BACKWARD["PatchCorrelation"].compute
    for actual, expected in zip(compute(None, (x1, x2), (dy,), (True, True), args), (da[own], db[own]), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * max(np.abs(expected).max(), 1))
    assert compute(None, (x1, x2), (dy,), (False, False), args) == (None, None)
