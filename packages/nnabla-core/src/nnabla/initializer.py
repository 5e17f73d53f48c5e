"""Initial values of parameters: objects that turn a shape into a NumPy array.

The default generator is the one of `nnabla.random` at the time an initializer is *made*, so that a
network built after ``nn.seed(s)`` always starts from the same values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla import random
from nnabla.errors import ShapeError

if TYPE_CHECKING:
    from nnabla.variable import Variable

__all__ = [
    "BaseInitializer",
    "ConstantInitializer",
    "NormalInitializer",
    "OrthogonalInitializer",
    "RangeInitializer",
    "UniformInitializer",
    "UniformIntInitializer",
    "WeightNormalizationScaleInitializer",
    "calc_normal_std_glorot",
    "calc_normal_std_he_backward",
    "calc_normal_std_he_forward",
    "calc_uniform_lim_glorot",
]

Shape = Sequence[int]
Array = np.ndarray[Any, Any]


class BaseInitializer:
    """What an initializer is: a callable from a shape to a NumPy array of that shape."""

    def __call__(self, shape: Shape) -> Array:
        """The initial values.

        Args:
            shape: Sizes of the dimensions.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define __call__(shape)")


class NormalInitializer(BaseInitializer):
    """Draws from a normal distribution with mean 0, float32.

    Args:
        sigma: Standard deviation.
        rng: Source of the draws, `nnabla.random.prng` by default.
    """

    def __init__(self, sigma: float = 1.0, rng: np.random.RandomState | None = None) -> None:
        self.rng = random.prng if rng is None else rng
        self.sigma = sigma

    def __repr__(self) -> str:
        return f"NormalInitializer({self.sigma})"

    def __call__(self, shape: Shape) -> Array:
        return np.asarray(self.rng.randn(*shape) * self.sigma, dtype=np.float32)


class UniformInitializer(BaseInitializer):
    """Draws from a uniform distribution over ``[lim[0], lim[1])``, float32.

    Args:
        lim: Lower and upper limit.
        rng: Source of the draws, `nnabla.random.prng` by default.
    """

    def __init__(self, lim: tuple[float, float] = (-1, 1), rng: np.random.RandomState | None = None) -> None:
        self.rng = random.prng if rng is None else rng
        self.lim = lim

    def __repr__(self) -> str:
        return f"UniformInitializer({self.lim})"

    def __call__(self, shape: Shape) -> Array:
        return np.asarray(self.rng.uniform(self.lim[0], self.lim[1], size=shape), dtype=np.float32)


class UniformIntInitializer(BaseInitializer):
    """Draws integers from ``lim[0]`` to ``lim[1] - 1`` with equal probability, int64.

    Args:
        lim: Lowest value, and one more than the highest.
        rng: Source of the draws, `nnabla.random.prng` by default.
    """

    def __init__(self, lim: tuple[int, int] = (0, 10), rng: np.random.RandomState | None = None) -> None:
        self.rng = random.prng if rng is None else rng
        self.lim = lim

    def __repr__(self) -> str:
        return f"UniformIntInitializer({self.lim})"

    def __call__(self, shape: Shape) -> Array:
        # NumPy's default integer has 32 bits on some platforms; the draws do not depend on it.
        return np.asarray(self.rng.randint(self.lim[0], self.lim[1], size=shape), dtype=np.int64)


class ConstantInitializer(BaseInitializer):
    """The same value everywhere, float32."""

    def __init__(self, value: float = 0) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"ConstantInitializer({self.value})"

    def __call__(self, shape: Shape) -> Array:
        return np.full(shape, self.value, dtype=np.float32)


class RangeInitializer(BaseInitializer):
    """``start, start + step, ...`` along the last axis, repeated along the others.

    The dtype is int64 when both are integers, otherwise float64.

    Args:
        start: First value.
        step: Difference of neighbours.
    """

    def __init__(self, start: float = 0, step: float = 1) -> None:
        self.start = start
        self.step = step

    def __repr__(self) -> str:
        return f"RangeInitializer({self.start}, {self.step})"

    def __call__(self, shape: Shape) -> Array:
        length = _last_dimension("RangeInitializer", shape)
        integer = isinstance(self.start, int) and isinstance(self.step, int)
        steps: Array = np.arange(length, dtype=np.int64 if integer else np.float64)
        row = self.start + self.step * steps
        return np.broadcast_to(row, shape).copy()


class OrthogonalInitializer(BaseInitializer):
    """Orthonormal rows or columns, float32, of the matrix (first dimension, product of the others).

    Rows are orthonormal where there are no more rows than columns, otherwise columns are. They are
    singular vectors of a normal draw (Saxe, McClelland, Ganguli 2014).

    Args:
        gain: Factor on the result.
        rng: Source of the draws, `nnabla.random.prng` by default.
    """

    def __init__(self, gain: float = 1.0, rng: np.random.RandomState | None = None) -> None:
        self.rng = random.prng if rng is None else rng
        self.gain = gain

    def __repr__(self) -> str:
        return f"OrthogonalInitializer({self.gain})"

    def __call__(self, shape: Shape) -> Array:
        _last_dimension("OrthogonalInitializer", shape)
        matrix = (shape[0], math.prod(shape[1:]))
        left, _, right = np.linalg.svd(self.rng.randn(*matrix), full_matrices=False)
        orthonormal = left if left.shape == matrix else right
        return (orthonormal.reshape(shape) * self.gain).astype(np.float32)


class WeightNormalizationScaleInitializer(BaseInitializer):
    """The norms of a weight's present slices, so that weight normalization starts as an identity.

    Args:
        w: Weight that will be normalized.
        dim: Axis of the slices that each get a scale.
        eps: Added to the sum of squares.
    """

    def __init__(self, w: Variable, dim: int = 0, eps: float = 1e-12) -> None:
        self.w = w
        self.dim = dim
        self.eps = eps

    def __repr__(self) -> str:
        return f"WeightNormalizationScaleInitializer({self.w}, dim={self.dim}, eps={self.eps})"

    def __call__(self, shape: Shape) -> Array:
        weight = self.w.d
        axis = self.dim % weight.ndim
        others = tuple(i for i in range(weight.ndim) if i != axis)
        return np.sqrt(np.sum(weight**2, axis=others) + self.eps).astype(np.float32)


def _last_dimension(name: str, shape: Shape) -> int:
    if len(shape) == 0:
        raise ShapeError(f"{name}: needs a shape of one or more dimensions, got {tuple(shape)}")
    return shape[-1]


def calc_normal_std_he_forward(inmaps: int, outmaps: int, kernel: Sequence[int] = (1, 1)) -> float:
    """Standard deviation that keeps the variance of activations through ReLU layers.

    ``sqrt(2 / (inmaps * prod(kernel)))``; ``outmaps`` does not matter.
    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", eq. 10.
    """
    return float(np.sqrt(2.0 / (math.prod(kernel) * inmaps)))


def calc_normal_std_he_backward(inmaps: int, outmaps: int, kernel: Sequence[int] = (1, 1)) -> float:
    """Standard deviation that keeps the variance of gradients through ReLU layers.

    ``sqrt(2 / (outmaps * prod(kernel)))``; ``inmaps`` does not matter.
    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", eq. 14.
    """
    return float(np.sqrt(2.0 / (math.prod(kernel) * outmaps)))


def calc_normal_std_glorot(inmaps: int, outmaps: int, kernel: Sequence[int] = (1, 1)) -> float:
    """Standard deviation balanced between activations and gradients.

    ``sqrt(2 / (prod(kernel) * (inmaps + outmaps)))``.
    Source: Glorot, Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", eq. 12.
    """
    return float(np.sqrt(2.0 / (math.prod(kernel) * (inmaps + outmaps))))


def calc_uniform_lim_glorot(inmaps: int, outmaps: int, kernel: Sequence[int] = (1, 1)) -> tuple[float, float]:
    """Limits of the uniform distribution with the deviation of `calc_normal_std_glorot`.

    ``d = sqrt(6 / (prod(kernel) * (inmaps + outmaps)))``, returned as ``(-d, d)``.
    Source: Glorot, Bengio 2010, eq. 16.
    """
    limit = float(np.sqrt(6.0 / (math.prod(kernel) * (inmaps + outmaps))))
    return -limit, limit
