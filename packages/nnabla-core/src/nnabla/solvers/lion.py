"""Lion: steps by signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nnabla.solvers.base import Solver

__all__ = ["Lion"]


class Lion(Solver, kernel="Lion"):
    r"""Lion: every element moves by the learning rate, in the direction of a sign.

    With :math:`u = \mathrm{sign}(\beta_1 m + (1 - \beta_1) g)` the parameter becomes
    :math:`p - \eta (u + \lambda p)`, and then :math:`m \leftarrow \beta_2 m + (1 - \beta_2) g`.

    Args:
        lr: Learning rate :math:`\eta`.
        beta1: Share of the average of gradients in the direction, in [0, 1).
        beta2: Decay of the average of gradients, in [0, 1).

    ``weight_decay`` sets :math:`\lambda` for the next update; it is 0 otherwise.

    Source: Chen et al., Symbolic discovery of optimization algorithms, 2023, program 1.
    """

    state_names = ("m",)
    fused_weight_decay = True

    def __init__(self, lr: float = 1e-4, beta1: float = 0.9, beta2: float = 0.99) -> None:
        super().__init__(lr=lr, beta1=beta1, beta2=beta2)

    @staticmethod
    def rule(
        xp: Any, p: Any, g: Any, states: Mapping[str, Any], t: int, hyper: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        beta1, beta2, m = hyper["beta1"], hyper["beta2"], states["m"]
        u = xp.sign(beta1 * m + (1 - beta1) * g)
        after = beta2 * m + (1 - beta2) * g
        return p - hyper["lr"] * (u + hyper["weight_decay"] * p), {"m": after}
