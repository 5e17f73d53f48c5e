"""Operators' docstrings are complete, their examples run, and the pages and pictures of docs/operators are true."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nnabla.ops.definition import find_operator
from nnabla.ops.docstring import entries, read_docstring
from nnabla.testing.examples import run_example

DOCS = Path(__file__).parents[4] / "docs"
PAGES = DOCS / "operators"
needs_pages = pytest.mark.skipif(not PAGES.exists(), reason="the documentation is not here")
NAMES = list(json.loads((Path(__file__).parent / "facts" / "functions.json").read_text()))


@pytest.mark.parametrize("name", NAMES)
def test_a_docstring_lacks_nothing(name: str) -> None:
    op = find_operator(name)
    doc = read_docstring(op.doc)
    assert doc.description
    assert ":math:" in doc.description, "there is no formula"
    assert set(doc.args) == {spec.name for spec in (*op.inputs, *op.arguments)}
    assert all(doc.args.values())
    returns = doc.sections["Returns"]
    assert returns
    if len(op.outputs) > 1:
        assert list(entries(returns)) == [spec.name for spec in op.outputs]
        assert all(entries(returns).values())
    assert f"F.{op.snake_name}(" in doc.sections["Example"], "the example shows something else"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_an_example_prints_what_it_says(name: str) -> None:
    example = read_docstring(find_operator(name).doc).sections["Example"]
    assert re.search(r"^(?!>>>|\.\.\.)", example, re.MULTILINE), "it prints nothing"
    assert run_example(example, name) == ""


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Compare the pages of a folder of documentation with what its script writes."""
    command = [sys.executable, "-W", "ignore", str(folder / "operator_pages.py")]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ)


@needs_pages
def test_the_pages_are_true() -> None:
    done = check(DOCS)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_pages
def test_a_page_that_is_not_true_is_named(tmp_path: Path) -> None:
    for name in ("operator_pages.py", "operator-table.md"):
        shutil.copy(DOCS / name, tmp_path)
    shutil.copytree(PAGES, tmp_path / "operators")
    page = tmp_path / "operators" / "ELU.md"
    page.write_text(page.read_text("utf-8").replace("alpha", "beta"), encoding="utf-8")
    (tmp_path / "operators" / "Gone.md").write_text("of an operator that there was")
    (tmp_path / "operators" / "Exp.md").unlink()
    done = check(tmp_path)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == [
        "ELU.md",
        "Exp.md",
        "Gone.md",
        "write them with: nox -s operator-pages -- --write",
    ]


@needs_pages
def test_each_operator_has_a_page_with_all_that_belongs_there() -> None:
    index = (PAGES / "README.md").read_text("utf-8")
    for name in NAMES:
        page = (PAGES / f"{name}.md").read_text("utf-8")
        op = find_operator(name)
        assert f"]({name}.md)" in index
        assert f"\n# {name}\n" in page
        assert f"nnabla.functions.{op.snake_name}(" in page
        assert "$`" in page or "```math" in page
        for heading in ("## Outputs", "## Example", "## Gradients and backends"):
            assert heading in page
        for spec in (*op.inputs, *op.arguments):
            assert re.search(rf"^\| `\*?{spec.name}`", page, re.MULTILINE), f"{name}: {spec.name}"


@needs_pages
def test_links_of_pages_lead_somewhere() -> None:
    for page in PAGES.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)):
            assert (PAGES / target).exists(), f"{page.name}: {target}"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("operator_pictures", DOCS / "operator_pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@needs_pages
def test_the_pictures_are_what_operators_compute(drawing: ModuleType) -> None:
    made = drawing.pictures()
    assert set(made) == {path.stem for path in (PAGES / "pictures").glob("*.svg")}
    assert {"ELU", "Pad", "Interpolate", "MaxPooling"} <= set(made) <= set(NAMES)
    for name, svg in made.items():
        there = (PAGES / "pictures" / f"{name}.svg").read_text("utf-8")
        assert NUMBER.sub("", svg) == NUMBER.sub("", there), f"{name}: write it with: nox -s operator-pages -- --write"
        # A last digit may differ between machines.
        numbers = [np.array(NUMBER.findall(text), float) for text in (svg, there)]
        np.testing.assert_allclose(*numbers, rtol=0, atol=0.21, err_msg=name)


@needs_pages
def test_pictures_are_small() -> None:
    sizes = [path.stat().st_size for path in (PAGES / "pictures").iterdir()]
    assert max(sizes) < 20_000
    assert sum(sizes) < 1_000_000


@needs_pages
def test_a_curve_is_drawn_where_the_function_goes(drawing: ModuleType) -> None:
    def double(x: object) -> object:
        return x * 2.0  # type: ignore[operator]

    svg = drawing.curve(double, 0, 1, 0, 2)
    lines = [np.array(NUMBER.findall(points), float).reshape(-1, 2) for points in re.findall(r'points="([^"]+)"', svg)]
    derivative, y = lines
    # From the lower left to the upper right corner of 300 by 190; the derivative is at the top.
    np.testing.assert_allclose(y[[0, -1]], [[0, 190], [300, 0]])
    np.testing.assert_allclose(derivative[:, 1], 0)
