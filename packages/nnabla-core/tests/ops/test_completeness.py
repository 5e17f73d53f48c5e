"""Every operator has cases in which each of its arguments leaves its default, and a call that it refuses."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nnabla as nn
from nnabla.ops.definition import Operator, Setup, all_operators
from nnabla.ops.spec import REQUIRED, ArgumentSpec, PerInput
from nnabla.testing.operators import families

OPERATORS = [op for op in all_operators().values() if not op.internal and op.__module__.startswith("nnabla.")]
GOLDEN = Path(__file__).parents[1] / "golden" / "function_cases.py"


def _other_form(op: Operator) -> bool:
    """Whether what an operator does is no function of its inputs, so that tests of other forms tell what to expect."""
    acts_in_backward = ("Sink", "TopKGrad", "VATNoise")
    takes_integers_alone = ("BitShift",)
    return op.draws or bool(op.updates) or op.name in (*acts_in_backward, *takes_integers_alone)


def _golden_calls() -> dict[str, Callable[[], Any]]:
    spec = importlib.util.spec_from_file_location("function_cases", GOLDEN)
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


# -- what is refused -------------------------------------------------------------------------------------------
#: No string is one of these; of strings that are not listed there are tests beside each operator's own.
_KINDS = ("int64", "double", "float", "bool", "Shape", "repeated int64", "repeated float")


def _variables(op: Operator) -> list[Any]:
    return [nn.Variable((2, 3)) for spec in op.inputs if not spec.optional]


@pytest.mark.parametrize("op", [op for op in OPERATORS if op.inputs], ids=lambda op: op.name)
def test_what_is_no_array_and_inputs_left_out_are_refused_by_name(op: Operator) -> None:
    required = {a.name: _some(a) for a in op.arguments if a.default is REQUIRED}
    with pytest.raises(
        RuntimeError, match=rf"{op.snake_name}: All inputs must be Variable or NdArray, but str was given"
    ):
        op(*("x" for _ in _variables(op)), **required)
    with pytest.raises(RuntimeError, match=rf"{op.snake_name}: .*must be given"):
        op(**required)


def _some(spec: ArgumentSpec) -> Any:
    return {"string": (spec.choices or ("x",))[0], "Shape": (1,), "repeated int64": (0,)}.get(spec.type_name, 1)


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.name)
def test_an_argument_of_another_kind_is_refused_by_name(op: Operator) -> None:
    with pytest.raises(RuntimeError, match=f"{op.snake_name}: unknown argument 'zz'"):
        op(*_variables(op), zz=1)
    for spec in op.arguments:
        required = {a.name: _some(a) for a in op.arguments if a.default is REQUIRED}
        if spec.type_name in _KINDS:
            wrong, message = "x", f"{op.snake_name}: argument {spec.name}='x' can't be taken as {spec.type_name}"
        elif spec.choices is not None:
            wrong, message = "x", f"{op.snake_name}: argument {spec.name}='x' is not known; choose one of"
        else:
            continue
        with pytest.raises(RuntimeError, match=message):
            op(*_variables(op), **{**required, spec.name: wrong})


#: Their inputs need not fit each other.
_INDEPENDENT = {"Embed", "Meshgrid", "Sink"}


@functools.cache
def _together() -> dict[str, Callable[[], Any]]:
    """Return one of the calls of each operator that takes several inputs."""
    found = {}
    for build in _golden_calls().values():
        result = build()
        function = (result[0] if isinstance(result, (tuple, list)) else result).parent
        if len(function.inputs) > 1 and function.info.type_name not in _INDEPENDENT:
            found.setdefault(function.info.type_name, build)
    return found


@pytest.mark.parametrize("name", _together())
def test_inputs_that_do_not_fit_each_other_are_refused_by_name(name: str) -> None:
    result = _together()[name]()
    function = (result[0] if isinstance(result, (tuple, list)) else result).parent
    refused = []
    for i in range(len(function.inputs)):
        inputs = list(function.inputs)
        inputs[i] = nn.Variable(tuple(n + 5 for n in inputs[i].shape))
        again = getattr(nn.function, name)(nn.get_current_context(), **function.info.args)
        outputs = [nn.Variable() for _ in function.outputs]
        try:
            again.setup(inputs, outputs)
            again.forward(inputs, outputs)
        except RuntimeError as error:
            refused.append(str(error))
    assert any(message.startswith(all_operators()[name].snake_name + ":") for message in refused), refused
