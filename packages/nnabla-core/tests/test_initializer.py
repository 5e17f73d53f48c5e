import json
import pathlib

import numpy as np
import pytest

import nnabla.initializer as I
from nnabla import random

GOLDEN = json.loads((pathlib.Path(__file__).parent / "golden" / "initializers.json").read_text())


@pytest.fixture(autouse=True)
def usual_seed():
    yield
    random.seed(313)


@pytest.mark.parametrize(
    "case",
    GOLDEN["draws"],
    ids=lambda case: f"{case['initializer']}-{case['args']}-{case['shape']}",
)
def test_draws_and_text_equal_the_reference(case):
    random.seed(3)
    args = [tuple(arg) if isinstance(arg, list) else arg for arg in case["args"]]
    initializer = getattr(I, case["initializer"])(*args)
    for expected in case["values"]:
        values = initializer(tuple(case["shape"]))
        assert values.dtype == case["dtype"]
        assert values.shape == tuple(case["shape"])
        # LAPACK libraries differ in the last bits of singular vectors.
        exact = case["initializer"] != "OrthogonalInitializer"
        np.testing.assert_allclose(values, expected, rtol=0 if exact else 1e-5, atol=0)
    if case["repr"] is not None:
        assert repr(initializer) == case["repr"]


@pytest.mark.parametrize("case", GOLDEN["scales"], ids=lambda case: f"{case['function']}{case['args']}")
def test_scales_equal_the_reference(case):
    np.testing.assert_allclose(getattr(I, case["function"])(*case["args"]), case["result"], 1e-12)


@pytest.mark.parametrize("make", [I.NormalInitializer, I.UniformInitializer, I.OrthogonalInitializer])
def test_a_generator_of_ones_own_is_used(make):
    before = random.prng.get_state()[1].copy()
    first = make(rng=np.random.RandomState(1))((2, 3))
    second = make(rng=np.random.RandomState(1))((2, 3))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(random.prng.get_state()[1], before)


def test_the_generator_is_taken_when_the_initializer_is_made():
    random.seed(1)
    initializer = I.NormalInitializer()
    random.seed(2)
    expected = np.random.RandomState(1).randn(2).astype(np.float32)
    np.testing.assert_array_equal(initializer((2,)), expected)


def test_two_instances_and_two_calls_differ():
    one, other = I.UniformInitializer(), I.UniformInitializer()
    draws = [one((4,)), other((4,)), one((4,))]
    assert len({draw.tobytes() for draw in draws}) == 3


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 2, 3), (2, 9, 1)])
def test_orthogonal_rows_or_columns_are_orthonormal(shape):
    matrix = I.OrthogonalInitializer(2.0)(shape).reshape(shape[0], -1) / 2
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.T
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(len(matrix)), atol=1e-6)


@pytest.mark.parametrize("make", [I.OrthogonalInitializer, I.RangeInitializer])
def test_initializers_of_vectors_refuse_a_shape_without_dimensions(make):
    with pytest.raises(ValueError, match=f"{make.__name__}.*dimension"):
        make()(())


def test_the_base_class_says_what_is_missing():
    class Mine(I.BaseInitializer):
        pass

    with pytest.raises(NotImplementedError, match="Mine"):
        Mine()((1,))


def test_constant_and_range_show_their_arguments():
    assert repr(I.ConstantInitializer(0.5)) == "ConstantInitializer(0.5)"
    assert repr(I.RangeInitializer(1, 2)) == "RangeInitializer(1, 2)"


@pytest.mark.parametrize(("dim", "eps"), [(0, 1e-12), (1, 0.5), (-1, 1e-12)])
def test_scale_of_weight_normalization_is_the_norm_of_each_slice(dim, eps):
    from nnabla.variable import Variable

    values = np.random.RandomState(0).randn(3, 4, 2).astype(np.float32)
    weight = Variable.from_numpy_array(values)
    others = tuple(i for i in range(3) if i != dim % 3)
    initializer = I.WeightNormalizationScaleInitializer(weight, dim, eps)
    result = initializer((values.shape[dim],))
    np.testing.assert_allclose(result, np.sqrt((values**2).sum(others) + eps), rtol=1e-6)
    assert result.dtype == np.float32
    assert f"dim={dim}" in repr(initializer)
    weight.d = 2 * values
    later = initializer((values.shape[dim],))
    np.testing.assert_allclose(later, np.sqrt((4 * values**2).sum(others) + eps), rtol=1e-6)
