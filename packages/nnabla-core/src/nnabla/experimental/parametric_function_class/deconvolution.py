"""Transposed convolution layers as classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nnabla import functions as F
from nnabla.experimental.parametric_function_class.module import Initial, Module, new_parameter
from nnabla.graph.variable import Variable
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import glorot, sizes_of

__all__ = ["Deconv1d", "Deconv2d", "Deconv3d", "DeconvNd", "Deconvolution"]


class Deconvolution(Module):
    """The transpose of a convolution, which enlarges its input, with a bias.

    Args:
        inmaps: Channels of the input.
        outmaps: Channels of the output.
        kernel: Size of a filter in each spatial dimension.
        pad: Elements cut from both sides of each spatial dimension of the output, 0 by default.
        stride: Distance in the output of the input's neighbours, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        group: Number of groups of channels that do not see each other.
        w_init: Initial filters, uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Make parameters that are not trained.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.

    Raises:
        ArgumentTypeError: ``kernel`` is not a sequence.

    Attributes:
        W: ``(inmaps, outmaps / group, *kernel)``.
        b: ``(outmaps,)``, or None.
    """

    def __init__(
        self,
        inmaps: int,
        outmaps: int,
        kernel: Sequence[int],
        pad: Sequence[int] | None = None,
        stride: Sequence[int] | None = None,
        dilation: Sequence[int] | None = None,
        group: int = 1,
        w_init: Initial | None = None,
        b_init: Initial | None = None,
        base_axis: int = 1,
        fix_parameters: bool = False,
        rng: np.random.RandomState | None = None,
        with_bias: bool = True,
    ) -> None:
        sizes = sizes_of("Deconvolution", "kernel", kernel)
        shape = (inmaps, outmaps // group, *sizes)
        trained = not fix_parameters
        self.base_axis = base_axis
        self.pad = pad
        self.stride = stride
        self.dilation = dilation
        self.group = group
        self.W = new_parameter("W", shape, w_init, glorot(inmaps, outmaps, sizes, rng), trained)
        self.b = new_parameter("b", (outmaps,), b_init, ConstantInitializer, trained) if with_bias else None

    def __call__(self, inp: Variable) -> Any:
        """Compute the output of ``inp``, ``(..., inmaps, *spatial)``."""
        return F.deconvolution(inp, self.W, self.b, self.base_axis, self.pad, self.stride, self.dilation, self.group)


Deconv1d = Deconv2d = Deconv3d = DeconvNd = Deconvolution
