"""Activations, against NumPy and SciPy."""

from __future__ import annotations

import numpy as np
import scipy.special

import nnabla.functions as F
from nnabla.testing.cases import cases, given, normal

INF = np.inf


def softplus(x, beta=1.0):
    return np.logaddexp(0, beta * x) / beta


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def prelu(x0, x1, base_axis=1):
    if x1.size == 1:
        slopes = x1.reshape(())
    else:
        slopes = np.expand_dims(x1, tuple(range(1, x0.ndim - base_axis % x0.ndim)))
    return np.where(x0 > 0, x0, x0 * slopes)


def crelu(x, axis=1):
    return np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)], axis)


def celu(x, alpha=1.0, axis=1):
    return np.concatenate([elu(x, alpha), elu(-x, alpha)], axis)


PLAIN = [
    (F.sigmoid, scipy.special.expit),
    (F.log_sigmoid, scipy.special.log_expit),
    (F.softplus, softplus),
    (F.swish, lambda x: x * scipy.special.expit(x)),
    (F.mish, lambda x: x * np.tanh(softplus(x))),
    (F.gelu, gelu),
    (F.tanh, np.tanh),
    (F.tanh_shrink, lambda x: x - np.tanh(x)),
    (F.softsign, lambda x: x / (1 + np.abs(x))),
    (F.hard_tanh, lambda x: np.clip(x, -1, 1)),
    (F.hard_sigmoid, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
    (F.relu, lambda x: np.maximum(x, 0)),
    (F.relu6, lambda x: np.clip(x, 0, 6)),
    (F.leaky_relu, lambda x: np.where(x > 0, x, x * np.float32(0.1))),
    (F.elu, elu),
    (F.selu, lambda x: 1.05070098735548 * elu(x, 1.673263242354377)),
    (F.sinc, lambda x: np.sinc(x / np.pi)),
]
LIMITS = [-1e4, -200.0, -90.0, -20.0, -6.0, -1e-3, -1e-20, 0.0, 1e-20, 1e-3, 6.0, 20.0, 90.0, 200.0, 1e4]
STEEP = {"alpha": [0.1, 1.5, 0.0, -0.5], "inplace": [False, True]}

CASES = [
    *(
        case
        for f, expect in PLAIN
        for shape in ((2, 3, 4), (), (0, 2))
        for case in cases(f, [normal(*shape, scale=2)], expect=expect, label=str(shape))
    ),
    *(case for f, expect in PLAIN for case in cases(f, [given(LIMITS)], expect=expect, grad=False, label="limits")),
    *cases(F.relu, [normal(2, 3)], {"inplace": True}, expect=lambda x, inplace: np.maximum(x, 0)),
    *cases(F.leaky_relu, [normal(2, 3)], STEEP, expect=lambda x, alpha, inplace: np.where(x > 0, x, x * alpha)),
    *cases(F.softplus, [normal(2, 3)], {"beta": [0.5, 3.0, -2.0]}, expect=softplus),
    *cases(F.elu, [normal(2, 3)], {"alpha": [0.3, 2.0, -1.0]}, expect=elu),
    *cases(
        F.selu,
        [normal(2, 3)],
        {"scale": 0.7, "alpha": [0.3, 2.0]},
        expect=lambda x, scale, alpha: scale * elu(x, alpha),
    ),
    *cases(F.crelu, [normal(2, 3, 4)], {"axis": [0, 1, 2, -1, -3]}, expect=crelu),
    *cases(F.crelu, [normal(2, 0)], expect=crelu, label="empty"),
    *cases(F.celu, [normal(2, 3, 4)], {"axis": [0, 1, -1], "alpha": [1.0, 0.5]}, expect=celu),
    *cases(F.prelu, [normal(2, 3, 4), normal(3)], expect=prelu),
    *cases(F.prelu, [normal(2, 3, 4), normal(4)], {"base_axis": [2, -1]}, expect=prelu),
    *cases(F.prelu, [normal(2, 3, 4), normal(2)], {"base_axis": [0, -3]}, expect=prelu),
    *cases(F.prelu, [normal(2, 3), normal()], expect=prelu, label="shared"),
    *cases(F.prelu, [normal(2, 3), normal(1, 1)], expect=prelu, label="shared2"),
    *cases(F.prelu, [normal(), normal(1)], expect=prelu, label="0-d"),
    *cases(F.softmax, [normal(2, 3, 4)], {"axis": [0, 1, 2, -1]}, expect=scipy.special.softmax),
    *cases(F.softmax, [normal(2, 3)], expect=lambda x: scipy.special.softmax(x, -1), label="default"),
    *cases(F.softmax, [normal(2, 3, scale=300)], expect=lambda x: scipy.special.softmax(x, -1), grad=False),
    *cases(F.softmax, [given([[0.0, -INF, 1.0]])], expect=lambda x: scipy.special.softmax(x, -1), grad=False),
    *cases(F.log_softmax, [normal(2, 3, 4)], {"axis": [0, 1, 2, -2]}, expect=scipy.special.log_softmax),
    *cases(F.log_softmax, [normal(2, 3, scale=300)], expect=lambda x: scipy.special.log_softmax(x, -1), grad=False),
    *cases(F.binary_sigmoid, [normal(2, 3)], expect=lambda x: np.where(x > 0, 1.0, 0.0), grad=False),
    *cases(F.binary_tanh, [normal(2, 3)], expect=lambda x: np.where(x > 0, 1.0, -1.0), grad=False),
]
