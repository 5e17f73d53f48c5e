"""Normalization over batches, layers and groups by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.normalization import kept_shape, other_axes
from nnabla.plugins.backend import BackwardKernel
from nnabla_ext.cpu.kernels import normalization as over_numpy
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]


def _standardization_gradient(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    x, dy, center, inverse, gamma = inputs
    want = (True, gamma is not None, False, False)
    found = module.standardization_gradient(
        x, dy, center, inverse, gamma, None, args["axes"], False, False, 0.0, want, False
    )
    if found is None:
        return over_numpy.standardization_gradient(xp, inputs, out, args)
    return found[0] if gamma is None else found[:2]


def _layer_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    found = module.layer_normalization(*inputs, args["batch_axis"], args["eps"])
    return over_numpy.layer_normalization(xp, inputs, out, args) if found is None else found


def _layer_normalization_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x, beta_shape, gamma, center, inverse), (dy,) = values, grads
    batch_axis = args["batch_axis"]
    along = beta_shape is not None and beta_shape != kept_shape(x.shape, batch_axis)
    fits = not along or beta_shape == kept_shape(x.shape, other_axes(x.ndim, batch_axis))
    if fits:
        want = (need[0], need[2], need[1], False)
        found = module.standardization_gradient(
            x, dy, center, inverse, gamma, None, batch_axis, True, False, 0.0, want, along
        )
        if found is not None:
            dx, dgamma, dbeta, _ = found
            return dx, dbeta, dgamma
    axes = other_axes(x.ndim, batch_axis)
    result = over_numpy.standardization_gradient(xp, (x, dy, center, inverse, gamma), (), {"axes": axes})
    dx, dgamma = (result, None) if gamma is None else result
    dbeta = None
    if beta_shape is not None:
        summed = tuple(a for a, (n, m) in enumerate(zip(beta_shape, x.shape)) if n != m)
        dbeta = dy.sum(axis=summed, keepdims=True) if summed else dy.copy()
    return dx, dbeta, dgamma


def _forward(xp: Any, inputs: Any, args: dict[str, Any], z: Any, rectify: bool) -> Any:
    x, beta, gamma, mean, variance = inputs[:5]
    return module.batch_normalization(
        x,
        beta,
        gamma,
        mean,
        variance,
        z,
        args["axes"],
        args["decay_rate"],
        args["eps"],
        args["batch_stat"],
        rectify,
    )


def _batch_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    found = _forward(xp, inputs, args, None, False)
    return over_numpy.batch_normalization(xp, inputs, out, args) if found is None else found


def _fused_batch_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    found = _forward(xp, inputs, args, inputs[5], True)
    return over_numpy.fused_batch_normalization(xp, inputs, out, args) if found is None else found


def _backward(values: Any, y: Any, dy: Any, want: tuple[bool, bool, bool, bool], args: dict[str, Any]) -> Any:
    """Return the gradients of x, gamma, beta and what was added, as far as they are wanted."""
    x, gamma, mean, variance, center, inverse = values
    axes, eps = args["axes"], args["eps"]
    fixed = not args["batch_stat"]
    if fixed:
        center, inverse = mean, variance
    if x is None or center is None:
        # Without a scale nothing depends on the input.
        return _backward_over_numpy(x, gamma, center, inverse, y, dy, axes, fixed, eps)
    found = module.standardization_gradient(x, dy, center, inverse, gamma, y, axes, True, fixed, eps, want, False)
    return _backward_over_numpy(x, gamma, center, inverse, y, dy, axes, fixed, eps) if found is None else found


def _backward_over_numpy(
    x: Any, gamma: Any, center: Any, inverse: Any, y: Any, dy: Any, axes: Any, fixed: bool, eps: float
) -> Any:
    seed = dy if y is None else dy * (y > 0)
    others = other_axes(dy.ndim, axes)
    dbeta = seed.sum(others, keepdims=True)
    if not fixed:
        result = over_numpy.standardization_gradient(None, (x, seed, center, inverse, gamma), (), {"axes": others})
        dx, dgamma = (result, None) if gamma is None else result
        return dx, dgamma, dbeta, seed
    inverse = (inverse + dy.dtype.type(eps)) ** -0.5
    if gamma is None:
        return seed * inverse, None, dbeta, seed
    return seed * (inverse * gamma), (seed * (x - center) * inverse).sum(others, keepdims=True), dbeta, seed


def _batch_normalization_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    dx, dgamma, dbeta, _ = _backward(values, None, grads[0], (need[0], need[2], need[1], False), args)
    return dx, dbeta, dgamma, None, None


def _fused_batch_normalization_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    want = (need[0], need[2], need[1], need[5])
    dx, dgamma, dbeta, dz = _backward(values[:6], values[6], grads[0], want, args)
    return dx, dbeta, dgamma, None, None, dz


class _Groups:
    """How an array is seen as (samples, channels, others), for normalization of groups of channels."""

    def __init__(self, shape: tuple[int, ...], args: dict[str, Any]) -> None:
        self.shape = shape
        batch = [a % len(shape) for a in args["batch_axis"]]
        channel = args["channel_axis"] % len(shape)
        self.order = (*batch, channel, *(a for a in range(len(shape)) if a != channel and a not in batch))
        self.sizes = (prod(shape[a] for a in batch), shape[channel])
        self.groups, self.eps = args.get("num_groups", shape[channel]), args["eps"]
        self.plain = self.order == tuple(range(len(shape)))

    def joined(self, x: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(x if self.plain else x.transpose(self.order)).reshape(*self.sizes, -1)

    def parted(self, y: np.ndarray) -> np.ndarray:
        if self.plain:
            return y.reshape(self.shape)
        y = y.reshape([self.shape[a] for a in self.order])
        return np.ascontiguousarray(y.transpose(np.argsort(self.order)))

    def parameter(self, value: np.ndarray | None) -> np.ndarray | None:
        return value if value is None or self.plain else value.transpose(self.order)

    def summed(self, found: np.ndarray | None, shape: tuple[int, ...] | None) -> np.ndarray | None:
        """Return gradients (samples, channels) in the shape of a parameter."""
        if found is None or shape is None:
            return None
        if prod(shape) == self.sizes[1]:
            return found.sum(axis=0).reshape(shape)
        turned = found.reshape([shape[a] for a in self.order])
        return np.ascontiguousarray(turned.transpose(np.argsort(self.order)))


def _group_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    x, beta, gamma = inputs
    g = _Groups(x.shape, args)
    if not x.size:
        return np.array(x)
    found = module.group_normalization(g.joined(x), g.parameter(beta), g.parameter(gamma), g.groups, g.eps)
    return g.parted(found)


def _group_normalization_backward(
    xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
) -> Sequence[Any]:
    (x, beta_shape, gamma_shape, gamma), (dy,) = values, grads
    g = _Groups(dy.shape, args)
    if not dy.size:
        given = (dy.shape, beta_shape, gamma_shape)
        return [np.zeros(s, dy.dtype) if n and s is not None else None for n, s in zip(need, given)]
    # Without the input the scale has no gradient and that of the input is not wanted.
    joined = g.joined(dy if x is None else x)
    found = module.group_normalization_gradient(joined, g.parameter(gamma), g.joined(dy), g.groups, g.eps, list(need))
    dx, dbeta, dgamma = found
    return None if dx is None else g.parted(dx), g.summed(dbeta, beta_shape), g.summed(dgamma, gamma_shape)


_STATISTICS = ("x", "gamma", "mean", "variance", "center", "inverse")

FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": _batch_normalization,
    "FusedBatchNormalization": _fused_batch_normalization,
    "GroupNormalization": _group_normalization,
    "InstanceNormalization": _group_normalization,
    "LayerNormalization": _layer_normalization,
    "StandardizationGradient": _standardization_gradient,
    "SyncBatchNormalization": _batch_normalization,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "BatchNormalization": BackwardKernel(_batch_normalization_backward, _STATISTICS),
    "FusedBatchNormalization": BackwardKernel(_fused_batch_normalization_backward, (*_STATISTICS, "y")),
    **dict.fromkeys(
        ("GroupNormalization", "InstanceNormalization"),
        BackwardKernel(_group_normalization_backward, ("x", "beta_shape", "gamma_shape", "gamma")),
    ),
    "LayerNormalization": BackwardKernel(
        _layer_normalization_backward, ("x", "beta_shape", "gamma", "center", "inverse")
    ),
    "SyncBatchNormalization": BackwardKernel(_batch_normalization_backward, _STATISTICS),
}
