"""Table of learned vectors as a class."""

from __future__ import annotations

import math
from typing import Any

from nnabla import functions as F
from nnabla.experimental.parametric_function_class.module import Initial, Module, new_parameter
from nnabla.graph.variable import Variable
from nnabla.initializer import UniformInitializer

__all__ = ["Embed"]


class Embed(Module):
    """Replaces each index by a learned vector.

    Args:
        n_inputs: Number of vectors, for instance of the words known.
        n_features: Length of a vector.
        w_init: Initial vectors, uniform from -sqrt(3) to sqrt(3) by default.
        fix_parameters: Make vectors that are not trained.

    Attributes:
        W: ``(n_inputs, n_features)``.
    """

    def __init__(
        self, n_inputs: int, n_features: int, w_init: Initial | None = None, fix_parameters: bool = False
    ) -> None:
        self.W = new_parameter("W", (n_inputs, n_features), w_init, _unit_variance, not fix_parameters)

    def __call__(self, inp: Variable) -> Any:
        """Compute ``inp.shape + (n_features,)`` from indices from 0 to ``n_inputs - 1``."""
        return F.embed(inp, self.W)


def _unit_variance() -> UniformInitializer:
    return UniformInitializer((-math.sqrt(3), math.sqrt(3)))
