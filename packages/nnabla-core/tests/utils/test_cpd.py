"""Canonical polyadic decomposition, against tensors of known factors and what the definitions say."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import nnabla as nn
from nnabla.utils.factorization.cpd import ALS


def known(*sizes: int, rank: int = 2) -> tuple[np.ndarray, list[np.ndarray]]:
    rng = np.random.RandomState(0)
    factors = [rng.randn(n, rank) for n in sizes]
    letters = "abcd"[: len(sizes)]
    return np.einsum(",".join(f"{c}r" for c in letters) + f"->{letters}", *factors), factors


@pytest.mark.parametrize("sizes", [(3, 4), (3, 4, 5), (3, 2, 4, 3)])
def test_a_tensor_of_low_rank_is_found_again(sizes: tuple[int, ...]) -> None:
    tensor, _ = known(*sizes)
    als = ALS()
    factors, weights = als.solve(tensor, 2, stopping_criterion=1e-14, rng=np.random.RandomState(1))
    assert [a.shape for a in factors] == [(n, 2) for n in sizes]
    np.testing.assert_allclose(als.approximate_tensor(factors, weights), tensor, atol=1e-4)
    assert all(a.max() <= 1 + 1e-12 for a in factors)


def test_products_leave_one_factor_out() -> None:
    _, factors = known(2, 3, 4)
    als = ALS()
    for n, (left, right) in enumerate([(1, 2), (0, 2), (0, 1)]):
        one, other = factors[left], factors[right]
        np.testing.assert_allclose(als.khatrirao_products(factors, n, False), one[:, None] * other[None])
        np.testing.assert_allclose(als.khatrirao_products(factors, n), other[:, None] * one[None])
        np.testing.assert_allclose(als.hadamard_products_of_gramians(factors, n), (one.T @ one) * (other.T @ other))


def test_weights_belong_to_the_outer_products() -> None:
    _, factors = known(2, 3, 4)
    found = ALS().approximate_tensor(factors, np.array([2.0, -1.0]))
    np.testing.assert_allclose(found, np.einsum("r,ir,jr,kr->ijk", [2, -1], *factors))


def test_regularization_makes_factors_smaller() -> None:
    tensor, _ = known(3, 4, 5)
    norms = [
        np.linalg.norm(ALS().solve(tensor, 2, 1, lambda_reg=value, rng=np.random.RandomState(1))[1])
        for value in (0.0, 1.0, 10.0)
    ]
    assert norms[0] > norms[1] > norms[2]


def test_the_seed_decides_where_it_begins() -> None:
    tensor, _ = known(3, 4, 5)
    found = []
    for _ in range(2):
        nn.seed(5)
        found.append(ALS().solve(tensor, 1, 1)[1])
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"rank": 0}, "rank=0 must be 1 or more"),
        ({"rank": 1, "max_iter": 0}, "max_iter=0 must be 1 or more"),
        ({"rank": 1, "lambda_reg": -0.5}, "lambda_reg=-0.5 must be 0 or more"),
        ({"rank": 1, "X": np.ones(3)}, r"X \(3,\) must have two dimensions"),
    ],
)
def test_what_cannot_be_decomposed_is_refused(args: dict, message: str) -> None:
    with pytest.raises((RuntimeError, ValueError), match=message):
        ALS().solve(**{"X": np.ones((2, 2, 2)), **args})


def test_the_signature_is_that_of_version_1() -> None:
    names = list(inspect.signature(ALS.solve).parameters)
    assert names == ["self", "X", "rank", "max_iter", "stopping_criterion", "lambda_reg", "dtype", "rng"]
