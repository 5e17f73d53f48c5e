"""Gradient descent, plain and with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnabla.solvers.base import Solver

__all__ = ["Momentum", "Nesterov", "Sgd", "SgdW"]


class Sgd(Solver, kernel="Sgd"):
    r"""Gradient descent, :math:`p \leftarrow p - \eta g`.

    Args:
        lr: Learning rate :math:`\eta`.
    """

    def __init__(self, lr: float = 1e-3) -> None:
        super().__init__(lr=lr)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        return p - hyper["lr"] * g, {}


class Momentum(Solver, kernel="Momentum"):
    r"""Gradient descent with momentum, :math:`m \leftarrow \gamma m + \eta g`, :math:`p \leftarrow p - m`.

    Args:
        lr: Learning rate :math:`\eta`.
        momentum: Decay :math:`\gamma` of the sum of steps.

    Source: Qian, On the momentum term in gradient descent learning algorithms, 1999.
    """

    state_names = ("m",)

    def __init__(self, lr: float = 1e-3, momentum: float = 0.9) -> None:
        super().__init__(lr=lr, momentum=momentum)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        m = hyper["momentum"] * states["m"] + hyper["lr"] * g
        return p - m, {"m": m}


class Nesterov(Solver, kernel="Nesterov"):
    r"""Nesterov's accelerated gradient.

    With :math:`v' = \gamma v - \eta g` the parameter becomes :math:`p - \gamma v + (1 + \gamma) v'`.

    Args:
        lr: Learning rate :math:`\eta`.
        momentum: Decay :math:`\gamma` of the sum of steps.

    Source: Nesterov, A method of solving a convex programming problem with convergence rate O(1/k^2), 1983.
    """

    state_names = ("m",)

    def __init__(self, lr: float = 1e-3, momentum: float = 0.9) -> None:
        super().__init__(lr=lr, momentum=momentum)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        momentum, before = hyper["momentum"], states["m"]
        v = momentum * before - hyper["lr"] * g
        return p - momentum * before + (1 + momentum) * v, {"m": v}


class SgdW(Solver, kernel="SgdW"):
    r"""Gradient descent with momentum and decoupled weight decay.

    With :math:`m \leftarrow \gamma m + \eta g` the parameter becomes
    :math:`p - m - \frac{\eta}{\eta_0} \lambda p`, where :math:`\eta_0` is the initial learning rate.

    Args:
        lr: Learning rate :math:`\eta`.
        momentum: Decay :math:`\gamma` of the sum of steps.
        wd: Weight decay :math:`\lambda`; ``weight_decay`` sets another for one update.

    Source: Loshchilov and Hutter, Decoupled weight decay regularization, 2019, algorithm 1.
    """

    state_names = ("m",)
    fused_weight_decay = True

    def __init__(self, lr: float = 1e-3, momentum: float = 0.9, wd: float = 1e-4) -> None:
        super().__init__(lr=lr, momentum=momentum, wd=wd)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        m = hyper["momentum"] * states["m"] + hyper["lr"] * g
        decay = hyper["lr"] / hyper["initial_rate"] * hyper["weight_decay"]
        return p - m - decay * p, {"m": m}
