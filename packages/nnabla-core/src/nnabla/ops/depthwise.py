"""Convolutions of each channel by itself."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.convolution import convolution, deconvolution
from nnabla.ops.definition import operator
from nnabla.ops.geometry import check_bias, check_fit, check_layer, spatial_default
from nnabla.ops.spec import Float, Int, Shape

__all__ = ["depthwise_convolution", "depthwise_deconvolution"]

GROUP = "Neural Network Layer"


@operator("DepthwiseConvolution", group=GROUP, parameters=("weight", "bias"))
def depthwise_convolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0, 1),
    stride: Shape = spatial_default(1, 1),
    dilation: Shape = spatial_default(1, 1),
    multiplier: Int = 1,
) -> Any:
    """Convolution of each channel by itself.

    :math:`y_{m,o} = b_m + \\sum_k W_{m,k} \\, x_{c,\\, s o + d k - p}`, where map m is made of channel
    :math:`c = \\lfloor m / \\mathrm{multiplier} \\rfloor`, s is the stride, d the dilation, and p the padding.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (C * multiplier, kernel...); map ``m`` is made of channel ``m // multiplier``.
        bias: (C * multiplier,), optional.
        base_axis: Number of batch dimensions.
        pad: Zeros before and after each spatial dimension.
        stride: Step of the windows.
        dilation: Distance between a window's elements.
        multiplier: Number of maps per channel.
    Returns:
        Batch dimensions, then (C * multiplier, out...), sizes as of :func:`convolution`.
    Source: Chollet 2017, "Xception: deep learning with depthwise separable convolutions".
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.ones((1, 2, 3, 3)))
        >>> weight = nn.NdArray.from_numpy_array([[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
        >>> print(F.depthwise_convolution(x, weight).data[0, 1])
        [[4. 4.]
         [4. 4.]]
    """
    channels = x.shape[base_axis % len(x.shape)]
    kernel = reshape(weight, (weight.shape[0], 1, *weight.shape[1:]), False)
    return convolution(x, kernel, bias, base_axis, pad, stride, dilation, channels)


@depthwise_convolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    multiplier: int,
) -> None:
    name = "depthwise_convolution"
    check_layer(name, x, weight, base_axis, 1, pad=pad, stride=stride, dilation=dilation)
    base = base_axis % len(x)
    if weight[0] != x[base] * multiplier:
        raise ShapeError(
            f"{name}: weight {tuple(weight)} gives {weight[0]} maps, but x {tuple(x)} has {x[base]} "
            f"channels, times multiplier={multiplier}; make weight's first dimension "
            f"{x[base] * multiplier}"
        )
    check_fit(name, x[base + 1 :], weight[1:], stride, dilation, pad)
    check_bias(name, bias, weight[0])


@operator("DepthwiseDeconvolution", group=GROUP, parameters=("weight", "bias"))
def depthwise_deconvolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0, 1),
    stride: Shape = spatial_default(1, 1),
    dilation: Shape = spatial_default(1, 1),
    divisor: Int = 1,
) -> Any:
    """Transposed convolution of each channel by itself, the adjoint of :func:`depthwise_convolution`.

    :math:`y_{m,j} = b_m + \\sum_c \\sum_{(i, k):\\, s i + d k - p = j} W_{c,k} \\, x_{c,i}`, where c goes over the
    ``divisor`` channels of map m.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (C, kernel...).
        bias: (C / divisor,), optional.
        base_axis: Number of batch dimensions.
        pad: Elements cut off before and after each spatial dimension of the output.
        stride: Distance of the kernel's copies in the output.
        dilation: Distance between the kernel's elements.
        divisor: Number of channels that are summed to one map.
    Returns:
        Batch dimensions, then (C / divisor, out...), sizes as of :func:`deconvolution`.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[[1.0, 2.0]], [[3.0, 4.0]]]])
        >>> weight = nn.NdArray.from_numpy_array(np.ones((2, 1, 2)))
        >>> print(F.depthwise_deconvolution(x, weight, divisor=2).data[0])
        [[[ 4. 10.  6.]]]
    """
    channels = x.shape[base_axis % len(x.shape)]
    kernel = reshape(weight, (weight.shape[0], 1, *weight.shape[1:]), False)
    group = channels // divisor
    return deconvolution(x, kernel, bias, base_axis, pad, stride, dilation, group)


@depthwise_deconvolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    divisor: int,
) -> None:
    name = "depthwise_deconvolution"
    check_layer(name, x, weight, base_axis, 1, pad=pad, stride=stride, dilation=dilation)
    channels = x[base_axis % len(x)]
    if weight[0] != channels:
        raise ShapeError(
            f"{name}: weight {tuple(weight)} takes {weight[0]} channels but x {tuple(x)} has "
            f"{channels}; make weight's first dimension {channels}"
        )
    if divisor < 1 or channels % divisor:
        raise ShapeError(f"{name}: divisor={divisor} must divide the {channels} channels of x")
    check_bias(name, bias, channels // divisor)
