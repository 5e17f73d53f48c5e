"""Normalization over batches, layers and groups by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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


_STATISTICS = ("x", "gamma", "mean", "variance", "center", "inverse")

FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": _batch_normalization,
    "FusedBatchNormalization": _fused_batch_normalization,
    "LayerNormalization": _layer_normalization,
    "StandardizationGradient": _standardization_gradient,
    "SyncBatchNormalization": _batch_normalization,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "BatchNormalization": BackwardKernel(_batch_normalization_backward, _STATISTICS),
    "FusedBatchNormalization": BackwardKernel(_fused_batch_normalization_backward, (*_STATISTICS, "y")),
    "LayerNormalization": BackwardKernel(
        _layer_normalization_backward, ("x", "beta_shape", "gamma", "center", "inverse")
    ),
    "SyncBatchNormalization": BackwardKernel(_batch_normalization_backward, _STATISTICS),
}
