"""The code of the tutorials and of the page on the CPU backend runs, block after block, and holds what it asserts."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted((DOCS / "tutorials").glob("*.md"))
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_of(page: Path) -> str:
    """Give the Python blocks of a page, everything else made blank, so that lines keep numbers."""
    text = page.read_text(encoding="utf-8")
    blank, position = [], 0
    for block in FENCE.finditer(text):
        blank.append(re.sub(r"[^\n]", "", text[position : block.start(1)]))
        blank.append(block.group(1))
        position = block.end(1)
    return "".join(blank)


@pytest.fixture
def clean_state(tmp_path, monkeypatch):
    import nnabla as nn

    monkeypatch.chdir(tmp_path)
    context = nn.get_current_context()
    nn.clear_parameters()
    yield
    nn.clear_parameters()
    nn.set_auto_forward(False)
    nn.set_default_context(context)


def test_there_are_tutorials():
    names = {page.stem for page in PAGES}
    assert names >= {
        "debugging",
        "graph_manipulation",
        "ndarray_manipulation",
        "nnabla_by_examples",
        "python_api",
        "static_and_dynamic",
    }


@pytest.mark.parametrize("page", [*PAGES, DOCS / "cpu.md"], ids=lambda page: page.stem)
def test_the_code_of_a_page_runs(page, clean_state):
    code = compile(code_of(page), str(page), "exec")
    namespace = {"__name__": f"tutorial_{page.stem}"}
    exec(code, namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_asserts_what_it_claims(page):
    code = code_of(page)
    assert code.count("assert") >= 10
    assert not re.search(r"^```(?!python$)\S", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_each_setting_of_the_cpu_backend_is_documented():
    import nnabla_ext.cpu
    from nnabla_ext.cpu import native

    text = (DOCS / "cpu.md").read_text(encoding="utf-8")
    names = {*nnabla_ext.cpu.__all__, *re.findall(r"NNABLA_CPU_\w+", Path(native.__file__).read_text(encoding="utf-8"))}
    assert names - {"context"}
    assert [name for name in sorted(names - {"context"}) if name not in text] == []
