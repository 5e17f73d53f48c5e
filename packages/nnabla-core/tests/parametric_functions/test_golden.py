"""Every layer registers the reference's parameters, with its values, and computes its outputs."""

import importlib
import json
import pathlib

import numpy as np
import pytest

import nnabla.parametric_functions as PF
from nnabla import parameter
from nnabla.variable import Variable

FOLDER = pathlib.Path(__file__).parent.parent / "golden"
CASES = {case["id"]: case for case in json.loads((FOLDER / "parametric_function_cases.json").read_text())}
FACTS = json.loads((FOLDER / "parametric_functions.json").read_text())
ARRAYS = np.load(FOLDER / "parametric_functions.npz")
random = importlib.import_module("nnabla.random")


def arrays_of(case):
    rng = np.random.RandomState(1)
    for spec in case["inputs"]:
        if isinstance(spec, list):
            yield rng.randn(*spec).astype(np.float32)
        elif "values" in spec:
            yield np.asarray(spec["values"], np.float32)
        else:
            yield rng.randint(spec["below"], size=spec["shape"]).astype(np.float32)


def call(case, make=Variable.from_numpy_array):
    inputs = [make(array) for array in arrays_of(case)]
    args = {k: tuple(v) if isinstance(v, list) else v for k, v in case["args"].items()}
    if "rng" in case:
        args["rng"] = np.random.RandomState(case["rng"])
    if "input_names" in case:
        args.update(zip(case["input_names"], inputs, strict=True))
        inputs = []
    random.seed(7)
    outputs = getattr(PF, case["function"])(*inputs, **args)
    return outputs if isinstance(outputs, (tuple, list)) else (outputs,)


@pytest.mark.parametrize("name", CASES)
def test_parameters_have_the_references_names_order_flags_and_values(name):
    call(CASES[name])
    found = parameter.get_parameters(grad_only=False)
    described = [[key, list(param.shape), param.need_grad] for key, param in found.items()]
    assert described == FACTS[name]["parameters"]
    for key, param in found.items():
        expected = ARRAYS[f"{name}/parameter/{key}"]
        # Norms and what decompositions give come from sums; all else is drawn and must be the same bits.
        computed = key == "wn/g" or name.startswith(("svd", "cpd3"))
        tolerance = 1e-5 if computed else 0
        np.testing.assert_allclose(param.d, expected, rtol=tolerance, atol=tolerance / 10, err_msg=key)
        assert computed or param.d.dtype == expected.dtype


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].get("forward", True)])
def test_outputs_equal_the_reference(name):
    outputs = call(CASES[name])
    # A measured range is no parameter: NNabla 1.39 marks it.
    if name != "min_max_quantize_measured":
        assert [output.need_grad for output in outputs] == FACTS[name]["need_grad"]
    assert [list(output.shape) for output in outputs] == FACTS[name]["shapes"]
    for i, output in enumerate(outputs):
        output.forward()
        np.testing.assert_allclose(output.d, ARRAYS[f"{name}/output{i}"], rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_a_second_call_finds_the_same_parameters(name):
    call(CASES[name])
    before = list(parameter.get_parameters(grad_only=False).items())
    call(CASES[name])
    after = list(parameter.get_parameters(grad_only=False).items())
    assert [(key, id(param)) for key, param in after] == [(key, id(param)) for key, param in before]
