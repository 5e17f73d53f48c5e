"""Reports on the conformance of plugins and operators: ``python -m nnabla.testing COMMAND``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nnabla.testing import coverage
from nnabla.testing.kit import command_line

__all__ = ["main"]

COMMANDS = {"conformance": command_line, "coverage": coverage}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status.

    Args:
        arguments: What follows the program's name; the process's own if None.
    """
    parser = argparse.ArgumentParser(prog="python -m nnabla.testing", description=__doc__.partition(":")[0] + ".")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        about = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=about, description=about)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    args = parser.parse_args(arguments)
    status: int = args.run(args)
    return status


if __name__ == "__main__":
    sys.exit(main())
