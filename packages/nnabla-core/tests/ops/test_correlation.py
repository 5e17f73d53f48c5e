"""Correlation of patches, against its definition as loops."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.function_bases as FB
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.correlation import CASES, correlate

test_conformance = conformance(CASES)


@pytest.mark.parametrize("channel_last", [False, True])
def test_the_public_function_takes_both_layouts(channel_last: bool) -> None:
    rng = np.random.RandomState(0)
    arrays = [rng.randn(2, 4, 5, 3) for _ in range(2)]
    given = [a if channel_last else a.transpose(0, 3, 1, 2) for a in arrays]
    y = F.patch_correlation(
        *(nn.Variable.from_numpy_array(a) for a in given), patch=(2, 2), shift=(1, 2), channel_last=channel_last
    )
    y.forward()
    expected = correlate(*arrays, patch=(2, 2), shift=(1, 2))
    np.testing.assert_allclose(y.d, expected if channel_last else expected.transpose(0, 3, 4, 1, 2), 1e-4, 1e-5)
    # The node of function_bases is the operator itself.
    assert FB.patch_correlation(*(nn.Variable(a.shape) for a in arrays)).parent.info.type_name == "PatchCorrelation"


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        (((1, 4, 5, 2), (1, 4, 4, 2)), {}, "must have one shape"),
        (((4, 5, 2),) * 2, {}, "must have one shape"),
        (((1, 4, 5, 2),) * 2, dict(patch=(5, 1)), "does not fit"),
        (((1, 4, 5, 2),) * 2, dict(shift=(-1, 0)), r"shift=\(-1, 0\) must be 2 integers of 0"),
        (((1, 4, 5, 2),) * 2, dict(padding=(1, 1)), r"padding=\(1, 1\) must be 4"),
    ],
)
def test_bad_arguments_are_named(shapes, args, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        FB.patch_correlation(*(nn.Variable(s) for s in shapes), **args)
