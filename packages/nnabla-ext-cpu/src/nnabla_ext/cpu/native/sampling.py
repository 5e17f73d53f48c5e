"""Resizing, warping, pooling of regions, and elements read at random places, by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.resizing import Taps, interpolation_taps, resize_taps
from nnabla.ops.roi import roi_align, roi_align_gradient
from nnabla.ops.scatter import wrapped
from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray
Shape = tuple[int, ...]

#: What positions are: numbers from -1 to 1, distances from an element's own place, or places themselves.
_GRID, _FLOW, _PLACES = range(3)
_BORDERS = {"zero": 0, "repeat": 1, "reflect": 2}


# -- resizing --------------------------------------------------------------------------------------------------
def _rows(taps: Taps) -> tuple[Array, Array, Array]:
    """Return rows, columns and values of the sparse matrix that ``taps`` are."""
    # As in the operators' bodies, taps after the first that count nothing are not read.
    used = [t for t in range(len(taps.weight)) if t == 0 or taps.weight[t].any()]
    index, weight = taps.index[used], taps.weight[used].astype(np.float64)
    return np.broadcast_to(np.arange(index.shape[1]), index.shape).T.ravel(), index.T.ravel(), weight.T.ravel()


def _mixture(axis: int, n: int, taps: Taps, transposed: bool) -> tuple[Any, ...]:
    rows, columns, weight = _rows(taps)
    before, after = n, taps.index.shape[1]
    if transposed:
        rows, columns, before, after = columns, rows, after, before
        order = np.argsort(rows, kind="stable")
        rows, columns, weight = rows[order], columns[order], weight[order]
    start = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=after))])
    return axis, before, start.tolist(), columns.tolist(), weight.tolist()


def _mixtures(shape: Shape, taps: Mapping[int, Taps], transposed: bool) -> Any:
    """Return how axes are resized, or by ``transposed`` the adjoint; None where none is.

    Axes that shrink most come first, of equal ones the innermost.
    """

    def growth(axis: int) -> tuple[float, int]:
        ratio = taps[axis].index.shape[1] / shape[axis]
        return (1 / ratio if transposed else ratio, -axis)

    found = [_mixture(axis, shape[axis], taps[axis], transposed) for axis in sorted(taps, key=growth)]
    return module.AxisMixtures(found) if found else None


@lru_cache(maxsize=256)
def _interpolation(shape: Shape, args: tuple[Any, ...], transposed: bool) -> Any:
    return _mixtures(shape, interpolation_taps(shape, *args), transposed)


@lru_cache(maxsize=256)
def _resize(shape: Shape, args: tuple[Any, ...], transposed: bool) -> tuple[Any, list[tuple[int, Array]]]:
    """Return the mixtures, and for axes with entries from outside where theirs are not."""
    taps = resize_taps(shape, *args)
    inside = [(axis, t.inside) for axis, t in taps.items() if t.inside is not None and not t.inside.all()]
    return _mixtures(shape, taps, transposed), inside


@lru_cache(maxsize=256)
def _unpooling(shape: Shape, kernel: Shape, channel_last: bool, transposed: bool) -> Any:
    first = len(shape) - len(kernel) - int(channel_last)
    taps = {}
    for axis, k in enumerate(kernel, first):
        if k > 1:
            index = np.repeat(np.arange(shape[axis]), k)[None]
            taps[axis] = Taps(index, np.ones(index.shape))
    return _mixtures(shape, taps, transposed) if 0 not in shape else None


def _applied(mixtures: Any, x: Array) -> Array:
    return np.array(x) if mixtures is None else mixtures.apply(x)


def _interpolate(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    (x,) = inputs
    return _applied(_interpolation(x.shape, tuple(args.values()), False), x)


def _interpolate_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return (_applied(_interpolation(tuple(values[0]), tuple(args.values()), True), grads[0]),)


def _resize_arguments(args: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(
        tuple(value) if isinstance(value, (list, tuple)) else value
        for name, value in args.items()
        if name != "extrapolation_value"
    )


def _edges(inside: list[tuple[int, Array]], shape: Shape) -> Array:
    """Return where entries of a result come from the input."""
    found = np.ones((), np.bool_)
    for axis, line in inside:
        found = found & line.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return found


def _onnx_resize(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    (x,) = inputs
    mixtures, inside = _resize(x.shape, _resize_arguments(args), False)
    y = _applied(mixtures, x)
    return np.where(_edges(inside, y.shape), y, y.dtype.type(args["extrapolation_value"])) if inside else y


def _onnx_resize_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    (dy,) = grads
    mixtures, inside = _resize(tuple(values[0]), _resize_arguments(args), True)
    return (_applied(mixtures, np.where(_edges(inside, dy.shape), dy, dy.dtype.type(0)) if inside else dy),)


def _unpool(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    (x,) = inputs
    return _applied(_unpooling(x.shape, tuple(args["kernel"]), args["channel_last"], False), x)


def _unpool_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return (_applied(_unpooling(tuple(values[0]), tuple(args["kernel"]), args["channel_last"], True), grads[0]),)


# -- warping ---------------------------------------------------------------------------------------------------
def _warp_arguments(args: dict[str, Any]) -> tuple[Any, ...]:
    linear = args["mode"] == "linear"
    return _GRID, linear, _BORDERS[args["padding_mode"]], args["align_corners"], args["channel_last"]


_FLOW_ARGUMENTS = (_FLOW, True, _BORDERS["repeat"], False, False)


def _warp_by_grid(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.warp(*inputs, *_warp_arguments(args))


def _warp_by_grid_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return module.warp_gradient(*values, grads[0], *need, *_warp_arguments(args))


def _warp_by_flow(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.warp(*inputs, *_FLOW_ARGUMENTS)


def _warp_by_flow_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return module.warp_gradient(*values, grads[0], *need, *_FLOW_ARGUMENTS)


def _sample_images(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.warp(*inputs, _PLACES, True, _BORDERS["repeat"], False, False)


def _affine_grid(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    return module.affine_grid(inputs[0], args["size"], args["align_corners"])


def _affine_grid_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return (module.affine_grid_gradient(grads[0], args["size"], args["align_corners"]),)


# -- regions ---------------------------------------------------------------------------------------------------
def _roi_arguments(args: dict[str, Any]) -> tuple[Any, ...]:
    return args["output_size"], args["spatial_scale"], args["sampling_ratio"], args["channel_last"]


def _roi_align(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    y = module.roi_align(*inputs, *_roi_arguments(args))
    # Boxes that are none make the reference kernel tell what is wrong with them.
    return _reference(roi_align)(xp, *inputs, **args) if y is None else y


def _roi_align_gradient(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    dy, boxes = inputs
    dx = module.roi_align_gradient(dy, boxes, args["shape"], *_roi_arguments(args))
    return _reference(roi_align_gradient)(xp, dy, boxes, **args) if dx is None else dx


def _roi_align_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    shape, boxes = values
    dx = _roi_align_gradient(xp, (grads[0], boxes), (None,), {**args, "shape": tuple(shape)}) if need[0] else None
    return dx, None


def _reference(op: Any) -> Callable[..., Any]:
    kernel = op.reference_kernel
    assert kernel is not None
    return kernel


# -- random places ---------------------------------------------------------------------------------------------
#: How an axis is moved: not at all, cropped, flipped, or shifted by what moves in at its end.
_STAYS, _CROPPED, _FLIPPED = range(3)
_SHIFTED = {"nearest": 3, "reflect": 4, "constant": 5}


def _base(ndim: int, args: dict[str, Any]) -> int:
    return args["base_axis"] % ndim if args["base_axis"] < 0 else args["base_axis"]


def _moved(x: Array, args: dict[str, Any], moves: Mapping[int, tuple[int, int, int, int]], outside: float = 0.0) -> Any:
    """Return elements of samples at random places, and the places.

    Args:
        x: The input.
        args: The operator's arguments.
        moves: For axes how they are moved, the number of positions, how many values are drawn from, and the reach.
        outside: The value where there is no element.
    """
    base = _base(x.ndim, args)
    if base == x.ndim:
        return np.array(x)
    axes, lengths = [], []
    for axis, n in enumerate(x.shape[base:], base):
        kind, length, span, reach = moves.get(axis, (_STAYS, n, 1, 0))
        axes.append((kind, n, length, span, reach))
        lengths.append(length)
    index = module.random_places(prod(x.shape[:base]), axes, args["state"], args["lane"])
    return module.take_places(x, base, index, lengths, outside), index


def _random_crop(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,), shape = inputs, args["shape"]
    cut = zip(x.shape[x.ndim - len(shape) :], shape)
    moves = {a: (_CROPPED, m, n - m + 1, 0) for a, (n, m) in enumerate(cut, x.ndim - len(shape)) if n != m}
    return _moved(x, args, moves)


def _random_flip(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,) = inputs
    return _moved(x, args, {a % x.ndim: (_FLIPPED, x.shape[a], 2, 0) for a in args["axes"]})


def _random_shift(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    (x,), shifts, border_mode = inputs, args["shifts"], args["border_mode"]
    kind, lead = _SHIFTED[border_mode], x.ndim - len(shifts)
    moves = {a: (kind, x.shape[a], 2 * reach + 1, reach) for a, reach in enumerate(shifts, lead) if reach}
    return _moved(x, args, moves, args["constant_value"] if border_mode == "constant" else 0.0)


def _places_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    (shape, index), (dy,) = values, grads
    if index is None:
        return (np.array(dy),)
    return (module.put_places(dy, _base(len(shape), args), index, tuple(shape)),)


# -- rows ------------------------------------------------------------------------------------------------------
def _embed(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    index, table = inputs
    y = module.rows_of_table(index, table)
    return table.take(wrapped(np, index, len(table), "embed"), axis=0) if y is None else y


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "AffineGrid": _affine_grid,
    "Embed": _embed,
    "Interpolate": _interpolate,
    "ONNXResize": _onnx_resize,
    "RandomCrop": _random_crop,
    "RandomFlip": _random_flip,
    "RandomShift": _random_shift,
    "RoiAlign": _roi_align,
    "RoiAlignGradient": _roi_align_gradient,
    "SampleImages": _sample_images,
    "Unpooling": _unpool,
    "WarpByFlow": _warp_by_flow,
    "WarpByGrid": _warp_by_grid,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "AffineGrid": BackwardKernel(_affine_grid_backward),
    "Interpolate": BackwardKernel(_interpolate_backward, ("x_shape",)),
    "ONNXResize": BackwardKernel(_onnx_resize_backward, ("x_shape",)),
    "RandomCrop": BackwardKernel(_places_backward, ("x_shape", "index")),
    "RandomFlip": BackwardKernel(_places_backward, ("x_shape", "index")),
    "RandomShift": BackwardKernel(_places_backward, ("x_shape", "index")),
    "RoiAlign": BackwardKernel(_roi_align_backward, ("input_shape", "boxes")),
    "Unpooling": BackwardKernel(_unpool_backward, ("x_shape",)),
    "WarpByFlow": BackwardKernel(_warp_by_flow_backward, ("data", "flow")),
    "WarpByGrid": BackwardKernel(_warp_by_grid_backward, ("x", "grid")),
}
