"""The kernels of losses agree with the operators' bodies (which run on the backend named plain)."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.opaque import install


@pytest.mark.parametrize(
    ("shape", "axis"), [((6, 5), 1), ((2, 4, 3), 1), ((5,), 0), ((0, 3), 1), ((3, 2, 2), 0), ((2, 1), -1)]
)
@pytest.mark.parametrize("config", ["float", "double"])
def test_softmax_cross_entropy_also_with_labels_that_are_no_class(shape, axis: int, config: str) -> None:
    rng = np.random.RandomState(0)
    x = rng.randn(*shape) * 5
    target = rng.randint(-2, shape[axis] + 2, [1 if i == axis % len(shape) else n for i, n in enumerate(shape)])
    dy = rng.randn(*target.shape)
    results = []
    for ctx in (
        nn.ext_utils.get_extension_context("cpu", type_config=config),
        install()["plain"].context(type_config=config),
    ):
        with nn.context_scope(ctx):
            v = nn.Variable.from_numpy_array(x, need_grad=True)
            v.grad.zero()
            y = F.softmax_cross_entropy(v, nn.Variable.from_numpy_array(target), axis)
            y.forward()
            y.backward(dy)
            results.append((y.d, v.g))
    for found, plain in zip(*results):
        np.testing.assert_allclose(found, plain, 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["categorical_cross_entropy", "top_n_error", "confusion_matrix"])
@pytest.mark.parametrize(("shape", "axis"), [((60, 5), 1), ((2, 4, 30), 1), ((5,), 0), ((2, 0, 3), 1), ((3, 2, 2), 0)])
def test_measures_also_with_equal_scores_and_labels_that_are_no_class(name: str, shape, axis: int) -> None:
    if name == "confusion_matrix" and 0 in shape:
        pytest.skip("without classes there is no best one")
    rng = np.random.RandomState(0)
    x = np.round(rng.rand(*shape), 1)
    target = rng.randint(-2, shape[axis] + 2, [1 if i == axis else n for i, n in enumerate(shape)])
    results = []
    for ctx in (nn.ext_utils.get_extension_context("cpu"), install()["plain"].context()):
        with nn.context_scope(ctx):
            v = nn.Variable.from_numpy_array(x, need_grad=True)
            v.grad.zero()
            y = getattr(F, name)(v, nn.Variable.from_numpy_array(target), axis)
            y.forward()
            if name == "categorical_cross_entropy":
                y.backward(np.arange(1.0, y.size + 1).reshape(y.shape))
            results.append((y.d, v.g))
    for found, plain in zip(*results):
        np.testing.assert_allclose(found, plain, 1e-5, 1e-6)
