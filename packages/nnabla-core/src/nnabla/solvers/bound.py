"""Adam and AMSGrad with bounds on each element's rate that close in on a constant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nnabla.solvers.adam import corrected_rate, moments
from nnabla.solvers.base import Solver

__all__ = ["AMSBound", "AdaBound"]


def _final_rate(hyper: Mapping[str, Any]) -> float:
    return float(hyper["final_lr"] * hyper["alpha"] / hyper["initial_rate"])


def _lower_bound(t: int, hyper: Mapping[str, Any]) -> float:
    return _final_rate(hyper) * (1 - 1 / (hyper["gamma"] * t + 1))


def _bounded_rate(xp: Any, alpha: float, v: Any, bounds: tuple[float, float], eps: float) -> Any:
    return xp.clip(alpha / (xp.sqrt(v) + eps), *bounds)


class AdaBound(Solver, kernel="AdaBound"):
    r"""Adam with dynamic bounds: from Adam at first to gradient descent with momentum at last.

    Each element's rate :math:`\alpha_t / (\sqrt{v} + \epsilon)` is kept between
    :math:`(1 - 1 / (\gamma t + 1)) \alpha^*` and :math:`(1 + 1 / (\gamma t)) \alpha^*`.
    :math:`\alpha^*` is ``final_lr`` times the present over the initial learning rate.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to the root.
        final_lr: Rate that the bounds approach.
        gamma: Pace of the bounds, 0 or more.

    Source: Luo, Xiong, Liu and Sun, Adaptive gradient methods with dynamic bound of learning rate, 2019.
    """

    state_names = ("mean", "var")

    def __init__(
        self,
        alpha: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        final_lr: float = 0.1,
        gamma: float = 0.001,
    ) -> None:
        super().__init__(alpha=alpha, beta1=beta1, beta2=beta2, eps=eps, final_lr=final_lr, gamma=gamma)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        mean, var = moments(g, states["mean"], states["var"], hyper)
        pace = hyper["gamma"] * t
        upper = _final_rate(hyper) * (1 + 1 / pace) if pace else math.inf
        alpha = corrected_rate(hyper["alpha"], t, hyper)
        rate = _bounded_rate(xp, alpha, var, (_lower_bound(t, hyper), upper), hyper["eps"])
        return p - rate * mean, {"mean": mean, "var": var}


class AMSBound(Solver, kernel="AMSBound"):
    r"""AMSGrad with dynamic bounds.

    The lower bound is that of :class:`AdaBound`. The upper one is :math:`(1 + t / \gamma) \alpha^*`, which grows,
    as in NNabla 1.39, where trainings were tuned with it; in the paper both approach :math:`\alpha^*`.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to the root.
        final_lr: Rate that the bounds approach.
        gamma: Pace of the bounds, 0 or more.
        bias_correction: Correct the learning rate as :class:`Adam` does.

    Source: Luo, Xiong, Liu and Sun, Adaptive gradient methods with dynamic bound of learning rate, 2019.
    """

    state_names = ("m", "v", "v_hat")

    def __init__(
        self,
        alpha: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        final_lr: float = 0.1,
        gamma: float = 0.001,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            final_lr=final_lr,
            gamma=gamma,
            bias_correction=bool(bias_correction),
        )

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        m, v = moments(g, states["m"], states["v"], hyper)
        v_hat = xp.maximum(states["v_hat"], v)
        alpha = hyper["alpha"]
        if hyper["bias_correction"]:
            alpha = corrected_rate(alpha, t, hyper)
        gamma = hyper["gamma"]
        upper = _final_rate(hyper) * (1 + t / gamma) if gamma else math.inf
        rate = _bounded_rate(xp, alpha, v_hat, (_lower_bound(t, hyper), upper), hyper["eps"])
        return p - rate * m, {"m": m, "v": v, "v_hat": v_hat}
