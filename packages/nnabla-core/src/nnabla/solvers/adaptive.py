"""Learning rates that adapt to the squares of past gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnabla.solvers.base import Solver

__all__ = ["Adadelta", "Adagrad", "RMSprop", "RMSpropGraves"]


class Adagrad(Solver, kernel="Adagrad"):
    r"""Adagrad: :math:`v \leftarrow v + g^2`, :math:`p \leftarrow p - \eta g / (\sqrt{v} + \epsilon)`.

    Args:
        lr: Learning rate :math:`\eta`.
        eps: Added to the root.

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods, 2011.
    """

    state_names = ("v",)

    def __init__(self, lr: float = 1e-2, eps: float = 1e-8) -> None:
        super().__init__(lr=lr, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        v = states["v"] + g * g
        return p - hyper["lr"] * g / (xp.sqrt(v) + hyper["eps"]), {"v": v}


class RMSprop(Solver, kernel="RMSprop"):
    r"""RMSprop.

    With :math:`v \leftarrow \gamma v + (1 - \gamma) g^2` the parameter becomes
    :math:`p - \eta g / (\sqrt{v} + \epsilon)`.

    Args:
        lr: Learning rate :math:`\eta`.
        decay: Decay :math:`\gamma` of the average of squares, in [0, 1).
        eps: Added to the root.

    Source: Tieleman and Hinton, Neural networks for machine learning, lecture 6.5, 2012.
    """

    state_names = ("v",)

    def __init__(self, lr: float = 1e-3, decay: float = 0.9, eps: float = 1e-8) -> None:
        super().__init__(lr=lr, decay=decay, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        decay = hyper["decay"]
        v = decay * states["v"] + (1 - decay) * g * g
        return p - hyper["lr"] * g / (xp.sqrt(v) + hyper["eps"]), {"v": v}


class RMSpropGraves(Solver, kernel="RMSpropGraves"):
    r"""RMSprop by the gradient's variance, with momentum.

    With running averages :math:`n` of the gradient's square and :math:`\bar g` of the gradient,
    :math:`d \leftarrow \mu d - \eta g / \sqrt{n - \bar g^2 + \epsilon}` and :math:`p \leftarrow p + d`.

    Args:
        lr: Learning rate :math:`\eta`.
        decay: Decay of both averages, in [0, 1).
        momentum: Decay :math:`\mu` of the sum of steps.
        eps: Added under the root.

    Source: Graves, Generating sequences with recurrent neural networks, 2013, equations 38 to 41.
    """

    state_names = ("n", "g", "d")

    def __init__(self, lr: float = 1e-4, decay: float = 0.95, momentum: float = 0.9, eps: float = 1e-4) -> None:
        super().__init__(lr=lr, decay=decay, momentum=momentum, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        decay = hyper["decay"]
        n = decay * states["n"] + (1 - decay) * g * g
        mean = decay * states["g"] + (1 - decay) * g
        step = hyper["lr"] * g / xp.sqrt(n - mean * mean + hyper["eps"])
        d = hyper["momentum"] * states["d"] - step
        return p + d, {"n": n, "g": mean, "d": d}


class Adadelta(Solver, kernel="Adadelta"):
    r"""Adadelta: steps in the parameter's own unit, as large as past steps were.

    The step is :math:`\Delta = g \sqrt{(E[\Delta^2] + \epsilon) / (E[g^2] + \epsilon)}` with running
    averages :math:`E`, and :math:`p \leftarrow p - \eta \Delta`.

    Args:
        lr: Learning rate :math:`\eta`.
        decay: Decay of both averages, in [0, 1).
        eps: Added to the mean squares.

    Source: Zeiler, ADADELTA: an adaptive learning rate method, 2012, algorithm 1.
    """

    state_names = ("e_sqr_grad", "e_sqr_delta")

    def __init__(self, lr: float = 1.0, decay: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__(lr=lr, decay=decay, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        decay, eps = hyper["decay"], hyper["eps"]
        e_sqr_grad = decay * states["e_sqr_grad"] + (1 - decay) * g * g
        delta = g * xp.sqrt((states["e_sqr_delta"] + eps) / (e_sqr_grad + eps))
        e_sqr_delta = decay * states["e_sqr_delta"] + (1 - decay) * delta * delta
        return p - hyper["lr"] * delta, {"e_sqr_grad": e_sqr_grad, "e_sqr_delta": e_sqr_delta}
