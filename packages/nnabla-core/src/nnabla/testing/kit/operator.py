"""The checks of an operator: its cases on the backends of the kit, its form in files, and its errors."""

from __future__ import annotations

import functools
import importlib.util
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import nnabla as nn
from nnabla.errors import StateError
from nnabla.ops.definition import find_operator
from nnabla.testing.cases import Case
from nnabla.testing.conformance import CHECKS, applies, build, variables_of
from nnabla.testing.kit.cases import case_checks, operators_of
from nnabla.testing.kit.report import Check
from nnabla.testing.kit.subjects import Subject, plain_context
from nnabla.testing.operators import cases_of, families

__all__ = ["cases_in", "operator_checks"]


def cases_in(place: str) -> list[Case]:
    """Return the cases in the lists of a module, given by its name or its file.

    Raises:
        StateError: There is no such module, or it has no cases.
    """
    path = Path(place)
    try:
        if path.suffix == ".py":
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None or not path.is_file():
                raise ImportError(f"there is no file {place}")
            module = importlib.util.module_from_spec(spec)
            sys.path.insert(0, str(path.parent.resolve()))  # for what it imports from its folder, as pytest does
            try:
                spec.loader.exec_module(module)
            finally:
                sys.path.pop(0)
        else:
            module = importlib.import_module(place)
    except ImportError as error:
        raise StateError(f"--cases {place}: it cannot be imported: {error}") from error
    found = cases_of(module)
    if not found:
        raise StateError(f"--cases {place}: no list in it has cases; give a module with a list of nnabla.testing.cases")
    return found


def operator_checks(name: str, extra: Sequence[Case] = ()) -> Iterator[Check]:
    """Give the checks of an operator.

    Args:
        name: Its type name.
        extra: Cases besides those of :mod:`nnabla.testing.operators`.

    Raises:
        PluginError: There is no such operator, or its plugin does not load.
    """
    op = find_operator(name)
    pool = [*extra] if extra else [case for cases in families().values() for case in cases]
    cases = [case for case in pool if name in operators_of(case)]
    subject = Subject("plain")
    yield Check("definition", name, "has cases", functools.partial(_has_cases, name, cases))
    yield Check("definition", name, "is documented", functools.partial(_documented, op))
    yield Check("definition", name, "refuses what it does not take", functools.partial(_refuses, op))
    for case in cases:
        for check, run in CHECKS.items():
            if applies(case, check):
                yield Check(check, str(case), check, functools.partial(run, case))
        yield Check("file", str(case), "comes back from its form in a file", functools.partial(_file, name, case))
        yield from case_checks(subject, "execution", case)


def _has_cases(name: str, cases: Sequence[Case]) -> None:
    assert cases, f"no case uses {name}; write some (nnabla.testing.cases), and give their module by --cases"
    assert any(case.expect is not None for case in cases), "no case has an expectation"


def _documented(op: Any) -> None:
    text = op.__doc__ or ""
    assert text.strip(), "it has no docstring"
    for spec in (*op.inputs, *op.arguments):
        assert spec.name in text, f"its docstring does not mention {spec.name}"


def _refuses(op: Any) -> None:
    x = nn.Variable((2, 3))
    for what, call in {
        "an unknown argument": lambda: op(*[x] * max(len(op.inputs), 1), no_such_argument=1),
        "a string as an input": lambda: op(*["x"] * max(len(op.inputs), 1)),
    }.items():
        try:
            call()
        except RuntimeError as error:
            assert op.snake_name in str(error) or op.name in str(error), f"{what}: the error does not name it: {error}"
        else:
            raise AssertionError(f"{what} was taken")


def _file(name: str, case: Case) -> None:
    with nn.context_scope(plain_context("float")):
        outputs = build(case, variables_of(case.arrays(), (), np.float32))
        function = next(o.parent for o in outputs if o.parent is not None and o.parent.info.type_name == name)
        args = json.loads(json.dumps(function.info.args))
        again = find_operator(name)(*function.inputs, **args)
        again = list(again) if isinstance(again, tuple) else [again]
        theirs = again[0].parent.info.args
        assert theirs == function.info.args, f"arguments {function.info.args} became {theirs}"
        made = function.outputs
        if not find_operator(name).draws:
            nn.forward_all(list(made))
            nn.forward_all(again)
            for ours, wanted in zip(again, made):
                np.testing.assert_array_equal(ours.d, wanted.d)
