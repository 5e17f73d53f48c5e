"""Native resizing, warping and random places against NumPy and PyTorch, on every target, in several memory orders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import array_api_compat.numpy as xp
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from nnabla.ops.randomness import random_integers
from nnabla.ops.roi import roi_align, roi_align_gradient
from nnabla.ops.scatter import IndexRangeError
from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import sampling

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = sampling.FORWARD_KERNELS, sampling.BACKWARD_KERNELS
TOLERANCE = {np.float32: 3e-6, np.float64: 1e-13}
DTYPES = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(params=native.module.targets(), autouse=True)
def target(request: Any) -> Iterator[str]:
    before, threads = native.module.target(), native.module.thread_count()
    native.module.use_target(request.param)
    native.module.set_thread_count(3)
    yield request.param
    native.module.use_target(before)
    native.module.set_thread_count(threads)


def channels_last(x: np.ndarray) -> np.ndarray:
    """The same values, the second axis innermost in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)


LAYOUTS = {"C": np.ascontiguousarray, "last": channels_last, "strided": lambda x: np.repeat(x, 2, -1)[..., ::2]}
ORDERS = pytest.mark.parametrize("order", list(LAYOUTS))


def close(actual: np.ndarray, expected: np.ndarray) -> None:
    """Compare relative to the largest value."""
    assert actual.shape == expected.shape
    scale = max(np.abs(expected).max(initial=0), 1e-3)
    np.testing.assert_allclose(actual / scale, expected / scale, rtol=0, atol=TOLERANCE[actual.dtype.type])


def drawn(shape: tuple[int, ...], order: str, dtype: Any, seed: int = 0) -> np.ndarray:
    return LAYOUTS[order](np.random.default_rng(seed).normal(size=shape).astype(dtype))


# -- resizing --------------------------------------------------------------------------------------------------
def resized(x: np.ndarray, axes: dict[int, np.ndarray]) -> np.ndarray:
    """Multiply axes by matrices."""
    y = x.astype(float)
    for axis, matrix in axes.items():
        y = np.moveaxis(np.tensordot(matrix, y, (1, axis)), 0, axis)
    return y


def linear(n: int, m: int) -> np.ndarray:
    """The matrix of linear interpolation between aligned corners, column by column."""
    at = np.linspace(0, n - 1, m)
    return np.stack([np.interp(at, np.arange(n), column) for column in np.eye(n)], 1)


def nearest(n: int, m: int) -> np.ndarray:
    return np.eye(n)[np.arange(m) * n // m]


SIZES = [
    ((2, 3, 5, 7), (11, 4)),
    ((1, 1, 40, 33), (80, 66)),
    ((3, 2, 6, 1), (3, 5)),
    ((2, 70, 4, 5), (4, 9)),
    ((5, 37), (90,)),
    ((2, 3, 4, 5, 6), (3, 10, 7)),
]


@DTYPES
@ORDERS
@pytest.mark.parametrize(("shape", "size"), SIZES)
@pytest.mark.parametrize(("mode", "matrix"), [("linear", linear), ("nearest", nearest)])
def test_interpolation(
    mode: str, matrix: Any, shape: tuple[int, ...], size: tuple[int, ...], order: str, dtype: Any
) -> None:
    x = drawn(shape, order, dtype)
    args = {
        "output_size": size,
        "mode": mode,
        "align_corners": mode == "linear",
        "half_pixel": False,
        "half_pixel_for_nn": False,
        "channel_last": False,
    }
    axes = {a: matrix(shape[a], m) for a, m in enumerate(size, len(shape) - len(size)) if shape[a] != m}
    y = FORWARD["Interpolate"](None, (x,), (None,), args)
    close(y, resized(x, axes))
    if order == "last" and 1 not in shape:
        assert np.argsort(y.strides).tolist() == np.argsort(x.strides).tolist()
    dy = drawn(y.shape, order, dtype, 1)
    (dx,) = BACKWARD["Interpolate"].compute(None, (shape,), (dy,), (True,), args)
    close(dx, resized(dy, {a: m.T for a, m in axes.items()}))


@DTYPES
@ORDERS
def test_unpooling(order: str, dtype: Any) -> None:
    x = drawn((2, 3, 4, 5), order, dtype)
    args = {"kernel": (2, 3), "channel_last": False}
    y = FORWARD["Unpooling"](None, (x,), (None,), args)
    np.testing.assert_array_equal(y, x.repeat(2, 2).repeat(3, 3))
    dy = drawn(y.shape, order, dtype, 1)
    (dx,) = BACKWARD["Unpooling"].compute(None, (x.shape,), (dy,), (True,), args)
    close(dx, dy.astype(float).reshape(2, 3, 4, 2, 5, 3).sum((3, 5)))


def test_unpooling_by_one_is_a_copy() -> None:
    x = drawn((2, 3), "C", np.float32)
    y = FORWARD["Unpooling"](None, (x,), (None,), {"kernel": (1,), "channel_last": False})
    np.testing.assert_array_equal(y, x)
    assert not np.shares_memory(x, y)


def test_a_mixture_that_does_not_hold_together_is_refused() -> None:
    for start, index, weight in (([0, 1], [5], [1.0]), ([0, 2], [0], [1.0]), ([0, 1], [0], []), ([1, 1], [0], [1.0])):
        with pytest.raises(ValueError, match="do not go together"):
            native.module.AxisMixtures([(0, 3, start, index, weight)])
    with pytest.raises(ValueError, match="another size"):
        native.module.AxisMixtures([(0, 3, [0, 1], [0], [1.0])]).apply(np.zeros((2, 2), np.float32))


# -- warping ---------------------------------------------------------------------------------------------------
@DTYPES
@ORDERS
@pytest.mark.parametrize("channels", [1, 3, 6, 17])
@pytest.mark.parametrize("sizes", [((5, 7), (9, 8)), ((1, 6), (3, 3)), ((3, 4, 5), (2, 5, 11))])
@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("padding", ["zero", "repeat", "reflect"])
@pytest.mark.parametrize("align", [False, True])
def test_warping_by_a_grid(
    align: bool, padding: str, mode: str, sizes: Any, channels: int, order: str, dtype: Any
) -> None:
    torch = pytest.importorskip("torch")
    inner, outer = sizes
    x = drawn((2, channels, *inner), order, dtype)
    grid = np.random.default_rng(1).uniform(-1.5, 1.5, (2, *outer, len(inner))).astype(dtype)
    args = {"mode": mode, "padding_mode": padding, "align_corners": align, "channel_last": False}
    xs, grids = (torch.tensor(np.ascontiguousarray(v), requires_grad=True) for v in (x, grid))
    how = {"linear": "bilinear"}.get(mode, mode), {"zero": "zeros", "repeat": "border"}.get(padding, "reflection")
    expected = torch.nn.functional.grid_sample(xs, grids, *how, align_corners=align)
    y = FORWARD["WarpByGrid"](None, (x, grid), (None,), args)
    scale = 30  # positions of float32 are off by some units in the last place
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=0, atol=scale * TOLERANCE[dtype])
    dy = drawn(y.shape, order, dtype, 2)
    expected.backward(torch.tensor(np.ascontiguousarray(dy)))
    dx, dgrid = BACKWARD["WarpByGrid"].compute(None, (x, grid), (dy,), (True, True), args)
    np.testing.assert_allclose(dx, xs.grad.numpy(), rtol=0, atol=scale * TOLERANCE[dtype])
    if not (1 in inner and padding != "zero"):  # at a single element PyTorch goes by rounding errors
        scale *= max(np.abs(grids.grad.numpy()).max(), 1)
        np.testing.assert_allclose(dgrid, grids.grad.numpy(), rtol=0, atol=scale * TOLERANCE[dtype])
    only, nothing = BACKWARD["WarpByGrid"].compute(None, (x, grid), (dy,), (True, False), args)
    assert nothing is None
    np.testing.assert_array_equal(only, dx)
    nothing, only = BACKWARD["WarpByGrid"].compute(None, (x, grid), (dy,), (False, True), args)
    assert nothing is None
    np.testing.assert_array_equal(only, dgrid)


@pytest.mark.parametrize("channels", [2, 5])
def test_channels_in_the_last_axis_are_warped_alike(channels: int) -> None:
    x, grid = drawn((2, channels, 6, 5), "C", np.float32), np.random.default_rng(1).uniform(-1.2, 1.2, (2, 4, 3, 2))
    grid = grid.astype(np.float32)
    args = {"mode": "linear", "padding_mode": "zero", "align_corners": True, "channel_last": False}
    last = {**args, "channel_last": True}
    y = FORWARD["WarpByGrid"](None, (x, grid), (None,), args)
    other = FORWARD["WarpByGrid"](None, (np.ascontiguousarray(x.transpose(0, 2, 3, 1)), grid), (None,), last)
    np.testing.assert_allclose(other, y.transpose(0, 2, 3, 1), rtol=0, atol=1e-6)
    dy = drawn(y.shape, "C", np.float32, 2)
    dx, dgrid = BACKWARD["WarpByGrid"].compute(None, (x, grid), (dy,), (True, True), args)
    turned = [np.ascontiguousarray(v.transpose(0, 2, 3, 1)) for v in (x, dy)]
    dx_last, dgrid_last = BACKWARD["WarpByGrid"].compute(None, (turned[0], grid), (turned[1],), (True, True), last)
    np.testing.assert_allclose(dx_last, dx.transpose(0, 2, 3, 1), rtol=0, atol=1e-6)
    np.testing.assert_allclose(dgrid_last, dgrid, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 4])
def test_what_is_not_a_number_stays_where_it_is(channels: int) -> None:
    x = np.ones((1, channels, 4, 4), np.float32)
    x[..., 0, 0] = np.nan
    grid = np.zeros((1, 2, 2, 2), np.float32)
    grid[0, 0, 0] = np.nan
    grid[0, 1, 1] = 9
    args = {"mode": "linear", "padding_mode": "zero", "align_corners": False, "channel_last": False}
    y = FORWARD["WarpByGrid"](None, (x, grid), (None,), args)
    assert np.isnan(y[..., 0, 0]).all()
    np.testing.assert_array_equal(y[..., 0, 1], np.ones((1, channels)))
    np.testing.assert_array_equal(y[..., 1, 1], np.zeros((1, channels)))


@DTYPES
@ORDERS
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize(("size", "out"), [((9, 11), (13, 17)), ((2, 2), (70, 3)), ((1, 6), (4, 4)), ((6, 1), (4, 4))])
def test_images_at_positions_are_those_of_scipy(
    size: tuple[int, int], out: tuple[int, int], channels: int, order: str, dtype: Any
) -> None:
    x = drawn((2, channels, *size), order, dtype)
    rng = np.random.default_rng(8)
    place = rng.uniform(-2, max(size) + 1, (2, 2, *out)).astype(dtype)
    place[0, :, 0, 0] = 0, 0
    place[1, :, 0, 0] = size[1] - 1, size[0] - 1
    # Columns come before rows.
    expected = [
        [map_coordinates(plane.astype(float), at[::-1].astype(float), order=1, mode="nearest") for plane in image]
        for image, at in zip(x, place)
    ]
    close(FORWARD["SampleImages"](xp, (x, place), (None,), {}), np.array(expected))


@DTYPES
@ORDERS
def test_warping_by_a_flow_of_whole_elements(order: str, dtype: Any) -> None:
    x = drawn((2, 4, 5, 6), order, dtype)
    flow = np.random.default_rng(0).integers(-3, 4, (2, 2, 5, 6))
    rows = np.clip(np.arange(5)[:, None] + flow[:, 1], 0, 4)
    columns = np.clip(np.arange(6) + flow[:, 0], 0, 5)
    batch = np.arange(2)[:, None, None]
    y = FORWARD["WarpByFlow"](None, (x, flow.astype(dtype)), (None,), {})
    np.testing.assert_array_equal(y, np.moveaxis(x[batch, :, rows, columns], -1, 1))
    dy = drawn(y.shape, order, dtype, 1)
    dx, nothing = BACKWARD["WarpByFlow"].compute(None, (x, flow.astype(dtype)), (dy,), (True, False), {})
    expected = np.zeros(x.shape)
    np.add.at(expected, (batch, slice(None), rows, columns), np.moveaxis(dy, 1, -1))
    close(dx, expected)
    assert nothing is None


@DTYPES
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(3, 4), (1, 5), (2, 3, 4)])
def test_affine_grids(size: tuple[int, ...], align: bool, dtype: Any) -> None:
    torch = pytest.importorskip("torch")
    theta = drawn((2, len(size), len(size) + 1), "C", dtype)
    args = {"size": size, "align_corners": align}
    y = FORWARD["AffineGrid"](None, (theta,), (None,), args)
    thetas = torch.tensor(theta, requires_grad=True)
    expected = torch.nn.functional.affine_grid(thetas, (2, 1, *size), align_corners=align)
    close(y, expected.detach().numpy())
    dy = drawn(y.shape, "C", dtype, 1)
    expected.backward(torch.tensor(dy))
    (dtheta,) = BACKWARD["AffineGrid"].compute(None, (), (dy,), (True,), args)
    close(dtheta, thetas.grad.numpy())


# -- regions ---------------------------------------------------------------------------------------------------
BOXES = [[0, 1.3, 0.2, 6.7, 8.1], [1, -4, -3, 3.5, 2.5], [1, 2, 2, 2, 2], [0, 5, 5, 20, 20], [1, 6, 6, 2, 1]]


@DTYPES
@pytest.mark.parametrize("order", ["C", "last"])
@pytest.mark.parametrize("ratio", [2, 0])
@pytest.mark.parametrize("channel_last", [False, True])
def test_regions_as_the_reference_kernels_pool_them(channel_last: bool, ratio: int, order: str, dtype: Any) -> None:
    x, boxes = drawn((2, 5, 9, 8), order, dtype), np.array(BOXES, dtype)
    if channel_last:
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 1))
    args = {
        "output_size": (2, 3),
        "spatial_scale": (0.9, 1.1),
        "sampling_ratio": ratio,
        "channel_last": channel_last,
    }
    assert roi_align.reference_kernel and roi_align_gradient.reference_kernel
    y = FORWARD["RoiAlign"](xp, (x, boxes), (None,), args)
    close(y, roi_align.reference_kernel(xp, x.astype(float), boxes.astype(float), **args))
    dy = drawn(y.shape, "C", dtype, 1)
    dx, nothing = BACKWARD["RoiAlign"].compute(xp, (x.shape, boxes), (dy,), (True, False), args)
    expected = roi_align_gradient.reference_kernel(xp, dy.astype(float), boxes.astype(float), shape=x.shape, **args)
    close(dx, expected)
    assert nothing is None


def test_boxes_of_no_image_are_refused() -> None:
    x = np.zeros((1, 1, 4, 4), np.float32)
    args = {"output_size": (1, 1), "spatial_scale": (1.0, 1.0), "sampling_ratio": 1, "channel_last": False}
    with pytest.raises(IndexRangeError, match="boxes name images"):
        FORWARD["RoiAlign"](xp, (x, np.array([[1, 0, 0, 2, 2]], np.float32)), (None,), args)
    with pytest.raises(ValueError, match="NaN or infinity"):
        FORWARD["RoiAlign"](xp, (x, np.array([[0, 0, np.nan, 2, 2]], np.float32)), (None,), args)


# -- places and rows -------------------------------------------------------------------------------------------
@DTYPES
@ORDERS
@pytest.mark.parametrize("lines", [[[1, 2, 3], [0, 1, 2, 3]], [[3, 0, 0], [3, 2, 1, 0]], [[2, -1, 1], [0, -1, 4, 4]]])
def test_elements_at_places(lines: list[list[int]], order: str, dtype: Any) -> None:
    x = drawn((2, 4, 5), order, dtype)
    other = [line[::-1] for line in lines]
    index = np.array([[*rows, *columns] for rows, columns in (lines, other)])
    y = native.module.take_places(x, 1, index, (3, 4), 7.0)
    dy = drawn((2, 3, 4), order, dtype, 1)
    dx = native.module.put_places(dy, 1, index, x.shape)
    expected = np.zeros(x.shape)
    for b, (rows, columns) in enumerate((lines, other)):
        outside = np.less.outer(rows, [0] * 4) | np.less(columns, 0)
        np.testing.assert_array_equal(y[b], np.where(outside, 7, x[b][np.ix_(rows, columns)]))
        np.add.at(expected[b], np.ix_(rows, columns), np.where(outside, 0, dy[b]))
    close(dx, expected)


def drawn_numbers(count: int, span: int, state: tuple[int, int], lane: int) -> list[int]:
    """What the definition of random integers draws."""
    kernel = random_integers.reference_kernel
    assert kernel is not None
    return kernel(xp, state, lane, (count,), span, 0, np.dtype(np.int64)).tolist()


STATE = {"state": (7, 3), "lane": 2, "seed": -1}


def test_crops_are_where_the_definition_draws_them() -> None:
    x = drawn((5, 3, 9, 8), "C", np.float32)
    y, index = FORWARD["RandomCrop"](None, (x,), (None, None), {**STATE, "shape": (4, 6), "base_axis": -3})
    rows, columns = drawn_numbers(5, 6, (7, 3), 2), drawn_numbers(5, 3, (7, 3), 3)
    for b, (r, c) in enumerate(zip(rows, columns)):
        np.testing.assert_array_equal(y[b], x[b, :, r : r + 4, c : c + 6])
        assert index[b].tolist() == [*range(3), *range(r, r + 4), *range(c, c + 6)]


def test_flips_are_those_that_the_definition_draws() -> None:
    x = drawn((3, 4, 5, 6), "C", np.float64)
    y, _ = FORWARD["RandomFlip"](None, (x,), (None, None), {**STATE, "axes": (-1, 2, 0), "base_axis": 2})
    rows, columns = drawn_numbers(12, 2, (7, 3), 2), drawn_numbers(12, 2, (7, 3), 3)
    assert {0, 1} == {*rows} == {*columns}
    for b, (r, c) in enumerate(zip(rows, columns)):
        expected = x[divmod(b, 4)]
        expected = expected[::-1] if r else expected
        np.testing.assert_array_equal(y[divmod(b, 4)], expected[:, ::-1] if c else expected)


@pytest.mark.parametrize("mode", ["nearest", "reflect", "constant"])
def test_shifts_are_those_that_the_definition_draws(mode: str) -> None:
    x = drawn((6, 4, 5), "C", np.float32)
    args = {**STATE, "shifts": (0, 7), "border_mode": mode, "constant_value": 2.5, "base_axis": 1}
    y, _ = FORWARD["RandomShift"](None, (x,), (None, None), args)
    how = {"nearest": "edge", "reflect": "symmetric"}.get(mode, mode)
    values = {"constant_values": 2.5} if mode == "constant" else {}
    for b, d in enumerate(drawn_numbers(6, 15, (7, 3), 2)):
        wide = np.pad(x[b], ((0, 0), (7, 7)), how, **values)
        np.testing.assert_array_equal(y[b], wide[:, d : d + 5])


def test_places_beyond_a_sample_are_refused() -> None:
    with pytest.raises(IndexError, match="outside the samples"):
        native.module.take_places(np.zeros((1, 3), np.float32), 1, np.array([[3]]), (1,), 0.0)


@DTYPES
def test_rows_of_a_table(dtype: Any) -> None:
    table, index = drawn((6, 2, 3), "strided", dtype), np.array([[0, -1], [5, 2]])
    y = FORWARD["Embed"](xp, (index, table), (None,), {})
    np.testing.assert_array_equal(y, table[index])
    with pytest.raises(IndexRangeError, match="embed: index 6"):
        FORWARD["Embed"](xp, (np.array([6]), table), (None,), {})
