"""Native convolutions and their gradients against sums over taps by NumPy in float64, in one to three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import convolution as native_convolution

if native.module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

convolution = native.module.convolution
data_gradient = native.module.convolution_data_gradient
weight_gradient = native.module.convolution_weight_gradient
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-14}

both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def no_winograd() -> Iterator[None]:
    """Direct convolutions: those by Winograd's algorithm have tests and tolerances of their own."""
    before = native.module.winograd_enabled()
    native.module.enable_winograd(False)
    yield
    native.module.enable_winograd(before)


class Case:
    """Arrays and arguments of one convolution, and what it is to give, tap by tap."""

    def __init__(self, rng: np.random.Generator, dims: int, channels: tuple[int, int, int], dtype: Any) -> None:
        self.group, inputs, outputs = channels
        self.kernel = [int(n) for n in rng.integers(1, 5, dims)]
        self.stride = [int(n) for n in rng.integers(1, 4, dims)]
        self.dilation = [int(n) for n in rng.integers(1, 3, dims)]
        self.pad = [int(n) for n in rng.integers(0, 3, dims)]
        self.size = [(k - 1) * d + 1 + int(rng.integers(0, 9)) for k, d in zip(self.kernel, self.dilation)]
        self.fill(rng, int(rng.integers(1, 4)), inputs, outputs, dtype)

    def fill(self, rng: np.random.Generator, batch: int, inputs: int, outputs: int, dtype: Any) -> None:
        reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation)]
        self.out = [(n + 2 * p - r) // s + 1 for n, p, r, s in zip(self.size, self.pad, reach, self.stride)]
        self.x = rng.standard_normal((batch, self.group * inputs, *self.size)).astype(dtype)
        self.w = rng.standard_normal((self.group * outputs, inputs, *self.kernel)).astype(dtype)
        self.b = rng.standard_normal(self.group * outputs).astype(dtype)
        self.dy = rng.standard_normal((batch, self.group * outputs, *self.out)).astype(dtype)

    def __repr__(self) -> str:
        shapes = f"x {self.x.shape}, w {self.w.shape}, pad {self.pad}, stride {self.stride}"
        return f"{shapes}, dilation {self.dilation}, group {self.group}"

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.pad, self.stride, self.dilation, self.group

    def grouped(self, images: np.ndarray) -> np.ndarray:
        return images.astype(np.float64).reshape(len(images), self.group, -1, *images.shape[2:])

    def taps(self, images: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[Any, ...]]]:
        """Give what one tap sees of padded images, and the tap's index in grouped weights."""
        for tap in np.ndindex(*self.kernel):
            steps = zip(tap, self.dilation, self.stride, self.out)
            seen = tuple(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in steps)
            yield images[(..., *seen)], (..., *tap)

    def padded(self) -> np.ndarray:
        return np.pad(self.grouped(self.x), [(0, 0)] * 3 + [(p, p) for p in self.pad])

    def weights(self) -> np.ndarray:
        return self.w.astype(np.float64).reshape(self.group, -1, *self.w.shape[1:])

    def y(self) -> np.ndarray:
        w = self.weights()
        y = sum(np.einsum("ngc...,goc->ngo...", seen, w[tap]) for seen, tap in self.taps(self.padded()))
        return y.reshape(self.dy.shape) + self.b.reshape(-1, *[1] * len(self.pad))

    def dx(self) -> np.ndarray:
        w, dy, dx = self.weights(), self.grouped(self.dy), np.zeros_like(self.padded())
        for seen, tap in self.taps(dx):
            seen += np.einsum("ngo...,goc->ngc...", dy, w[tap])
        return dx[(..., *(slice(p, p + n) for p, n in zip(self.pad, self.size)))].reshape(self.x.shape)

    def dw(self) -> np.ndarray:
        dw, dy = np.zeros_like(self.weights()), self.grouped(self.dy)
        for seen, tap in self.taps(self.padded()):
            flat = [images.reshape(*images.shape[:3], -1) for images in (dy, seen)]
            dw[tap] = np.einsum("ngop,ngcp->goc", *flat)
        return dw.reshape(self.w.shape)


def channels(rng: np.random.Generator) -> tuple[int, int, int]:
    """Groups, inputs and outputs of each: a fifth depthwise, many of them odd."""
    if rng.random() < 0.2:
        return int(rng.choice([2, 7, 16, 19, 33])), 1, int(rng.choice([1, 1, 2]))
    inputs, outputs = rng.choice([1, 2, 3, 5, 8, 16, 17, 40]), rng.choice([1, 2, 4, 7, 16, 20, 33])
    return int(rng.choice([1, 1, 1, 2, 3])), int(inputs), int(outputs)


def moved(x: np.ndarray) -> np.ndarray:
    """The values with the second axis as the last, as a contiguous array."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1))


def last(x: np.ndarray) -> np.ndarray:
    """The same values, channels last in memory."""
    return np.moveaxis(moved(x), -1, 1)


def assert_near(found: np.ndarray, expected: np.ndarray, case: Case) -> None:
    assert found.shape == expected.shape
    error = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-9)
    assert error <= TOLERANCE[found.dtype.type], case


@both_types
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_random_convolutions(each_target: str, each_count: int, seed: int, dims: int, dtype: Any) -> None:
    rng = np.random.default_rng([seed, dims])
    for _ in range(6):
        case = Case(rng, dims, channels(rng), dtype)
        x, dy, w, b = case.x, case.dy, case.w, case.b
        if rng.random() < 0.5:
            x, w = last(x), last(w)
        if rng.random() < 0.5:
            dy = last(dy)
        y, dx, dw = case.y(), case.dx(), case.dw()
        assert_near(convolution(x, w, b, 1, *case.arguments, False), y, case)
        assert_near(convolution(x, w, b, 1, *case.arguments, False, True), np.maximum(y, 0), case)
        assert_near(data_gradient(dy, w, None, 1, case.size, *case.arguments, False), dx, case)
        assert_near(weight_gradient(x, dy, case.kernel, 1, *case.arguments, False), dw, case)
        # The same with channel_last: images (N, size..., C), weights (O, kernel..., C).
        x, w, dy = moved(x), moved(w), moved(dy)
        assert_near(convolution(x, w, b, 1, *case.arguments, True), moved(y), case)
        assert_near(data_gradient(dy, w, None, 1, case.size, *case.arguments, True), moved(dx), case)
        assert_near(weight_gradient(x, dy, case.kernel, 1, *case.arguments, True), moved(dw), case)


@both_types
@pytest.mark.parametrize("channel_last", [False, True])
@pytest.mark.parametrize(("dims", "seed"), [(4, 0), (4, 1), (4, 2), (4, 3), (5, 0)])
def test_convolutions_of_more_than_three_dimensions(dims: int, seed: int, channel_last: bool, dtype: Any) -> None:
    rng = np.random.default_rng([seed, dims])
    case = Case(rng, dims, (1 + seed % 2, 3, 2), dtype)
    case.kernel = [min(k, 3) for k in case.kernel]
    case.size = [(k - 1) * d + 1 + int(rng.integers(0, 3)) for k, d in zip(case.kernel, case.dilation)]
    case.fill(rng, 2, 3, 2, dtype)
    names = ("pad", "stride", "dilation", "group")
    args = {**dict(zip(names, case.arguments)), "base_axis": 1, "channel_last": channel_last}
    steps = zip(case.size, case.out, case.stride, case.dilation, case.kernel, case.pad)
    padding = [n - (s * (o - 1) + d * (k - 1) + 1 - 2 * p) for n, o, s, d, k, p in steps]
    order = moved if channel_last else np.asarray
    x, w, dy = order(case.x), order(case.w), order(case.dy)
    kernels = native_convolution.FORWARD_KERNELS
    y = kernels["Convolution"](None, (x, w, case.b), (None,), args)
    assert_near(y, order(case.y()), case)
    dx = kernels["Deconvolution"](None, (dy, w, None), (None,), {**args, "output_padding": padding})
    assert_near(dx, order(case.dx()), case)
    dw = kernels["ConvolutionWeightGradient"](None, (x, dy), (None,), {**args, "kernel": case.kernel})
    assert_near(dw, order(case.dw()), case)


@both_types
@pytest.mark.parametrize("shape", [(64, 64, 3), (128, 256, 1), (3, 64, 7)], ids=str)
def test_layers_of_usual_networks(each_target: str, each_count: int, shape: tuple[int, int, int], dtype: Any) -> None:
    inputs, outputs, kernel = shape
    rng = np.random.default_rng(0)
    case = Case(rng, 2, (1, 1, 1), dtype)
    case.kernel, case.stride, case.dilation, case.pad = [kernel] * 2, [1, 2], [1, 1], [kernel // 2] * 2
    case.size = [16, 15]
    case.fill(rng, 2, inputs, outputs, dtype)
    assert_near(convolution(case.x, case.w, case.b, 1, *case.arguments, False), case.y(), case)
    assert_near(data_gradient(case.dy, case.w, None, 1, case.size, *case.arguments, False), case.dx(), case)
    assert_near(weight_gradient(case.x, case.dy, case.kernel, 1, *case.arguments, False), case.dw(), case)


def test_winograd_is_used_where_it_is_allowed_and_within_its_errors() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((8, 128, 16, 16)), rng.standard_normal((128, 128, 3, 3))
    arguments = (1, [1, 1], [1, 1], [1, 1], 1, False)
    exact = convolution(x, w, None, *arguments)
    x, w = x.astype(np.float32), w.astype(np.float32)
    direct = convolution(x, w, None, *arguments)
    native.module.enable_winograd(True)
    found = convolution(x, w, None, *arguments)
    assert not np.array_equal(found, direct)
    assert np.abs(direct - exact).max() <= 1e-5 * exact.std()
    assert np.abs(found - exact).max() <= 2e-4 * exact.std()


def test_results_lie_channels_last_in_memory() -> None:
    x, w = np.ones((2, 3, 5, 6), np.float32), np.ones((4, 3, 3, 3), np.float32)
    y = convolution(x, w, None, 1, [1, 1], [1, 1], [1, 1], 1, False)
    assert y.shape == (2, 4, 5, 6)
    assert np.moveaxis(y, 1, -1).flags.c_contiguous


X, W, B = np.ones((2, 4, 6, 7), np.float32), np.ones((8, 4, 3, 3), np.float32), np.ones(8, np.float32)
GOOD = dict(x=X, w=W, b=B, base=1, pad=[1, 1], stride=[1, 1], dilation=[1, 1], group=1)
BAD = [
    dict(x=X.astype(int), w=W.astype(int)),
    dict(x=X.astype(np.float16)),
    dict(w=W.astype(np.float64)),
    dict(b=B.astype(np.float64)),
    dict(b=np.ones(7, np.float32)),
    dict(w=np.ones((8, 3, 3, 3), np.float32)),
    dict(w=np.ones((8, 4, 3), np.float32)),
    dict(w=np.ones((8, 4, 1, 3, 3), np.float32)),
    dict(w=np.ones((8, 4, 1, 3, 3), np.float32), pad=[1, 0, 0], stride=[1] * 3, dilation=[1] * 3),
    dict(w=np.ones((8, 4, 9, 3), np.float32)),
    dict(w=np.ones((8, 4, 0, 3), np.float32)),
    dict(w=np.ones((7, 2, 3, 3), np.float32), group=2),
    dict(group=0),
    dict(group=3),
    dict(pad=[1]),
    dict(pad=[1, 1, 1, 1]),
    dict(pad=[-1, 0]),
    dict(pad=[2**62, 0]),
    dict(stride=[0, 1]),
    dict(dilation=[1, 0]),
    dict(dilation=[1, 2**40]),
    dict(base=-1),
    dict(base=5),
]


@pytest.mark.parametrize("changed", BAD, ids=lambda changed: ",".join(changed))
def test_what_is_no_convolution_is_refused(changed: dict[str, Any]) -> None:
    convolution(*GOOD.values(), False)
    arguments = list((GOOD | changed).values())
    with pytest.raises((TypeError, ValueError)):
        convolution(*arguments, False)


SIZES = dict(y=np.ones((2, 8, 6, 7), np.float32), size=[6, 7], kernel=[3, 3])


@pytest.mark.parametrize(
    "changed",
    [
        dict(size=[6]),
        dict(size=[6, 7, 1]),
        dict(size=[3, 7]),
        dict(size=[0, 7]),
        dict(size=[-5, 7]),
        dict(kernel=[3]),
        dict(kernel=[9, 3]),
        dict(kernel=[0, 3]),
        dict(y=np.ones((2, 8, 9, 7), np.float32)),
        dict(y=np.ones((2, 8, 6, 7))),
    ],
    ids=str,
)
def test_gradients_of_no_convolution_are_refused(changed: dict[str, Any]) -> None:
    given = SIZES | changed
    arguments = ([1, 1], [1, 1], [1, 1], 1, False)
    if "kernel" not in changed:
        with pytest.raises((TypeError, ValueError)):
            data_gradient(given["y"], W, None, 1, given["size"], *arguments)
    if "size" not in changed:
        with pytest.raises((TypeError, ValueError)):
            weight_gradient(X, given["y"], given["kernel"], 1, *arguments)
