"""Every operator has cases in which each of its arguments leaves its default, and a call that it refuses."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nnabla as nn
import nnabla.function_bases as FB
from nnabla.ops.definition import Operator, Setup, all_operators
from nnabla.ops.spec import REQUIRED, ArgumentSpec, PerInput
from nnabla.testing.operators import families

OPERATORS = [op for op in all_operators().values() if not op.internal and op.__module__.startswith("nnabla.")]
BY_NAME = {op.name: op for op in OPERATORS}


def _other_form(op: Operator) -> bool:
    """Whether what an operator does is no function of its inputs, so that tests of other forms tell what to expect."""
    acts_in_backward = ("Sink", "TopKGrad", "VATNoise")
    takes_integers_alone = ("BitShift",)
    return op.draws or bool(op.updates) or op.name in (*acts_in_backward, *takes_integers_alone)


def _golden_calls() -> dict[str, Callable[[], Any]]:
    path = Path(__file__).parents[1] / "golden" / "function_cases.py"
    spec = importlib.util.spec_from_file_location("function_cases", path)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.CASES)


def _default(spec: ArgumentSpec, setup: Setup) -> Any:
    value = spec.default.rule(*setup.in_shapes) if isinstance(spec.default, PerInput) else spec.default
    return value if value is None or value is REQUIRED else spec.convert(setup.op.snake_name, value)


Uses = dict[tuple[str, str], set[Any]]


def _note(uses: Uses, setups: list[Setup]) -> None:
    """Note the values of arguments that are not their defaults."""
    for setup in setups:
        for spec in setup.op.arguments:
            value = setup.args[spec.name]
            if value != _default(spec, setup):
                uses.setdefault((setup.op.type_name, spec.name), set()).add(repr(value))
    setups.clear()


@pytest.fixture(scope="module")
def uses() -> Iterator[tuple[Uses, Uses]]:
    """Values off their defaults, by operator and argument: in conformance cases, and in calls compared with 1.39."""
    patch, setups = pytest.MonkeyPatch(), []
    original = Operator.setup

    def setup(self: Operator, in_shapes: Any, raw: Any) -> Setup:
        setups.append(original(self, in_shapes, raw))
        return setups[-1]

    patch.setattr(Operator, "setup", setup)
    in_cases: Uses = {}
    for cases in families().values():
        for case in cases:
            case.function(
                *(None if array is None else nn.Variable.from_numpy_array(array) for array in case.arrays()),
                **case.args,
            )
            _note(in_cases, setups)
    in_calls: Uses = {}
    for build in _golden_calls().values():
        build()
        _note(in_calls, setups)
    patch.undo()
    yield in_cases, in_calls


@pytest.mark.parametrize("op", [op for op in OPERATORS if op.arguments], ids=lambda op: op.name)
def test_each_argument_leaves_its_default_in_some_case(op: Operator, uses: tuple[Uses, Uses]) -> None:
    in_cases, in_calls = uses
    for spec in op.arguments:
        if spec.choices is not None and len(spec.choices) == 1:
            continue
        key = (op.name, spec.name)
        found = in_cases.get(key, set()) | (in_calls.get(key, set()) if _other_form(op) else set())
        # What must be given is to have two values.
        assert len(found) > int(spec.default is REQUIRED and not _other_form(op)), (
            f"{op.name}: no case gives {spec.name} another value than its default; add one to "
            "nnabla.testing.operators, or to golden/function_cases.py where it draws, updates or acts in backward"
        )
