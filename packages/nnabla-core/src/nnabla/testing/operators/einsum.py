"""Einstein sums, against NumPy."""

from __future__ import annotations

import numpy as np

import nnabla.functions as F
from nnabla.testing.cases import Case, normal

EQUATIONS = [
    ("ij->ji", (2, 3)),
    ("ij", (2, 3)),
    ("ba", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("aab->ab", (2, 2, 3)),
    ("iii->i", (2, 2, 2)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,kl->ik", (2, 3), (4, 2)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 4)),
    ("i j , j k -> k i", (2, 3), (3, 4)),
    ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 4)),
    ("...ij,...jk->...ik", (5, 1, 2, 3), (2, 3, 4)),
    ("i...->...i", (2, 3, 4)),
    ("...,...", (2, 3), (3,)),
    ("ab,bc,cd->ad", (2, 3), (3, 4), (4, 5)),
    ("ab,ab,b->a", (2, 3), (2, 3), (3,)),
    ("a,b,c->cab", (2,), (3,), (4,)),
]


def case(equation, *shapes):
    return Case(
        F.einsum,
        [normal(*s) for s in shapes],
        {"equation": equation},
        expect=lambda *x, equation: np.asarray(np.einsum(equation.replace(" ", ""), *x)),
        label=str(shapes),
    )


CASES = [case(*c) for c in EQUATIONS]
