"""The contract of a subcommand of ``nnabla_cli``."""

from __future__ import annotations

import argparse
from abc import ABC, abstractmethod

__all__ = ["Command"]


class Command(ABC):
    """A subcommand.

    Attributes:
        name: What the user types after ``nnabla_cli``.
        help: One sentence for the list of commands.
    """

    name: str = ""
    help: str = ""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027
        """Declare options and arguments on ``parser``; a command without any leaves it alone."""

    @abstractmethod
    def run(self, args: argparse.Namespace) -> int | None:
        """Do the work.

        Args:
            args: The parsed arguments.

        Returns:
            The exit status; None means 0.
        """
