"""Convolutions by native kernels: results are channels last in memory, whatever their shape says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnabla_ext.cpu.kernels import convolution as over_numpy
from nnabla_ext.cpu.native import convolution_outer as outer
from nnabla_ext.cpu.native import module

__all__ = ["FORWARD_KERNELS"]


def convolution(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """Convolution."""
    x, weight, bias = inputs
    if not x.size or not weight.size:
        return over_numpy.convolution(xp, inputs, out, args)
    if len(args["pad"]) > outer.MOST:
        return outer.convolution(x, weight, bias, args)
    base, last = args["base_axis"] % x.ndim, args["channel_last"]
    return module.convolution(x, weight, bias, base, args["pad"], args["stride"], args["dilation"], args["group"], last)


def deconvolution(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """Deconvolution: the adjoint of a convolution over what it gives."""
    x, weight, bias = inputs
    pad, stride, dilation = args["pad"], args["stride"], args["dilation"]
    if not x.size or not weight.size:
        return over_numpy.deconvolution(xp, inputs, out, args)
    base, last = args["base_axis"] % x.ndim, args["channel_last"]
    first, kernel = (base, weight.shape[1:-1]) if last else (base + 1, weight.shape[2:])
    sizes = [
        s * (n - 1) + d * (k - 1) + 1 - 2 * p + q
        for n, k, s, d, p, q in zip(x.shape[first:], kernel, stride, dilation, pad, args["output_padding"])
    ]
    if len(pad) > outer.MOST:
        return outer.deconvolution(x, weight, bias, sizes, args)
    return module.convolution_data_gradient(x, weight, bias, base, sizes, pad, stride, dilation, args["group"], last)


def weight_gradient(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """The gradient of a convolution with respect to its weight."""
    x, dy = inputs
    if not x.size or not dy.size:
        return over_numpy.weight_gradient(xp, inputs, out, args)
    if len(args["kernel"]) > outer.MOST:
        return outer.weight_gradient(x, dy, args)
    base, last = args["base_axis"] % x.ndim, args["channel_last"]
    return module.convolution_weight_gradient(
        x, dy, args["kernel"], base, args["pad"], args["stride"], args["dilation"], args["group"], last
    )


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "Convolution": convolution,
    "ConvolutionWeightGradient": weight_gradient,
    "Deconvolution": deconvolution,
}
