"""Function objects say of themselves what those of NNabla 1.39 say."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
FACTS: dict[str, Any] = json.loads((GOLDEN / "functions.json").read_text())

_spec = importlib.util.spec_from_file_location("function_cases", GOLDEN / "function_cases.py")
assert _spec is not None and _spec.loader is not None
function_cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(function_cases)

# Where ours differs on purpose: less is kept than 1.39 keeps, or more so that derivatives of any order follow.
DIFFERS = {
    "batch_normalization": {"reads inputs"},  # the gradient of gamma counts gamma as read
    "fused_batch_normalization": {"reads inputs", "reads outputs"},
    "layer_normalization": {"reads inputs", "keeps"},  # beta is not read, statistics are kept
    "prod": {"reads outputs"},  # right where factors are 0
    "reshape": {"reads outputs"},  # 1.39 keeps the output's data for a gradient that does not read it
    "spectral_norm": {"reads inputs", "reads outputs", "keeps"},
    # What 1.39 keeps without telling: the order, the draw.
    "sort": {"keeps"},
    "top_k_data": {"keeps"},
    "random_choice": {"keeps"},
    "random_crop": {"keeps"},
}


def test_the_golden_data_has_all_cases() -> None:
    assert list(FACTS) == list(function_cases.CASES)


@pytest.mark.parametrize("name", FACTS)
def test_a_function_says_what_it_says_in_the_reference(name: str) -> None:
    found, expected = function_cases.describe(function_cases.CASES[name]()), FACTS[name]
    differing = {key for key in expected if found[key] != expected[key]}
    assert differing == DIFFERS.get(name, set()), {key: (found[key], expected[key]) for key in differing}
