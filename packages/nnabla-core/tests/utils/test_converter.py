"""The function tables by category, against the reference's for the operators that exist."""

import ast

import pytest

from nnabla.ops.definition import all_operators
from nnabla.utils.converter import get_category_info


@pytest.fixture(scope="module")
def categories():
    return get_category_info()


def find(categories, name):
    (found,) = [table[name] for table in categories.values() if name in table]
    return found


def test_every_operator_but_the_internal_ones_is_in_one_category(categories):
    listed = [name for table in categories.values() for name in table]
    public = [name for name, operator in all_operators().items() if not operator.internal]
    assert sorted(listed) == sorted(public)
    assert {"Affine", "Convolution"} <= set(categories["Neural Network Layer"])


# Taken from nnabla 1.39.0's get_category_info(); defaults are texts of Python expressions.
REFERENCE = {
    "Affine": {
        "snake_name": "affine",
        "inputs": {
            "x": {},
            "weight": {"parameter": True},
            "bias": {"optional": True, "parameter": True},
        },
        "arguments": {"base_axis": {"type": "int64", "default": "1"}},
        "outputs": {"y": {}},
    },
    "ReLU": {
        "snake_name": "relu",
        "inputs": {"x": {}},
        "arguments": {"inplace": {"type": "bool", "default": "False"}},
        "outputs": {"y": {}},
    },
    "Pad": {
        "snake_name": "pad",
        "inputs": {"x": {}},
        "arguments": {
            "pad_width": {"type": "repeated int64"},
            "mode": {
                "type": "string",
                "available_values": ["constant", "reflect", "repeat"],
                "default": "'constant'",
            },
            "constant_value": {"type": "float", "default": "0"},
        },
        "outputs": {"y": {}},
    },
    "AddN": {"snake_name": "add_n", "inputs": {"x": {"variadic": True}}, "outputs": {"y": {}}},
    "Dropout": {
        "snake_name": "dropout",
        "inputs": {"x": {}},
        "arguments": {
            "p": {"type": "double", "default": "0.5"},
            "seed": {"type": "int64", "default": "-1"},
        },
        "outputs": {"y": {}},
    },
}


@pytest.mark.parametrize("name", REFERENCE)
def test_tables_say_what_the_references_say(categories, name):
    table, expected = find(categories, name), REFERENCE[name]
    assert table["snake_name"] == expected["snake_name"]
    assert table["inputs"] == expected["inputs"]
    assert table["outputs"] == expected["outputs"]
    assert list(table.get("arguments", {})) == list(expected.get("arguments", {}))
    for argument, facts in expected.get("arguments", {}).items():
        found = dict(table["arguments"][argument])
        if "default" in facts:
            facts = dict(facts, default=ast.literal_eval(facts["default"]))
            found["default"] = ast.literal_eval(found["default"])
        assert found == facts


def test_a_default_that_depends_on_the_inputs_is_none(categories):
    axis = find(categories, "Concatenate")["arguments"]["axis"]
    assert axis == {"type": "int64", "default": None}
