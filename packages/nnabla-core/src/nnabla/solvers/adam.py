"""Adam and its nearest relatives."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from nnabla.solvers.base import Solver

__all__ = ["AMSGRAD", "Adam", "AdamW", "Adamax", "corrected_rate", "moments"]


def moments(g: Any, mean: Any, var: Any, hyper: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the running averages of the gradient and its square."""
    beta1, beta2 = hyper["beta1"], hyper["beta2"]
    return beta1 * mean + (1 - beta1) * g, beta2 * var + (1 - beta2) * g * g


def corrected_rate(rate: float, t: int, hyper: Mapping[str, Any]) -> float:
    """Return the rate times what makes averages that began with 0 unbiased (``eps`` left as it is)."""
    return rate * math.sqrt(1 - hyper["beta2"] ** t) / (1 - hyper["beta1"] ** t)


class Adam(Solver, kernel="Adam"):
    r"""Adam.

    With running averages :math:`m` of the gradient and :math:`v` of its square the parameter becomes
    :math:`p - \alpha_t m / (\sqrt{v} + \epsilon)`, where
    :math:`\alpha_t = \alpha \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to the root.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015, section 2.
    """

    state_names = ("mean", "var")

    def __init__(self, alpha: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(alpha=alpha, beta1=beta1, beta2=beta2, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        mean, var = moments(g, states["mean"], states["var"], hyper)
        alpha = corrected_rate(hyper["alpha"], t, hyper)
        return p - alpha * mean / (xp.sqrt(var) + hyper["eps"]), {"mean": mean, "var": var}


class AdamW(Solver, kernel="AdamW"):
    r"""Adam with decoupled weight decay: :class:`Adam`'s step and :math:`- \frac{\alpha}{\alpha_0} \lambda p`.

    Args:
        alpha: Learning rate; :math:`\alpha_0` is the initial one.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to the root.
        wd: Weight decay :math:`\lambda`; ``weight_decay`` sets another for one update.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 2.
    """

    state_names = ("mean", "var")
    fused_weight_decay = True

    def __init__(
        self,
        alpha: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        wd: float = 1e-4,
    ) -> None:
        super().__init__(alpha=alpha, beta1=beta1, beta2=beta2, eps=eps, wd=wd)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        mean, var = moments(g, states["mean"], states["var"], hyper)
        alpha = corrected_rate(hyper["alpha"], t, hyper)
        decay = hyper["alpha"] / hyper["initial_rate"] * hyper["weight_decay"]
        step = alpha * mean / (xp.sqrt(var) + hyper["eps"])
        return p - step - decay * p, {"mean": mean, "var": var}


class Adamax(Solver, kernel="Adamax"):
    r"""Adam by the largest gradient instead of the mean square.

    With :math:`u \leftarrow \max(\beta_2 u, |g|)` the parameter becomes
    :math:`p - \frac{\alpha}{1 - \beta_1^t} m / (u + \epsilon)`.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the largest gradient, in [0, 1).
        eps: Added to the divisor.

    Source: Kingma and Ba, Adam: a method for stochastic optimization, 2015, section 7.1.
    """

    state_names = ("m", "u")

    def __init__(self, alpha: float = 2e-3, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> None:
        super().__init__(alpha=alpha, beta1=beta1, beta2=beta2, eps=eps)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        beta1 = hyper["beta1"]
        m = beta1 * states["m"] + (1 - beta1) * g
        u = xp.maximum(hyper["beta2"] * states["u"], xp.abs(g))
        alpha = hyper["alpha"] / (1 - beta1**t)
        return p - alpha * m / (u + hyper["eps"]), {"m": m, "u": u}


class AMSGRAD(Solver, kernel="AMSGRAD"):
    r"""Adam whose step never grows again: it divides by the largest mean square so far.

    With :math:`\hat v \leftarrow \max(\hat v, v)` the parameter becomes
    :math:`p - \alpha m / (\sqrt{\hat v} + \epsilon)`.

    Args:
        alpha: Learning rate.
        beta1: Decay of the average of gradients, in [0, 1).
        beta2: Decay of the average of squares, in [0, 1).
        eps: Added to the root.
        bias_correction: Correct the learning rate as :class:`Adam` does.

    Source: Reddi, Kale and Kumar, On the convergence of Adam and beyond, 2018, algorithm 2.
    """

    state_names = ("m", "v", "v_hat")

    def __init__(
        self,
        alpha: float = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        bias_correction: bool = False,
    ) -> None:
        super().__init__(alpha=alpha, beta1=beta1, beta2=beta2, eps=eps, bias_correction=bool(bias_correction))

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        m, v = moments(g, states["m"], states["v"], hyper)
        v_hat = xp.maximum(states["v_hat"], v)
        alpha = hyper["alpha"]
        if hyper["bias_correction"]:
            alpha = corrected_rate(alpha, t, hyper)
        return p - alpha * m / (xp.sqrt(v_hat) + hyper["eps"]), {"m": m, "v": v, "v_hat": v_hat}
