"""Schedulers: the learning rate of each iteration.

Give what :meth:`~BaseLearningRateScheduler.get_learning_rate` returns to ``Solver.set_learning_rate``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from nnabla.errors import ArgumentError

__all__ = [
    "BaseLearningRateScheduler",
    "CosineScheduler",
    "ExponentialScheduler",
    "LinearWarmupScheduler",
    "PolynomialScheduler",
    "StepScheduler",
]


class BaseLearningRateScheduler:
    """What a scheduler is: :meth:`get_learning_rate`."""

    def get_learning_rate(self, iter: int) -> float:
        """Return the learning rate of an iteration.

        Args:
            iter: Number of the iteration, from 0.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define get_learning_rate(iter)")


def _positive(scheduler: object, name: str, value: int) -> int:
    if not value > 0:
        raise ArgumentError(f"{type(scheduler).__name__}: {name} must be over 0, not {value!r}")
    return value


class PolynomialScheduler(BaseLearningRateScheduler):
    r"""Falls as :math:`\eta_0 (1 - i / n)^p`.

    Args:
        init_lr: Learning rate :math:`\eta_0` of iteration 0.
        max_iter: Iteration :math:`n` where it gets to 0.
        power: Exponent :math:`p`.
    """

    def __init__(self, init_lr: float, max_iter: int, power: float) -> None:
        self.init_lr = init_lr
        self.max_iter = _positive(self, "max_iter", max_iter)
        self.power = power

    def get_learning_rate(self, iter: int) -> float:
        return float(self.init_lr * (1 - iter / self.max_iter) ** self.power)


class CosineScheduler(BaseLearningRateScheduler):
    r"""Falls as :math:`\frac{\eta_0}{2} (1 + \cos(\pi i / n))`.

    Args:
        init_lr: Learning rate :math:`\eta_0` of iteration 0.
        max_iter: Iteration :math:`n` where it gets to 0.

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, equation 5.
    """

    def __init__(self, init_lr: float, max_iter: int) -> None:
        self.init_lr = init_lr
        self.max_iter = _positive(self, "max_iter", max_iter)

    def get_learning_rate(self, iter: int) -> float:
        return float(self.init_lr * 0.5 * (1 + math.cos(math.pi * iter / self.max_iter)))


class ExponentialScheduler(BaseLearningRateScheduler):
    r"""Falls as :math:`\eta_0 \gamma^{\lfloor i / k \rfloor}`.

    Args:
        init_lr: Learning rate :math:`\eta_0` of iteration 0.
        gamma: Factor :math:`\gamma`.
        iter_interval: Number :math:`k` of iterations between two changes.
    """

    def __init__(self, init_lr: float, gamma: float, iter_interval: int = 1) -> None:
        self.init_lr = init_lr
        self.gamma = gamma
        self.iter_interval = _positive(self, "iter_interval", iter_interval)

    def get_learning_rate(self, iter: int) -> float:
        return float(self.init_lr * self.gamma ** (iter // self.iter_interval))


class StepScheduler(BaseLearningRateScheduler):
    r"""Multiplied by :math:`\gamma` at each of some iterations.

    Args:
        init_lr: Learning rate of iteration 0.
        gamma: Factor :math:`\gamma`.
        iter_steps: Iterations from which on the factor holds, once more for each.
    """

    def __init__(self, init_lr: float, gamma: float, iter_steps: Sequence[int]) -> None:
        self.init_lr = init_lr
        self.gamma = gamma
        self.iter_steps = iter_steps

    def get_learning_rate(self, iter: int) -> float:
        passed = sum(step <= iter for step in self.iter_steps)
        return float(self.init_lr * self.gamma**passed)


class LinearWarmupScheduler(BaseLearningRateScheduler):
    r"""Another scheduler, whose rate is multiplied by :math:`(i + 1) / n` in the first :math:`n` iterations.

    Args:
        scheduler: The other scheduler.
        warmup_iter: Number :math:`n` of iterations; 0 for none.

    Source: Goyal et al., Accurate, large minibatch SGD: training ImageNet in 1 hour, 2018, section 2.2.
    """

    def __init__(self, scheduler: BaseLearningRateScheduler, warmup_iter: int) -> None:
        self.scheduler = scheduler
        self.warmup_iter = warmup_iter

    def get_learning_rate(self, iter: int) -> float:
        rate = self.scheduler.get_learning_rate(iter)
        return rate * (iter + 1) / self.warmup_iter if iter < self.warmup_iter else rate
