"""Print, operator by operator, what is defined, what computes it and what the conformance cases check.

The cases are those that pytest collects from a folder of tests. Half precision has no cases: an operator counts as
checked in it if a test whose name contains ``half_precision`` ran it under a context of that type.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nnabla.errors import StateError
from nnabla.ops.definition import Operator, all_operators
from nnabla.ops.trace import gradient_trace
from nnabla.plugins import plugins
from nnabla.plugins.backend import Backend
from nnabla.testing.cases import Case
from nnabla.variable import Variable

__all__ = ["Checked", "add_arguments", "checked_operators", "render", "run"]

TESTS = Path("packages/nnabla-core/tests/ops")
PAGE = Path("docs/operator-table.md")

# What the checks of nnabla.testing.conformance compute in.
DTYPES = {"forward": "float32", "gradient": "float64", "double": "float64", "plain": "float64", "opaque": "float64"}

LEGEND = """\
# Operators

`nox -s coverage-table -- --write` writes this page.

- **kind**: *primitive* (a kernel and a gradient of its own) or *composed* of other operators.
- **forward**, **backward**, by backend: *kernel*, the backend's own for this operator; *reference*, the definition's
  kernel on the backend's array namespace; *composed*, the kernels of the operators that the body or the gradient is
  made of; *-*, none.
  The CPU's are those with native code.
- **gradient**: *own*, written with the definition; *body*, follows from the body; *-*, none.
- **double**: whether conformance cases check gradients of gradients.
- **dtypes**: in which floating types the operator is checked, float32 and float64 by its cases.
- **cases**: number of conformance cases. Operators that draw random numbers, keep state or act in backward alone
  have tests of other forms and often none here.
"""


@dataclass
class Checked:
    """What tests check of one operator.

    Attributes:
        cases: Number of its conformance cases.
        checks: Names of the checks that run on at least one of them.
        half: Whether a test runs it in half precision.
    """

    cases: int = 0
    checks: set[str] = field(default_factory=set)
    half: bool = False

    @property
    def dtypes(self) -> list[str]:
        """The floating types that it is checked in, the usual one first."""
        found = {DTYPES[c] for c in self.checks} | ({"half"} if self.half else set())
        return [d for d in ("float32", "float64", "half") if d in found]


class _Collector:
    """A plugin of pytest: takes the cases from the collected tests and leaves those of half precision to run."""

    def __init__(self) -> None:
        self.checks: dict[int, tuple[Case, set[str]]] = {}

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        for item in items:
            params = item.callspec.params if hasattr(item, "callspec") else {}
            case = params.get("case")
            if isinstance(case, Case) and "check" in params:
                self.checks.setdefault(id(case), (case, set()))[1].add(params["check"])
        items[:] = [item for item in items if "half_precision" in item.name]


def checked_operators(tests: Path) -> dict[str, Checked]:
    """Return what the tests of a folder check, by operator type name.

    Collecting imports the tests; those of half precision run.

    Raises:
        StateError: The tests cannot be collected, or one of half precision fails.
    """
    import pytest

    collector = _Collector()
    report = io.StringIO()
    with contextlib.redirect_stdout(report):
        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib"]
        status = pytest.main([*options, str(tests)], plugins=[collector])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise StateError(f"coverage: pytest ended with {status!r} on {tests}; it said:\n{report.getvalue()}")
    found: dict[str, Checked] = {}
    for name in _ran_in_half():
        found.setdefault(name, Checked()).half = True
    for case, checks in collector.checks.values():
        for name in _operators_of(case):
            checked = found.setdefault(name, Checked())
            checked.cases += 1
            checked.checks |= checks
    return found


def _operators_of(case: Case) -> set[str]:
    """Return the type names of the operators that give the outputs of a case."""
    inputs = [None if array is None else Variable.from_numpy_array(array) for array in case.arrays()]
    result = case.function(*inputs, **case.args)
    parents = [output.parent for output in (result if isinstance(result, (tuple, list)) else [result])]
    return {parent.info.type_name for parent in parents if parent is not None}


def _ran_in_half() -> Iterator[str]:
    """Give the names of operators that this process prepared for a context of half precision."""
    for op in all_operators().values():
        keys = itertools.chain.from_iterable(setup.prepared for setup in op._setups.values())
        # A key is that of a context and details, or a name.
        contexts = [key[0] for key in keys if isinstance(key, tuple)]
        if any(backend.endswith(":half") for backends, _, _ in contexts for backend in backends):
            yield op.name


def _forward(op: Operator, backend: Backend) -> str:
    if op.name in backend.kernels:
        return "kernel"
    if op.primitive:
        return "reference" if backend.namespace is not None else "-"
    return "composed"


def _backward(op: Operator, backend: Backend) -> str:
    if op.name in backend.backward_kernels:
        return "kernel"
    return "-" if _gradient(op) == "-" else "composed"


def _gradient(op: Operator) -> str:
    """Return where an operator's gradient comes from; where it was set up before, whether there is any."""
    smooth = any(spec.kind in ("float", "any") for spec in op.inputs)
    if not op.differentiable or not smooth or (op.primitive and op.gradient_rule is None):
        return "-"
    traces = [gradient_trace(setup) for setup in list(op._setups.values())]
    if traces and not any(grad is not None for trace in traces for grad in trace.grads):
        return "-"
    return "body" if op.gradient_rule is None else "own"


def _row(name: str, op: Operator | None, checked: Checked, backends: Mapping[str, Backend]) -> list[str]:
    if op is None:
        return [name, "not defined", *["-"] * (2 * len(backends) + 3), "0"]
    row = [name, "primitive" if op.primitive else "composed"]
    for backend in backends.values():
        row += [_forward(op, backend), _backward(op, backend)]
    double = "-" if _gradient(op) == "-" else "yes" if "double" in checked.checks else "no"
    return [*row, _gradient(op), double, " ".join(checked.dtypes) or "-", str(checked.cases)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Give the lines of a Markdown table whose columns line up."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    yield "| " + " | ".join(text.ljust(width) for text, width in zip(head, widths)) + " |"
    yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    for row in rows:
        yield "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |"


def render(names: Mapping[str, str], checked: Mapping[str, Checked], backends: Mapping[str, Backend]) -> str:
    """Return the page: a table for each group of operators.

    Args:
        names: Type names of the operators, each with its group, groups together.
        checked: What tests check, by type name.
        backends: The backends to show, by name.
    """
    ops = all_operators()
    head = ["operator", "kind"]
    for name in backends:
        head += [f"{name} forward", f"{name} backward"]
    head += ["gradient", "double", "dtypes", "cases"]
    lines = [LEGEND, _summary(names, ops, checked), ""]
    for group, members in itertools.groupby(names, key=names.__getitem__):
        rows = [_row(name, ops.get(name), checked.get(name, Checked()), backends) for name in members]
        lines += [f"## {group}", "", *_table(head, rows), ""]
    return "\n".join(lines)


def _summary(names: Collection[str], ops: Mapping[str, Operator], checked: Mapping[str, Checked]) -> str:
    defined = [ops[name] for name in names if name in ops]
    cases = sum(checked[op.name].cases for op in defined if op.name in checked)
    primitive = sum(op.primitive for op in defined)
    return (
        f"{len(defined)} of {len(names)} operators are defined: {primitive} primitive, "
        f"{len(defined) - primitive} composed; {cases} cases."
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--tests", type=Path, default=TESTS, metavar="FOLDER", help=f"tests with cases ({TESTS})")
    parser.add_argument("--backend", action="append", metavar="NAME", help="a backend to show (all installed ones)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", nargs="?", type=Path, const=PAGE, metavar="FILE", help=f"write a page ({PAGE})")
    what.add_argument("--check", nargs="?", type=Path, const=PAGE, metavar="FILE", help="fail if a page is not true")


def run(args: argparse.Namespace) -> int:
    """Print, write or check the page; return the exit status."""
    facts = json.loads((args.tests / "facts" / "functions.json").read_text())
    backends = {name: plugins.get("backends", name) for name in args.backend or plugins.names("backends")}
    page = render({name: fact["group"] for name, fact in facts.items()}, checked_operators(args.tests), backends)
    if args.write is not None:
        args.write.write_text(page, encoding="utf-8")
        print(f"wrote {args.write}")
    elif args.check is None:
        print(page)
    elif args.check.read_text(encoding="utf-8") != page:
        print(f"{args.check} is not what the code says; write it with: nox -s coverage-table -- --write")
        return 1
    return 0
