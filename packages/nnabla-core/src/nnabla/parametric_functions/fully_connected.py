"""Fully connected layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import Apply, Initial, parameter, parametric_function_api
from nnabla.parametric_functions.weight_shapes import matrix

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = ["affine"]


@parametric_function_api(
    "affine",
    [
        ("W", "Weights", "(product of the input's dimensions from base_axis on, *n_outmaps)", True),
        ("b", "Bias", "(*n_outmaps)", True),
    ],
)
def affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    apply_w: Apply | None = None,
    apply_b: Apply | None = None,
) -> Input:
    """Fully connected layer, :math:`y = x W + b`.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector; negative counts from the last.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        apply_w: Called with the weights; what it returns is used in their place.
        apply_b: Called with the bias; what it returns is used in its place.

    Returns:
        ``inp.shape[:base_axis] + n_outmaps``.

    Raises:
        AxisError: ``base_axis`` is outside the input's dimensions.
        ParameterShapeError: Parameters of another shape exist under this name.
    """
    base_axis, shape, default = matrix("affine", inp, n_outmaps, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    if apply_w is not None:
        w = apply_w(w)
    if not with_bias:
        return F.affine(inp, w, None, base_axis)
    b = parameter("b", shape[1:], b_init, ConstantInitializer, fix_parameters)
    if apply_b is not None:
        b = apply_b(b)
    return F.affine(inp, w, b, base_axis)
