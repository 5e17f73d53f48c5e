"""Table of learned vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnabla import functions as F
from nnabla.initializer import UniformInitializer
from nnabla.parametric_functions.api import Apply, Initial, parameter, parametric_function_api

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = ["embed"]


@parametric_function_api("embed", [("W", "Vectors", "(n_inputs, n_features)", True)])
def embed(
    inp: Input,
    n_inputs: int,
    n_features: int,
    initializer: Initial | None = None,
    fix_parameters: bool = False,
    apply_w: Apply | None = None,
) -> Input:
    """Replace each index by a learned vector.

    Args:
        inp: Indices from 0 to ``n_inputs - 1``, any shape.
        n_inputs: Number of vectors, for instance of the words known.
        n_features: Length of a vector.
        initializer: Initial vectors, uniform from -sqrt(3) to sqrt(3) by default.
        fix_parameters: Use the vectors without training them here.
        apply_w: Called with the vectors; what it returns is used in their place.

    Returns:
        ``inp.shape + (n_features,)``.
    """
    w = parameter("W", (n_inputs, n_features), initializer, _unit_variance, fix_parameters)
    if apply_w is not None:
        w = apply_w(w)
    return F.embed(inp, w)


def _unit_variance() -> UniformInitializer:
    return UniformInitializer((-math.sqrt(3), math.sqrt(3)))
