"""Write the hook reference of plugins.md from the hook specifications: ``python docs/hook_reference.py --write``.

The part between the two marks is generated; without ``--write`` it is printed.
"""

from __future__ import annotations

import argparse
import inspect
import re
from pathlib import Path
from typing import Any

from nnabla.array.library import ArrayLibrary
from nnabla.plugins import Check, hookspecs
from nnabla.plugins.backend import BackwardKernel
from nnabla.plugins.kinds import KINDS
from nnabla.plugins.parameter_format import ParameterRecord

PAGE = Path(__file__).with_name("plugins.md")
BEGIN = "<!-- from here on written by docs/hook_reference.py -->\n"
END = "<!-- up to here -->\n"

# What a hook returns that is worth its own lines, and what that is made of.
WITH = {
    "nnabla_backend": [ArrayLibrary, BackwardKernel],
    "nnabla_parameter_format": [ParameterRecord],
    "nnabla_doctor": [Check],
}


def reference() -> str:
    """The generated part: each hook with its docstring, then the class that it returns."""
    kinds = {kind.hook: kind for kind in KINDS.values()}
    parts = []
    for name, hook in vars(hookspecs).items():
        if not name.startswith("nnabla_"):
            continue
        signature = str(inspect.signature(hook)).replace("'", "")
        parts.append(f"### `{name}`\n\n`{name}{signature}`\n\n{_markdown(hook.__doc__)}")
        kind = kinds.get(name)
        classes = list(WITH.get(name, []))
        # An operator is made by a decorator: docs/operators.md tells how.
        if kind is not None and name != "nnabla_operator":
            classes.insert(0, kind.expected_type())
        parts += [_describe(found) for found in classes]
    return "\n\n".join(parts) + "\n"


def _describe(found: type) -> str:
    """A class: its docstring, its attributes as a table, its methods as a table."""
    doc, _, attributes = inspect.getdoc(found).partition("Attributes:\n")
    lines = [f"**`{found.__module__}.{found.__qualname__}`**. {_markdown(doc)}", ""]
    if attributes:
        lines += ["| attribute | is |", "|---|---|", *_rows(attributes), ""]
    methods = [
        (name, method)
        for name, method in vars(found).items()
        if inspect.isfunction(method) and not name.startswith("_") and method.__doc__
    ]
    if methods:
        lines += ["| method | does |", "|---|---|"]
        for name, method in methods:
            must = " (must be written)" if getattr(method, "__isabstractmethod__", False) else ""
            lines.append(f"| `{name}({_parameters(method)})`{must} | {_cell(_first_paragraph(method.__doc__))} |")
    return "\n".join(lines).rstrip()


def _rows(attributes: str) -> list[str]:
    entries = re.split(r"^ {4}(?=[\w, ]+: )", attributes, flags=re.MULTILINE)[1:]
    pairs = [entry.split(": ", 1) for entry in entries]
    return [f"| {', '.join(f'`{n.strip()}`' for n in names.split(','))} | {_cell(text)} |" for names, text in pairs]


def _parameters(method: Any) -> str:
    names = []
    for parameter in inspect.signature(method).parameters.values():
        if parameter.name in ("self", "_"):
            continue
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        names.append(f"{parameter.name}{default}")
    return ", ".join(names)


def _first_paragraph(doc: str) -> str:
    return inspect.cleandoc(doc).partition("\n\n")[0]


def _markdown(doc: str) -> str:
    """A docstring's text: single marks for code, references as code."""
    text = inspect.cleandoc(doc).strip()
    return re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text.replace("``", "`"))


def _cell(text: str) -> str:
    return " ".join(_markdown(text).split()).replace("|", "\\|")


def fill(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--write", action="store_true", help=f"write it into {PAGE.name}")
    if parser.parse_args().write:
        PAGE.write_text(fill(PAGE.read_text("utf-8")), encoding="utf-8")
    else:
        print(reference())


if __name__ == "__main__":
    main()
