"""Check a plugin against its contract, and print a table of what passed.

The exit status is 0 if nothing failed, 1 if something did, and 2 if there is no such plugin.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from nnabla.errors import StateError
from nnabla.plugins import PluginError
from nnabla.testing.kit.report import Check, Report

__all__ = ["add_arguments", "checks_of", "run"]

KINDS = ("backend", "operator", "format", "command")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--backend", metavar="NAME", help="a backend, as in get_extension_context(NAME)")
    parser.add_argument(
        "--operator", metavar="NAME", help="an operator by its type name; with --backend, that backend's cases of it"
    )
    parser.add_argument("--format", metavar="NAME", help="a parameter format, by its suffix without the dot")
    parser.add_argument("--command", metavar="NAME", help="a command, as in nnabla_cli NAME")
    parser.add_argument(
        "--cases", metavar="MODULE", help="where the operator's cases are: a module or a file with lists of them"
    )
    parser.add_argument(
        "--family",
        action="append",
        metavar="NAME",
        help="of a backend, only this: arrays, execution, solvers or a family of operators; may be repeated",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes besides")


def checks_of(
    kind: str,
    name: str,
    operator: str | None = None,
    cases: str | None = None,
    families: list[str] | None = None,
) -> Iterator[Check]:
    """Give the checks of a plugin.

    Args:
        kind: ``backend``, ``operator``, ``format`` or ``command``.
        name: The plugin's name.
        operator: Of a backend, only the cases of this operator.
        cases: Where an operator's cases are.
        families: Of a backend, only the cases of these families.

    Raises:
        PluginError: There is no such plugin, or it does not load.
        StateError: ``cases`` or ``families`` names nothing.
    """
    if kind == "format":
        from nnabla.testing.kit.format import format_checks

        yield from format_checks(name)
    elif kind == "command":
        from nnabla.testing.kit.command import command_checks

        yield from command_checks(name)
    elif kind == "operator":
        from nnabla.testing.kit.operator import cases_in, operator_checks

        yield from operator_checks(name, cases_in(cases) if cases else ())
    else:
        from nnabla.ops.definition import find_operator
        from nnabla.testing.kit.backend import backend_checks

        if operator is not None:
            find_operator(operator)  # for its error
        yield from backend_checks(name, families, None if operator is None else [operator])


def run(args: argparse.Namespace) -> int:
    """Check a plugin, print the table, and return the exit status."""
    asked = [(kind, getattr(args, kind)) for kind in KINDS if getattr(args, kind)]
    both = [kind for kind, _ in asked] == ["backend", "operator"]
    if len(asked) != 1 and not both:
        print("conformance: give one of --backend, --operator, --format and --command", file=sys.stderr)
        return 2
    kind, name = asked[0]
    report = Report(f"{kind} {name!r}")
    try:
        report.run(checks_of(kind, name, args.operator if both else None, args.cases, args.family))
    except (PluginError, StateError) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(f"conformance: {error}; pip install 'nnabla-core[testing]'", file=sys.stderr)
        return 2
    print(report.table())
    if args.json is not None:
        report.write_json(args.json)
    return 0 if report.ok else 1
