"""Einstein sums, against NumPy."""

from __future__ import annotations

import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.einsum import CASES

test_conformance = conformance(CASES)


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
