"""``nnabla_cli version``."""

from __future__ import annotations

import argparse

import nnabla
from nnabla.plugins import Command, hookimpl

__all__ = ["Version", "nnabla_command", "nnabla_contract_version"]


class Version(Command):
    """Prints the version of the core."""

    name = "version"
    help = "Print the version."

    def run(self, args: argparse.Namespace) -> None:
        """Print it as ``Version:2.0.0``."""
        print(f"Version:{nnabla.__version__}")


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_command() -> Command:
    return Version()
