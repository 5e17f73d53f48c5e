"""How the sizes of a convolution hang together, and what is checked of them."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import prod
from nnabla.ops.reduction import sum_
from nnabla.ops.spec import per_input

__all__ = [
    "Geometry",
    "add_bias",
    "check_bias",
    "check_fit",
    "check_group",
    "check_layer",
    "deconvolved",
    "output_size",
    "spatial_default",
    "sum_for_bias",
]


def spatial_default(value: int, extra: int = 2) -> Any:
    """Return the default of a per-dimension argument: ``value`` for each spatial dimension.

    ``extra`` is the number of the weight's dimensions that are not spatial.
    """
    return per_input(lambda x, weight, *_: (value,) * max(len(weight) - extra, 0))


def output_size(n: int, k: int, s: int, d: int, p: int) -> int:
    """Return the number of windows over ``n`` elements padded by ``p`` on both sides."""
    return (n + 2 * p - (d * (k - 1) + 1)) // s + 1


class Geometry:
    """How a convolution's sizes hang together; spatial lists have one entry per dimension.

    Attributes:
        outer: Sizes of the batch dimensions; ``batch`` is their product.
        channels: Channels of the input.
        sizes: Spatial sizes of the input.
        kernel: Spatial sizes of the weight.
        ndim: Number of spatial dimensions.
        rows: First dimension of the weight; ``per_group`` its channels.
    """

    def __init__(self, x: Any, weight: Any, base_axis: int, channel_last: bool) -> None:
        base = base_axis % len(x)
        self.outer = tuple(x[:base])
        self.batch = prod(self.outer)
        rest = tuple(x[base:])
        self.channel_last = channel_last
        self.channels = rest[-1] if channel_last else rest[0]
        self.sizes = rest[:-1] if channel_last else rest[1:]
        self.kernel = tuple(weight[1:-1]) if channel_last else tuple(weight[2:])
        self.rows = weight[0]
        self.per_group = weight[-1] if channel_last else weight[1]
        self.ndim = len(self.sizes)

    def shape(self, channels: int, sizes: Any) -> tuple[int, ...]:
        """Return the shape that users see of ``channels`` of ``sizes``."""
        tail = (*sizes, channels) if self.channel_last else (channels, *sizes)
        return (*self.outer, *tail)

    def first(self, x: Any) -> Any:
        """Return an input as (batch, channels, sizes...)."""
        if self.channel_last:
            x = reshape(x, (self.batch, *self.sizes, self.channels), False)
            return transpose(x, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return reshape(x, (self.batch, self.channels, *self.sizes), False)

    def weight_first(self, weight: Any) -> Any:
        """Return the weight as (rows, channels per group, kernel...)."""
        if self.channel_last:
            return transpose(weight, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return weight

    def weight_back(self, weight: Any) -> Any:
        """The inverse of :meth:`weight_first`."""
        if self.channel_last:
            return transpose(weight, (0, *range(2, 2 + self.ndim), 1))
        return weight

    def maps(self, y: Any, sizes: Any) -> Any:
        """Bring (channels, batch, sizes...) into the layout that users see."""
        spatial = range(2, 2 + self.ndim)
        y = transpose(y, (1, *spatial, 0) if self.channel_last else (1, 0, *spatial))
        channels = y.shape[-1] if self.channel_last else y.shape[1]
        return reshape(y, self.shape(channels, sizes), False)

    def to_maps(self, y: Any, channels: int, sizes: Any) -> Any:
        """The inverse of :meth:`maps`."""
        if self.channel_last:
            y = reshape(y, (self.batch, *sizes, channels), False)
            return transpose(y, (self.ndim + 1, *range(self.ndim + 1)))
        y = reshape(y, (self.batch, channels, *sizes), False)
        return transpose(y, (1, 0, *range(2, 2 + self.ndim)))


def add_bias(y: Any, bias: Any, ndim: int, channel_last: bool) -> Any:
    """Add a value per channel."""
    if bias is None:
        return y
    shape = bias.shape if channel_last else (*bias.shape, *(1,) * ndim)
    return y + reshape(bias, shape, False)


def sum_for_bias(dy: Any, base_axis: int, channel_last: bool) -> Any:
    """The adjoint of :func:`add_bias`; ``base_axis`` counts from the front."""
    channel = len(dy.shape) - 1 if channel_last else base_axis
    return sum_(dy, tuple(a for a in range(len(dy.shape)) if a != channel), False)


# -- checks ------------------------------------------------------------------------------------------------
def check_layer(name: str, x: Any, weight: Any, base_axis: int, extra: int = 2, **spatial: Any) -> None:
    """Raise unless dimensions and per-dimension arguments fit together.

    Args:
        name: The operator.
        x, weight: Shapes.
        base_axis: Number of batch dimensions.
        extra: Dimensions of the weight that are not spatial.
        **spatial: Values per spatial dimension, by name.
    """
    if not -len(x) <= base_axis < len(x):
        raise ShapeError(f"{name}: base_axis={base_axis} is outside the {len(x)} dimensions of x {tuple(x)}")
    ndim = len(x) - base_axis % len(x) - 1
    if ndim < 1 or len(weight) != ndim + extra:
        raise ShapeError(
            f"{name}: x {tuple(x)} has {max(ndim, 0)} spatial dimensions after base_axis={base_axis} "
            f"and the channel, but weight {tuple(weight)} has {max(len(weight) - extra, 0)}"
        )
    for key, value in spatial.items():
        if len(value) != ndim:
            raise ShapeError(f"{name}: {key}={tuple(value)} needs one entry for each of {ndim} spatial dimensions")
        least = 0 if "pad" in key else 1
        if min(value) < least:
            raise ShapeError(f"{name}: {key}={tuple(value)} must be {least} or more")


def check_bias(name: str, bias: Any, maps: int) -> None:
    """Raise unless the bias has one value per output map."""
    if bias is not None and tuple(bias) != (maps,):
        raise ShapeError(f"{name}: bias {tuple(bias)} must be ({maps},), one value per output map")


def check_fit(name: str, sizes: Any, kernel: Any, stride: Any, dilation: Any, pad: Any) -> None:
    """Raise unless at least one window fits in each dimension."""
    for n, k, s, d, p in zip(sizes, kernel, stride, dilation, pad):
        if output_size(n, k, s, d, p) < 1:
            raise ShapeError(
                f"{name}: a kernel of {k} with dilation {d} does not fit into {n} elements padded by "
                f"{p} on both sides; make pad larger or the kernel smaller"
            )


def check_group(name: str, group: int, channels: int, what: str) -> None:
    if group < 1 or channels % group:
        raise ShapeError(f"{name}: group={group} must divide {what}, which is {channels}")


def deconvolved(g: Geometry, pad: Any, stride: Any, dilation: Any, output_padding: Any) -> Any:
    """Return the spatial sizes of a deconvolution's output."""
    return tuple(
        s * (n - 1) + d * (k - 1) + 1 - 2 * p + q
        for n, k, s, d, p, q in zip(g.sizes, g.kernel, stride, dilation, pad, output_padding)
    )
