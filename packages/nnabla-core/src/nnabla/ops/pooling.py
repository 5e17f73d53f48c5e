"""Pooling: a reduction over windows."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import Result, operator, prod
from nnabla.ops.internal import arg_max, cast, one_hot_along, ones
from nnabla.ops.reduction import max_, mean, sum_
from nnabla.ops.spec import Boolean, Float, Index, Shape
from nnabla.ops.windows import fold, unfold

__all__ = [
    "Windows",
    "average_pooling",
    "global_average_pooling",
    "max_pooling",
    "max_pooling_backward",
    "put_in_windows",
    "spread_in_windows",
    "sum_pooling",
    "unpooling",
]

GROUP = "Neural Network Layer"


def pooled_size(n: int, k: int, s: int, p: int, ignore_border: bool) -> int:
    """Return the number of windows over ``n`` elements padded by ``p`` on both sides.

    With ``ignore_border`` only whole windows count, except that one window larger than everything counts if it
    is no more than a stride too large; else every window counts that starts before the padding after the end.
    """
    if not ignore_border:
        return -(-(n + p) // s)
    return int((n + 2 * p - k) / s) + 1


class Windows:
    """How pooling sees its input: images one below the other, and the windows over each.

    Attributes:
        outer, sizes, tail: The input's shape: leading dimensions, spatial ones, the channel if it is last.
        out: Number of windows in each spatial dimension.
        images: Number of images.
    """

    def __init__(self, x: Any, kernel: Any, stride: Any, pad: Any, ignore_border: bool, channel_last: bool) -> None:
        ndim = len(kernel)
        self.shape = tuple(x)
        self.channel_last = channel_last
        self.tail = (x[-1],) if channel_last else ()
        end = len(x) - len(self.tail)
        self.outer, self.sizes = tuple(x[: end - ndim]), tuple(x[end - ndim : end])
        self.kernel, self.stride, self.pad = kernel, stride, pad
        self.ndim = ndim
        self.out = tuple(pooled_size(n, k, s, p, ignore_border) for n, k, s, p in zip(self.sizes, kernel, stride, pad))
        self.images = prod(self.outer) * prod(self.tail)

    def columns(self, x: Any, fill: float) -> Any:
        """Return (images, taps, out...)."""
        if self.channel_last:
            x = reshape(x, (prod(self.outer), *self.sizes, *self.tail), False)
            x = transpose(x, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        x = reshape(x, (1, self.images, *self.sizes), False)
        dilation = (1,) * self.ndim
        columns = unfold(x, self.kernel, self.stride, dilation, self.pad, self.out, fill)
        return reshape(columns, (self.images, prod(self.kernel), *self.out), False)

    def spread(self, columns: Any) -> Any:
        """The adjoint of :meth:`columns`."""
        shape = (self.images, prod(self.kernel), 1, *self.out)
        dilation = (1,) * self.ndim
        columns = reshape(columns, shape, False)
        x = fold(columns, self.kernel, self.stride, dilation, self.pad, self.sizes)
        if self.channel_last:
            x = reshape(x, (prod(self.outer), *self.tail, *self.sizes), False)
            x = transpose(x, (0, *range(2, 2 + self.ndim), 1))
        return reshape(x, self.shape, False)

    def result(self, y: Any) -> Any:
        """Bring (images, out...) into the layout of the input."""
        if self.channel_last:
            y = reshape(y, (prod(self.outer), *self.tail, *self.out), False)
            y = transpose(y, (0, *range(2, 2 + self.ndim), 1))
        return reshape(y, (*self.outer, *self.out, *self.tail), False)

    def images_of(self, dy: Any) -> Any:
        """The inverse of :meth:`result`, with an axis of size 1 for the taps."""
        if self.channel_last:
            dy = reshape(dy, (prod(self.outer), *self.out, *self.tail), False)
            dy = transpose(dy, (0, self.ndim + 1, *range(1, self.ndim + 1)))
        return reshape(dy, (self.images, 1, *self.out), False)

    def inside(self) -> bool:
        """Whether every window is full: none reaches over the padding's end."""
        return all(
            (o - 1) * s + k <= n + 2 * p
            for o, s, k, n, p in zip(self.out, self.stride, self.kernel, self.sizes, self.pad)
        )

    def counts(self, including_pad: bool) -> Any:
        """Return how many elements each window has, padding included or not: (out...)."""
        pad = (0,) * self.ndim if including_pad else self.pad
        sizes = tuple(n + 2 * (p - q) for n, p, q in zip(self.sizes, self.pad, pad))
        dilation = (1,) * self.ndim
        found = unfold(ones((1, 1, *sizes)), self.kernel, self.stride, dilation, pad, self.out)
        return reshape(sum_(found, (1,), False), self.out, False)


def complete(name: str, x: Any, kernel: Any, stride: Any, pad: Any, **flags: bool) -> dict[str, Any]:
    """Fill in stride and pad, and check that they fit ``x``; ``flags`` as :class:`Windows` takes them."""
    ndim = len(kernel)
    if ndim < 1 or len(x) < ndim + int(flags["channel_last"]):
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} must have one entry per spatial dimension, at most as many "
            f"as x {tuple(x)} has"
        )
    found = {"stride": kernel if stride is None else stride, "pad": (0,) * ndim if pad is None else pad}
    for key, value in found.items():
        if len(value) != ndim:
            raise ShapeError(f"{name}: {key}={tuple(value)} needs {ndim} entries as kernel={tuple(kernel)} has")
    if min(found["stride"]) < 1 or min(kernel) < 1 or min(found["pad"]) < 0:
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} and stride={tuple(found['stride'])} must be 1 or more, "
            f"pad={tuple(found['pad'])} 0 or more"
        )
    w = Windows(x, kernel, **found, **flags)
    if min(w.out) < 1:
        raise ShapeError(
            f"{name}: kernel={tuple(kernel)} does not fit into the spatial sizes {w.sizes} of x with "
            f"pad={tuple(found['pad'])}; make the kernel smaller or pad larger"
        )
    return found


@operator("MaxPooling", group=GROUP, saved=("index",))
def max_pooling(
    x: Float,
    kernel: Shape,
    stride: Shape = None,  # type: ignore[assignment]
    ignore_border: Boolean = True,
    pad: Shape = None,  # type: ignore[assignment]
    channel_last: Boolean = False,
) -> Any:
    """Largest value of each window.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: Size of the windows in each spatial dimension.
        stride: Step of the windows (default: ``kernel``).
        ignore_border: Leave out windows that reach over the border; otherwise they are cut off there.
        pad: Padding on both sides, which never is the largest value.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with the number of windows in place of the spatial sizes.
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    columns = w.columns(x, float("-inf"))
    return Result(w.result(max_(columns, (1,), False)), saved={"index": arg_max(columns, 1)})


@max_pooling.resolve
def _(x: Any, kernel: Any, stride: Any, ignore_border: bool, pad: Any, channel_last: bool) -> dict[str, Any]:
    flags = {"ignore_border": ignore_border, "channel_last": channel_last}
    return complete("max_pooling", x, kernel, stride, pad, **flags)


@max_pooling.gradient
def _(
    x_shape: Any,
    index: Any,
    dy: Any,
    kernel: Any,
    stride: Any,
    ignore_border: bool,
    pad: Any,
    channel_last: bool,
) -> Any:
    return put_in_windows(dy, index, x_shape, kernel, stride, ignore_border, pad, channel_last)


@operator("PutInWindows", internal=True, outputs="dx")
def put_in_windows(
    dy: Float,
    index: Index,
    shape: Shape,
    kernel: Shape,
    stride: Shape,
    ignore_border: Boolean,
    pad: Shape,
    channel_last: Boolean,
) -> Any:
    """Sum of values at one place of each window, the gradient of max pooling.

    Args:
        dy: A value per window, in the shape of the pooling's output.
        index: Places in the windows, (images, 1, out...).
        shape: Shape of the result; the other arguments are those of the pooling.
    """
    w = Windows(shape, kernel, stride, pad, ignore_border, channel_last)
    chosen = cast(one_hot_along(index, prod(kernel), 1), "float")
    return w.spread(w.images_of(dy) * chosen)


@operator("MaxPoolingBackward", group="Unsupported, Special Use", outputs="dx")
def max_pooling_backward(
    dy: Float,
    x: Float,
    kernel: Shape,
    stride: Shape = None,  # type: ignore[assignment]
    ignore_border: Boolean = True,
    pad: Shape = None,  # type: ignore[assignment]
    channel_last: Boolean = False,
) -> Any:
    """The gradient of :func:`max_pooling`: each window's ``dy`` at the place of its largest value.

    Args:
        dy: The shape of the pooling's output.
        x: The pooling's input; the arguments are those of the pooling.
    Returns:
        The shape of ``x``.
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    index = arg_max(w.columns(x, float("-inf")), 1)
    return put_in_windows(dy, index, x.shape, kernel, stride, ignore_border, pad, channel_last)


@max_pooling_backward.resolve
def _(dy: Any, x: Any, kernel: Any, stride: Any, ignore_border: bool, pad: Any, channel_last: bool) -> dict[str, Any]:
    flags = {"ignore_border": ignore_border, "channel_last": channel_last}
    found = complete("max_pooling_backward", x, kernel, stride, pad, **flags)
    w = Windows(x, kernel, **found, **flags)
    expected = (*w.outer, *w.out, *w.tail)
    if tuple(dy) != expected:
        raise ShapeError(
            f"max_pooling_backward: dy {tuple(dy)} must be {expected}, the shape that pooling x "
            f"{tuple(x)} with kernel={tuple(kernel)} gives"
        )
    return found


@operator("SumPooling", group=GROUP)
def sum_pooling(
    x: Float,
    kernel: Shape,
    stride: Shape = None,  # type: ignore[assignment]
    ignore_border: Boolean = True,
    pad: Shape = None,  # type: ignore[assignment]
    channel_last: Boolean = False,
) -> Any:
    """Sum of each window.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: Size of the windows in each spatial dimension.
        stride: Step of the windows (default: ``kernel``).
        ignore_border: Leave out windows that reach over the border; otherwise they are cut off there.
        pad: Zeros before and after each spatial dimension.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with the number of windows in place of the spatial sizes.
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    return w.result(sum_(w.columns(x, 0.0), (1,), False))


@sum_pooling.resolve
def _(x: Any, kernel: Any, stride: Any, ignore_border: bool, pad: Any, channel_last: bool) -> dict[str, Any]:
    flags = {"ignore_border": ignore_border, "channel_last": channel_last}
    return complete("sum_pooling", x, kernel, stride, pad, **flags)


@sum_pooling.gradient
def _(
    x_shape: Any,
    dy: Any,
    kernel: Any,
    stride: Any,
    ignore_border: bool,
    pad: Any,
    channel_last: bool,
) -> Any:
    return spread_in_windows(dy, x_shape, kernel, stride, ignore_border, pad, channel_last)


@operator("SpreadInWindows", internal=True, outputs="dx")
def spread_in_windows(
    dy: Float,
    shape: Shape,
    kernel: Shape,
    stride: Shape,
    ignore_border: Boolean,
    pad: Shape,
    channel_last: Boolean,
) -> Any:
    """Sum of values at all places of each window, the gradient of sum pooling.

    Args:
        dy: A value per window, in the shape of the pooling's output.
        shape: Shape of the result; the other arguments are those of the pooling.
    """
    w = Windows(shape, kernel, stride, pad, ignore_border, channel_last)
    return w.spread(broadcast(w.images_of(dy), (w.images, prod(kernel), *w.out)))


@spread_in_windows.gradient
def _(ddx: Any, kernel: Any, stride: Any, ignore_border: bool, pad: Any, channel_last: bool) -> Any:
    return sum_pooling(ddx, kernel, stride, ignore_border, pad, channel_last)


@operator("AveragePooling", group=GROUP)
def average_pooling(
    x: Float,
    kernel: Shape,
    stride: Shape = None,  # type: ignore[assignment]
    ignore_border: Boolean = True,
    pad: Shape = None,  # type: ignore[assignment]
    channel_last: Boolean = False,
    including_pad: Boolean = True,
) -> Any:
    """Average of each window.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: Size of the windows in each spatial dimension.
        stride: Step of the windows (default: ``kernel``).
        ignore_border: Leave out windows that reach over the border; otherwise they are cut off there.
        pad: Zeros before and after each spatial dimension.
        channel_last: The channel is the last dimension.
        including_pad: Count the padding as elements of a window. Without, a window that holds nothing but
            padding gives NaN.
    Returns:
        As ``x``, with the number of windows in place of the spatial sizes.
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    total = sum_pooling(x, kernel, stride, ignore_border, pad, channel_last)
    if w.inside() and (including_pad or not any(pad)):
        return total * (1.0 / prod(kernel))
    return total / reshape(w.counts(including_pad), (*w.out, *(1,) * len(w.tail)), False)


@average_pooling.resolve
def _(
    x: Any,
    kernel: Any,
    stride: Any,
    ignore_border: bool,
    pad: Any,
    channel_last: bool,
    including_pad: bool,
) -> dict[str, Any]:
    flags = {"ignore_border": ignore_border, "channel_last": channel_last}
    return complete("average_pooling", x, kernel, stride, pad, **flags)


@operator("GlobalAveragePooling", group=GROUP)
def global_average_pooling(x: Float) -> Any:
    """Average over all spatial dimensions.

    Args:
        x: (N, C, spatial...).
    Returns:
        (N, C, 1, 1).
    """
    average = mean(x, tuple(range(2, len(x.shape))), False)
    return reshape(average, (*x.shape[:2], 1, 1), False)


@global_average_pooling.resolve
def _(x: Any) -> None:
    if len(x) < 3:
        raise ShapeError(f"global_average_pooling: x {tuple(x)} must have a batch, a channel and spatial dimensions")


@operator("Unpooling", group=GROUP)
def unpooling(x: Float, kernel: Shape, channel_last: Boolean = False) -> Any:
    """Repeat each element to fill a window, the adjoint of :func:`sum_pooling` without overlap.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: How often each element is repeated in each spatial dimension.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with spatial sizes times ``kernel``.
    """
    first = len(x.shape) - len(kernel) - int(channel_last)
    repeats = (*(1,) * first, *kernel, *(1,) * int(channel_last))
    single, whole = [], []
    for n, k in zip(x.shape, repeats):
        single += [n, 1] if k > 1 else [n]
        whole += [n, k] if k > 1 else [n]
    y = broadcast(reshape(x, tuple(single), False), tuple(whole))
    return reshape(y, tuple(n * k for n, k in zip(x.shape, repeats)), False)


@unpooling.resolve
def _(x: Any, kernel: Any, channel_last: bool) -> None:
    if len(kernel) + int(channel_last) > len(x) or min(kernel, default=1) < 1:
        raise ShapeError(
            f"unpooling: kernel={tuple(kernel)} must have entries of 1 or more, one for each spatial "
            f"dimension of x {tuple(x)}"
        )
