"""Sorting, the largest elements, distinct values, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, integers, normal

TIES = given([[2.0, 1.0, 2.0, 1.0, 0.0], [3.0, 3.0, 3.0, -1.0, 3.0]])


def order(x, axis=-1, reverse=False):
    """Stable: equal elements keep their order in both directions."""
    return np.argsort(-x if reverse else x, axis, kind="stable")


def in_order(x, axis=-1, reverse=False, with_index=False, only_index=False):
    index = order(x, axis, reverse)
    values = np.take_along_axis(x, index, axis)
    return index if only_index else (values, index) if with_index else values


def top(x, k, abs=False, reduce=True, base_axis=1, largest=True, with_index=False):
    outer = x.shape[: base_axis % x.ndim]
    samples = x.reshape(int(np.prod(outer)), -1)
    index = order(np.abs(samples) if abs else samples, 1, largest)[:, :k]
    values = np.take_along_axis(samples, index, 1)
    if not reduce:
        kept = np.zeros_like(samples)
        np.put_along_axis(kept, index, values, 1)
        return kept.reshape(x.shape)
    values, index = values.reshape(*outer, k), index.reshape(*outer, k)
    return (values, index) if with_index else values


def distinct(x, flatten=True, axis=None, sorted=True, with_index=False, with_inverse=False, with_counts=False):
    axis = None if flatten else axis
    y, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted:
        by_first = np.argsort(first)
        y, first, counts = np.take(y, by_first, axis or 0), first[by_first], counts[by_first]
        inverse = np.argsort(by_first)[inverse]
    more = [v for v, wanted in ((first, with_index), (inverse, with_inverse), (counts, with_counts)) if wanted]
    return (y, *more) if more else y


ALL = {"with_index": [False, True], "with_inverse": [False, True], "with_counts": [False, True]}
CASES = [
    *cases(F.sort, [normal(3, 4, 2)], {"axis": [0, 1, -1], "reverse": [False, True]}, expect=in_order),
    *cases(F.sort, [normal(3, 4)], {"axis": 0, "reverse": True, "with_index": True}, expect=in_order, grad=False),
    *cases(
        F.sort,
        [TIES],
        {"reverse": [False, True], "with_index": True, "only_index": [False, True]},
        expect=in_order,
        grad=False,
    ),
    *cases(
        F.top_k_data, [normal(3, 4, 2)], {"k": [1, 3, 8], "abs": [False, True], "reduce": [True, False]}, expect=top
    ),
    *cases(F.top_k_data, [normal(3, 4, 2)], {"k": 2, "base_axis": [0, 2, -1], "largest": [True, False]}, expect=top),
    *cases(F.top_k_data, [TIES], {"k": 3, "with_index": True, "largest": [True, False]}, expect=top, grad=False),
    *cases(F.unique, [integers(0, 4, 3, 4)], dict(ALL, sorted=[True, False]), expect=distinct, grad=False),
    *cases(
        F.unique,
        [integers(0, 2, 5, 3)],
        {
            "flatten": False,
            "axis": [0, 1, -1],
            "sorted": [True, False],
            "with_index": True,
            "with_inverse": True,
            "with_counts": True,
        },
        expect=distinct,
        grad=False,
    ),
    *cases(
        F.unique,
        [integers(0, 2, 5, 2, 2)],
        {"flatten": False, "axis": 1, "with_inverse": True},
        expect=distinct,
        grad=False,
    ),
    *cases(F.unique, [normal(0)], {"with_counts": True}, expect=distinct, grad=False),
]
