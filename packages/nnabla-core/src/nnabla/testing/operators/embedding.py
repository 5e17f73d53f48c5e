"""Rows of a table."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import cases, given, integers, normal

EMBED = [
    *cases(F.embed, [integers(0, 5, 7), normal(5, 3)], expect=lambda x, w: w[x]),
    *cases(F.embed, [integers(0, 4, 2, 3), normal(4, 2, 3)], expect=lambda x, w: w[x]),
    *cases(F.embed, [integers(0, 4, 9), normal(4)], expect=lambda x, w: w[x], label="rows of one number"),
    *cases(F.embed, [given(np.array(2)), normal(4, 3)], expect=lambda x, w: w[x], label="one index"),
    *cases(F.embed, [given(np.array([-1, 0, -4])), normal(4, 3)], expect=lambda x, w: w[x], label="negative"),
    *cases(F.embed, [integers(0, 4, 0, 2), normal(4, 3)], expect=lambda x, w: w[x], label="empty"),
]
