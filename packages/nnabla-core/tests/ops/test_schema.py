"""Definitions say of inputs, arguments and outputs what NNabla 1.39's files and signatures say."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest

import nnabla.function as function
import nnabla.function_bases as function_bases
import nnabla.functions as F
from nnabla.ops.definition import Operator, all_operators
from nnabla.ops.spec import REQUIRED, PerInput

FACTS = Path(__file__).parent / "facts"
FUNCTIONS: dict[str, Any] = json.loads((FACTS / "functions.json").read_text())
SIGNATURES: dict[str, dict[str, str]] = json.loads((FACTS / "signatures.json").read_text())
DEFINED = [op for op in all_operators().values() if op.name in FUNCTIONS]
PUBLIC = [op for op in all_operators().values() if not op.internal]

# Most primitives that bodies and gradients may stand on, internal ones counted.
PRIMITIVES = 90


def test_public_operators_are_those_of_the_files() -> None:
    assert {op.name for op in PUBLIC} <= set(FUNCTIONS)


@pytest.mark.parametrize("op", DEFINED, ids=lambda op: op.name)
def test_schema(op: Operator) -> None:
    facts = FUNCTIONS[op.name]
    assert op.snake_name == facts["snake_name"]
    assert op.group == facts["group"]
    assert [[i.name, i.optional, i.variadic, i.parameter] for i in op.inputs] == facts["inputs"]
    assert [[o.name, o.variadic] for o in op.outputs] == facts["outputs"]
    assert [[a.name, a.type_name] for a in op.arguments] == [a[:2] for a in facts["arguments"]]
    for argument, (_, _, _, choices) in zip(op.arguments, facts["arguments"]):
        # The files list 'world' as the only group, which was never true, and lack a mode that 1.39 takes.
        ours = [c for c in argument.choices or () if c != "tf_half_pixel_for_nn"]
        assert ours == (choices or []) or argument.name == "group"


@pytest.mark.parametrize("op", DEFINED, ids=lambda op: op.name)
def test_defaults(op: Operator) -> None:
    for argument, (name, _, default, _) in zip(op.arguments, FUNCTIONS[op.name]["arguments"]):
        text = str(default)
        if isinstance(argument.default, PerInput):
            if not re.search(r"\bx\b|kernel|len\(", text):
                # A fixed value, which signatures show as None.
                value = argument.default.rule(*[(2, 3, 4, 5)] * len(op.inputs))
                assert value == (text if isinstance(value, str) else eval(text, {})), name
        elif argument.default is REQUIRED:
            assert text in ("None", ""), f"{name}: the files have the default {text}"
        elif argument.default is not None and re.fullmatch(r"-?[\d.e-]+|True|False|'.*'|[\[(].*[\])]", text):
            value = eval(text, {})
            assert argument.default == (tuple(value) if isinstance(value, (list, tuple)) else value), name


@pytest.mark.parametrize("op", list(all_operators().values()), ids=lambda op: op.name)
def test_an_operator_has_a_body_or_a_kernel_and_a_docstring(op: Operator) -> None:
    assert op.primitive == (op.reference_kernel is not None), "a primitive has a reference kernel, others a body"
    assert not op.primitive or op.shape_rule is not None, "a primitive infers its shape"
    smooth = any(i.kind in ("float", "any") for i in op.inputs)
    assert not (op.primitive and smooth) or op.gradient_rule is not None or not op.differentiable, (
        "a primitive has a gradient or says that there is none"
    )
    assert len(op.doc.strip()) > 10


def test_there_are_few_primitives() -> None:
    assert sum(op.primitive for op in all_operators().values()) <= PRIMITIVES


def parameters(signature: str) -> list[tuple[str, Any]]:
    """Names and defaults of a signature given as text."""
    text = re.sub(r"<class 'numpy\.(\w+)'>", r"'\1'", signature)
    scope: dict[str, Any] = {}
    exec(f"def f{text}: pass", scope)
    return normal(inspect.signature(scope["f"]))


def normal(signature: inspect.Signature) -> list[tuple[str, Any]]:
    found = []
    for p in signature.parameters.values():
        default = p.default
        if isinstance(default, type):
            default = default.__name__
        if isinstance(default, (list, tuple)):
            default = list(default)
        found.append((p.name, default))
    return found


def names_of(module: str) -> list[str]:
    defined = {"functions": F, "function_bases": function_bases}[module]
    return [n for n in SIGNATURES[module] if n in defined.__all__ and not n.startswith("get_")]


@pytest.mark.parametrize("name", names_of("functions"))
def test_signatures_of_functions(name: str) -> None:
    _compare(getattr(F, name), SIGNATURES["functions"][name])


@pytest.mark.parametrize("name", names_of("function_bases"))
def test_signatures_of_function_bases(name: str) -> None:
    _compare(getattr(function_bases, name), SIGNATURES["function_bases"][name])


def _compare(found: Any, expected: str) -> None:
    ours, theirs = normal(inspect.signature(found)), parameters(expected)
    if theirs[-1][0] == "kw":
        # NNabla 1.39 shows variadic functions as (*x, **kw); ours name the keywords.
        assert ours[0] == theirs[0]
        return
    assert [n for n, _ in ours] == [n for n, _ in theirs]
    for (name, mine), (_, wanted) in zip(ours, theirs):
        # None in theirs is filled in when the function is set up; ours may say with what.
        assert mine == wanted or wanted is None or (mine, wanted) == (None, -1), f"{name}: {mine!r} for {wanted!r}"


@pytest.mark.parametrize("op", DEFINED, ids=lambda op: op.name)
def test_function_classes_take_a_context_and_all_arguments(op: Operator) -> None:
    expected = SIGNATURES["function"].get(op.name)
    if expected is not None:
        made = getattr(function, op.name)
        assert list(inspect.signature(made).parameters) == [n for n, _ in parameters(expected)]
