"""Random arrays of the binomial, gamma and beta distributions."""

from __future__ import annotations

import math
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError
from nnabla.ops.definition import operator
from nnabla.ops.internal import cast
from nnabla.ops.randomness import random_normal, random_uniform
from nnabla.ops.spec import Double, FloatArg, Int, Shape

GROUP = "Stochasticity"
#: Each attempt at a gamma variate is accepted with a probability above 0.95.
_ATTEMPTS = 6


@operator("RandBinomial", group=GROUP, differentiable=False)
def rand_binomial(n: Int = 1, p: FloatArg = 0.5, shape: Shape = (), seed: Int = -1) -> Any:
    """Numbers of successes in ``n`` attempts that each succeed with probability ``p``.

    :math:`P(y = k) = \\binom{n}{k} p^k (1 - p)^{n - k}`

    Args:
        n: Number of attempts, 0 or more; as many numbers are drawn per element.
        p: Probability, 0 to 1.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.rand_binomial(n=3, p=0.5, shape=(1000,), seed=1)
        >>> y.forward()
        >>> print(np.unique(y.d))
        [0. 1. 2. 3.]
    """
    return ops.sum(cast(ops.less(random_uniform((n, *shape)), p), "float"), (0,), False)


@rand_binomial.resolve
def _(n: int, p: float, shape: Any, seed: int) -> None:
    if n < 0 or not 0 <= p <= 1:
        raise ArgumentError(f"rand_binomial: n={n} must be 0 or more and p={p} from 0 to 1")


@operator("RandomLogGamma", internal=True, random=True, differentiable=False)
def random_log_gamma(k: Double, shape: Shape) -> Any:
    """Logarithms of gamma variates of the shape parameter ``k`` (Marsaglia, Tsang 2000)."""
    d = (k if k >= 1 else k + 1) - 1.0 / 3.0
    c = (9.0 * d) ** -0.5
    attempts = []
    for _ in range(_ATTEMPTS):
        z = random_normal(shape)
        root = ops.maximum2(z * c + 1.0, 1e-12)
        log_v = ops.log(root) * 3.0
        log_u = ops.log(random_uniform(shape) + 2.0**-25)
        accepted = ops.less(log_u, z * z * 0.5 + d + (log_v - root * root * root) * d)
        attempts.append((ops.logical_and(accepted, ops.greater(root, 1e-12)), log_v))
    result = attempts[0][1]
    for accepted, log_v in attempts[1:]:
        result = ops.where(accepted, log_v, result)
    if k < 1:
        # A variate of k + 1 times a power of a uniform number has the parameter k.
        return result + ops.log(random_uniform(shape) + 2.0**-25) * (1.0 / k) + math.log(d)
    return result + math.log(d)


@operator("RandGamma", group=GROUP, differentiable=False)
def rand_gamma(k: FloatArg = 0.5, theta: FloatArg = 1, shape: Shape = (), seed: Int = -1) -> Any:
    """Numbers drawn from a gamma distribution, with the density :math:`\\propto y^{k - 1} e^{-y / \\theta}`.

    Args:
        k: Shape parameter, above 0.
        theta: Scale, above 0; the mean is ``k * theta``.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.rand_gamma(k=2, theta=3, shape=(10000,), seed=1)
        >>> y.forward()
        >>> print(5.8 < y.d.mean() < 6.2)
        True
    """
    return ops.exp(random_log_gamma(k, shape)) * theta


@rand_gamma.resolve
def _(k: float, theta: float, shape: Any, seed: int) -> None:
    if not (k > 0 and theta > 0):
        raise ArgumentError(f"rand_gamma: k={k} and theta={theta} must be above 0")


@operator("RandBeta", group=GROUP, differentiable=False)
def rand_beta(alpha: FloatArg = 0.5, beta: FloatArg = 0.5, shape: Shape = (), seed: Int = -1) -> Any:
    """Numbers from 0 to 1 drawn from a beta distribution, with the density
    :math:`\\propto y^{\\alpha - 1} (1 - y)^{\\beta - 1}`.

    Args:
        alpha, beta: Parameters, above 0; the mean is ``alpha / (alpha + beta)``.
        shape: Sizes of the output.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        ``shape``.
    Example:
        >>> y = F.rand_beta(alpha=1, beta=3, shape=(10000,), seed=1)
        >>> y.forward()
        >>> print(0.23 < y.d.mean() < 0.27)
        True
    """
    # The share of one gamma variate in the sum of two; by their logarithms, as small ones are 0 in single precision.
    return ops.sigmoid(random_log_gamma(alpha, shape) - random_log_gamma(beta, shape))


@rand_beta.resolve
def _(alpha: float, beta: float, shape: Any, seed: int) -> None:
    if not (alpha > 0 and beta > 0):
        raise ArgumentError(f"rand_beta: alpha={alpha} and beta={beta} must be above 0")
