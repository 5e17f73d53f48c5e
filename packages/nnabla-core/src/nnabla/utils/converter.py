"""What file converters know about operators."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import all_operators
from nnabla.ops.spec import REQUIRED, ArgumentSpec, InputSpec, OutputSpec, PerInput

__all__ = ["get_category_info"]


def get_category_info() -> dict[str, dict[str, dict[str, Any]]]:
    """The operators by category.

    Returns:
        ``{category: {type name: table}}``. A table has ``snake_name``, ``doc``, ``inputs``,
        ``outputs`` and, if the operator has any, ``arguments``, each a dictionary by name in
        order. Inputs and outputs have those of ``optional``, ``variadic`` and ``parameter`` that
        are true. Arguments have ``type``, ``default`` unless required (a Python expression as
        text, or None if it depends on the inputs' shapes) and ``available_values`` if limited.
    """
    categories: dict[str, dict[str, dict[str, Any]]] = {}
    for name, operator in all_operators().items():
        if operator.internal:
            continue
        table: dict[str, Any] = {
            "snake_name": operator.snake_name,
            "doc": operator.doc,
            "inputs": {spec.name: _flags(spec) for spec in operator.inputs},
        }
        if operator.arguments:
            table["arguments"] = {spec.name: _argument(spec) for spec in operator.arguments}
        table["outputs"] = {spec.name: _flags(spec) for spec in operator.outputs}
        categories.setdefault(operator.group, {})[name] = table
    return categories


def _flags(spec: InputSpec | OutputSpec) -> dict[str, bool]:
    names = ("optional", "variadic", "parameter")
    return {name: True for name in names if getattr(spec, name, False)}


def _argument(spec: ArgumentSpec) -> dict[str, Any]:
    table: dict[str, Any] = {"type": spec.type_name}
    if spec.choices:
        table["available_values"] = list(spec.choices)
    if spec.default is not REQUIRED:
        table["default"] = None if isinstance(spec.default, PerInput) else repr(spec.default)
    return table
