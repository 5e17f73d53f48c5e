"""Each distribution imports only what it declares as a dependency."""

import ast
import importlib.metadata
import re
import sys

import pytest

DISTRIBUTIONS = ["nnabla-core", "nnabla-ext-cpu", "nnabla-io", "nnabla-cli"]
OWN = {"nnabla", "nnabla_ext", "nnabla_io", "nnabla_cli"}


def imported(path):
    """The top-level names that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def declared(distribution, extra):
    """Names of the distributions required, with or without those of extras."""
    for requirement in importlib.metadata.requires(distribution) or []:
        if extra or "extra ==" not in requirement:
            yield re.match(r"[\w.-]+", requirement).group().lower().replace("_", "-")


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_third_party_imports_are_declared(root, distribution):
    providers = importlib.metadata.packages_distributions()
    undeclared = []
    source = root / "packages" / distribution / "src"
    modules = list(source.rglob("*.py"))
    assert modules
    for path in modules:
        allowed = set(declared(distribution, extra="testing" in path.relative_to(source).parts))
        for name in set(imported(path)) - OWN - set(sys.stdlib_module_names):
            provided_by = {found.lower().replace("_", "-") for found in providers.get(name, [name])}
            if not provided_by & allowed:
                undeclared.append(f"{path.relative_to(source)}: {name}")
    assert undeclared == []
