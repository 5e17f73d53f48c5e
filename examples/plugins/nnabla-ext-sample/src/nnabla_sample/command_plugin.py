"""``nnabla_cli compare-parameters``, and what NNabla calls for it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from nnabla.plugins import Command, hookimpl, plugins

SAME, DIFFERENT, TROUBLE = 0, 1, 2


class CompareParameters(Command):
    """Tells which parameters of two files differ, of whatever formats."""

    name = "compare-parameters"
    help = "Tell which parameters of two files differ."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("first", metavar="FILE", help="a parameter file, its format by its suffix")
        parser.add_argument("second", metavar="FILE", help="another, not necessarily of the same format")
        parser.add_argument("--rtol", type=float, default=0.0, metavar="R", help="tolerance relative to the second (0)")
        parser.add_argument("--atol", type=float, default=0.0, metavar="A", help="absolute tolerance (0)")
        parser.add_argument("--json", action="store_true", help="print a JSON list")
        parser.epilog = "Exit status: 0 if nothing differs, 1 if something does, 2 if a file cannot be read."

    def run(self, args: argparse.Namespace) -> int:
        import json  # here, as all that the list of commands does not need

        try:
            first, second = load(args.first), load(args.second)
        except (OSError, RuntimeError) as error:
            print(f"nnabla_cli {self.name}: {error}", file=sys.stderr)
            return TROUBLE
        found = compare(first, second, args.rtol, args.atol)
        if args.json:
            print(json.dumps([{"parameter": name, "difference": text} for name, text in found], indent=2))
        else:
            for name, text in found:
                print(f"{name}: {text}")
        return DIFFERENT if found else SAME


def load(path: str) -> dict[str, Any]:
    """The parameters of a file, as arrays by their names; none of the process's are touched.

    Raises:
        OSError, RuntimeError: It cannot be read, or nothing installed reads its format.
    """
    import nnabla as nn

    suffix, known = os.path.splitext(path)[1], plugins.names("parameter_formats")
    if suffix.removeprefix(".") not in known:
        raise RuntimeError(f"{path}: no parameter format {suffix!r} is installed; there is .{', .'.join(known)}")
    with nn.parameter_scope("", {}):
        nn.load_parameters(path)
        return {name: variable.d.copy() for name, variable in nn.get_parameters(grad_only=False).items()}


def compare(first: dict[str, Any], second: dict[str, Any], rtol: float, atol: float) -> list[tuple[str, str]]:
    """Name and description of each difference, in the order of the names."""
    import numpy as np

    found = []
    for name in sorted({*first, *second}):
        if name not in second or name not in first:
            found.append((name, f"only in the {'first' if name in first else 'second'}"))
        elif first[name].shape != second[name].shape:
            found.append((name, f"shapes {first[name].shape} and {second[name].shape}"))
        elif not np.allclose(first[name], second[name], rtol, atol, equal_nan=True):
            worst = float(np.max(np.abs(first[name] - second[name])))
            found.append((name, f"values, by {worst:.3g} at most"))
    return found


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_command() -> Command:
    return CompareParameters()
