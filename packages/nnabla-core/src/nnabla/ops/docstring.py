"""The parts of an operator's docstring, from which ``help`` and the operator's page are made.

A docstring says in its first paragraphs what is computed, then has sections::

    Args:       a line for each input and argument; ``a, b: text`` is for both
    Returns:    the output's shape, or ``name: text`` for each of several outputs
    Raises:     what a caller may have to handle
    Source:     where the definition comes from
    Example:    lines as Python's prompt shows them, which the tests run
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Docstring", "combine", "entries", "read_docstring"]

LINE = 112  # characters, after indentation
SECTIONS = ("Args", "Returns", "Raises", "Source", "Example")
_HEAD = re.compile(rf"^({'|'.join(SECTIONS)}):[ ]*", re.MULTILINE)


@dataclass(frozen=True)
class Docstring:
    """A docstring, taken apart.

    Attributes:
        description: The paragraphs before the first section.
        sections: The text of each section that there is, without its indentation, by name.
    """

    description: str
    sections: dict[str, str] = field(default_factory=dict)

    @property
    def args(self) -> dict[str, str]:
        """What is said of each input and argument, by name."""
        return entries(self.sections.get("Args", ""))


def read_docstring(text: str | None) -> Docstring:
    """Take a docstring apart; None is an empty one."""
    description, *rest = _HEAD.split(inspect.cleandoc(text or ""))
    sections = {}
    for name, body in zip(rest[::2], rest[1::2]):
        first, _, others = body.partition("\n")
        sections[name] = f"{first}\n{textwrap.dedent(others)}".strip("\n").rstrip()
    return Docstring(description.strip(), sections)


def entries(section: str) -> dict[str, str]:
    """Return the entries ``name: text`` of a section by name; continuation lines are indented or follow."""
    found: dict[str, str] = {}
    for entry in re.split(r"\n(?=\S)", section):
        names, colon, text = entry.partition(": ")
        if colon and re.fullmatch(r"[*\w]+(, [*\w]+)*", names):
            for name in names.split(", "):
                found[name.lstrip("*")] = " ".join(text.split())
    return found


def combine(function: Callable[..., Any], definition: str) -> str:
    """Return the docstring of a function that calls an operator with another signature.

    The definition says what is computed, whence it comes and shows it, and what arguments mean of which the function
    says nothing itself.

    Args:
        function: The function, whose docstring has sections for what is its own.
        definition: The operator's docstring.
    """
    mine, theirs = read_docstring(function.__doc__), read_docstring(definition)
    meanings = {**theirs.args, **mine.args}
    names = [name for name in inspect.signature(function).parameters if name in meanings]
    arguments = [_wrapped(f"{name}: {meanings[name]}") for name in names]
    sections = {**theirs.sections, **mine.sections, "Args": "\n".join(arguments)}
    parts = [f"{name}:\n{textwrap.indent(sections[name], '    ')}" for name in SECTIONS if name in sections]
    return "\n\n".join([theirs.description, *parts])


def _wrapped(entry: str) -> str:
    # Most are short, and importing must be quick.
    if len(entry) <= LINE:
        return entry
    return textwrap.fill(entry, LINE, subsequent_indent="    ", break_on_hyphens=False)
