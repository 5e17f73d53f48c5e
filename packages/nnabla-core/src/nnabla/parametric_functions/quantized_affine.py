"""Fully connected layers with quantized or pruned parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import Initial, parametric_function_api
from nnabla.parametric_functions.quantization import (
    constant_or,
    fixed_point,
    min_max,
    pow2,
    pruned,
    quantized_parameter,
)
from nnabla.parametric_functions.weight_shapes import matrix

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = [
    "fixed_point_quantized_affine",
    "min_max_quantized_affine",
    "pow2_quantized_affine",
    "pruned_affine",
]

_PARAMETERS = [
    ("W", "Weights", "(inmaps, *n_outmaps)", True),
    ("W_q", "Weights as they are used", "as W", False),
    ("b", "Bias", "(*n_outmaps)", True),
    ("b_q", "Bias as it is used", "as b", False),
]


@parametric_function_api("fp_quantized_affine", _PARAMETERS)
def fixed_point_quantized_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    quantize_w: bool = True,
    sign_w: bool = True,
    n_w: int = 8,
    delta_w: float = 0.0625,
    ste_fine_grained_w: bool = True,
    quantize_b: bool = True,
    sign_b: bool = True,
    n_b: int = 8,
    delta_b: float = 0.0625,
    ste_fine_grained_b: bool = True,
) -> Input:
    """Fully connected layer with weights and bias rounded to equally spaced levels.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        quantize_w: Quantize the weights.
        sign_w: Levels have both signs.
        n_w: Number of bits.
        delta_w: Distance of levels.
        ste_fine_grained_w: No gradient outside the range of levels.
        quantize_b: Quantize the bias.
        sign_b: Levels have both signs.
        n_b: Number of bits.
        delta_b: Distance of levels.
        ste_fine_grained_b: No gradient outside the range of levels.
    """
    base_axis, w_shape, w_default = matrix("fixed_point_quantized_affine", inp, n_outmaps, base_axis, rng)
    quantize_weights = fixed_point(quantize_w, sign=sign_w, n=n_w, delta=delta_w, ste_fine_grained=ste_fine_grained_w)
    quantize_bias = fixed_point(quantize_b, sign=sign_b, n=n_b, delta=delta_b, ste_fine_grained=ste_fine_grained_b)
    w = quantized_parameter("W", w_shape, w_init, w_default, fix_parameters, quantize_weights)
    b = None
    if with_bias:
        b = quantized_parameter("b", w_shape[1:], b_init, ConstantInitializer, fix_parameters, quantize_bias)
    return F.affine(inp, w, b, base_axis)


@parametric_function_api("min_max_quantized_affine", _PARAMETERS)
def min_max_quantized_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    quantize_w: bool = True,
    ql_min_w: int = 0,
    ql_max_w: int = 255,
    w_min_max: bool = False,
    qr_min_w_init: Initial | None = None,
    qr_max_w_init: Initial | None = None,
    ste_fine_grained_w: bool = True,
    quantize_b: bool = True,
    ql_min_b: int = 0,
    ql_max_b: int = 255,
    b_min_max: bool = False,
    qr_min_b_init: Initial | None = None,
    qr_max_b_init: Initial | None = None,
    ste_fine_grained_b: bool = True,
    eps: float = 0.01,
) -> Input:
    """Fully connected layer with weights and bias rounded to levels in learned ranges.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        quantize_w: Quantize the weights.
        ql_min_w: Lowest level.
        ql_max_w: Highest level.
        w_min_max: Use the range of the weights.
        qr_min_w_init: Initial value of the lowest level, -2 by default.
        qr_max_w_init: Initial value of the highest level, 2 by default.
        ste_fine_grained_w: No gradient outside the range.
        quantize_b: Quantize the bias.
        ql_min_b: Lowest level.
        ql_max_b: Highest level.
        b_min_max: Use the range of the bias.
        qr_min_b_init: Initial value of the lowest level, -6 by default.
        qr_max_b_init: Initial value of the highest level, 6 by default.
        ste_fine_grained_b: No gradient outside the range.
        eps: Smallest width of a range.
    """
    base_axis, w_shape, w_default = matrix("min_max_quantized_affine", inp, n_outmaps, base_axis, rng)
    quantize_weights = min_max(
        quantize_w,
        ql_min=ql_min_w,
        ql_max=ql_max_w,
        x_min_max=w_min_max,
        qr_min_init=constant_or(qr_min_w_init, -2.0),
        qr_max_init=constant_or(qr_max_w_init, 2.0),
        ste_fine_grained=ste_fine_grained_w,
        eps=eps,
        fix_parameters=fix_parameters,
        name="min_max_quantize_w",
    )
    quantize_bias = min_max(
        quantize_b,
        ql_min=ql_min_b,
        ql_max=ql_max_b,
        x_min_max=b_min_max,
        qr_min_init=constant_or(qr_min_b_init, -6.0),
        qr_max_init=constant_or(qr_max_b_init, 6.0),
        ste_fine_grained=ste_fine_grained_b,
        eps=eps,
        fix_parameters=fix_parameters,
        name="min_max_quantize_b",
    )
    w = quantized_parameter("W", w_shape, w_init, w_default, fix_parameters, quantize_weights)
    b = None
    if with_bias:
        b = quantized_parameter("b", w_shape[1:], b_init, ConstantInitializer, fix_parameters, quantize_bias)
    return F.affine(inp, w, b, base_axis)


@parametric_function_api("pow2_quantized_affine", _PARAMETERS)
def pow2_quantized_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    quantize_w: bool = True,
    sign_w: bool = True,
    with_zero_w: bool = False,
    n_w: int = 8,
    m_w: int = 2,
    ste_fine_grained_w: bool = True,
    quantize_b: bool = True,
    sign_b: bool = True,
    with_zero_b: bool = False,
    n_b: int = 8,
    m_b: int = 2,
    ste_fine_grained_b: bool = True,
) -> Input:
    """Fully connected layer with weights and bias rounded to powers of two.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        quantize_w: Quantize the weights.
        sign_w: Levels have both signs.
        with_zero_w: Zero is a level.
        n_w: Number of bits.
        m_w: The highest level is 2**m.
        ste_fine_grained_w: No gradient outside the range of levels.
        quantize_b: Quantize the bias.
        sign_b: Levels have both signs.
        with_zero_b: Zero is a level.
        n_b: Number of bits.
        m_b: The highest level is 2**m.
        ste_fine_grained_b: No gradient outside the range of levels.
    """
    base_axis, w_shape, w_default = matrix("pow2_quantized_affine", inp, n_outmaps, base_axis, rng)
    quantize_weights = pow2(
        quantize_w,
        sign=sign_w,
        with_zero=with_zero_w,
        n=n_w,
        m=m_w,
        ste_fine_grained=ste_fine_grained_w,
    )
    quantize_bias = pow2(
        quantize_b,
        sign=sign_b,
        with_zero=with_zero_b,
        n=n_b,
        m=m_b,
        ste_fine_grained=ste_fine_grained_b,
    )
    w = quantized_parameter("W", w_shape, w_init, w_default, fix_parameters, quantize_weights)
    b = None
    if with_bias:
        b = quantized_parameter("b", w_shape[1:], b_init, ConstantInitializer, fix_parameters, quantize_bias)
    return F.affine(inp, w, b, base_axis)


@parametric_function_api("pruned_affine", _PARAMETERS)
def pruned_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    prune_w: bool = True,
    rate_w: float = 0.9,
    prune_b: bool = True,
    rate_b: float = 0.9,
) -> Input:
    """Fully connected layer with the smallest weights and biases set to 0.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        prune_w: Prune the weights.
        rate_w: Share that becomes 0, 0 to 1.
        prune_b: Prune the bias.
        rate_b: Share that becomes 0, 0 to 1.
    """
    base_axis, w_shape, w_default = matrix("pruned_affine", inp, n_outmaps, base_axis, rng)
    quantize_weights = pruned(prune_w, rate_w)
    quantize_bias = pruned(prune_b, rate_b)
    w = quantized_parameter("W", w_shape, w_init, w_default, fix_parameters, quantize_weights)
    b = None
    if with_bias:
        b = quantized_parameter("b", w_shape[1:], b_init, ConstantInitializer, fix_parameters, quantize_bias)
    return F.affine(inp, w, b, base_axis)
