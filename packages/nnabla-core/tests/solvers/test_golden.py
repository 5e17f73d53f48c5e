"""Trajectories of every solver against those of nnabla 1.39.0 (golden/make_solvers.py)."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "cases.json").read_text())
EXPECTED = np.load(GOLDEN / "solvers.npz")

_spec = importlib.util.spec_from_file_location("make_solvers", GOLDEN / "make_solvers.py")
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)


def run(key):
    case = CASES[key]
    solver = getattr(S, case["solver"])(**case["arguments"])
    parameters, kept = golden.play(nn, solver, case["plan"])
    return solver, parameters, kept


def test_every_solver_has_cases():
    assert {case["solver"] for case in CASES.values()} == set(S.__all__) - {"Solver", "SolverState"}


@pytest.mark.parametrize("key", CASES)
def test_fifty_steps_follow_the_reference(way, key):
    solver, parameters, kept = run(key)
    found = golden.flatten(kept, solver.get_states())
    np.testing.assert_allclose(found, EXPECTED[key], rtol=2e-5, atol=1e-6)
    assert [state.t for state in solver.get_states().values()] == [50, 50, 50]
    assert all(v.data.dtype == np.float32 for v in parameters.values())


@pytest.mark.parametrize("key", ["Adam", "RMSpropGraves"])
@pytest.mark.parametrize("suffix", [".h5", ".protobuf"])
def test_states_saved_by_the_reference_load(key, suffix):
    solver, parameters, _ = run(key)
    expected = {
        name: {part: v.d.copy() for part, v in state.pstate.items()} for name, state in solver.get_states().items()
    }
    fresh = getattr(S, key)()
    fresh.set_parameters(parameters)
    fresh.load_states(GOLDEN / f"{key}{suffix}")
    for name, state in fresh.get_states().items():
        assert state.t == 50
        for part, variable in state.pstate.items():
            assert variable.shape == parameters[name].shape
            np.testing.assert_allclose(variable.d, expected[name][part], rtol=2e-5, atol=1e-6)
