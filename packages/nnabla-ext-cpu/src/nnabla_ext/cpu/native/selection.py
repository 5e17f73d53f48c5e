"""Sorting, the largest elements, and elements that a mask chooses, by native kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla.ops.masking import bool_scatter
from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import ordering, sequences
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray
Arrays = tuple[Any, ...]


def _lines_last(x: Array, axis: int) -> Array:
    return x if axis == x.ndim - 1 and x.flags.c_contiguous else np.ascontiguousarray(np.moveaxis(x, axis, -1))


def _arg_sort(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,) = inputs
    axis = args["axis"] % x.ndim
    found = module.sorted(_lines_last(x, axis), args["descending"])
    if found is None:
        order = xp.argsort(x, axis=axis, descending=args["descending"], stable=True)
        return order.astype(args["dtype"], copy=False)
    return np.moveaxis(found[1], -1, axis)


def _sort(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    (x,) = inputs
    axis = args["axis"] % x.ndim
    found = module.sorted(_lines_last(x, axis), args["reverse"])
    if found is None:
        index = xp.argsort(x, axis=axis, descending=args["reverse"], stable=True)
        y = np.take_along_axis(x, index, axis)
    else:
        y, index = found if axis == x.ndim - 1 else (np.ascontiguousarray(np.moveaxis(a, -1, axis)) for a in found)
    if args["only_index"]:
        return index.copy(), index
    return (y, index.copy(), index) if args["with_index"] else (y, index)


def _top_k_data(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    (x,), k = inputs, args["k"]
    base = args["base_axis"] % x.ndim
    outer = x.shape[:base]
    samples = np.ascontiguousarray(x).reshape(math.prod(outer), math.prod(x.shape[base:]))
    found = module.first_sorted(samples, k, args["largest"], args["abs"])
    if found is None:
        return ordering.FORWARD_KERNELS["TopKData"](xp, inputs, out, args)
    values, index = found
    return ordering.top_k_results(x, samples, values, index, args)


def _top_k_grad_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (dy,) = grads
    base = args["base_axis"] % dy.ndim
    samples = np.ascontiguousarray(dy).reshape(math.prod(dy.shape[:base]), math.prod(dy.shape[base:]))
    found = module.first_sorted(samples, args["k"], True, args["abs"])
    if found is None:
        return ordering.BACKWARD_KERNELS["TopKGrad"].compute(xp, values, grads, need, args)
    return (module.put_rows_along(found[0], found[1], samples.shape[1]).reshape(dy.shape),)


def _top_k_data_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (shape, index), (dy,) = values, grads
    size = math.prod(shape) // max(len(index), 1)
    if args["reduce"]:
        chosen = dy.reshape(index.shape)
    else:
        chosen = np.take_along_axis(dy.reshape(len(index), size), index, 1)
    return (module.put_rows_along(chosen, index, size).reshape(shape),)


def _folded(shape: tuple[int, ...], axes: Sequence[int]) -> tuple[list[int], int, bool]:
    """Return the axes that stay, the number of elements along the others, and whether these are the last ones."""
    ndim = len(shape)
    taken = {axis % ndim for axis in axes}
    outer = [axis for axis in range(ndim) if axis not in taken]
    return outer, math.prod(shape[axis] for axis in taken), outer == list(range(len(outer)))


def _extreme_kernel(smallest: bool) -> ForwardKernel:
    def kernel(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
        (x,) = inputs
        outer, size, last = _folded(x.shape, args["axes"])
        inner = sorted({axis % x.ndim for axis in args["axes"]})
        rows = np.ascontiguousarray(x if last else x.transpose(*outer, *inner)).reshape(-1, size)
        found = module.extreme(rows, smallest)
        if found is None:
            index = (rows.argmin if smallest else rows.argmax)(1, keepdims=True)
            value = np.take_along_axis(rows, index, 1)
        else:
            value, index = found
        kept = tuple(x.shape[axis] for axis in outer)
        shape = tuple(1 if axis in inner else n for axis, n in enumerate(x.shape)) if args["keep_dims"] else kept
        saved = index.reshape(*kept, 1)
        if args["only_index"]:
            return index.reshape(shape).copy(), saved
        value = value.reshape(shape)
        return (value, index.reshape(shape).copy(), saved) if args["with_index"] else (value, saved)

    return kernel


def _extreme_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (shape, index), dy = values, grads[0]
    if args["only_index"]:
        return (None,)
    outer, size, last = _folded(shape, args["axes"])
    dx = module.put_rows_along(dy.reshape(-1, 1), index.reshape(-1, 1), size)
    if last:
        return (dx.reshape(shape),)
    inner = [axis for axis in range(len(shape)) if axis not in outer]
    order = [*outer, *inner]
    return (np.transpose(dx.reshape([shape[axis] for axis in order]), np.argsort(order)),)


def _prune(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,), rate = inputs, args["rate"]
    if rate == 1 or not x.size:
        return np.zeros_like(x)
    at = int((x.size - 1) * rate)
    found = module.pruned(np.asarray(x, order="C"), at)
    if found is None:
        size = np.abs(x)
        return np.where(size >= np.partition(size, at, None)[at], x, x.dtype.type(0))
    return found


def _nonzero(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x,) = inputs
    if x.ndim == 0:
        return np.zeros((0, int(x != 0)), args["dtype"])
    found = module.nonzero(x)
    return (np.stack(np.nonzero(x)) if found is None else found).astype(args["dtype"], copy=False)


def _chosen(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    x, mask = inputs
    found = module.compressed(x, mask)
    return x[mask] if found is None else found


def _bool_scatter(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    x, mask, base = inputs
    y = module.expanded(x, mask, base)
    if y is None:
        reference: Any = bool_scatter.reference_kernel
        return reference(xp, x, mask, base)
    return y if base is None else (y, y)


def _pack_padded_sequence(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    x, lengths = inputs
    if args["batch_first"]:
        x = np.ascontiguousarray(np.moveaxis(x, 0, 1))
    present = np.arange(len(x), dtype=lengths.dtype)[:, None] < lengths
    found = module.compressed(x, present)
    return x[present] if found is None else found, np.count_nonzero(present, axis=1).astype(np.int32)


def _pad_packed_sequence(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    packed, sizes = inputs
    batch, steps, value = int(sizes[0]), max(len(sizes), args["total_length"]), args["padding_value"]
    present = np.zeros((steps, batch), bool)
    np.less(np.arange(batch), sizes[:, None], out=present[: len(sizes)])
    base = None
    if value != 0:
        base = module.filled((steps, batch, *packed.shape[1:]), value, packed.dtype == np.float64)
    y = None if sizes.max() > batch or sizes.min() < 0 else module.expanded(packed, present, base)
    if y is None:
        return sequences.FORWARD_KERNELS["PadPackedSequence"](xp, inputs, out, args)
    lengths = np.count_nonzero(present, axis=0).astype(np.int32)
    return np.ascontiguousarray(np.moveaxis(y, 0, 1)) if args["batch_first"] else y, lengths


def _pack_steps(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    x, sizes = inputs
    if args["batch_first"]:
        x = np.ascontiguousarray(np.moveaxis(x, 0, 1))
    return _chosen(xp, (x[: len(sizes)], np.arange(x.shape[1]) < sizes[:, None]), out, args)


def _scores_and_labels(x: Array, label: Array, axis: int) -> tuple[Array, Array]:
    """Return scores with a row for each label, and the labels in the same order."""
    rows = np.ascontiguousarray(np.moveaxis(x, axis, -1)).reshape(label.size, x.shape[axis])
    return rows, np.moveaxis(label, axis, -1).reshape(-1)


def _top_n_error(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x, label), axis = inputs, args["axis"]
    y: Array = module.top_n_error(*_scores_and_labels(x, label, axis), args["n"])
    return y.reshape(label.shape) if axis in (-1, x.ndim - 1) else _restored(y, label, axis)


def _restored(y: Array, label: Array, axis: int) -> Array:
    """Return a value for each label in their shape, of which one axis was last."""
    return np.moveaxis(y.reshape(np.moveaxis(label, axis, -1).shape), -1, axis)


def _confusion_matrix(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    (x, label), axis = inputs, args["axis"]
    y: Array = module.confusion(*_scores_and_labels(x, label, axis))
    return y


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "ArgSort": _arg_sort,
    "BoolGather": _chosen,
    "BoolScatter": _bool_scatter,
    "BoolTake": _chosen,
    "ConfusionMatrix": _confusion_matrix,
    "Max": _extreme_kernel(False),
    "Min": _extreme_kernel(True),
    "NonZero": _nonzero,
    "PackPaddedSequence": _pack_padded_sequence,
    "PackSteps": _pack_steps,
    "PadPackedSequence": _pad_packed_sequence,
    "Prune": _prune,
    "Sort": _sort,
    "TopKData": _top_k_data,
    "TopNError": _top_n_error,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "Max": BackwardKernel(_extreme_backward, ("x_shape", "index")),
    "Min": BackwardKernel(_extreme_backward, ("x_shape", "index")),
    "TopKData": BackwardKernel(_top_k_data_backward, ("x_shape", "index")),
    "TopKGrad": BackwardKernel(_top_k_grad_backward),
}
