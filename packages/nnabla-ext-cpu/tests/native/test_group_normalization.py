"""Native normalization of groups of channels against NumPy in float64, on every target, for any axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu import native
from nnabla_ext.cpu.native import normalization

if native.module is None:
    pytest.skip("the native module is not built here", allow_module_level=True)

FORWARD, BACKWARD = normalization.FORWARD_KERNELS, normalization.BACKWARD_KERNELS
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
EPS = 1e-3


def standardized(x: np.ndarray, groups: int, channel: int, batch: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The standardized values and the inverse deviations in the shape of ``x``."""
    y, inverse = np.empty(x.shape), np.empty(x.shape)
    lead = np.ndindex(*(x.shape[a] for a in batch))
    for place in lead:
        at: list[Any] = [slice(None)] * x.ndim
        for a, i in zip(batch, place):
            at[a] = slice(i, i + 1)
        for part in np.split(np.arange(x.shape[channel]), groups):
            at[channel] = slice(part[0], part[-1] + 1)
            some = x[tuple(at)].astype(float)
            inverse[tuple(at)] = (some.var() + EPS) ** -0.5
            y[tuple(at)] = (some - some.mean()) * (some.var() + EPS) ** -0.5
    return y, inverse


CASES = [
    ((2, 6, 5, 7), 3, 1, (0,)),
    ((3, 4, 300), 4, 1, (0,)),
    ((2, 5, 3, 6), 2, 3, (0,)),
    ((2, 3, 4, 5), 2, -2, (1, 0)),
    ((4, 8), 2, 1, (0,)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("of_samples", [False, True])
@pytest.mark.parametrize(("shape", "groups", "channel", "batch"), CASES)
def test_groups(
    shape: Any, groups: int, channel: int, batch: Any, of_samples: bool, last: bool, dtype: Any, each_target: str
) -> None:
    rng = np.random.default_rng(0)
    x, dy = (rng.normal(1, 2, shape).astype(dtype) for _ in range(2))
    if last:
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    kept = {channel % len(shape), *(batch if of_samples else ())}
    own = tuple(n if a in kept else 1 for a, n in enumerate(shape))
    beta, gamma = (rng.normal(size=own).astype(dtype) for _ in range(2))
    instances = groups == shape[channel]
    name = "InstanceNormalization" if instances else "GroupNormalization"
    args = {"channel_axis": channel, "batch_axis": batch, "eps": EPS} | ({} if instances else {"num_groups": groups})
    y, inverse = standardized(x, groups, channel, batch)
    found = FORWARD[name](None, (x, beta, gamma), (None,), args)
    np.testing.assert_allclose(found, y * gamma + beta, rtol=0, atol=TOLERANCE[dtype])
    plain = FORWARD[name](None, (x, None, None), (None,), args)
    np.testing.assert_allclose(plain, y, rtol=0, atol=TOLERANCE[dtype])

    dx, dbeta, dgamma = BACKWARD[name].compute(None, (x, own, own, gamma), (dy,), (True, True, True), args)
    others = tuple(a for a in range(len(shape)) if own[a] != shape[a])
    np.testing.assert_allclose(dbeta, dy.astype(float).sum(others, keepdims=True), rtol=0, atol=40 * TOLERANCE[dtype])
    np.testing.assert_allclose(dgamma, (dy * y).sum(others, keepdims=True), rtol=0, atol=40 * TOLERANCE[dtype])
    # The gradient of (x - m) / s is what is left of the seed without its mean and its part along the result, over s.
    seed = dy.astype(float) * gamma
    mean, along = (np.empty(shape) for _ in range(2))
    axis = channel % len(shape)
    for place in np.ndindex(*(shape[a] for a in batch)):
        at: list[Any] = [slice(None)] * len(shape)
        for a, i in zip(batch, place):
            at[a] = slice(i, i + 1)
        for part in np.split(np.arange(shape[channel]), groups):
            at[axis] = slice(part[0], part[-1] + 1)
            mean[tuple(at)] = seed[tuple(at)].mean()
            along[tuple(at)] = (seed * y)[tuple(at)].mean()
    np.testing.assert_allclose(dx, (seed - mean - y * along) * inverse, rtol=0, atol=4 * TOLERANCE[dtype])
    nothing = BACKWARD[name].compute(None, (x, own, own, gamma), (dy,), (False, True, False), args)
    assert nothing[0] is None
    assert nothing[2] is None
    np.testing.assert_array_equal(nothing[1], dbeta)
