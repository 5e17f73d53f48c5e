"""The public signatures of parameters, layers and the small state modules."""

import importlib
import inspect
import json
import pathlib

import pytest

FACTS = json.loads((pathlib.Path(__file__).parent / "golden" / "parameter_signatures.json").read_text())


def without_annotations(callable_):
    signature = inspect.signature(callable_)
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [(module, name, expected) for module, names in FACTS.items() for name, expected in names.items()],
)
def test_signature_is_the_public_one(module, name, expected):
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert without_annotations(found) == expected
