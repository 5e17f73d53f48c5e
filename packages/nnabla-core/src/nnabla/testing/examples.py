"""Run the examples of docstrings: what they print must be what they say."""

from __future__ import annotations

import doctest
import io

import numpy as np

import nnabla as nn
import nnabla.functions as F

__all__ = ["PRELUDE", "run_example"]

# What examples take as given.
PRELUDE = """\
>>> import numpy as np
>>> import nnabla as nn
>>> import nnabla.functions as F"""


def run_example(text: str, name: str) -> str:
    """Run lines as Python's prompt shows them and return what went wrong, or an empty string.

    Args:
        text: The lines, a section ``Example`` of a docstring.
        name: What a report calls it.
    """
    report = io.StringIO()
    names = {"np": np, "nn": nn, "F": F}
    test = doctest.DocTestParser().get_doctest(text + "\n", names, name, None, None)
    doctest.DocTestRunner(verbose=False).run(test, out=report.write)
    return report.getvalue()
