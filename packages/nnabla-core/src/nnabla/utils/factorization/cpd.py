"""Canonical polyadic decomposition: a tensor as a sum of outer products of vectors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from nnabla import random
from nnabla.errors import ArgumentError

__all__ = ["ALS"]

Array = np.ndarray[Any, Any]


class ALS:
    """Alternating least squares.

    A decomposition is a list of factors, matrices of ``rank`` columns, one for each dimension of the tensor, and the
    weights of the columns' outer products.

    Source: Kolda, Bader 2009, "Tensor decompositions and applications", fig. 3.3.
    """

    def solve(
        self,
        X: Array,
        rank: int,
        max_iter: int = 500,
        stopping_criterion: float = 1e-5,
        lambda_reg: float = 0.0,
        dtype: npt.DTypeLike = np.float32,
        rng: np.random.RandomState | None = None,
    ) -> tuple[list[Array], Array]:
        """Approximate a tensor.

        Args:
            X: The tensor, two dimensions or more.
            rank: Number of outer products, 1 or more.
            max_iter: Number of rounds over the factors at most, 1 or more.
            stopping_criterion: Stop when a round changes the squared error, as a share of the tensor's squared norm,
                by less.
            lambda_reg: Weight of the squared factors in what is minimized, 0 or more.
            dtype: Not used, as in version 1: results have double precision.
            rng: Source of the factors to begin with, uniform between 0 and 1; `nnabla.random.prng` by default.

        Returns:
            The factors, whose columns have norm 1 after one round and no entry above 1 after more, and the weights,
            ``(rank,)``.

        Raises:
            ArgumentError: A number is below its least value, or ``X`` has fewer than two dimensions.
        """
        for name, value, least in (("rank", rank, 1), ("max_iter", max_iter, 1), ("lambda_reg", lambda_reg, 0)):
            if value < least:
                raise ArgumentError(f"ALS.solve: {name}={value} must be {least} or more")
        X = np.asarray(X, np.float64)
        if X.ndim < 2:
            raise ArgumentError(f"ALS.solve: X {X.shape} must have two dimensions or more")
        source = random.prng if rng is None else rng
        # The first factor is computed before it is read.
        A = [np.zeros((X.shape[0], rank)), *(source.rand(size, rank) for size in X.shape[1:])]
        unfolded = [np.moveaxis(X, n, 0).reshape(X.shape[n], -1) for n in range(X.ndim)]
        total = float(np.sum(X * X))
        lmbda, error = np.ones(rank), total
        for turn in range(max_iter):
            for n in range(X.ndim):
                products = self.khatrirao_products(A, n, reverse=False).reshape(-1, rank)
                gram = self.hadamard_products_of_gramians(A, n) + lambda_reg * np.eye(rank)
                found = unfolded[n] @ products @ np.linalg.pinv(gram)
                lmbda = np.linalg.norm(found, axis=0) if turn == 0 else np.maximum(found.max(axis=0), 1.0)
                A[n] = found / np.where(lmbda == 0, 1.0, lmbda)
            difference = X - self.approximate_tensor(A, lmbda)
            before, error = error, float(np.sum(difference * difference))
            if turn > 0 and abs(before - error) < stopping_criterion * total:
                break
        return A, lmbda

    def khatrirao_product(self, X: Array, Y: Array) -> Array:
        """Return the outer products of the columns of X, (..., rank), and Y, (J, rank), as (..., J, rank)."""
        return np.einsum("...r,jr->...jr", X, Y)

    def khatrirao_products(self, A: Sequence[Array], n: int, reverse: bool = True) -> Array:
        """Return the products of all factors but ``A[n]``, the last one first if ``reverse``."""
        others = [a for m, a in enumerate(A) if m != n]
        return functools.reduce(self.khatrirao_product, others[::-1] if reverse else others)

    def hadamard_products_of_gramians(self, A: Sequence[Array], n: int) -> Array:
        """Return the elementwise product of the Gramians of all factors but ``A[n]``, (rank, rank)."""
        return functools.reduce(np.multiply, (a.T @ a for m, a in enumerate(A) if m != n))

    def approximate_tensor(self, A: Sequence[Array], lmbda: Array) -> Array:
        """Return the tensor that factors and weights stand for."""
        return self.khatrirao_products(A, -1, reverse=False) @ np.asarray(lmbda)
