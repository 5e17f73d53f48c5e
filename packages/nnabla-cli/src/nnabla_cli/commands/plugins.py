"""``nnabla_cli plugins``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import textwrap

from nnabla.plugins import Command, PluginStatus, hookimpl, plugins

__all__ = ["Plugins", "nnabla_command", "nnabla_contract_version"]


class Plugins(Command):
    """Lists every plugin found, with the reason where one does not work."""

    name = "plugins"
    help = "List the installed plugins and what is wrong with those that do not work."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare ``--json`` and ``--check``."""
        parser.add_argument("--json", action="store_true", help="print a JSON list")
        parser.add_argument(
            "--check",
            action="store_true",
            help="print tracebacks of failures; the exit status is 1 if there is one",
        )

    def run(self, args: argparse.Namespace) -> int:
        """Load every plugin and print the list.

        Returns:
            1 with ``--check`` if a plugin does not work, otherwise 0.
        """
        with contextlib.redirect_stdout(sys.stderr):  # a plugin may print when it is imported
            statuses = plugins.statuses(load=True)
        if args.json:
            import json  # not for the list of commands

            print(json.dumps([dataclasses.asdict(status) for status in statuses], indent=2))
        else:
            print(_table(statuses, tracebacks=args.check))
        failed = any(status.state == "failed" for status in statuses)
        return int(args.check and failed)


def _table(statuses: list[PluginStatus], tracebacks: bool) -> str:
    """Aligned columns; a failure's reason, and its traceback if asked for, below its row."""
    if not statuses:
        return "no plugin is installed"
    head = ("kind", "name", "distribution", "version", "state")
    rows = [head, *((s.kind, s.name, s.distribution, s.version, s.state) for s in statuses)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row, status in zip(rows, [None, *statuses], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join(cells).rstrip())
        if status is not None and status.reason:
            lines.append(textwrap.indent(status.reason, "    "))
        if status is not None and tracebacks and status.details:
            lines.append(textwrap.indent(status.details.rstrip(), "    | "))
    return "\n".join(lines)


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_command() -> Command:
    return Plugins()
