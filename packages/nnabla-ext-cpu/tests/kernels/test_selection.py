"""Kernels that choose between values, against NumPy's own functions, below and above the sizes where they differ."""

from __future__ import annotations

import numpy as np
import pytest

from nnabla_ext.cpu.kernels import selection

SHAPES = [(), (3,), (7, 5), (70, 61), (64, 64)]
DTYPES = [np.float32, np.float64]


def values(shape, dtype, seed=0) -> np.ndarray:
    """Normal values among which are zeros of either sign, infinities and NaN."""
    rng = np.random.RandomState(seed)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 0.5, -0.5, 1.5], shape)
    return np.asarray(np.where(rng.rand(*shape) < 0.3, special, rng.randn(*shape)), dtype)


def run(name: str, *inputs, **args):
    with np.errstate(invalid="ignore"):
        return selection.FORWARD_KERNELS[name](np, inputs, (None,), args)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_where_takes_values_bit_by_bit(shape, dtype) -> None:
    x, y = values(shape, dtype), values(shape, dtype, 1)
    condition = np.asarray(np.random.RandomState(2).rand(*shape) < 0.5)
    for a, b in [(x, y), (x, dtype(0)), (dtype(-2), y), (x.T.copy().T, y)]:
        a, b = np.asarray(a), np.asarray(b)
        found = run("Where", condition, a, b)
        np.testing.assert_array_equal(found, np.where(condition, a, b))
        assert found.dtype == dtype
        assert not np.shares_memory(found, x) and not np.shares_memory(found, y)


def test_where_of_a_condition_with_fewer_dimensions_chooses_rows() -> None:
    x, condition = values((64, 64), np.float32), np.arange(64) % 3 == 0
    expected = np.where(condition[:, None], x, 1)
    np.testing.assert_array_equal(run("Where", condition, x, np.ones((1, 64), np.float32)), expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("name", "function"), [("Maximum2", np.maximum), ("Minimum2", np.minimum)])
def test_a_number_on_either_side_bounds_values_and_nan_stays(name, function, shape, dtype) -> None:
    x = values(shape, dtype)
    for number in map(dtype, (0.25, -np.inf, np.inf, np.nan)):
        for inputs in ((x, np.asarray(number)), (np.asarray(number), x), (x, values(shape, dtype, 1))):
            np.testing.assert_array_equal(run(name, *inputs), function(*inputs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_signs_rounding_and_infinities(shape, dtype) -> None:
    x = values(shape, dtype)
    for alpha in (0.0, 1.0, -0.5):
        expected = np.where(x > 0, 1, np.where(x < 0, -1, alpha)).astype(dtype)
        np.testing.assert_array_equal(run("Sign", x, alpha=alpha), expected)
    expected = np.sign(x) * np.floor(np.abs(x) + 0.5)
    np.testing.assert_array_equal(run("Round", x), expected)
    np.testing.assert_array_equal(run("IsInf", x), np.isinf(x))


def test_just_below_a_half_is_rounded_to_zero() -> None:
    below = np.nextafter(np.float32(0.5), np.float32(0))
    np.testing.assert_array_equal(run("Round", np.array([below, -below, 0.5, -0.5], np.float32)), [0, 0, 1, -1])


@pytest.mark.parametrize("k", [-3, 0, 2])
def test_ones_on_a_diagonal(k: int) -> None:
    found = run("EyeLike", np.empty((4, 6), np.float32), k=k)
    np.testing.assert_array_equal(found, np.eye(4, 6, k))
    assert found.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_of_the_absolute_value_has_the_sign_of_the_input(shape, dtype) -> None:
    x, dy = values(shape, dtype), np.random.RandomState(1).randn(*shape)
    dy = np.asarray(dy, dtype)
    (found,) = selection.BACKWARD_KERNELS["Abs"].compute(np, (x,), (dy,), (True,), {})
    number = ~np.isnan(x)
    np.testing.assert_array_equal(found[number], np.where(x >= 0, dy, -dy)[number])
    np.testing.assert_array_equal(np.abs(found), np.abs(dy))
