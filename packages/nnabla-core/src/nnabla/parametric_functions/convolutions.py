"""Convolution layers and their transposes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import (
    Apply,
    Initial,
    glorot,
    parameter,
    parametric_function_api,
)
from nnabla.parametric_functions.weight_shapes import filters, geometry

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = [
    "convolution",
    "deconvolution",
    "deformable_convolution",
    "depthwise_convolution",
    "depthwise_deconvolution",
]

Sizes = Sequence[int]


@parametric_function_api(
    "conv",
    [
        ("W", "Filters", "(outmaps, inmaps / group, *kernel)", True),
        ("b", "Bias", "(outmaps,)", True),
    ],
)
def convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    channel_last: bool = False,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    apply_w: Apply | None = None,
    apply_b: Apply | None = None,
) -> Input:
    """N-dimensional convolution with a bias; N is the length of ``kernel``.

    Args:
        inp: ``(..., inmaps, *spatial)``, or ``(..., *spatial, inmaps)`` with ``channel_last``.
        outmaps: Number of filters, that is channels of the output.
        kernel: Size of a filter in each spatial dimension.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        channel_last: Channels are the last dimension; the filters then have the shape
            ``(outmaps, *kernel, inmaps / group)``.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        apply_w: Called with the filters; what it returns is used in their place.
        apply_b: Called with the bias; what it returns is used in its place.

    Returns:
        As the input, with ``outmaps`` channels and spatial sizes
        ``(size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1``.
    """
    base_axis, shape, default = filters("convolution", inp, outmaps, kernel, group, base_axis, rng, channel_last)
    w = parameter("W", shape, w_init, default, fix_parameters)
    if apply_w is not None:
        w = apply_w(w)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
        if apply_b is not None:
            b = apply_b(b)
    return F.convolution(inp, w, b, base_axis, pad, stride, dilation, group, channel_last)


@parametric_function_api(
    "deformable_conv",
    [
        ("W", "Filters", "(outmaps, inmaps / group, *kernel)", True),
        ("b", "Bias", "(outmaps,)", True),
    ],
)
def deformable_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    offset: Input,
    mask: Input | None = None,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    deformable_group: int = 1,
    channel_last: bool = False,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    apply_w: Apply | None = None,
    apply_b: Apply | None = None,
) -> Input:
    """Two-dimensional convolution that samples its input at learned offsets.

    Source: Zhu, Hu, Lin, Dai 2018, "Deformable ConvNets v2".

    Args:
        inp: ``(N, inmaps, height, width)``.
        outmaps: Number of filters.
        kernel: Height and width of a filter.
        offset: ``(N, 2 * deformable_group * kernel elements, height, width)``.
        mask: ``(N, deformable_group * kernel elements, height, width)``, a factor on each sample;
            1 by default.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        deformable_group: Number of groups of channels with offsets of their own.
        channel_last: Channels are the last dimension.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        apply_w: Called with the filters; what it returns is used in their place.
        apply_b: Called with the bias; what it returns is used in its place.
    """
    base_axis, shape, default = filters(
        "deformable_convolution", inp, outmaps, kernel, group, base_axis, rng, channel_last
    )
    w = parameter("W", shape, w_init, default, fix_parameters)
    if apply_w is not None:
        w = apply_w(w)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
        if apply_b is not None:
            b = apply_b(b)
    return F.deformable_convolution(
        inp,
        w,
        offset,
        mask,
        b,
        base_axis,
        pad,
        stride,
        dilation,
        group,
        deformable_group,
        channel_last,
    )


@parametric_function_api(
    "depthwise_conv",
    [
        ("W", "Filters", "(inmaps * multiplier, *kernel)", True),
        ("b", "Bias", "(inmaps * multiplier,)", True),
    ],
)
def depthwise_convolution(
    inp: Input,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    multiplier: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Convolution of each channel with filters of its own.

    Source: Chollet 2017, "Xception: deep learning with depthwise separable convolutions".

    Args:
        inp: ``(..., inmaps, *spatial)``.
        kernel: Size of a filter in each spatial dimension.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        multiplier: Number of filters, that is channels of the output, for each channel.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, inmaps, sizes = geometry("depthwise_convolution", inp, kernel, base_axis)
    outmaps = inmaps * multiplier
    w = parameter("W", (outmaps, *sizes), w_init, glorot(inmaps, outmaps, sizes, rng), fix_parameters)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
    return F.depthwise_convolution(inp, w, b, base_axis, pad, stride, dilation, multiplier)


@parametric_function_api(
    "deconv",
    [
        ("W", "Filters", "(inmaps, outmaps / group, *kernel)", True),
        ("b", "Bias", "(outmaps,)", True),
    ],
)
def deconvolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    group: int = 1,
    channel_last: bool = False,
    output_padding: Sizes | None = None,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    apply_w: Apply | None = None,
    apply_b: Apply | None = None,
) -> Input:
    """The transpose of a convolution, which enlarges its input, with a bias.

    Args:
        inp: ``(..., inmaps, *spatial)``, or ``(..., *spatial, inmaps)`` with ``channel_last``.
        outmaps: Channels of the output.
        kernel: Size of a filter in each spatial dimension.
        pad: Elements cut from both sides of each spatial dimension of the output, 0 by default.
        stride: Distance in the output of the input's neighbours, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        channel_last: Channels are the last dimension; the filters then have the shape
            ``(inmaps, *kernel, outmaps / group)``.
        output_padding: Elements added at the end of each spatial dimension of the output.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
        apply_w: Called with the filters; what it returns is used in their place.
        apply_b: Called with the bias; what it returns is used in its place.

    Returns:
        As the input, with ``outmaps`` channels and spatial sizes
        ``stride * (size - 1) + dilation * (kernel - 1) + 1 - 2 * pad + output_padding``.
    """
    base_axis, inmaps, sizes = geometry("deconvolution", inp, kernel, base_axis, channel_last)
    share = outmaps // group
    shape = (inmaps, *sizes, share) if channel_last else (inmaps, share, *sizes)
    w = parameter("W", shape, w_init, glorot(inmaps, outmaps, sizes, rng), fix_parameters)
    if apply_w is not None:
        w = apply_w(w)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
        if apply_b is not None:
            b = apply_b(b)
    return F.deconvolution(inp, w, b, base_axis, pad, stride, dilation, group, channel_last, output_padding)


@parametric_function_api(
    "depthwise_deconv",
    [
        ("W", "Filters", "(inmaps, *kernel)", True),
        ("b", "Bias", "(inmaps / divisor,)", True),
    ],
)
def depthwise_deconvolution(
    inp: Input,
    kernel: Sizes,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    divisor: int = 1,
    w_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """The transpose of a depthwise convolution.

    Args:
        inp: ``(..., inmaps, *spatial)``.
        kernel: Size of a filter in each spatial dimension.
        pad: Elements cut from both sides of each spatial dimension of the output, 0 by default.
        stride: Distance in the output of the input's neighbours, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        divisor: Number of neighbouring channels that are added up to one.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, inmaps, sizes = geometry("depthwise_deconvolution", inp, kernel, base_axis)
    w = parameter("W", (inmaps, *sizes), w_init, glorot(inmaps, inmaps, sizes, rng), fix_parameters)
    b = None
    if with_bias:
        outmaps = inmaps // divisor
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
    return F.depthwise_deconvolution(inp, w, b, base_axis, pad, stride, dilation, divisor)
