"""Quantizers, against their definitions in NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, choice, given, normal, uniform


def half_away(v):
    return np.sign(v) * np.floor(np.abs(v) + 0.5)


def fixed_point(x, sign=True, n=8, delta=0.0625, **_):
    top = (2 ** (n - 1) - 1 if sign else 2**n - 1) * delta
    return half_away(np.clip(x, -top if sign else 0, top) / delta) * delta


def pow2(x, sign=True, with_zero=True, n=8, m=1, **_):
    least = max(m - 2 ** (n - sign - with_zero) + 1, -126)
    size = np.abs(x)
    power = 2.0 ** np.clip(np.round(np.log2(np.maximum(size, 2.0**least))), least, m)
    if with_zero:
        power = np.where(size < 2.0 ** (least - 0.5), 0, power)
    return np.where(x < 0, -power, power) if sign else np.where(x < 0, 0 if with_zero else 2.0**least, power)


def linear(x, scale, zero_point, round_mode="HALF_AWAY_FROM_ZERO", narrow_range=False, dtype=np.int8):
    info = np.iinfo(dtype)
    nearest = np.round if round_mode == "HALF_TO_EVEN" else half_away
    return np.clip(nearest(x / scale) + zero_point, info.min + narrow_range, info.max)


def pruned(x, rate):
    size = np.sort(np.abs(x).ravel())
    threshold = np.inf if rate == 1 else size[int((size.size - 1) * np.float32(rate))]
    return np.where(np.abs(x) < threshold, 0, x)


CASES = [
    *cases(
        F.fixed_point_quantize,
        [normal(3, 4, scale=3)],
        dict(sign=[True, False], n=[8, 3], delta=[0.25, 0.5]),
        expect=fixed_point,
        grad=False,
    ),
    *cases(
        F.fixed_point_quantize,
        [choice([-1.5, -0.5, 0.5, 1.5, 2.5], 9)],
        dict(delta=1.0),
        expect=fixed_point,
        grad=False,
    ),
    *cases(
        F.pow2_quantize,
        [normal(5, 8, scale=2)],
        dict(sign=[True, False], with_zero=[True, False], n=[3, 4], m=[1, -1]),
        expect=pow2,
        grad=False,
    ),
    *cases(F.pow2_quantize, [given([0.0, 1e-20, 1e20, -1e-3])], expect=pow2, grad=False),
    *cases(F.fixed_point_quantize, [normal(9)], dict(ste_fine_grained=[True, False]), expect=fixed_point, grad=False),
    *cases(F.pow2_quantize, [normal(9)], dict(ste_fine_grained=[True, False]), expect=pow2, grad=False),
    *cases(
        F.quantize_linear,
        [uniform(-80, 80, 2, 3, 4), given(np.full((1, 1, 1), 0.5)), given(np.full((1, 1, 1), 3.0))],
        dict(round_mode=["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"], narrow_range=[False, True], dtype=[np.int8, np.uint8]),
        expect=linear,
        grad=False,
    ),
    *cases(
        F.quantize_linear,
        [choice([-2.5, -1.5, -0.5, 0.5, 1.5], 2, 3), given([[1.0, 0.5, 2.0]]), given([[0.0, -3.0, 1.0]])],
        dict(round_mode=["HALF_AWAY_FROM_ZERO", "HALF_TO_EVEN"], dtype=np.int16),
        expect=linear,
        grad=False,
    ),
    *cases(
        F.dequantize_linear,
        [normal(2, 3), given([[1.0, 0.5, 2.0]]), given([[0.0, -3.0, 1.0]])],
        expect=lambda x, s, z: (x - z) * s,
        grad=[0],
    ),
    *cases(F.prune, [normal(4, 5)], dict(rate=[0.0, 0.5, 0.9, 1.0]), expect=pruned, grad=False),
    *cases(F.prune, [normal()], dict(rate=[0.5]), expect=pruned, grad=False),
    *cases(F.binary_sigmoid, [choice([-2, -0.5, 0, 0.5, 2], 9)], expect=lambda x: (x > 0) * 1.0, grad=False),
    *cases(F.binary_tanh, [choice([-2, -0.5, 0, 0.5, 2], 9)], expect=lambda x: np.where(x > 0, 1.0, -1.0), grad=False),
]
