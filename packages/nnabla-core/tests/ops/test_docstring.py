"""Docstrings come apart into their sections, and those of functions are completed by their operator's."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import nnabla.composed
import nnabla.functions as F
from nnabla.ops.definition import all_operators
from nnabla.ops.docstring import combine, entries, read_docstring

TEXT = """What it is.

    More of it: as it was.

    Args:
        x: Any shape,
            and more.
        low, high: The range: both ends.
        *rest: Others.
    Returns:
        The shape of ``x``.
    Source: Somebody 1999, "A title, which
    goes on".
    Example:
        >>> print(1)
        1
    """


def test_sections_come_without_their_indentation() -> None:
    doc = read_docstring(TEXT)
    assert doc.description == "What it is.\n\nMore of it: as it was."
    assert list(doc.sections) == ["Args", "Returns", "Source", "Example"]
    assert doc.args == {
        "x": "Any shape, and more.",
        "low": "The range: both ends.",
        "high": "The range: both ends.",
        "rest": "Others.",
    }
    assert doc.sections["Returns"] == "The shape of ``x``."
    assert doc.sections["Source"] == 'Somebody 1999, "A title, which\ngoes on".'
    assert doc.sections["Example"] == ">>> print(1)\n1"


def test_a_docstring_that_is_missing_is_empty() -> None:
    assert read_docstring(None).description == ""
    assert read_docstring(None).args == {}


def test_text_without_names_has_no_entries() -> None:
    assert entries("(N, C): as it is") == {}
    assert entries("The shape of ``x``.") == {}


def test_a_function_takes_over_what_its_own_docstring_does_not_say() -> None:
    def called(x: Any, high: float, more: int) -> Any:
        """Something else.

        Args:
            high: Its own.
            more: What only it has.
        """

    doc = read_docstring(combine(called, TEXT))
    assert doc.description == "What it is.\n\nMore of it: as it was."
    assert list(doc.args.items()) == [
        ("x", "Any shape, and more."),
        ("high", "Its own."),
        ("more", "What only it has."),
    ]
    assert doc.sections["Returns"] == "The shape of ``x``."
    assert doc.sections["Example"] == ">>> print(1)\n1"


OPERATORS = {op.snake_name: op for op in all_operators().values() if not op.internal}
COMPOSED = [
    (name, module.__name__)
    for found in pkgutil.iter_modules(nnabla.composed.__path__)
    for module in [importlib.import_module(f"nnabla.composed.{found.name}")]
    for name in module.__all__
]


@pytest.mark.parametrize(("name", "module"), COMPOSED, ids=[name for name, _ in COMPOSED])
def test_help_of_a_function_names_all_of_its_parameters(name: str, module: str) -> None:
    function = getattr(F, name)
    assert function.__module__ == module
    doc = read_docstring(function.__doc__)
    parameters = set(inspect.signature(function).parameters) - {"outputs", "n_outputs"}
    assert parameters <= set(doc.args) <= parameters | {"n_outputs"}
    assert "Returns" in doc.sections
    if name in OPERATORS:
        theirs = read_docstring(OPERATORS[name].doc)
        assert doc.description == theirs.description
        assert doc.sections["Example"] == theirs.sections["Example"]
