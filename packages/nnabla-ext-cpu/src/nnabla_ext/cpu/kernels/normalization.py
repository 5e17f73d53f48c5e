"""Normalizations in few passes over memory, in blocks that stay in cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from nnabla.ops.normalization import other_axes

__all__ = ["FORWARD_KERNELS"]

Array = np.ndarray

#: Bytes of a block of samples.
_BLOCK = 1 << 18


def _blocks(x: Array) -> Iterator[slice]:
    """Yield slices of the first axis."""
    if x.nbytes <= 2 * _BLOCK or x.ndim < 2:
        yield slice(None)
        return
    step = max(1, len(x) * _BLOCK // x.nbytes)
    for start in range(0, len(x), step):
        yield slice(start, start + step)


def _at(value: Array, block: slice) -> Array:
    """Return what belongs to a block of samples of an array that broadcasts along the first axis, or not."""
    return value[block] if len(value) > 1 else value


def _sum_of_products(x: Array, y: Array, axes: Sequence[int]) -> Array:
    """Return the sum of products over axes, which are kept with size 1, without writing the products."""
    every = list(range(x.ndim))
    kept = [a for a in every if a not in axes]
    shape = [1 if a in axes else n for a, n in enumerate(x.shape)]
    return np.einsum(x, every, y, every, kept).reshape(shape)


def _standardize(
    x: Array, beta: Array | None, gamma: Array | None, axes: tuple[int, ...], eps: float
) -> tuple[Array, Array, Array, Array]:
    """Return (x - center) * inverse * gamma + beta, center, variance, inverse."""
    x = np.ascontiguousarray(x)
    count = prod(x.shape[a] for a in axes)
    center = x.mean(axes, keepdims=True)
    y = np.empty_like(x)
    squares = np.zeros_like(center)
    for at in _blocks(x):
        shifted = np.subtract(x[at], _at(center, at), out=y[at])
        found = _sum_of_products(shifted, shifted, axes)
        if 0 in axes:
            squares += found
        else:
            squares[at] = found
    variance = squares / count if count else squares + np.nan
    inverse = 1 / np.sqrt(variance + x.dtype.type(eps))
    _scale(y, inverse, gamma, beta)
    return y, center, variance, inverse


def _scale(y: Array, inverse: Array, gamma: Array | None, beta: Array | None) -> None:
    """Multiply by the inverse deviation and the scale and add the offset, in place."""
    if gamma is not None and gamma.shape == inverse.shape:
        inverse, gamma = inverse * gamma, None
    for at in _blocks(y):
        part = y[at]
        part *= _at(inverse, at)
        if gamma is not None:
            part *= _at(gamma, at)
        if beta is not None:
            part += _at(beta, at)


def layer_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> tuple[Array, ...]:
    """Normalization of each sample."""
    x, beta, gamma = inputs
    axes = other_axes(x.ndim, args["batch_axis"])
    y, center, _, inverse = _standardize(x, beta, gamma, axes, args["eps"])
    return y, center, inverse


def _batch(inputs: Any, args: dict[str, Any]) -> list[Array]:
    """Return the output, then updates and saved values where the batch's statistics are used."""
    x, beta, gamma, mean, variance = inputs[:5]
    eps, decay = args["eps"], args["decay_rate"]
    if not args["batch_stat"]:
        y = x - mean
        _scale(y, 1 / np.sqrt(variance + x.dtype.type(eps)), gamma, beta)
        return [y]
    axes = other_axes(x.ndim, args["axes"])
    y, center, spread, inverse = _standardize(x, beta, gamma, axes, eps)
    count = prod(x.shape[a] for a in axes)
    results = [y]
    if mean is not None:
        results.append(mean * decay + center * (1 - decay))
    if variance is not None:
        results.append(variance * decay + spread * ((1 - decay) * count / max(count - 1, 1)))
    return [*results, center, inverse]


def batch_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    """Batch normalization."""
    results = _batch(inputs, args)
    return results if len(results) > 1 else results[0]


def fused_batch_normalization(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    """Batch normalization, addition and a rectified linear unit."""
    results = _batch(inputs, args)
    y, z = results[0], inputs[5]
    for at in _blocks(y):
        part = y[at]
        if z is not None:
            part += z[at]
        np.maximum(part, 0, out=part)
    return results if len(results) > 1 else y


def standardization_gradient(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    """Gradients of what is standardized and of its scale."""
    x, dy, center, inverse, gamma = inputs
    axes = args["axes"]
    count = prod(x.shape[a] for a in axes)
    dx = np.empty(x.shape, x.dtype)
    if 0 in axes and (gamma is None or gamma.shape == center.shape):
        total = dy.sum(axes, keepdims=True)
        along = np.zeros_like(center)
        for at in _blocks(x):
            along += _sum_of_products(dy[at], np.subtract(x[at], center, out=dx[at]), axes)
        along *= inverse
        factor = inverse if gamma is None else inverse * gamma
        slope = -factor * inverse * along / count
        offset = -factor * total / count
        for at in _blocks(x):
            part = dx[at]
            part *= slope
            part += dy[at] * factor
            part += offset
        return dx if gamma is None else (dx, along)
    dgamma = None if gamma is None else np.zeros(gamma.shape, x.dtype)
    for at in [slice(None)] if 0 in axes else _blocks(x):
        unit = np.subtract(x[at], _at(center, at), out=dx[at])
        scale = _at(inverse, at)
        unit *= scale
        seed = dy[at]
        if gamma is not None and dgamma is not None:
            shape = (len(seed) if len(gamma) > 1 else 1, *gamma.shape[1:])
            summed = tuple(a for a, (n, m) in enumerate(zip(seed.shape, shape)) if n != m)
            target = _at(dgamma, at)
            target += _sum_of_products(seed, unit, summed)
            seed = seed * _at(gamma, at)
        average = seed.mean(axes, keepdims=True)
        unit *= _sum_of_products(seed, unit, axes) / -count
        unit += seed
        unit -= average
        unit *= scale
    return dx if gamma is None else (dx, dgamma)


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "BatchNormalization": batch_normalization,
    "FusedBatchNormalization": fused_batch_normalization,
    "LayerNormalization": layer_normalization,
    "StandardizationGradient": standardization_gradient,
    "SyncBatchNormalization": batch_normalization,
}
