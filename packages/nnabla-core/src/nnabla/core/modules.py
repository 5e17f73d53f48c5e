"""Modules that many image networks are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nnabla import functions as F
from nnabla import parametric_functions as PF
from nnabla.core.module import Module
from nnabla.errors import ArgumentError
from nnabla.graph.variable import Variable
from nnabla.parametric_functions.api import sizes_of

__all__ = ["ConvBn", "ResUnit", "complete_dims", "get_conv_same_pad"]

Sizes = int | Sequence[int]


def complete_dims(s: Sizes, dims: int) -> Sequence[int]:
    """Return one size for each of ``dims`` dimensions.

    Args:
        s: A number, which is repeated, or a sequence, which is returned as it is.
        dims: Number of dimensions.

    Raises:
        ArgumentError: The sequence has another length.
    """
    if not isinstance(s, Sequence):
        return (s,) * dims
    if len(s) != dims:
        raise ArgumentError(
            f"complete_dims: {s!r} has {len(s)} sizes for {dims} dimensions; give a number or {dims} sizes"
        )
    return s


def get_conv_same_pad(k: Sequence[int]) -> tuple[int, ...]:
    """Return the padding by which a convolution keeps the size: half of each size of the kernel, rounded down.

    Even sizes add 1 to the output's size, since as much is padded on either side.

    Raises:
        ArgumentTypeError: ``k`` is not a sequence.
    """
    return tuple(size // 2 for size in sizes_of("get_conv_same_pad", "k", k))


class ConvBn(Module):
    """Two-dimensional convolution without bias, padded to keep the size, then batch normalization.

    Args:
        outmaps: Number of channels of the output.
        kernel: Height and width of a filter, or one number for both.
        stride: Steps along height and width, or one number for both.
        act: Called with the result, for instance ``F.relu``; what it returns is the output.
    """

    def __init__(
        self, outmaps: int, kernel: Sizes = 1, stride: Sizes = 1, act: Callable[[Variable], Variable] | None = None
    ) -> None:
        self.outmaps = outmaps
        self.kernel = kernel
        self.stride = stride
        self.act = act

    def call(self, x: Variable, training: bool = True) -> Any:
        """Compute the output.

        Args:
            x: ``(N, C, H, W)``.
            training: Normalize by the batch's statistics and update the running ones; otherwise normalize by the
                running ones.

        Returns:
            ``(N, outmaps, H / stride, W / stride)``, rounded up, for kernels of odd sizes.
        """
        kernel = complete_dims(self.kernel, 2)
        pad = get_conv_same_pad(kernel)
        h = PF.convolution(x, self.outmaps, kernel, pad, complete_dims(self.stride, 2), with_bias=False)
        h = PF.batch_normalization(h, batch_stat=training)
        return h if self.act is None else self.act(h)


class ResUnit(Module):
    """Residual unit with a bottleneck of a quarter of the channels.

    Source: He, Zhang, Ren, Sun 2016, "Deep residual learning for image recognition", figure 5.

    Args:
        channels: Number of channels of the output, at least 4.
        stride: Step of the 3 by 3 convolution, and of that on the shortcut.
        skip_by_conv: Put a convolution on the shortcut; without it the input must have the shape of the output.

    Raises:
        ArgumentError: Fewer than 4 channels leave none for the bottleneck.
    """

    def __init__(self, channels: int, stride: Sizes = 1, skip_by_conv: bool = True) -> None:
        inner = int(channels // 4)
        if inner < 1:
            raise ArgumentError(
                f"ResUnit: channels={channels} leaves no channel for the bottleneck, a quarter of them; give 4 or more"
            )
        self.conv1 = ConvBn(inner, 1, act=F.relu)
        self.conv2 = ConvBn(inner, 3, stride, act=F.relu)
        self.conv3 = ConvBn(channels)
        self.skip = ConvBn(channels, 1, stride)
        self.skip_by_conv = skip_by_conv

    def call(self, x: Variable, training: bool = True) -> Any:
        """Compute the output.

        Args:
            x: ``(N, C, H, W)``.
            training: As in :class:`ConvBn`.

        Returns:
            ``(N, channels, H / stride, W / stride)``, rounded up.
        """
        h = self.conv3(self.conv2(self.conv1(x, training), training), training)
        return F.relu(F.add2(h, self.skip(x, training) if self.skip_by_conv else x))
