"""Modules, classes, methods and signatures are those of NNabla 1.39's public API."""

from __future__ import annotations

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FACTS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "facts" / "api.json").read_text())
NAMES = [(module, name) for module, names in FACTS.items() for name in names]


def find(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def names_and_defaults(signature: inspect.Signature) -> list[tuple[str, Any]]:
    return [
        (p.name, list(p.default) if isinstance(p.default, (list, tuple)) else p.default)
        for p in signature.parameters.values()
    ]


def parsed(text: str) -> list[tuple[str, Any]]:
    scope: dict[str, Any] = {}
    exec(f"def f{re.sub(r'/, ', '', text)}: pass", scope)
    return names_and_defaults(inspect.signature(scope["f"]))


def untyped(text: str) -> str:
    """Drop the Cython types that some signatures carry (``str mode='rw'``)."""
    return re.sub(r"\b(str|int|bool|float|NdArray) (\w+)", r"\2", text)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_name_and_signature(module: str, name: str) -> None:
    expected = FACTS[module][name]
    found = find(module, name)
    if isinstance(expected, str):
        if inspect.isclass(found):  # solvers are functions there and classes here
            assert names_and_defaults(inspect.signature(found)) == parsed(expected)
        else:
            assert names_and_defaults(inspect.signature(found)) == parsed(expected)
        return
    assert inspect.isclass(found)
    for member, text in expected.items():
        assert hasattr(found, member) or member in found.__annotations__, f"{name}.{member} is missing"
        if text in ("property", "attribute") or "*args" in text or member.startswith("__"):
            continue
        ours = [n for n, _ in names_and_defaults(inspect.signature(getattr(found, member)))]
        theirs = [n for n, _ in parsed(untyped(text))]
        assert ours[: len(theirs)] == theirs, f"{name}.{member}"


ATTRIBUTES = [
    "functions",
    "function_bases",
    "function",
    "random",
    "solver",
    "parameter",
    "utils",
    "config",
    "backward_functions",
    "logger",
    "initializer",
    "__version__",
]


def test_a_plain_import_gives_the_usual_attributes() -> None:
    code = "import nnabla as nn\n" + "\n".join(f"nn.{name}" for name in ATTRIBUTES)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_cheap_and_touches_no_plugin() -> None:
    """Less than 150 ms over NumPy's import: the best of a few tries, since machines are noisy."""
    code = (
        "import time, sys, numpy, numpy.random\n"
        "start = time.perf_counter()\n"
        "import nnabla\n"
        "print(time.perf_counter() - start)\n"
        "print([m for m in sys.modules if m.startswith(('nnabla_', 'h5py', 'google', 'pluggy', 'torch'))])\n"
        "print('importlib.metadata' in sys.modules)\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.splitlines()
        for _ in range(3)
    ]
    assert runs[0][1] == "[]"
    assert runs[0][2] == "False"
    assert min(float(run[0]) for run in runs) < 0.150


MODULES = [
    "nnabla.array.ndarray",
    "nnabla.auto_forward",
    "nnabla.backward_functions",
    "nnabla.context",
    "nnabla.ext_utils",
    "nnabla.function",
    "nnabla.function_bases",
    "nnabla.functions",
    "nnabla.grad",
    "nnabla.graph.function",
    "nnabla.graph.program",
    "nnabla.ops.definition",
    "nnabla.lowering.forward",
    "nnabla.ops.trace",
    "nnabla.parametric_functions",
    "nnabla.plugins",
    "nnabla.recompute",
    "nnabla.solver",
    "nnabla.solvers",
    "nnabla.testing.conformance",
    "nnabla.variable",
]


@pytest.mark.parametrize("module", MODULES)
def test_each_module_can_be_imported_first(module: str) -> None:
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
