"""Normalizations, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.function_bases as FB
import nnabla.functions as F
from nnabla.testing.cases import cases, normal, uniform


# -- against NumPy --------------------------------------------------------------------------------------------
def standardize(x, axes, eps):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps)


def affine(y, beta, gamma):
    y = y if gamma is None else y * gamma
    return y if beta is None else y + beta


def but(x, axes):
    """All axes of ``x`` but ``axes``."""
    chosen = {a % x.ndim for a in ([axes] if isinstance(axes, int) else axes)}
    return tuple(a for a in range(x.ndim) if a not in chosen)


def batch(x, beta, gamma, mean, variance, axes=(1,), eps=1e-5, batch_stat=True, **_):
    if batch_stat:
        return affine(standardize(x, but(x, axes), eps), beta, gamma)
    return affine((x - mean) / np.sqrt(variance + eps), beta, gamma)


def fused(x, beta, gamma, mean, variance, z=None, **args):
    y = batch(x, beta, gamma, mean, variance, **args)
    return np.maximum(y if z is None else y + z, 0)


def layer(x, beta, gamma, batch_axis=0, eps=1e-5):
    return affine(standardize(x, but(x, batch_axis), eps), beta, gamma)


def instance(x, beta, gamma, channel_axis=1, batch_axis=0, eps=1e-5):
    kept = [channel_axis, *([batch_axis] if isinstance(batch_axis, int) else batch_axis)]
    return affine(standardize(x, but(x, kept), eps), beta, gamma)


def group(x, beta, gamma, num_groups, eps=1e-5):
    split = x.reshape(len(x), num_groups, -1)
    return affine(standardize(split, (2,), eps).reshape(x.shape), beta, gamma)


def with_statistics(function, kept=lambda **_: (0,), split=lambda x, **_: x):
    """What ``function`` gives, then the mean and variance of ``split(x)`` over all axes but ``kept``."""

    def expect(x, *parameters, output_stat, **args):
        within = split(x, **args)
        axes = but(within, kept(**args))
        statistics = within.mean(axes, keepdims=True), within.var(axes, keepdims=True)
        return function(x, *parameters, **args), *statistics

    return expect


def groups(x, num_groups, **_):
    return x.reshape(len(x), num_groups, x.shape[1] // num_groups, *x.shape[2:])


class Alone:
    """A communicator of one process."""

    size = 1


def tensor(x, beta=None, gamma=None, axes=(1,), eps=1e-5):
    return affine(standardize(x, but(x, axes), eps), beta, gamma)


STATISTICS = [normal(1, 4, 1, 1), uniform(0.5, 2, 1, 4, 1, 1)]
SCALE = [normal(1, 4, 1, 1), normal(1, 4, 1, 1)]
X = normal(3, 4, 2, 3, scale=2, shift=1)

# Running statistics change with every forward, so that they are no constants to a numerical derivative.
BATCH_NORMALIZATION = [
    *cases(
        F.batch_normalization,
        [X, *SCALE, *STATISTICS],
        {"batch_stat": [True, False], "eps": [1e-5, 0.25]},
        expect=batch,
        grad=[0, 1, 2],
    ),
    *cases(F.batch_normalization, [X, None, SCALE[1], *STATISTICS], expect=batch, grad=[0, 2]),
    *cases(F.batch_normalization, [X, SCALE[0], None, *STATISTICS], expect=batch, grad=[0, 1]),
    *cases(
        F.batch_normalization,
        [X, None, None, *STATISTICS],
        {"batch_stat": [True, False]},
        expect=batch,
        grad=[0],
    ),
    *cases(F.batch_normalization, [X, *SCALE, None, None], expect=batch),
    *cases(
        F.batch_normalization,
        [X, normal(1, 4, 1, 3), normal(1, 4, 1, 3), None, None],
        {"axes": [(1, 3), (-1, 1)]},
        expect=batch,
    ),
    *cases(
        F.batch_normalization,
        [normal(6, 3), normal(1, 3), normal(1, 3), None, None],
        {"axes": [[-1], 1]},
        expect=batch,
    ),
]

FUSED_BATCH_NORMALIZATION = [
    *cases(
        F.fused_batch_normalization,
        [X, *SCALE, *STATISTICS, normal(3, 4, 2, 3)],
        {"batch_stat": [True, False]},
        expect=fused,
        grad=[0, 1, 2, 5],
    ),
    *cases(F.fused_batch_normalization, [X, None, None, None, None], expect=fused),
    *cases(
        F.fused_batch_normalization,
        [X, *SCALE, *STATISTICS],
        {"decay_rate": 0.5, "eps": 0.25},
        expect=lambda *inputs, decay_rate, **args: fused(*inputs, **args),
        grad=[0, 1, 2],
    ),
    *cases(
        F.fused_batch_normalization,
        [X, normal(1, 4, 1, 3), normal(1, 4, 1, 3), None, None],
        {"axes": (1, 3)},
        expect=fused,
    ),
]

FULL = [normal(1, 4, 2, 3), normal(1, 4, 2, 3)]

LAYER_NORMALIZATION = [
    *cases(F.layer_normalization, [X, *FULL], {"eps": [1e-5, 0.5]}, expect=layer),
    *cases(F.layer_normalization, [X, None, FULL[1]], expect=layer),
    *cases(F.layer_normalization, [X, FULL[0], None], expect=layer),
    *cases(F.layer_normalization, [X, None, None], {"batch_axis": [0, (0, -3), [3]]}, expect=layer),
    *cases(F.layer_normalization, [X, *SCALE], expect=layer, label="broadcast parameters"),
    *cases(F.layer_normalization, [normal(5)], {"beta": None, "gamma": None, "batch_axis": ()}, expect=layer),
]

OTHER_NORMALIZATIONS = [
    *cases(
        F.sync_batch_normalization,
        [X, *SCALE, *STATISTICS],
        {"comm": Alone(), "group": "some", "decay_rate": 0.5, "eps": 0.25, "batch_stat": [True, False]},
        expect=lambda *inputs, comm, group, decay_rate, **args: batch(*inputs, **args),
        grad=[0, 1, 2],
    ),
    *cases(
        F.sync_batch_normalization,
        [X, None, None, None, None],
        {"comm": Alone(), "axes": (3,)},
        expect=lambda x, *_, comm, axes: standardize(x, but(x, axes), 1e-5),
    ),
    *cases(F.instance_normalization, [X, *SCALE], {"eps": [1e-5, 0.5]}, expect=instance),
    *cases(F.instance_normalization, [X, normal(3, 4, 1, 1), normal(3, 4, 1, 1)], expect=instance),
    *cases(F.instance_normalization, [X, None, None], {"channel_axis": -1, "batch_axis": (0, 1)}, expect=instance),
    *cases(F.group_normalization, [X, *SCALE], {"num_groups": [1, 2, 4]}, expect=group),
    *cases(F.group_normalization, [X, None, None], {"num_groups": 2, "eps": 0.5}, expect=group),
    *cases(
        F.group_normalization,
        [normal(3, 2, 4), normal(1, 1, 4), normal(1, 1, 4)],
        {"num_groups": 2, "channel_axis": [2, -1]},
        expect=lambda x, beta, gamma, num_groups, channel_axis: affine(
            standardize(x.reshape(3, 2, 2, 2), (1, 3), 1e-5).reshape(x.shape), beta, gamma
        ),
    ),
    *cases(
        F.group_normalization,
        [normal(3, 2, 4), None, None],
        {"num_groups": 2, "channel_axis": 2, "batch_axis": (0, 1)},
        expect=lambda x, *_, **__: standardize(x.reshape(3, 2, 2, 2), (3,), 1e-5).reshape(x.shape),
    ),
    *cases(FB.tensor_normalization, [X, *SCALE], {"eps": [1e-5, 0.5]}, expect=tensor),
    *cases(FB.tensor_normalization, [X, normal(1, 4, 1, 3), None], {"axes": (1, -1)}, expect=tensor),
    *cases(FB.tensor_normalization, [X, None, normal(3, 1, 1, 1)], {"axes": (0,)}, expect=tensor),
    *cases(F.weight_standardization, [X], {"eps": 0.5}, expect=lambda w, eps: standardize(w, but(w, 0), eps)),
    *cases(
        F.norm_normalization,
        [X],
        {"p": [2, 3], "axes": (1,), "eps": 0.5},
        expect=lambda x, p, axes, eps: x / ((np.abs(x) ** p).sum(axes, keepdims=True) + eps) ** (1 / p),
    ),
    *cases(
        F.tensor_normalization,
        [X],
        {"axes": [1, (0, 2)]},
        expect=lambda x, axes: standardize(x, but(x, axes), 1e-5),
    ),
    *cases(
        F.weight_standardization,
        [X],
        {"channel_axis": [0, 1, -1]},
        expect=lambda w, channel_axis: standardize(w, but(w, channel_axis), 1e-5),
    ),
    *cases(
        F.norm_normalization,
        [X],
        {"p": [None, 1, 2, 3.5], "axes": [None, 1, (0, -1)]},
        expect=lambda x, p, axes: (
            x
            / (
                (np.abs(x) ** (p or 2)).sum(tuple(axes) if isinstance(axes, tuple) else axes, keepdims=True)
                ** (1 / (p or 2))
            )
        ),
    ),
    *cases(
        F.weight_normalization,
        [X, uniform(0.5, 2, 4)],
        {"dim": [1, -3], "eps": 0.5},
        expect=lambda w, g, dim, eps: w * g.reshape(1, 4, 1, 1) / np.sqrt((w**2).sum((0, 2, 3), keepdims=True) + eps),
    ),
]

WITH_STATISTICS = [
    *cases(
        F.batch_normalization,
        [X, *SCALE, *STATISTICS],
        {"output_stat": True},
        expect=with_statistics(batch, lambda **_: (1,)),
        grad=[0, 1, 2],
    ),
    *cases(
        F.batch_normalization,
        [X, None, None, None, None],
        {"axes": (1, 3), "output_stat": True},
        expect=with_statistics(batch, lambda axes: axes),
    ),
    *cases(
        F.fused_batch_normalization,
        [X, *SCALE, *STATISTICS, normal(3, 4, 2, 3)],
        {"output_stat": True},
        expect=with_statistics(fused, lambda **_: (1,)),
        grad=[0, 1, 2, 5],
    ),
    *cases(F.layer_normalization, [X, *FULL], {"output_stat": True}, expect=with_statistics(layer)),
    *cases(
        F.layer_normalization,
        [X, None, None],
        {"batch_axis": (0, -1), "output_stat": True},
        expect=with_statistics(layer, lambda batch_axis: batch_axis),
    ),
    *cases(
        F.instance_normalization,
        [X, *SCALE],
        {"output_stat": True},
        expect=with_statistics(instance, lambda **_: (0, 1)),
    ),
    *cases(
        F.group_normalization,
        [X, *SCALE],
        {"num_groups": 2, "output_stat": True},
        expect=with_statistics(group, lambda **_: (0, 1), groups),
    ),
    *cases(
        F.tensor_normalization,
        [X],
        {"axes": (0, 2), "output_stat": True},
        expect=with_statistics(lambda x, axes: standardize(x, but(x, axes), 1e-5), lambda axes: axes),
    ),
    *cases(
        F.weight_standardization,
        [X],
        {"channel_axis": 1, "output_stat": True},
        expect=with_statistics(
            lambda w, channel_axis: standardize(w, but(w, channel_axis), 1e-5), lambda channel_axis: (channel_axis,)
        ),
    ),
]
