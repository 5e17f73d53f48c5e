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
        installed, 1 if it is broken, otherwise what the command says. What a command raises while it
        runs is not caught.

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
    try:
        command.add_arguments(parser)
    except Exception as error:
        return _broken(name, f"add_arguments() raised {type(error).__name__}: {error}")
    status = command.run(parser.parse_args(rest))
    if status is not None and not isinstance(status, int):
        return _broken(name, f"run() returned {type(status).__name__}, expected an exit status or None")
    return status or 0


def _broken(name: str, reason: str) -> int:
    """Blame a command's distribution."""
    origins = [s.distribution for s in plugins.statuses() if (s.kind, s.name) == ("commands", name)]
    print(f"nnabla_cli: command {name!r} of {', '.join(origins)} is broken: {reason}", file=sys.stderr)
    return 1


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
        return str(plugins.get("commands", name).help)
    except PluginError:
        return "(broken; `nnabla_cli plugins` tells why)"
