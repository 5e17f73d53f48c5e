"""Random arrays of other distributions, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nnabla.functions as F


def draw(function, *args):
    y = function(*args, shape=(20000,), seed=5)
    y.forward()
    return y.d


@pytest.mark.parametrize(("k", "theta"), [(0.5, 1), (1, 2), (0.05, 1), (3.7, 0.25), (40, 1)])
def test_rand_gamma(k: float, theta: float) -> None:
    assert stats.kstest(draw(F.rand_gamma, k, theta), "gamma", (k, 0, theta)).pvalue > 0.01


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.5), (1, 1), (2, 5), (0.1, 0.3), (30, 10)])
def test_rand_beta(alpha: float, beta: float) -> None:
    values = draw(F.rand_beta, alpha, beta)
    assert values.min() >= 0 and values.max() <= 1
    # Single precision has no numbers just below 1.
    inside = np.clip(values, 1e-30, 1 - 2.0**-24)
    grid = np.linspace(0.01, 0.99, 25)
    expected = stats.beta.cdf(grid, alpha, beta)
    assert np.abs((inside[:, None] <= grid).mean(0) - expected).max() < 0.0115  # the 1% point of Kolmogorov's test


@pytest.mark.parametrize(("n", "p"), [(1, 0.5), (10, 0.3), (40, 0.9), (5, 0.0), (5, 1.0), (0, 0.5)])
def test_rand_binomial(n: int, p: float) -> None:
    values = draw(F.rand_binomial, n, p)
    counts = np.bincount(values.astype(int), minlength=n + 1)
    expected = stats.binom.pmf(np.arange(n + 1), n, p) * len(values)
    common = expected > 5
    assert counts[~common].sum() < 40 + expected[~common].sum()
    if common.sum() > 1:
        both = [np.append(c[common], c[~common].sum() + 1) for c in (counts, expected)]
        assert stats.chisquare(both[0], both[1] * both[0].sum() / both[1].sum()).pvalue > 0.01
    else:
        assert counts[common] == len(values)


@pytest.mark.parametrize("function", [F.rand_gamma, F.rand_beta, F.rand_binomial])
def test_shape_seed_and_bad_arguments(function) -> None:
    for shape in ((), (2, 3), (0,)):
        y = function(shape=shape, seed=3)
        again = function(shape=shape, seed=3)
        y.forward(), again.forward()
        assert y.shape == shape
        np.testing.assert_array_equal(y.d, again.d)
    with pytest.raises(RuntimeError, match=f"{function.__name__}: .* must be"):
        function(-1, 0.5)
