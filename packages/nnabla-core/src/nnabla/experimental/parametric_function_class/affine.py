"""Fully connected layer as a class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla import functions as F
from nnabla.experimental.parametric_function_class.module import Initial, Module, new_parameter
from nnabla.graph.variable import Variable
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import glorot

__all__ = ["Affine", "Linear"]


class Affine(Module):
    """Fully connected layer, :math:`y = x W + b`.

    Args:
        n_inmaps: Size of an input vector, the product of the input's dimensions from ``base_axis`` on.
        n_outmaps: Size of an output vector; of a shape, the product is taken.
        base_axis: First dimension of the vector.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Make parameters that are not trained.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.

    Attributes:
        W: ``(n_inmaps, n_outmaps)``.
        b: ``(n_outmaps,)``, or None.
    """

    def __init__(
        self,
        n_inmaps: int,
        n_outmaps: int | Sequence[int],
        base_axis: int = 1,
        w_init: Initial | None = None,
        b_init: Initial | None = None,
        fix_parameters: bool = False,
        rng: np.random.RandomState | None = None,
        with_bias: bool = True,
    ) -> None:
        outmaps = math.prod(n_outmaps) if isinstance(n_outmaps, Sequence) else int(n_outmaps)
        trained = not fix_parameters
        self.base_axis = base_axis
        self.W = new_parameter("W", (n_inmaps, outmaps), w_init, glorot(n_inmaps, outmaps, (1, 1), rng), trained)
        self.b = new_parameter("b", (outmaps,), b_init, ConstantInitializer, trained) if with_bias else None

    def __call__(self, inp: Variable) -> Any:
        """Compute ``inp.shape[:base_axis] + (n_outmaps,)``."""
        return F.affine(inp, self.W, self.b, self.base_axis)


Linear = Affine
