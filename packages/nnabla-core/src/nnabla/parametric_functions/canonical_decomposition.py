"""Canonical polyadic decomposition: a tensor of three dimensions as a sum of outer products."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["decompose"]

Array = np.ndarray[Any, Any]


def decompose(
    tensor: Array,
    rank: int,
    rng: np.random.RandomState,
    most: int,
    enough: float,
    regularization: float,
) -> tuple[Array, Array, Array]:
    """Approximate a tensor by alternating least squares.

    Args:
        tensor: Three dimensions.
        rank: Number of outer products.
        rng: Source of the factors to begin with, uniform between 0 and 1.
        most: Number of rounds over the three factors at most, 1 or more.
        enough: Stop when a round changes the squared error, as a share of the tensor's squared norm, by less.
        regularization: Weight of the squared factors in what is minimized.

    Returns:
        A matrix of ``rank`` columns for each dimension: the tensor is about the sum over ``r`` of the outer products
        of their columns ``r``. Columns of the second and third have norm 1 after one round, and no entry above 1
        after more; the first holds what they lack.

    Source: Kolda, Bader 2009, "Tensor decompositions and applications", fig. 3.3.
    """
    unfolded = [np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1) for axis in range(3)]
    # The first factor is computed before it is read.
    factors = [np.empty((tensor.shape[0], rank)), *(rng.rand(size, rank) for size in tensor.shape[1:])]
    scale = np.ones(rank)
    total = float(np.sum(tensor * tensor))
    error = total
    for turn in range(most):
        for axis in range(3):
            one, other = (factors[i] for i in range(3) if i != axis)
            products = np.einsum("ir,jr->ijr", one, other).reshape(-1, rank)
            gram = (one.T @ one) * (other.T @ other) + regularization * np.eye(rank)
            found = unfolded[axis] @ products @ np.linalg.pinv(gram)
            scale = np.linalg.norm(found, axis=0) if turn == 0 else np.maximum(found.max(axis=0), 1.0)
            factors[axis] = found / np.where(scale == 0, 1.0, scale)
        before, error = error, _squared_error(tensor, factors, scale)
        if turn > 0 and abs(before - error) < enough * total:
            break
    return factors[0] * scale, factors[1], factors[2]


def _squared_error(tensor: Array, factors: list[Array], scale: Array) -> float:
    difference = tensor - np.einsum("r,ir,jr,kr->ijk", scale, *factors)
    return float(np.sum(difference * difference))
