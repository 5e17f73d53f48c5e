"""Layers with binary and incrementally quantized weights, against the plain layers in NumPy.

Their gradients go straight through the quantization, so that no numerical derivative tells them.
"""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, normal
from nnabla.testing.operators.convolution import convolve


def affine(x, weight, bias, base_axis=1):
    lead = x.shape[:base_axis]
    return (x.reshape(*lead, -1) @ weight.reshape(len(weight), -1) + bias.ravel()).reshape(*lead, *weight.shape[1:])


def sign(weight, quantize_zero_to=1.0):
    return np.where(weight == 0, quantize_zero_to, np.sign(weight))


def scaled(weight, quantize_zero_to=1.0, axes=(0,)):
    """Signs times the mean size of what goes into each output map."""
    return sign(weight, quantize_zero_to) * np.abs(weight).mean(axes, keepdims=True)


def connect(layer):
    return lambda x, w, _, b, quantize_zero_to=1.0, **args: layer(x, sign(w, quantize_zero_to), b, **args)


def weigh(layer, axes):
    return lambda x, w, _, alpha, b, quantize_zero_to=1.0, **args: layer(
        x, scaled(w, quantize_zero_to, axes), b, **args
    )


def unfixed(layer):
    """INQ before its first iteration: nothing is quantized yet."""
    return lambda x, w, _, b, num_bits, inq_iterations, selection_algorithm, seed, **args: layer(x, w, b, **args)


def zeros(*shape):
    return given(np.zeros(shape))


WEIGHT = choice([-1.5, -0.5, 0, 0.5, 2], 3, 4)
AFFINE = {"base_axis": 2, "quantize_zero_to": [1.0, -1.0, 0.5]}
FILTERS = choice([-1.5, -0.5, 0, 0.5, 2], 4, 2, 3, 3)
IMAGES = normal(2, 4, 6, 5)
GEOMETRY = {"base_axis": [1, -3], "pad": (1, 0), "stride": (2, 1), "dilation": (1, 2), "group": 2}
INQ = {"num_bits": 3, "inq_iterations": (1000,), "selection_algorithm": "random", "seed": 3}

CASES = [
    *cases(
        F.binary_connect_affine,
        [normal(2, 2, 3), WEIGHT, zeros(3, 4), normal(4)],
        AFFINE,
        expect=connect(affine),
        grad=False,
    ),
    *cases(
        F.binary_weight_affine,
        [normal(2, 2, 3), WEIGHT, zeros(3, 4), zeros(4), normal(4)],
        AFFINE,
        expect=weigh(affine, (0,)),
        grad=False,
    ),
    *cases(
        F.binary_connect_convolution,
        [IMAGES, FILTERS, zeros(4, 2, 3, 3), normal(4)],
        {**GEOMETRY, "quantize_zero_to": -1.0},
        expect=connect(convolve),
        grad=False,
    ),
    *cases(
        F.binary_weight_convolution,
        [IMAGES, FILTERS, zeros(4, 2, 3, 3), zeros(4), normal(4)],
        {**GEOMETRY, "quantize_zero_to": -1.0},
        expect=weigh(convolve, (1, 2, 3)),
        grad=False,
    ),
    *cases(
        F.inq_affine,
        [normal(2, 2, 3), normal(3, 4), zeros(3, 4), normal(4)],
        {"base_axis": 2, **INQ},
        expect=unfixed(affine),
        grad=False,
    ),
    *cases(
        F.inq_convolution,
        [IMAGES, normal(4, 2, 3, 3), zeros(4, 2, 3, 3), normal(4)],
        {**GEOMETRY, **INQ},
        expect=unfixed(convolve),
        grad=False,
    ),
]
