"""Rows by index, running sums and products, one-hot vectors and arrays taken apart, by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import indexing
from nnabla_ext.cpu.native import module

__all__ = ["ACCUMULATE_KERNELS", "BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray
Arrays = tuple[Any, ...]

FORWARD_KERNELS: dict[str, ForwardKernel] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}

ACCUMULATE_KERNELS: dict[str, Callable[..., None]] = {}


def _running_sum(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return module.running(inputs[0], args["axis"], args["exclusive"], args["reverse"], False)


def _running_product(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return module.running(inputs[0], args["axis"], args["exclusive"], args["reverse"], True)


def _running_product_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x,), (dy,) = values, grads
    return (module.running_product_gradient(x, dy, args["axis"], args["exclusive"], args["reverse"]),)


def _one_hot(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    return module.one_hot(inputs[0], args["shape"], args["dtype"] == np.float64)


def _split(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Any:
    return module.split(inputs[0], args["axis"])


def _sort_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    return (None if args["only_index"] else module.put_along(values[0], grads[0], args["axis"]),)


def _add_to_rows(xp: Any, target: Array, inputs: Arrays, args: dict[str, Any]) -> None:
    rows, index = inputs
    if target.dtype != rows.dtype or target.dtype.kind != "f" or not target.flags.c_contiguous or not target.ndim:
        indexing.add_to_rows(xp, target, inputs, args)
    elif index.size and rows.size:
        module.add_rows(target, index, rows)


def _add_rows(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    rows, index = inputs
    target = np.zeros((args["n"], *rows.shape[index.ndim :]), rows.dtype)
    _add_to_rows(xp, target, inputs, args)
    return target


if module is not None:
    FORWARD_KERNELS.update(
        {
            "AddRows": _add_rows,
            "CumProd": _running_product,
            "CumSum": _running_sum,
            "OneHot": _one_hot,
            "Split": _split,
        }
    )
    BACKWARD_KERNELS["CumProd"] = BackwardKernel(_running_product_backward, ("x",))
    BACKWARD_KERNELS["Sort"] = BackwardKernel(_sort_backward, ("index",))
    ACCUMULATE_KERNELS["AddRows"] = _add_to_rows
