"""Fused convolution, against NumPy where it does more than pass on to operators that have tests of their own."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal, uniform
from nnabla.testing.operators.convolution import convolve
from nnabla.testing.operators.normalization import batch


def fused(x, weight, bias=None, *statistics, eps=1e-5, decay_rate=0.9, **geometry):
    y = convolve(x, weight, bias, **geometry)
    if statistics:
        beta, gamma, mean, variance = statistics
        y = batch(y, beta, gamma, mean, variance, eps=eps)
    return np.maximum(y, 0)


X, W, Z = normal(2, 3, 5, 6), normal(4, 3, 3, 3), normal(2, 4, 3, 4)
BN = [normal(1, 4, 1, 1), normal(1, 4, 1, 1), normal(1, 4, 1, 1), uniform(0.5, 2, 1, 4, 1, 1)]

FUSED_CONVOLUTION = [
    *cases(F.fused_convolution, [X, W]),
    *cases(F.fused_convolution, [X, W, normal(4), *BN, Z], grad=[0, 1, 2, 3, 4, 7]),
    *cases(F.fused_convolution, [X, W, None, *BN], {"batch_stat": False}, grad=[0, 1, 3, 4]),
    *cases(
        F.fused_convolution,
        [X, W],
        {"nonlinearity": ["identity", "sigmoid", "tanh", "relu6"], "pad": (1, 1), "pad_mode": "reflect"},
    ),
    *cases(
        F.fused_convolution,
        [X, W],
        {"nonlinearity": ["leaky_relu", "elu"], "nonlinearity_args": (0.2,), "pad": (1, 0, 0, 2)},
    ),
    *cases(
        F.fused_convolution,
        [normal(2, 5, 6, 3), normal(4, 3, 3, 3)],
        {"channel_last": True, "pad": (1, 1), "constant_value": 0.5},
    ),
    *cases(
        F.fused_convolution,
        [normal(2, 4, 7, 6), normal(4, 2, 3, 2), normal(4)],
        {"group": 2, "stride": (2, 1), "dilation": (1, 2), "base_axis": [1, -3]},
        expect=fused,
    ),
    *cases(F.fused_convolution, [X, W, None, *BN], {"decay_rate": 0.5, "eps": 0.25}, expect=fused, grad=[0, 1, 3, 4]),
]
