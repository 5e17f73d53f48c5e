"""Losses, against their formulas in NumPy and SciPy."""

from __future__ import annotations

import numpy as np
from scipy import special

import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, integers, normal, uniform

TINY = float(np.finfo(np.float32).tiny)


def picked(values, target, axis):
    """Values at the labels along ``axis``, 0 where the label is negative."""
    label = target.astype(np.int64)
    found = np.take_along_axis(values, np.maximum(label, 0), axis)
    return np.where(label < 0, 0, found)


def softmax_cross_entropy(x, target, axis=-1):
    return picked(-special.log_softmax(x, axis), target, axis)


def categorical_cross_entropy(x, target, axis=-1):
    return picked(-np.log(np.maximum(x, TINY)), target, axis)


def binary_cross_entropy(x, target):
    return -special.xlogy(target, np.maximum(x, TINY)) - special.xlogy(1 - target, np.maximum(1 - x, TINY))


CASES = [
    *cases(F.softmax_cross_entropy, [normal(4, 3), integers(0, 3, 4, 1)], expect=softmax_cross_entropy),
    *cases(
        F.softmax_cross_entropy,
        [normal(2, 5, 3), integers(-1, 5, 2, 1, 3)],
        dict(axis=[1, -2]),
        expect=softmax_cross_entropy,
    ),
    *cases(F.softmax_cross_entropy, [normal(6), integers(0, 6, 1)], expect=softmax_cross_entropy),
    *cases(F.softmax_cross_entropy, [normal(0, 3), integers(0, 3, 0, 1)], expect=softmax_cross_entropy),
    *cases(
        F.softmax_cross_entropy,
        [given([[1e4, 0.0, -1e4], [-3e38, 0.0, 1.0]]), given([[2], [2]])],
        grad=False,
        expect=softmax_cross_entropy,
    ),
    *cases(
        F.categorical_cross_entropy, [uniform(0.1, 1, 4, 3), integers(-1, 3, 4, 1)], expect=categorical_cross_entropy
    ),
    *cases(
        F.categorical_cross_entropy,
        [uniform(0.1, 1, 2, 4, 3), integers(0, 4, 2, 1, 3)],
        dict(axis=[1, -2]),
        expect=categorical_cross_entropy,
    ),
    *cases(
        F.categorical_cross_entropy,
        [given([[0.0, 1.0], [0.0, 1.0]]), given([[0], [1]])],
        grad=False,
        expect=categorical_cross_entropy,
    ),
    *cases(
        F.sigmoid_cross_entropy,
        [normal(3, 4, scale=3), uniform(0, 1, 3, 4)],
        grad=[0],
        expect=lambda x, t: np.logaddexp(0, x) - x * t,
    ),
    *cases(
        F.sigmoid_cross_entropy,
        [given([-200.0, 0.0, 1e4, -1e4]), given([1.0, 1.0, 0.0, 0.0])],
        grad=False,
        expect=lambda x, t: np.logaddexp(0, x) - x * t,
    ),
    *cases(F.binary_cross_entropy, [uniform(0.1, 0.9, 3, 4), uniform(0, 1, 3, 4)], expect=binary_cross_entropy),
    *cases(
        F.binary_cross_entropy,
        [given([0.0, 1.0, 0.0, 1.0]), given([1.0, 0.0, 0.0, 1.0])],
        grad=False,
        expect=binary_cross_entropy,
    ),
    *[
        case
        for shapes in ([(3, 4), (3, 4)], [(3, 1, 2), (4, 1)], [(), (2,)], [(0, 2), (1, 2)], [(), ()])
        for inputs in [[normal(*s) for s in shapes]]
        for case in (
            *cases(F.squared_error, inputs, expect=lambda a, b: (a - b) ** 2),
            *cases(F.absolute_error, inputs, expect=lambda a, b: abs(a - b), double=False),
            *cases(
                F.huber_loss,
                inputs,
                dict(delta=[1.0, 0.5]),
                expect=lambda a, b, delta: np.where(abs(a - b) < delta, (a - b) ** 2, delta * (2 * abs(a - b) - delta)),
            ),
            *cases(
                F.epsilon_insensitive_loss,
                inputs,
                dict(epsilon=[0.25, 0.0]),
                expect=lambda a, b, epsilon: np.maximum(abs(a - b) - epsilon, 0),
                double=False,
            ),
        )
    ],
    *cases(
        F.absolute_error, [choice([0, 1, np.inf], 9), choice([0, -1], 9)], grad=False, expect=lambda a, b: abs(a - b)
    ),
    *cases(
        F.kl_multinomial,
        [uniform(0.1, 1, 2, 3, 4), uniform(0.1, 1, 2, 3, 4)],
        dict(base_axis=[0, 1, 2, -1]),
        expect=lambda p, q, base_axis: special.rel_entr(p, q).sum(tuple(range(base_axis % 3, 3)))[..., None],
    ),
]
