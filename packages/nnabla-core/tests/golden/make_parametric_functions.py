"""Write down what the reference implementation registers and computes for the cases beside this.

Run it with an interpreter that has nnabla 1.39.0:

    python make_parametric_functions.py

It reads ``parametric_function_cases.json`` and writes ``parametric_functions.json`` (names, shapes
and flags of the parameters in their order, whether the outputs need gradients, or the error) and
``parametric_functions.npz`` (``<case>/parameter/<name>`` before any forward, ``<case>/output<i>``).

Inputs are standard normal draws of ``RandomState(1)`` in their order (integers where the case says
``below``), parameters are made after ``nn.seed(7)``.
"""

import json
import pathlib

import numpy as np

import nnabla as nn
import nnabla.parametric_functions as PF

FOLDER = pathlib.Path(__file__).parent


def inputs_of(case):
    rng = np.random.RandomState(1)
    arrays = []
    for spec in case["inputs"]:
        if isinstance(spec, list):
            arrays.append(rng.randn(*spec).astype(np.float32))
        elif "values" in spec:
            arrays.append(np.asarray(spec["values"], np.float32))
        else:
            arrays.append(rng.randint(spec["below"], size=spec["shape"]).astype(np.float32))
    return arrays


def call(case):
    given = [nn.Variable.from_numpy_array(array) for array in inputs_of(case)]
    args = {k: tuple(v) if isinstance(v, list) else v for k, v in case["args"].items()}
    if "rng" in case:
        args["rng"] = np.random.RandomState(case["rng"])
    if "input_names" in case:
        return getattr(PF, case["function"])(**dict(zip(case["input_names"], given)), **args)
    return getattr(PF, case["function"])(*given, **args)


def record(case):
    nn.clear_parameters()
    nn.seed(7)
    outputs = call(case)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    arrays, facts = {}, {"parameters": [], "need_grad": [], "shapes": []}
    for name, param in nn.get_parameters(grad_only=False).items():
        facts["parameters"].append([name, list(param.shape), param.need_grad])
        arrays[f"parameter/{name}"] = param.d.copy()
    for i, output in enumerate(outputs):
        facts["need_grad"].append(output.need_grad)
        facts["shapes"].append(list(output.shape))
        if case.get("forward", True):
            output.forward()
            arrays[f"output{i}"] = output.d.copy()
    return facts, arrays


def main():
    cases = json.loads((FOLDER / "parametric_function_cases.json").read_text())
    facts, arrays = {}, {}
    for case in cases:
        try:
            facts[case["id"]], kept = record(case)
        except Exception as error:
            facts[case["id"]] = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
            continue
        arrays.update({f"{case['id']}/{key}": value for key, value in kept.items()})
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(fact)}" for name, fact in facts.items())
    (FOLDER / "parametric_functions.json").write_text("{\n" + lines + "\n}\n")
    np.savez_compressed(FOLDER / "parametric_functions.npz", **arrays)


if __name__ == "__main__":
    main()
