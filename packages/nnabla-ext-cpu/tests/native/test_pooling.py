"""Native pooling against loops over windows, on every target, in both memory orders, with several threads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import pooling

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = pooling.FORWARD_KERNELS, pooling.BACKWARD_KERNELS


@pytest.fixture(params=native.module.targets(), autouse=True)
def target(request: Any) -> Iterator[str]:
    before, threads = native.module.target(), native.module.thread_count()
    native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)
    native.module.set_thread_count(threads)


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same values, the second axis innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


ORDERS = {
    "C": np.ascontiguousarray,
    "last": channels_last,
    "strided": lambda x: np.repeat(x, 2, -1)[..., ::2],
    "reversed": lambda x: np.ascontiguousarray(x.T).T,
}


def windows(x: np.ndarray, args: dict[str, Any]) -> Iterator[tuple[Any, Any, int]]:
    """Yield where each window's result goes, which elements of x (..., spatial) it has, and its size with padding."""
    kernel = args["kernel"]
    sizes = x.shape[x.ndim - len(kernel) :]
    ranges = []
    for n, k, s, p in zip(sizes, kernel, args["stride"], args["pad"]):
        count = (n + 2 * p - k) // s + 1 if args["ignore_border"] else -(-(n + p) // s)
        ranges.append([(i * s - p, min(i * s - p + k, n + p)) for i in range(count)])
    for spot in itertools.product(*(range(len(r)) for r in ranges)):
        spans = [r[i] for r, i in zip(ranges, spot)]
        inside = tuple(slice(max(a, 0), max(min(b, n), 0)) for (a, b), n in zip(spans, sizes))
        yield spot, inside, int(np.prod([b - a for a, b in spans]))


def expected(x: np.ndarray, dy_of: Any, kind: str, args: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the pooled values, dy, and the gradient, by their definitions."""
    x = np.moveaxis(x, -1, x.ndim - len(args["kernel"]) - 1) if args["channel_last"] else x
    every = list(windows(x, args))
    outer = x.shape[: x.ndim - len(args["kernel"])]
    y = np.zeros((*outer, *(n + 1 for n in every[-1][0])), x.dtype)
    dx, dy = np.zeros_like(x), dy_of(y.shape).astype(x.dtype)
    for spot, inside, size in every:
        part = x[(..., *inside)]
        elements = part.reshape(*outer, -1)
        seed = dy[(..., *spot)]
        if kind == "max":
            y[(..., *spot)] = elements.max(-1)
            chosen = np.arange(elements.shape[-1]) == elements.argmax(-1)[..., None]
            dx[(..., *inside)] += (chosen * seed[..., None]).reshape(part.shape)
        else:
            count = {"sum": 1, "average": size, "inside": elements.shape[-1]}[kind]
            y[(..., *spot)] = elements.sum(-1) / count
            dx[(..., *inside)] += (seed / count).reshape(*outer, *(1,) * len(inside))
    if not args["channel_last"]:
        return y, dy, dx
    back = [np.moveaxis(a, a.ndim - len(args["kernel"]) - 1, -1) for a in (y, dy, dx)]
    return back[0], back[1], back[2]


GEOMETRIES = [
    ((2, 2), (2, 2), (0, 0), True),
    ((3, 3), (2, 2), (1, 1), True),
    ((3, 2), (2, 1), (1, 1), False),
    ((2, 3), (3, 2), (0, 1), False),
    ((1, 3), (1, 3), (0, 0), True),
    ((3, 3), (1, 1), (1, 1), True),
    ((2, 2), (3, 3), (0, 0), True),
    ((17, 16), (17, 16), (0, 0), True),
]
SHAPES = [(2, 3, 18, 18), (3, 16, 24, 32), (1, 21, 17, 70)]


def run(kind: str, x: np.ndarray, dy: np.ndarray, args: dict[str, Any]) -> tuple[Any, Any]:
    """Return what the native kernels give: pooled values and gradient."""
    name = {"max": "MaxPooling", "sum": "SumPooling"}.get(kind, "AveragePooling")
    if kind in ("average", "inside"):
        args = {**args, "including_pad": kind == "average"}
    found = FORWARD[name](None, (x,), (None,), args)
    if kind == "max":
        y, index = found
        (dx,) = BACKWARD[name].compute(None, (x.shape, index), (dy,), (True,), args)
        wide = {**args, "shape": x.shape}
        np.testing.assert_array_equal(FORWARD["PutInWindows"](None, (dy, index.astype(np.int64)), (None,), wide), dx)
        return y, dx
    if kind == "sum":
        return found, FORWARD["SpreadInWindows"](None, (dy,), (None,), {**args, "shape": x.shape})
    return found, BACKWARD[name].compute(None, (x.shape,), (dy,), (True,), args)[0]


def check(kind: str, x: np.ndarray, order: str, args: dict[str, Any]) -> None:
    """Compare with the definition."""
    rng = np.random.default_rng(4)
    y, dy, dx = expected(x.astype(float), lambda shape: rng.normal(size=shape).astype(np.float32), kind, args)
    laid = ORDERS[order](x)
    found, gradient = run(kind, laid, ORDERS[order](dy.astype(x.dtype)), args)
    tolerance = 1e-5 if x.dtype == np.float32 else 1e-12
    assert found.dtype == gradient.dtype == x.dtype
    np.testing.assert_allclose(found, y, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, dx, rtol=tolerance, atol=tolerance)
    if order == "last" and x.ndim == 4 and min(found.shape) > 1:
        assert np.argsort(found.strides).tolist() == np.argsort(laid.strides).tolist()


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["max", "sum", "average", "inside"])
def test_pooling(kind: str, shape: tuple[int, ...], geometry: Any, order: str) -> None:
    native.module.set_thread_count(3)
    args = dict(zip(("kernel", "stride", "pad", "ignore_border"), geometry), channel_last=False)
    check(kind, np.random.default_rng(1).normal(size=shape).astype(np.float32), order, args)


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [
        ((7, 33), (3,)),
        ((5,), (2,)),
        ((2, 5, 6, 7), (2, 3, 2)),
        ((2, 3, 4, 5, 6), (2, 2, 2)),
        ((2, 4, 4, 4, 4), (2,) * 4),
    ],
)
@pytest.mark.parametrize("channel", [False, True])
@pytest.mark.parametrize("kind", ["max", "sum", "average"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_numbers_of_dimensions(kind: str, shape: Any, kernel: Any, channel: bool, dtype: Any) -> None:
    args = {
        "kernel": kernel,
        "stride": (2,) * len(kernel),
        "pad": (1,) * len(kernel),
        "ignore_border": False,
        "channel_last": channel,
    }
    if channel:
        shape = (*shape, 5)
    check(kind, np.random.default_rng(2).normal(size=shape).astype(dtype), "C", args)


@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize("shape", [(3, 5, 7), (2, 64, 9, 40), (2, 20, 1, 1), (2, 3, 4, 5, 6), (1, 2, 300, 300)])
def test_global_average_pooling(shape: tuple[int, ...], order: str) -> None:
    x = ORDERS[order](np.random.default_rng(3).normal(size=shape).astype(np.float32) + 1)
    y = FORWARD["GlobalAveragePooling"](None, (x,), (None,), {})
    axes = tuple(range(2, len(shape)))
    np.testing.assert_allclose(y, x.astype(float).mean(axes).reshape(*shape[:2], 1, 1), rtol=2e-6)
    (dx,) = BACKWARD["GlobalAveragePooling"].compute(None, (shape,), (y,), (True,), {})
    wide = y.reshape(*shape[:2], *(1,) * len(axes)) / np.prod(shape[2:])
    np.testing.assert_allclose(dx, np.broadcast_to(wide, shape), rtol=1e-6)


@pytest.mark.parametrize("order", ["C", "last"])
def test_not_a_number_and_infinities(order: str) -> None:
    x = np.zeros((1, 16, 4, 32), np.float32)
    x[:, :, 0, 0], x[:, :, 0, 2:4], x[:, :, :2, 4:6] = np.nan, np.inf, -np.inf
    args = {"kernel": (2, 2), "stride": (2, 2), "pad": (0, 0), "ignore_border": True, "channel_last": False}
    y, index = FORWARD["MaxPooling"](None, (ORDERS[order](x),), (None,), args)
    assert np.isnan(y[:, :, 0, 0]).all()
    assert (y[:, :, 0, 1] == np.inf).all() and (y[:, :, 0, 2] == -np.inf).all()
    assert (index[:, :, 0, :3] == 0).all()


def test_places_outside_the_window_are_left_out() -> None:
    dy = np.ones((1, 1, 2, 2), np.float32)
    index = np.array([[[[0, 99], [-1, 3]]]], np.int64)
    args = {"kernel": (2, 2), "stride": (2, 2), "pad": (1, 1), "ignore_border": False, "channel_last": False}
    dx = FORWARD["PutInWindows"](None, (dy, index), (None,), {**args, "shape": (1, 1, 3, 3)})
    np.testing.assert_array_equal(dx[0, 0], [[0, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_shapes_that_do_not_fit_are_refused() -> None:
    args = {"kernel": (2, 2), "stride": (2, 2), "pad": (0, 0), "ignore_border": True, "channel_last": False}
    with pytest.raises(ValueError, match="another shape"):
        FORWARD["SpreadInWindows"](None, (np.ones((1, 1, 3, 3), np.float32),), (None,), {**args, "shape": (1, 1, 4, 4)})


def test_second_order_through_the_graph() -> None:
    """The gradient's graph reads the places as the native kernel left them."""
    x = nn.Variable.from_numpy_array(np.random.default_rng(5).normal(size=(2, 3, 4, 4)), need_grad=True)
    y = F.max_pooling(x**3, (2, 2))
    (dx,) = nn.grad([F.sum(y)], [x])
    z = F.sum(dx**2)
    z.forward()
    x.grad.zero()
    z.backward()
    chosen = np.zeros(x.shape)
    for i, j in itertools.product((0, 2), (0, 2)):
        part = x.d[:, :, i : i + 2, j : j + 2]
        chosen[:, :, i : i + 2, j : j + 2] = part == part.max((2, 3), keepdims=True)
    np.testing.assert_allclose(x.g, chosen * 36 * x.d**3, rtol=1e-4, atol=1e-5)
