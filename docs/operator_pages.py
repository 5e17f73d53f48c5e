"""Write a page for each operator from its definition: ``python docs/operator_pages.py --write``.

Names, types, defaults and effects are the definition's, words and example those of its docstring, and what computes it
is what ``operator-table.md`` says. The pages and their index go to the folder ``operators``.
"""

from __future__ import annotations

import argparse
import inspect
import itertools
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nnabla.functions as F
from nnabla.ops.definition import Operator, all_operators
from nnabla.ops.docstring import entries, read_docstring
from nnabla.ops.spec import REQUIRED, ArgumentSpec, PerInput
from nnabla.ops.trace import gradient_trace
from nnabla.testing.examples import PRELUDE, run_example

DOCS = Path(__file__).resolve().parent
FOLDER = DOCS / "operators"
TABLE = DOCS / "operator-table.md"
SOURCES = "packages/nnabla-core/src"

NOTE = "<!-- written by docs/operator_pages.py from the definition -->"

INTRODUCTION = f"""\
{NOTE}

# The operators

Each has a page: what it computes, its inputs, arguments and outputs, an example, its source, gradients and backends.
`help(nnabla.functions.relu)` shows the same text. `nox -s operator-pages -- --write` writes the pages from
[the definitions](../operators.md). A default "by the inputs" follows from their shapes. All examples begin with

```pycon
{PRELUDE}
```
"""

# As in pyproject.toml.
LINE = 120

KINDS = {"any": "any", "same": "as the first input", "index": "int64", "int32": "int32", "bool": "bool"}

# What every function has.
ALWAYS = {"n_outputs", "outputs"}


def read_table() -> dict[str, tuple[str, dict[str, str]]]:
    """Each operator's group and its row of the table, by column."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    group, head = "", []
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            group = line[3:]
        elif line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if cells[0] == "operator":
                head = cells
            else:
                found[cells[0]] = group, dict(zip(head, cells))
    return found


# -- text --------------------------------------------------------------------------------------------------
def markdown(text: str) -> str:
    """A docstring's text: paragraphs of mathematics alone as blocks, references to operators as links."""
    paragraphs = []
    for paragraph in text.split("\n\n"):
        if block := re.fullmatch(r":math:`([^`]+)`", paragraph.strip()):
            paragraphs.append(f"```math\n{block[1]}\n```")
        else:
            paragraphs.append(_inline(paragraph))
    return "\n\n".join(paragraphs)


def _inline(text: str) -> str:
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r":math:`([^`]+)`", lambda m: f"$`{' '.join(m[1].split())}`$", text)
    return re.sub(r":\w+:`~?([^`]+)`", _link, text)


def _link(reference: re.Match[str]) -> str:
    pages = {op.snake_name: op.name for op in all_operators().values() if not op.internal}
    name = reference[1].rpartition(".")[2]
    return f"[`{name}`]({pages[name]}.md)" if name in pages else f"`{reference[1]}`"


def cell(text: str) -> str:
    """Text within a table."""
    return " ".join(_inline(text).split()).replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


# -- what a definition says --------------------------------------------------------------------------------
def meaning(op: Operator, name: str) -> str:
    """What the docstring says of an input or argument; "As of ..." becomes what is said there."""
    text = read_docstring(op.doc).args[name]
    if said := re.match(r"As (?:of|in|for) :func:`(\w+)`[.,;]? ?", text):
        other = next(o for o in all_operators().values() if o.snake_name == said[1])
        if name in read_docstring(other.doc).args:
            rest = text[said.end() :]
            text = f"{meaning(other, name)} {rest[:1].upper()}{rest[1:]}".strip()
    return text


def signature(module: str, function: Any) -> str:
    """A call as Python has it, without annotations, in lines as the formatter breaks them."""
    parameters = [
        re.sub(r"<class 'numpy\.(\w+)'>", r"np.\1", str(p.replace(annotation=inspect.Parameter.empty))).replace(
            "'", '"'
        )
        for p in inspect.signature(function).parameters.values()
        if p.name not in ALWAYS
    ]
    name, line = f"{module}.{function.__name__}", ", ".join(parameters)
    if len(name) + len(line) + 2 <= LINE:
        return f"{name}({line})"
    if len(line) + 4 <= LINE:
        return f"{name}(\n    {line}\n)"
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in parameters), ")"])


def default(argument: ArgumentSpec) -> str:
    if argument.default is REQUIRED:
        return "required"
    if isinstance(argument.default, PerInput):
        return "by the inputs"
    return f"`{argument.default!r}`"


def kind(argument: ArgumentSpec) -> str:
    if argument.choices:
        return ", ".join(f"`{choice!r}`" for choice in argument.choices)
    return argument.type_name


def gradients(op: Operator) -> list[str]:
    """For each input "yes" or "no": whether its example's gradient reaches it, or where it is left out, it may."""
    found = [
        "yes" if op.differentiable and spec.kind in ("float", "any") and spec.name not in op.updates else "no"
        for spec in op.inputs
    ]
    reached: dict[int, bool] = {}
    for setup in list(op._setups.values()):  # tracing sets up more
        given = [i for i, shape in enumerate(setup.in_shapes) if shape is not None]
        for i, grad in zip(given, gradient_trace(setup).grads):
            number = min(i, len(op.inputs) - 1)
            reached[number] = reached.get(number, False) or grad is not None
    return ["yes" if reached.get(i, text == "yes") else "no" for i, text in enumerate(found)]


def effects(op: Operator) -> list[str]:
    """What running the operator does besides giving outputs."""
    said = []
    if op.deprecated:
        said.append("Deprecated; kept for what uses it.")
    for names, when in ((op.updates, "Forward"), (op.backward_updates, "Backward")):
        if names:
            said.append(f"{when} writes into {', '.join(f'`{name}`' for name in names)}.")
    if op.draws:
        said.append("It draws random numbers, the same ones on every backend for one seed.")
    if op.data_dependent:
        said.append("Sizes of the output follow from data.")
    if op.integers:
        said.append("Integer data is computed, and kept, in its own dtype.")
    said += [f"Output {o} shares the memory of `{op.inputs[i].name}`." for o, i in op.aliases.items()]
    return said


# -- pages -------------------------------------------------------------------------------------------------
def page(op: Operator, group: str, row: dict[str, str]) -> str:
    """The page of an operator, whose example has run."""
    doc = read_docstring(op.doc)
    public = getattr(F, op.snake_name)
    path = f"{SOURCES}/{op.__module__.replace('.', '/')}.py"
    lines = [NOTE, "", f"# {op.name}", "", f"[{group}](README.md) · defined in [{path}](../../{path})", ""]
    lines += ["```python", signature("nnabla.functions", public), "```", ""]
    lines += [markdown(doc.description), ""]
    if (FOLDER / "pictures" / f"{op.name}.svg").exists():
        lines += [f"![{op.name}](pictures/{op.name}.svg)", ""]
    lines += _inputs(op)
    lines += _arguments(op)
    if public is not op:
        lines += _other_signature(op, public)
    lines += _outputs(op, doc.sections["Returns"])
    if "Raises" in doc.sections:
        raised = entries(doc.sections["Raises"])
        lines += ["## Errors", "", *(f"- `{name}`: {cell(text)}" for name, text in raised.items()), ""]
    if said := effects(op):
        lines += ["## Effects", "", *(f"- {text}" for text in said), ""]
    lines += ["## Example", "", "```pycon", doc.sections["Example"], "```", ""]
    if "Source" in doc.sections:
        lines += ["## Source", "", markdown(" ".join(doc.sections["Source"].split())), ""]
    lines += _support(row)
    return "\n".join(lines)


def _inputs(op: Operator) -> list[str]:
    if not op.inputs:
        return []
    rows = []
    for spec, gradient in zip(op.inputs, gradients(op)):
        name = f"`*{spec.name}`" if spec.variadic else f"`{spec.name}`"
        name += " (optional)" if spec.optional else ""
        rows.append([name, KINDS.get(spec.kind, spec.kind), gradient, cell(meaning(op, spec.name))])
    return ["## Inputs", "", *table(["input", "computed in", "gradient", "shape and meaning"], rows), ""]


def _arguments(op: Operator) -> list[str]:
    if not op.arguments:
        return []
    rows = [[f"`{a.name}`", kind(a), default(a), cell(meaning(op, a.name))] for a in op.arguments]
    return ["## Arguments", "", *table(["argument", "type", "default", "meaning"], rows), ""]


def _other_signature(op: Operator, public: Any) -> list[str]:
    """What the function of ``nnabla.functions`` has that the definition has not."""
    known = {spec.name for spec in (*op.inputs, *op.arguments)}
    meanings = read_docstring(public.__doc__).args
    rows = []
    for name, parameter in inspect.signature(public).parameters.items():
        if name not in known | ALWAYS:
            given = "required" if parameter.default is parameter.empty else f"`{parameter.default!r}`"
            rows.append([f"`{name}`", given, cell(meanings[name])])
    base = signature("nnabla.function_bases", op)
    if base.replace("function_bases", "functions") == signature("nnabla.functions", public):
        return []
    lines = ["These are the names and defaults in files and in", "", "```python", base, "```", ""]
    if rows:
        lines += [f"Besides or instead, `nnabla.functions.{public.__name__}` has", ""]
        lines += [*table(["argument", "default", "meaning"], rows), ""]
    return lines


def _outputs(op: Operator, returns: str) -> list[str]:
    several = entries(returns)
    rows = []
    for spec in op.outputs:
        name = f"`*{spec.name}`" if spec.variadic else f"`{spec.name}`"
        said = several[spec.name] if len(op.outputs) > 1 else returns
        rows.append([name, _output_kind(op, spec.kind), cell(said)])
    return ["## Outputs", "", *table(["output", "kept as", "shape"], rows), ""]


def _output_kind(op: Operator, name: str) -> str:
    if name.startswith("arg:"):
        return f"as `{name[4:]}` says"
    return {"bool": "float (0 or 1)", "index": "uint64"}.get(name, KINDS.get(name, name))


def _support(row: dict[str, str]) -> list[str]:
    columns = [name for name in row if name not in ("operator", "cases")]
    said = "[What the words mean](../operator-table.md)."
    return ["## Gradients and backends", "", *table(columns, [[row[name] for name in columns]]), "", said, ""]


def index(rows: dict[str, tuple[str, dict[str, str]]]) -> str:
    """The page that lists all by group."""
    lines = [INTRODUCTION]
    ops = all_operators()
    for group, members in itertools.groupby(rows, key=lambda name: rows[name][0]):
        said = []
        for name in members:
            sentence = re.split(r"(?<=[.:;])\s", read_docstring(ops[name].doc).description + " ")[0]
            said.append([f"[{name}]({name}.md)", f"`{ops[name].snake_name}`", cell(sentence.rstrip(".:; "))])
        lines += [f"## {group}", "", *table(["operator", "function", "computes"], said), ""]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """All pages by file name."""
    rows, ops = read_table(), all_operators()
    for name in rows:
        if failed := run_example(read_docstring(ops[name].doc).sections["Example"], name):
            sys.exit(failed)
    made = {f"{name}.md": page(ops[name], *rows[name]) for name in rows}
    return {"README.md": index(rows), **made}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0] + ".")
    parser.add_argument("--write", action="store_true", help="write them; without it say which are not true")
    write = parser.parse_args().write
    made = pages()
    there = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    untrue = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    if not write:
        print("\n".join([*untrue, "write them with: nox -s operator-pages -- --write"] if untrue else ["all true"]))
        return bool(untrue)
    FOLDER.mkdir(exist_ok=True)
    for name in untrue:
        if name in made:
            (FOLDER / name).write_text(made[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"wrote {len(untrue)} of {len(made)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
