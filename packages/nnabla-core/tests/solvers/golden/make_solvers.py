"""Write what nnabla 1.39.0 does to parameters into ``solvers.npz``, and its files of states beside it.

Run with an interpreter that has nnabla 1.39.0 (and h5py):

    python make_solvers.py

``cases.json`` says what is run; ``play`` is the whole procedure, which the tests follow with the
solvers under test. For each case the file holds, by parameter, ``<case>:p:<name>`` (values after
the steps of ``KEPT``, stacked) and ``<case>:<state>:<name>`` (states after the last step).
"""

import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SHAPES = {"conv/W": (2, 3), "conv/b": (3,), "scale": ()}
STEPS = 50
KEPT = (1, 2, 10, 50)


def play(nn, solver, plan, parameters=None):
    """Run ``STEPS`` steps; return the parameters and their values after each step of ``KEPT``."""
    rng = np.random.RandomState(313)
    if parameters is None:
        parameters = {}
        for name, shape in SHAPES.items():
            parameters[name] = nn.Variable(shape, need_grad=True)
            parameters[name].d = rng.randn(*shape) if shape else np.array(0.75)
    if plan.get("zero"):
        parameters["conv/b"].d = np.zeros(3)
    solver.set_parameters(parameters)
    initial = solver.learning_rate()
    kept = {name: [] for name in parameters}
    for step in range(1, STEPS + 1):
        for variable in parameters.values():
            noise = np.asarray(rng.standard_normal(variable.shape), np.float32)
            variable.g = np.asarray(0.5 * variable.d + noise, np.float32)
        if "clip" in plan:
            solver.scale_grad(1.5)
            solver.clip_grad_by_norm(plan["clip"])
        if step % plan.get("decay_every", STEPS + 1) == 0:
            solver.weight_decay(plan["decay"])
        if step == 20:
            solver.set_learning_rate(0.5 * initial)
        solver.update()
        if step in KEPT:
            for name, variable in parameters.items():
                kept[name].append(np.array(variable.d))
    return parameters, kept


def flatten(kept, states):
    """Put the parameters after the steps of ``KEPT`` and the states after the last into one array."""
    pieces = [np.ravel(value) for name in SHAPES for value in kept[name]]
    for name in SHAPES:
        pstate = states[name].pstate
        pieces += [np.ravel(pstate[part].d) for part in sorted(pstate)]
    return np.concatenate(pieces).astype(np.float32)


def main():
    """Run every case with the reference."""
    import nnabla as nn
    import nnabla.solvers as S

    results = {}
    for key, case in json.loads((HERE / "cases.json").read_text()).items():
        solver = getattr(S, case["solver"])(**case["arguments"])
        _, kept = play(nn, solver, case["plan"])
        results[key] = flatten(kept, solver.get_states())
        if key in ("Adam", "RMSpropGraves"):
            solver.save_states(str(HERE / f"{key}.h5"))
            solver.save_states(str(HERE / f"{key}.protobuf"))
    np.savez_compressed(HERE / "solvers.npz", **results)


if __name__ == "__main__":
    main()
