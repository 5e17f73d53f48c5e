"""Every layer registers the reference's parameters, with its values, and computes its outputs."""

import importlib
import json
import pathlib

import numpy as np
import pytest

import nnabla.parametric_functions as PF
from nnabla import functions as F
from nnabla import parameter
from nnabla.variable import Variable

FOLDER = pathlib.Path(__file__).parent.parent / "golden"
# The operators of these layers follow; all other layers must work.
LATER = {
    "binary_connect_affine": "binary_connect_affine",
    "binary_connect_convolution": "binary_connect_convolution",
    "binary_weight_affine": "binary_weight_affine",
    "binary_weight_convolution": "binary_weight_convolution",
    "deformable_convolution": "deformable_convolution",
    "depthwise_deconvolution": "depthwise_deconvolution",
    "fixed_point_quantized_affine": "fixed_point_quantize",
    "fixed_point_quantized_convolution": "fixed_point_quantize",
    "gru": "gru",
    "inq_affine": "inq_affine",
    "inq_convolution": "inq_convolution",
    "mean_subtraction": "mean_subtraction",
    "pow2_quantized_affine": "pow2_quantize",
    "pow2_quantized_convolution": "pow2_quantize",
    "pruned_affine": "prune",
    "pruned_convolution": "prune",
    "rnn": "rnn",
    "weight_normalization": "weight_normalization",
}
CASES = {
    case["id"]: case
    for case in json.loads((FOLDER / "parametric_function_cases.json").read_text())
    if hasattr(PF, case["function"]) and hasattr(F, LATER.get(case["function"], "affine"))
}
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
        # Norms and singular vectors come from sums; all else is drawn and must be the same bits.
        computed = key == "wn/g" or name.startswith("svd")
        tolerance = 1e-5 if computed else 0
        np.testing.assert_allclose(param.d, expected, rtol=tolerance, atol=tolerance / 10, err_msg=key)
        assert computed or param.d.dtype == expected.dtype


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].get("forward", True)])
def test_outputs_equal_the_reference(name):
    outputs = call(CASES[name])
    # Statistics are functions of the input alone, and a measured range is no parameter: NNabla 1.39 marks both.
    if name not in ("batch_normalization_output_stat", "min_max_quantize_measured"):
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
