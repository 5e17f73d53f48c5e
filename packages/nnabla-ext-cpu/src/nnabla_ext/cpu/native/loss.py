"""Losses that are one map over their inputs, and rectifiers that are no plain map, by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.ops.loss import TINY
from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray

FORWARD_KERNELS: dict[str, ForwardKernel] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}

#: Functions of the difference of two arrays, and their parameters.
_DISTANCES: dict[str, tuple[str, ...]] = {
    "AbsoluteError": (),
    "EpsilonInsensitiveLoss": ("epsilon",),
    "HuberLoss": ("delta",),
    "SquaredError": (),
}


def _summed(value: Array, shape: tuple[int, ...], sum_: Callable[..., Array]) -> Array:
    """Return what broadcasting has spread, summed back to a shape."""
    if value.shape == shape:
        return value
    lead = value.ndim - len(shape)
    added = (*range(lead), *(lead + i for i, n in enumerate(shape) if n == 1 and value.shape[lead + i] != 1))
    return sum_(None, (value,), None, {"axes": added, "keep_dims": False}).reshape(shape)


def _distance_backward(name: str, parameters: tuple[str, ...]) -> Callable[..., Sequence[Any]]:
    slope = module.forward_map(f"{name}'", parameters)
    negative, sum_ = module.forward_map("MulScalar", numbers=[-1.0]), module.reduction("Sum")

    def backward(xp: Any, values: Any, grads: Any, need: Sequence[bool], args: dict[str, Any]) -> Sequence[Any]:
        x0, x1 = values
        d = slope(xp, (x0, x1, grads[0]), None, args)
        d0 = _summed(d, x0.shape, sum_) if need[0] else None
        # The negative of a sum is less work than the sum of negatives.
        d1 = negative(xp, (d0 if need[0] and x0.shape == x1.shape else _summed(d, x1.shape, sum_),), None, args)
        return d0, d1 if need[1] else None

    return backward


def _binary_cross_entropy_backward() -> Callable[..., Sequence[Any]]:
    by_x = module.forward_map("BinaryCrossEntropy'", numbers=[TINY])
    by_target = module.forward_map("BinaryCrossEntropy'1", numbers=[TINY])

    def backward(xp: Any, values: Any, grads: Any, need: Sequence[bool], args: dict[str, Any]) -> Sequence[Any]:
        (x, target), (dy,) = values, grads
        return (
            by_x(xp, (x, target, dy), None, args) if need[0] else None,
            by_target(xp, (x, dy), None, args) if need[1] else None,
        )

    return backward


def _crelu(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
    (x,) = inputs
    return module.both_parts(x, args["axis"] % x.ndim)


def _prelu_kernels() -> tuple[Callable[..., Any], Callable[..., Any]]:
    apply, by_x, by_slope = (module.forward_map(name) for name in ("PReLU", "PReLU'", "PReLU'1"))
    sum_ = module.reduction("Sum")

    def slopes(x: Array, slope: Array, args: dict[str, Any]) -> Array:
        """The slopes in a shape that broadcasts with ``x``."""
        if slope.size == 1:
            return slope.reshape(())
        return slope.reshape(slope.size, *(1,) * (x.ndim - args["base_axis"] % x.ndim - 1))

    def forward(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Array:
        x, slope = inputs
        return apply(xp, (x, slopes(x, slope, args)), None, args)

    def backward(xp: Any, values: Any, grads: Any, need: Sequence[bool], args: dict[str, Any]) -> Sequence[Any]:
        (x, slope), (dy,) = values, grads
        spread = slopes(x, slope, args)
        d0 = by_x(xp, (x, spread, dy), None, args) if need[0] else None
        d1 = None
        if need[1]:
            d1 = _summed(by_slope(xp, (x, dy), None, args), spread.shape, sum_).reshape(slope.shape)
        return d0, d1

    return forward, backward


if module is not None:
    for _name, _parameters in _DISTANCES.items():
        FORWARD_KERNELS[_name] = module.forward_map(_name, _parameters)
        BACKWARD_KERNELS[_name] = BackwardKernel(_distance_backward(_name, _parameters), ("x0", "x1"))
    FORWARD_KERNELS["BinaryError"] = module.forward_map("BinaryError")
    FORWARD_KERNELS["BinaryCrossEntropy"] = module.forward_map("BinaryCrossEntropy", numbers=[TINY])
    BACKWARD_KERNELS["BinaryCrossEntropy"] = BackwardKernel(_binary_cross_entropy_backward(), ("x", "target"))
    FORWARD_KERNELS["CReLU"] = _crelu
    FORWARD_KERNELS["PReLU"], _prelu_backward = _prelu_kernels()
    BACKWARD_KERNELS["PReLU"] = BackwardKernel(_prelu_backward, ("x0", "x1"))
