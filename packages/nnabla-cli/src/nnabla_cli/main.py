"""The program ``nnabla_cli``: find the subcommand asked for and run it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from nnabla.plugins import Command, PluginError, PluginNotFoundError, plugins

__all__ = ["main"]

USAGE_ERROR = 2  # as argparse has it


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand. No other subcommand is imported.

    Args:
        argv: The arguments after the program's name; None takes those of the process.

    Returns:
        The exit status: 0 if all went well, 2 if the arguments are wrong or the command is not
        installed, 1 if it is broken, otherwise what the command says.

    Raises:
        SystemExit: argparse ends the program, after ``--help`` or wrong arguments.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0].startswith("-"):
        return _overview(arguments)
    name, *rest = arguments
    try:
        command: Command = plugins.get("commands", name)
    except PluginError as error:
        print(f"nnabla_cli: {error}", file=sys.stderr)
        return USAGE_ERROR if isinstance(error, PluginNotFoundError) else 1
    parser = argparse.ArgumentParser(prog=f"nnabla_cli {name}", description=command.help)
    command.add_arguments(parser)
    return command.run(parser.parse_args(rest)) or 0


def _overview(arguments: Sequence[str]) -> int:
    """Explain the program; it was started without a subcommand."""
    names = plugins.names("commands")
    width = max(map(len, names), default=0)
    lines = [f"  {name:{width}}  {_summary(name)}" for name in names]
    parser = argparse.ArgumentParser(
        prog="nnabla_cli",
        usage="nnabla_cli [-h] command ...",
        description="Command line of NNabla. `nnabla_cli command -h` explains a command.",
        epilog="\n".join(["commands:", *(lines or ["  none is installed"])]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    parser.print_help(sys.stderr)
    return USAGE_ERROR


def _summary(name: str) -> str:
    try:
        summary: str = plugins.get("commands", name).help
        return summary
    except PluginError:
        return "(broken; `nnabla_cli plugins` tells why)"
