"""AdaBelief: Adam by the deviation of gradients from their average."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nnabla.solvers.base import Solver

__all__ = ["AdaBelief"]


class AdaBelief(Solver, kernel="AdaBelief"):
    r"""AdaBelief.

    With the running average :math:`m` of the gradient and
    :math:`s \leftarrow \beta_2 s + (1 - \beta_2) (g - m)^2 + \epsilon` the parameter becomes
    :math:`p - \alpha \hat m / (\sqrt{\hat s} + \epsilon)`, where :math:`\hat m = m / (1 - \beta_1^t)`
    and :math:`\hat s = s / (1 - \beta_2^t)`.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to :math:`s` and to the root.
        wd: Weight decay where ``weight_decouple`` is true; ``weight_decay`` sets another for one update.
        amsgrad: Divide by the largest :math:`s` so far, which ``eps`` is added to instead.
        weight_decouple: Subtract ``alpha * wd * p`` from the parameter rather than decay by the gradient.
        fixed_decay: Decoupled decay does not follow the learning rate: subtract ``wd * p``.
        rectify: Scale the step by the certainty of :math:`s`, and take :math:`\alpha m` while it has none.

    Sources: Zhuang et al., AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, 2020;
    Liu et al., On the variance of the adaptive learning rate and beyond, 2020, algorithm 2 (``rectify``).
    """

    state_names: tuple[str, ...] = ("mean", "var")

    def __init__(
        self,
        alpha: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        wd: float = 0.0,
        amsgrad: bool = False,
        weight_decouple: bool = False,
        fixed_decay: bool = False,
        rectify: bool = False,
    ) -> None:
        super().__init__(
            alpha=alpha,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            wd=wd,
            amsgrad=bool(amsgrad),
            weight_decouple=bool(weight_decouple),
            fixed_decay=bool(fixed_decay),
            rectify=bool(rectify),
        )
        self.fused_weight_decay = bool(weight_decouple)
        if amsgrad:
            self.state_names = ("mean", "var", "s_max")

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        alpha, beta1, beta2, eps = (hyper[k] for k in ("alpha", "beta1", "beta2", "eps"))
        mean = beta1 * states["mean"] + (1 - beta1) * g
        deviation = g - mean
        var = beta2 * states["var"] + (1 - beta2) * deviation * deviation
        if hyper["amsgrad"]:
            s = xp.maximum(states["s_max"], var) + eps
            after = {"mean": mean, "var": var, "s_max": s}
        else:
            s = var + eps
            after = {"mean": mean, "var": s}
        bias1, bias2 = 1 - beta1**t, 1 - beta2**t
        certainty = _certainty(beta2, t) if hyper["rectify"] else 1.0
        if certainty is None:
            step = alpha * mean
        else:
            step = certainty * alpha / bias1 * mean / (xp.sqrt(s) / math.sqrt(bias2) + eps)
        if hyper["weight_decouple"]:
            rate = hyper["weight_decay"] * (1 if hyper["fixed_decay"] else alpha)
            step = step + rate * p
        return p - step, after


def _certainty(beta2: float, t: int) -> float | None:
    """Return the rectification of an adaptive rate at step ``t``, None where its variance is not finite."""
    last = 2 / (1 - beta2) - 1
    rho = last - 2 * t * beta2**t / (1 - beta2**t)
    if rho <= 4:
        return None
    return math.sqrt((rho - 4) * (rho - 2) * last / ((last - 4) * (last - 2) * rho))
