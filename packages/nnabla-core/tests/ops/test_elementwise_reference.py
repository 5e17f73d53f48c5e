"""Element-wise operators at kinks and limits, and what their gradients read, against data of NNabla 1.39."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F

GOLDEN = Path(__file__).parents[1] / "golden"
DATA = np.load(GOLDEN / "elementwise.npz")
SOURCE: dict[str, Any] = {"__name__": "make_elementwise"}
# The lists of points and arguments are plain Python; the reference itself is not needed to read them.
exec((GOLDEN / "make_elementwise.py").read_text().partition("def reads")[0], SOURCE)
POINTS, PAIRS, UNARY, OTHERS = (SOURCE[name] for name in ("POINTS", "PAIRS", "UNARY", "OTHERS"))

# Gradients that do with less than the reference's: its product rule keeps both factors for either gradient, its
# n-fold product divides by each factor and so fails at 0.
READ_LESS = {"mul2", "div2"}
READ_OTHERWISE = {"mul_n"}


def compare(name: str, variables: list[nn.Variable], args: dict[str, Any]) -> None:
    y = getattr(F, name)(*variables, **args)
    for v in variables:
        v.grad.zero()
    y.forward()
    expected = DATA[f"{name}/y"]
    known = ~np.isnan(expected)
    np.testing.assert_allclose(y.d[known], expected[known], 1e-6, 1e-7)
    if f"{name}/g0" not in DATA:
        return
    y.backward()
    for i, v in enumerate(variables):
        expected = DATA[f"{name}/g{i}"]
        # Outside of a function's domain nothing is expected of its gradient.
        known = ~np.isnan(expected) & ~np.isnan(DATA[f"{name}/y"])
        np.testing.assert_allclose(v.g[known], expected[known], 1e-5, 1e-7, err_msg=f"gradient {i}")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNARY)
def test_values_and_gradients_at_kinks(name: str) -> None:
    compare(name, [nn.Variable.from_numpy_array(np.array(POINTS, np.float32), need_grad=True)], UNARY[name])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", SOURCE["BINARY"])
def test_values_and_gradients_at_pairs(name: str) -> None:
    columns = np.array(PAIRS, np.float32).T
    compare(name, [nn.Variable.from_numpy_array(c.copy(), need_grad=True) for c in columns], {})


@pytest.mark.parametrize("name", [key[:-6] for key in DATA.files if key.endswith("/reads")])
def test_gradients_read_what_the_reference_reads(name: str) -> None:
    expected = DATA[f"{name}/reads"]
    count = len(expected)
    shapes, args = OTHERS.get(name, ([(2, 3)] * count, UNARY.get(name, {})))
    f = getattr(F, name)(*(nn.Variable(s, need_grad=True) for s in shapes), **args).parent
    found = np.array(
        [
            [*(f.grad_depends_input_data(i, j) for j in range(count)), f.grad_depends_output_data(i, 0)]
            for i in range(count)
        ]
    )
    if name in READ_LESS:
        assert np.all(found <= expected)
    elif name not in READ_OTHERWISE:
        np.testing.assert_array_equal(found, expected)
