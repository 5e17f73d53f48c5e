"""``nnabla_cli new-plugin``."""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnabla.plugins import Command, hookimpl, plugins

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

__all__ = ["NewPlugin", "nnabla_command", "nnabla_contract_version"]

PIN = "~=2.0"  # any release that keeps the contract of this one


@dataclass(frozen=True)
class Template:
    """What the kinds of new plugins differ in; ``{...}`` stands for the names of :func:`_names`.

    Attributes:
        kind: The kind of plugin, as in the registry.
        name: What its entry point is called.
        distribution: What pip installs.
        package: What Python imports.
        summary: One sentence without its full stop.
        usage: How it is used, for the README.
        conformance: What the conformance kit is to check.
        tests: Distributions that its tests need besides the core.
    """

    kind: str
    name: str
    distribution: str
    package: str
    summary: str
    usage: str
    conformance: str
    tests: tuple[str, ...]


TEMPLATES = {
    "backend": Template(
        kind="backends",
        name="{snake}",
        distribution="nnabla-ext-{kebab}",
        package="nnabla_ext.{snake}",
        summary="The backend {snake} for NNabla",
        usage="    from nnabla.ext_utils import get_extension_context\n\n"
        '    nn.set_default_context(get_extension_context("{snake}"))',
        conformance="--backend {snake}",
        tests=("nnabla-ext-cpu",),
    ),
    "operator": Template(
        kind="operators",
        name="{camel}",
        distribution="nnabla-operator-{kebab}",
        package="nnabla_operator_{snake}",
        summary="The operator {camel} for NNabla",
        usage="    from nnabla_operator_{snake} import {snake}\n\n    y = {snake}(x, beta=0.5)",
        conformance="--operator {camel} --cases tests/test_operator.py",
        tests=("nnabla-ext-cpu",),
    ),
    "format": Template(
        kind="parameter_formats",
        name="{snake}",
        distribution="nnabla-format-{kebab}",
        package="nnabla_format_{snake}",
        summary="The parameter file format .{snake} for NNabla",
        usage='    nn.save_parameters("net.{snake}")\n    nn.load_parameters("net.{snake}")',
        conformance="--format {snake}",
        tests=("nnabla-ext-cpu",),
    ),
    "command": Template(
        kind="commands",
        name="{kebab}",
        distribution="nnabla-command-{kebab}",
        package="nnabla_command_{snake}",
        summary="The command nnabla_cli {kebab}",
        usage="    nnabla_cli {kebab} --help",
        conformance="--command {kebab}",
        tests=("nnabla-cli", "nnabla-ext-cpu", "nnabla-io"),
    ),
}


class NewPlugin(Command):
    """Writes a distribution with one plugin that builds, installs and passes its tests."""

    name = "new-plugin"
    help = "Write a new plugin: a distribution that builds, installs and passes its tests."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the name, ``--kind`` and ``--output``."""
        parser.add_argument(
            "name",
            metavar="NAME",
            help="of a backend, an operator (MyOp), a file suffix without its dot, or a subcommand",
        )
        parser.add_argument("--kind", choices=TEMPLATES, required=True, help="what the plugin gives")
        parser.add_argument("--output", metavar="FOLDER", type=Path, help="a new folder (the distribution's name)")

    def run(self, args: argparse.Namespace) -> int:
        """Write the files.

        Returns:
            2 if the name or the folder cannot be used, otherwise 0.
        """
        try:
            values = _values(args.name, args.kind)
            folder = args.output or Path(values["distribution"])
            files = _files(args.kind, values)
            _write(folder, files)
        except (ValueError, OSError) as error:
            print(f"nnabla_cli new-plugin: {error}", file=sys.stderr)
            return 2
        print(f"wrote {values['distribution']}, {len(files)} files, into {folder}; next:")
        print(f'  cd {folder}\n  pip install -e ".[tests]"\n  pytest')
        print(f"  python -m nnabla.testing conformance {values['conformance']}")
        return 0


def _names(name: str) -> dict[str, str]:
    """The spellings of a name.

    Raises:
        ValueError: It cannot be part of a package's name.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*", name) or len(name) > 60:
        raise ValueError(
            f"{name!r} cannot be a plugin's name; take letters, digits, and single - or _ between them, "
            "a letter first, 60 at most"
        )
    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z0-9]+", name)
    snake = "_".join(word.lower() for word in words)
    # A name in camel case stays as it is written.
    written = name[0].isupper() and "-" not in name and "_" not in name
    camel = name if written else "".join(word[0].upper() + word[1:] for word in words)
    if keyword.iskeyword(snake) or snake in sys.stdlib_module_names:
        raise ValueError(f"{name!r} cannot be a plugin's name: Python uses {snake!r} itself")
    return {"snake": snake, "kebab": snake.replace("_", "-"), "camel": camel}


def _values(name: str, kind: str) -> dict[str, str]:
    """What the templates' placeholders stand for.

    Raises:
        ValueError: The name is not fit or taken.
    """
    template, names = TEMPLATES[kind], _names(name)
    plugin = template.name.format(**names)
    _check_free(template.kind, kind, plugin)
    package = template.package.format(**names)
    tests = ['"pytest>=8"', f'"nnabla-core[testing]{PIN}"', *(f'"{needed}{PIN}"' for needed in template.tests)]
    core = {"backend": ['"array-api-compat>=1.11"', '"numpy>=1.26"'], "format": ['"numpy>=1.26"']}
    from nnabla.plugins.kinds import KINDS

    return {
        "name": plugin,
        "class": names["camel"],
        "function": names["snake"],
        "distribution": template.distribution.format(**names),
        "package": package,
        "folder": package.replace(".", "/"),
        "top": package.partition(".")[0],
        "group": KINDS[template.kind].group,
        "summary": template.summary.format(**names),
        "usage": template.usage.format(**names),
        "conformance": template.conformance.format(**names),
        "dependencies": ", ".join([*core.get(kind, []), f'"nnabla-core{PIN}"']),
        "test_dependencies": ", ".join(tests),
    }


def _check_free(registry_kind: str, kind: str, name: str) -> None:
    """Raise ValueError if the name is taken here; elsewhere nobody can know."""
    taken = name in plugins.names(registry_kind)
    if kind == "operator" and not taken:
        from nnabla.ops.definition import all_operators

        ops = all_operators().values()
        taken = any(name == op.name for op in ops)
    if taken:
        raise ValueError(f"there is a {kind} {name!r} already; choose another name")


def _files(kind: str, values: dict[str, str]) -> dict[str, str]:
    """The contents of the files by their path in the new folder."""
    from importlib.resources import files

    templates = files("nnabla_cli") / "templates"
    return {
        _path(path, values): _fill(content, values)
        for part in ("any", kind)
        for path, content in _templates(templates / part, "")
    }


def _templates(folder: Traversable, path: str) -> list[tuple[str, str]]:
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _templates(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(".tmpl"):
            found.append((path + entry.name.removesuffix(".tmpl"), entry.read_text(encoding="utf-8")))
    return found


def _path(path: str, values: dict[str, str]) -> str:
    return path.replace("PACKAGE", values["folder"]).replace("DOT_", ".")


def _fill(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@([a-z_]+)@", lambda match: values[match.group(1)], text)


def _write(folder: Path, files: dict[str, str]) -> None:
    """Write the files into a folder that is not there yet, or is empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists already and is not overwritten; remove it or choose another --output")
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8", newline="\n")


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_command() -> Command:
    return NewPlugin()
