"""Function objects say of themselves what those of NNabla 1.39 say, for every operator."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nnabla as nn
from nnabla.ops.definition import all_operators

GOLDEN = Path(__file__).parents[1] / "golden"
FACTS: dict[str, Any] = json.loads((GOLDEN / "functions.json").read_text())


def _beside_the_data(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cases = _beside_the_data("function_cases")
description = _beside_the_data("function_description")

#: 1.39 cannot be asked: it needs a communicator.
WITHOUT_CASE = {"SyncBatchNormalization"}

# Where ours differs on purpose, what ours says there. The reason stands before each group.
DIFFERS: dict[str, dict[str, Any]] = {
    # 1.39 says that the gradients of recurrent networks read nothing, and clears the weights that they do read.
    "rnn": {"reads inputs": "0010 0010 1110 0010", "cleared": "0001 11"},
    "rnn of two layers": {"reads inputs": "00110 00110 11110 01010 00110", "cleared": "00001 11"},
    "lstm": {"reads inputs": "00110 00110 00010 11110 00110", "cleared": "00001 111"},
    "gru": {"reads inputs": "0110 0110 1110 0110", "cleared": "0001 11"},
    # 1.39 does not say that the gradient of x reads the binary weight, nor that the weight's, which is that of the
    # binary weight, reads x.
    "binary_connect_affine": {"reads inputs": "0010 1000 1000 0000"},
    "binary_connect_convolution": {"reads inputs": "0010 1000 1000 0000"},
    "binary_weight_affine": {"reads inputs": "00110 10000 00000 00000 00000"},
    "binary_weight_convolution": {"reads inputs": "00110 10000 00000 00000 00000"},
    # The gradient of each factor is the product of the others; 1.39 divides the output, which is NaN where one is 0.
    "mul_n": {"reads inputs": "011 101 110"},
    # The gradient of gamma comes from the kernel that computes that of x, which reads gamma.
    "batch_normalization": {"reads inputs": "10100 00000 10100 00000 00000"},
    "batch_normalization without offset": {"reads inputs": "1100 1100 0000 0000"},
    "fused_batch_normalization": {"reads inputs": "101000 000000 101000 000000 000000 000000"},
    "fused_batch_normalization without residual": {"reads inputs": "10100 00000 10100 00000 00000"},
    "batch_normalization with statistics": {"reads inputs": "10100 00000 10100 00000 00000"},
    "fused_batch_normalization with statistics": {"reads inputs": "101000 000000 101000 000000 000000 000000"},
    "fused_batch_normalization of running statistics": {"reads inputs": "00101 00000 10011 00000 00000"},
    # The gradient reads the lengths, since nobody may hold the batch sizes, which 1.39 reads.
    "pack_padded_sequence": {"reads inputs": "01 00"},
    # 1.39 counts everything as read by everything; what is cleared is the same.
    "fused_convolution with normalization": {"reads inputs": "111111 111111 001111 111111 001111 001111"},
    "fused_convolution with a residual": {"reads inputs": "0111111 1011111 0011111 1111111 0011111 0011111 0011111"},
    # The gradient reads the vector that the function keeps, not the one that it gives.
    "spectral_norm that gives its vector": {"reads outputs": "10 00", "cleared": "00 01"},
    # 1.39 never clears memory that an input and an output share; ours goes after the last use of either.
    "reshape": {"reads outputs": "0", "cleared": "1 1"},
    "unlink": {"cleared": "1 1"},
    "assign": {"cleared": "11 1"},
    "scatter_nd into an array": {"cleared": "101 1"},
    "bool_scatter into an array": {"cleared": "101 1"},
    # 1.39 also keeps what only gradients read that nobody needs.
    "affine of a constant": {"cleared": "011 1"},
    "bool_fill": {"cleared": "10 1"},
    # There is nothing to clear in the output of Sink.
    "sink": {"cleared": "00 0"},
}


def _described(name: str) -> dict[str, Any]:
    build, expected = cases.CASES[name], FACTS[name]
    found = description.describe(build())
    for key in ("dtypes", "cleared"):
        if key in expected:
            found[key] = getattr(description, key)(build())
    return dict(found)


def test_the_golden_data_has_all_cases() -> None:
    assert list(FACTS) == list(cases.CASES)


def test_every_operator_has_a_case() -> None:
    defined = {name for name, op in all_operators().items() if not op.internal and op.__module__.startswith("nnabla.")}
    assert defined - {facts["type"] for facts in FACTS.values()} == WITHOUT_CASE


def test_what_differs_is_not_what_1_39_says() -> None:
    assert [(n, k) for n, differing in DIFFERS.items() for k, value in differing.items() if FACTS[n][k] == value] == []


@pytest.mark.parametrize("name", FACTS)
def test_a_function_says_what_it_says_in_the_reference(name: str) -> None:
    assert _described(name) == FACTS[name] | DIFFERS.get(name, {})


@pytest.mark.parametrize("name", FACTS)
def test_a_function_is_constructed_from_its_arguments_in_order(name: str) -> None:
    facts, model = FACTS[name], description.function_of(cases.CASES[name]())
    function = getattr(nn.function, facts["type"])(nn.get_current_context(), *facts["args"].values())
    outputs = [nn.Variable() for _ in facts["shapes"]]
    function.setup(model.inputs, outputs)
    assert function.info.args == facts["args"]
    assert [list(y.shape) for y in outputs] == facts["shapes"]


@pytest.mark.parametrize("name", [n for n, facts in FACTS.items() if facts["args"]])
def test_a_function_is_constructed_from_its_arguments_by_name(name: str) -> None:
    facts = FACTS[name]
    function = getattr(nn.function, facts["type"])(nn.get_current_context(), **facts["args"])
    model = description.function_of(cases.CASES[name]())
    function.setup(model.inputs, [nn.Variable() for _ in facts["shapes"]])
    assert function.info.args == facts["args"]
