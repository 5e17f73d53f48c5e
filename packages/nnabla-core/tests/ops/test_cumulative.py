"""Running sums and products, against NumPy."""

from __future__ import annotations

import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.cumulative import CASES

test_conformance = conformance(CASES)


@pytest.mark.parametrize("function", [F.cumsum, F.cumprod])
def test_a_bad_axis_is_named(function):
    with pytest.raises(RuntimeError, match=f"{function.__name__}: axis=2 is outside the 2 dimensions"):
        function(nn.Variable((2, 3)), axis=2)


def test_arguments_and_what_gradients_read():
    x = nn.Variable((2, 3), need_grad=True)
    assert F.cumsum(x).parent.info.args == {"axis": 0, "exclusive": False, "reverse": False}
    assert F.cumprod(x, axis=-1, exclusive=True).parent.info.args == {"axis": -1, "exclusive": True, "reverse": False}
    assert not F.cumsum(x).parent.grad_depends_input_data(0, 0)
    assert F.cumprod(x).parent.grad_depends_input_data(0, 0)
