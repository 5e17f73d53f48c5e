"""Rules are pure functions that keep to the array API standard."""

import numpy as np
import pytest

import nnabla.solvers as S

strict = pytest.importorskip("array_api_strict")

SOLVERS = [
    *[getattr(S, n)() for n in S.__all__ if not n.startswith("Solver")],
    S.AMSGRAD(bias_correction=True),
    S.AMSBound(bias_correction=True),
    S.Lamb(bias_correction=True),
    S.AdaBelief(amsgrad=True, weight_decouple=True, rectify=True),
    S.AdaBelief(weight_decouple=True, fixed_decay=True),
]


@pytest.mark.parametrize("shape", [(3, 4), (), (0, 2)])
@pytest.mark.parametrize("solver", SOLVERS, ids=str)
def test_a_rule_gives_the_same_by_the_strict_namespace_and_leaves_its_arguments(solver, shape):
    rng = np.random.default_rng(3)

    def draw():
        return np.asarray(rng.uniform(0.1, 1, shape), np.float32)

    p, g, states = draw(), draw(), {name: draw() for name in solver.state_names}
    if "n" in states:  # a mean square is more than the square of the mean, here below 1
        states["n"] = np.asarray(states["n"] + 1, np.float32)
    copies = p.copy(), g.copy(), {name: s.copy() for name, s in states.items()}
    for t in (1, 12):
        found, after = solver.rule(np, p, g, states, t, solver._hyper)
        as_strict = {name: strict.asarray(s) for name, s in states.items()}
        expected, expected_after = solver.rule(
            strict, strict.asarray(p), strict.asarray(g), as_strict, t, solver._hyper
        )
        assert expected.dtype == strict.float32
        np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-6)
        assert set(after) == set(expected_after) == set(solver.state_names)
        for name, state in after.items():
            assert expected_after[name].dtype == strict.float32
            np.testing.assert_allclose(state, np.asarray(expected_after[name]), rtol=1e-6)
    np.testing.assert_array_equal(p, copies[0])
    np.testing.assert_array_equal(g, copies[1])
    for name, state in states.items():
        np.testing.assert_array_equal(state, copies[2][name])


def test_the_base_class_has_no_rule():
    with pytest.raises(NotImplementedError, match="rule"):
        S.Solver.rule(np, None, None, {}, 1, {})
