"""Steps whose length is measured by each parameter's norm, for large batches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nnabla.solvers.adam import moments
from nnabla.solvers.base import Solver

__all__ = ["Lamb", "Lars"]


def _norm(xp: Any, x: Any) -> Any:
    return xp.sqrt(xp.sum(x * x))


class Lars(Solver, kernel="Lars"):
    r"""LARS: momentum with a learning rate for each parameter.

    With :math:`v \leftarrow \mu v + \eta \lambda (g + \beta p)` and
    :math:`\lambda = c \|p\| / (\|g\| + \beta \|p\|)` (1 where :math:`\|p\|` is less than ``eps``) the parameter
    becomes :math:`p - v`.

    Args:
        lr: Learning rate :math:`\eta`.
        momentum: Decay :math:`\mu` of the sum of steps.
        coefficient: Trust coefficient :math:`c`.
        eps: Norm from which on a parameter's learning rate depends on it; added to a divisor less than it.

    ``weight_decay`` sets :math:`\beta` for the next update; it is 0 otherwise.

    Source: You, Gitman and Ginsburg, Large batch training of convolutional networks, 2017, algorithm 1.
    """

    state_names = ("v",)
    fused_weight_decay = True

    def __init__(self, lr: float = 1e-3, momentum: float = 0.9, coefficient: float = 0.001, eps: float = 1e-6) -> None:
        super().__init__(lr=lr, momentum=momentum, coefficient=coefficient, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        decay, eps = hyper["weight_decay"], hyper["eps"]
        norm = _norm(xp, p)
        divisor = _norm(xp, g) + decay * norm
        trust = hyper["coefficient"] * norm / xp.where(divisor < eps, divisor + eps, divisor)
        rate = hyper["lr"] * xp.where(norm < eps, xp.ones_like(norm), trust)
        v = hyper["momentum"] * states["v"] + rate * (g + decay * p)
        return p - v, {"v": v}


class Lamb(Solver, kernel="Lamb"):
    r"""LAMB: Adam's direction, as long as the parameter.

    With :math:`r = m / (\sqrt{v} + \epsilon) + \lambda p`, where :math:`m` and :math:`v` are running averages of
    the gradient and its square, the parameter becomes :math:`p - \eta \phi(\|p\|) r / \|r\|`; :math:`\phi` keeps
    the norm between ``gamma_l`` and ``gamma_u``. An :math:`r` shorter than ``eps`` is taken as it is.

    Args:
        eta: Learning rate :math:`\eta`.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        gamma_l: Smallest norm that a parameter counts with.
        gamma_u: Largest one.
        eps: Added to the root.
        bias_correction: Divide the averages by :math:`1 - \beta^t`.

    ``weight_decay`` sets :math:`\lambda` for the next update; it is 0 otherwise.

    Source: You et al., Large batch optimization for deep learning: training BERT in 76 minutes, 2020, algorithm 2.
    """

    state_names = ("mean", "var")
    fused_weight_decay = True

    def __init__(
        self,
        eta: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        gamma_l: float = 0.0,
        gamma_u: float = 10.0,
        eps: float = 1e-6,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(
            eta=eta,
            beta1=beta1,
            beta2=beta2,
            gamma_l=gamma_l,
            gamma_u=gamma_u,
            eps=eps,
            bias_correction=bool(bias_correction),
        )

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        mean, var = moments(g, states["mean"], states["var"], hyper)
        bias1 = bias2 = 1.0
        if hyper["bias_correction"]:
            bias1, bias2 = 1 - hyper["beta1"] ** t, 1 - hyper["beta2"] ** t
        r = mean / bias1 / (xp.sqrt(var) / math.sqrt(bias2) + hyper["eps"])
        r = r + hyper["weight_decay"] * p
        length = _norm(xp, r)
        counted = xp.clip(_norm(xp, p), hyper["gamma_l"], hyper["gamma_u"])
        one = xp.ones_like(length)
        is_short = length < hyper["eps"]
        ratio = xp.where(is_short, one, counted / xp.where(is_short, one, length))
        return p - hyper["eta"] * ratio * r, {"mean": mean, "var": var}
