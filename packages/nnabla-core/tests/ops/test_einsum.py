"""Einstein sums, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import Case, normal
from nnabla.testing.conformance import conformance

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


test_conformance = conformance([case(*c) for c in EQUATIONS])


@pytest.mark.parametrize(
    "equation, shapes, message",
    [
        ("ij,jk", [(2, 3)], "is for 2 inputs, but 1 were given"),
        ("ij,jk->ik", [(2, 3), (4, 4)], "'j' of equation='ij,jk->ik' has the sizes 3 and 4"),
        ("ij->ijk", [(2, 3)], "must name the output's dimensions once each"),
        ("ij->ii", [(2, 3)], "must name the output's dimensions once each"),
        ("ij->ij,k", [(2, 3)], "must name the output's dimensions"),
        ("i1->i", [(2, 3)], "must name|does not fit"),
        ("ijk", [(2, 3)], "'ijk' of equation='ijk' does not fit the input shape"),
        ("i", [(2, 3)], "does not fit"),
    ],
)
def test_bad_equations_are_named(equation, shapes, message):
    with pytest.raises(RuntimeError, match=f"einsum: .*{message}"):
        F.einsum(*(nn.Variable(s) for s in shapes), equation=equation)
