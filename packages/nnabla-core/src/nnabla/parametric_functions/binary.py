"""Layers with binary weights, and layers whose weights are fixed to powers of two step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import (
    Initial,
    parameter,
    parametric_function_api,
    statistic,
)
from nnabla.parametric_functions.weight_shapes import filters, matrix

if TYPE_CHECKING:
    from nnabla import Variable
    from nnabla.parametric_functions.api import Input

__all__ = [
    "binary_connect_affine",
    "binary_connect_convolution",
    "binary_weight_affine",
    "binary_weight_convolution",
    "inq_affine",
    "inq_convolution",
]

_W = ("W", "Weights that are trained", "as of affine or convolution", True)
_WB = ("Wb", "Weights that are used", "as W", False)
_B = ("b", "Bias", "(outmaps,)", True)
_ALPHA = ("alpha", "Scale of each output", "(outmaps,)", False)
_I = ("I", "1 where a weight is fixed", "as W", False)

Sizes = Sequence[int]


@parametric_function_api("bicon_affine", [_W, _WB, _B])
def binary_connect_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    quantize_zero_to: float = 1.0,
    w_init: Initial | None = None,
    wb_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Fully connected layer with weights of -1 and 1.

    Source: Courbariaux, Bengio, David 2015, "BinaryConnect".

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        quantize_zero_to: What a weight of 0 becomes.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        wb_init: Initial binary weights, overwritten at forward.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = matrix("binary_connect_affine", inp, n_outmaps, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    wb = statistic("Wb", shape, wb_init, default)
    b = _bias(shape[1:], b_init, fix_parameters, with_bias)
    return F.binary_connect_affine(inp, w, wb, b, base_axis, quantize_zero_to)


@parametric_function_api("bicon_conv", [_W, _WB, _B])
def binary_connect_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    quantize_zero_to: float = 1.0,
    w_init: Initial | None = None,
    wb_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Convolution with weights of -1 and 1.

    Source: Courbariaux, Bengio, David 2015, "BinaryConnect".

    Args:
        inp: ``(..., inmaps, *spatial)``.
        outmaps: Number of filters.
        kernel: Size of a filter in each spatial dimension.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        quantize_zero_to: What a weight of 0 becomes.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        wb_init: Initial binary filters, overwritten at forward.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = filters("binary_connect_convolution", inp, outmaps, kernel, group, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    wb = statistic("Wb", shape, wb_init, default)
    b = _bias((outmaps,), b_init, fix_parameters, with_bias)
    return F.binary_connect_convolution(inp, w, wb, b, base_axis, pad, stride, dilation, group, quantize_zero_to)


@parametric_function_api("bwn_affine", [_W, _WB, _ALPHA, _B])
def binary_weight_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    quantize_zero_to: float = 1.0,
    w_init: Initial | None = None,
    wb_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Fully connected layer with weights of -1 and 1 and a scale for each output.

    Source: Rastegari, Ordonez, Redmon, Farhadi 2016, "XNOR-Net", section 3.1.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        quantize_zero_to: What a weight of 0 becomes.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        wb_init: Initial binary weights, overwritten at forward.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = matrix("binary_weight_affine", inp, n_outmaps, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    wb = statistic("Wb", shape, wb_init, default)
    alpha = statistic("alpha", shape[1:], None, ConstantInitializer)
    b = _bias(shape[1:], b_init, fix_parameters, with_bias)
    return F.binary_weight_affine(inp, w, wb, alpha, b, base_axis, quantize_zero_to)


@parametric_function_api("bwn_conv", [_W, _WB, _ALPHA, _B])
def binary_weight_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    quantize_zero_to: float = 1.0,
    w_init: Initial | None = None,
    wb_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Convolution with weights of -1 and 1 and a scale for each filter.

    Source: Rastegari, Ordonez, Redmon, Farhadi 2016, "XNOR-Net", section 3.1.

    Args:
        inp: ``(..., inmaps, *spatial)``.
        outmaps: Number of filters.
        kernel: Size of a filter in each spatial dimension.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        quantize_zero_to: What a weight of 0 becomes.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        wb_init: Initial binary filters, overwritten at forward.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = filters("binary_weight_convolution", inp, outmaps, kernel, group, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    wb = statistic("Wb", shape, wb_init, default)
    alpha = statistic("alpha", (outmaps,), None, ConstantInitializer)
    b = _bias((outmaps,), b_init, fix_parameters, with_bias)
    return F.binary_weight_convolution(inp, w, wb, alpha, b, base_axis, pad, stride, dilation, group, quantize_zero_to)


@parametric_function_api("inq_affine", [_W, _I, _B])
def inq_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    base_axis: int = 1,
    num_bits: int = 4,
    inq_iterations: Sequence[int] = (),
    selection_algorithm: str = "random",
    seed: int = -1,
    w_init: Initial | None = None,
    i_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Fully connected layer whose weights are fixed to powers of two, half of the rest at a time.

    Source: Zhou, Yao, Guo, Xu, Chen 2017, "Incremental network quantization".

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        base_axis: First dimension of the vector.
        num_bits: Bits of a weight.
        inq_iterations: Forwards after which half of the other weights are fixed; after the last one
            all are.
        selection_algorithm: ``'random'`` or ``'largest_abs'``.
        seed: Seed of the random selection, -1 for the global one.
        w_init: Initial weights, uniform by `calc_uniform_lim_glorot` by default.
        i_init: Initial indicators, 0 by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = matrix("inq_affine", inp, n_outmaps, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    i = statistic("I", shape, i_init, ConstantInitializer)
    b = _bias(shape[1:], b_init, fix_parameters, with_bias)
    return F.inq_affine(inp, w, i, b, base_axis, num_bits, inq_iterations, selection_algorithm, seed)


@parametric_function_api("inq_conv", [_W, _I, _B])
def inq_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    num_bits: int = 4,
    inq_iterations: Sequence[int] = (),
    selection_algorithm: str = "random",
    seed: int = -1,
    w_init: Initial | None = None,
    i_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Convolution whose weights are fixed to powers of two, half of the rest at a time.

    Source: Zhou, Yao, Guo, Xu, Chen 2017, "Incremental network quantization".

    Args:
        inp: ``(..., inmaps, *spatial)``.
        outmaps: Number of filters.
        kernel: Size of a filter in each spatial dimension.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        num_bits: Bits of a weight.
        inq_iterations: Forwards after which half of the other weights are fixed; after the last one
            all are.
        selection_algorithm: ``'random'`` or ``'largest_abs'``.
        seed: Seed of the random selection, -1 for the global one.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        i_init: Initial indicators, 0 by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = filters("inq_convolution", inp, outmaps, kernel, group, base_axis, rng)
    w = parameter("W", shape, w_init, default, fix_parameters)
    i = statistic("I", shape, i_init, ConstantInitializer)
    b = _bias((outmaps,), b_init, fix_parameters, with_bias)
    return F.inq_convolution(
        inp,
        w,
        i,
        b,
        base_axis,
        pad,
        stride,
        dilation,
        group,
        num_bits,
        inq_iterations,
        selection_algorithm,
        seed,
    )


def _bias(shape: tuple[int, ...], init: Initial | None, fix_parameters: bool, with_bias: bool) -> Variable | None:
    if not with_bias:
        return None
    return parameter("b", shape, init, ConstantInitializer, fix_parameters)
