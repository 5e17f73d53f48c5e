"""Fully connected layers."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, normal


def affine(x, weight, bias=None, base_axis=1):
    """A product of matrices."""
    base = base_axis % x.ndim
    y = x.reshape(int(np.prod(x.shape[:base])), len(weight)) @ weight.reshape(len(weight), -1)
    y = y.reshape(*x.shape[:base], *weight.shape[1:])
    return y if bias is None else y + bias


AFFINE = [
    *cases(F.affine, [normal(3, 4), normal(4, 5), normal(5)], expect=affine),
    *cases(F.affine, [normal(3, 4), normal(4, 5), None], expect=affine, label="no bias"),
    *cases(F.affine, [normal(2, 3, 4), normal(12, 5, 2), normal(5, 2)], expect=affine),
    *cases(F.affine, [normal(2, 3, 4), normal(4, 5)], {"base_axis": [2, -1]}, expect=affine),
    *cases(F.affine, [normal(2, 3), normal(6, 2), normal(2)], {"base_axis": 0}, expect=affine),
    *cases(F.affine, [normal(0, 3), normal(3, 2), normal(2)], expect=affine, label="empty"),
    *cases(F.affine, [normal(1, 1), normal(1, 1), normal(1)], expect=affine),
]
