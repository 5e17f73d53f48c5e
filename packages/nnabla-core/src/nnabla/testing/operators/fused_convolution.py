"""Fused convolution, against the operators it is made of, which have tests of their own."""

from __future__ import annotations

import nnabla.functions as F
from nnabla.testing.cases import cases, normal, uniform

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
]
