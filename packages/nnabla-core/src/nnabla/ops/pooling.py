"""Pooling: a reduction over windows."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape
from nnabla.ops.definition import Result, operator, prod
from nnabla.ops.internal import arg_max, cast, one_hot_along
from nnabla.ops.reduction import max_, mean, sum_
from nnabla.ops.spec import Boolean, Float, Index, Shape
from nnabla.ops.windows import Windows, complete

__all__ = [
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


@operator("MaxPooling", group=GROUP, saved=("index",), keeps=("x",))
def max_pooling(
    x: Float,
    kernel: Shape,
    stride: Shape = None,  # type: ignore[assignment]
    ignore_border: Boolean = True,
    pad: Shape = None,  # type: ignore[assignment]
    channel_last: Boolean = False,
) -> Any:
    """Largest value of each window.

    :math:`y_{o} = \\max_{0 \\le k < K} x_{s o + k - p}`, where K is the window's size, s the stride, and p the
    padding.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: Size of the windows in each spatial dimension.
        stride: Step of the windows (default: ``kernel``).
        ignore_border: Leave out windows that reach over the border; otherwise they are cut off there.
        pad: Padding on both sides, which never is the largest value.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with the number of windows in place of the spatial sizes.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> print(F.max_pooling(x, (2, 2)).data[0, 0])
        [[ 5.  7.]
         [13. 15.]]
        >>> print(F.max_pooling(x, (3, 3), stride=(2, 2), ignore_border=False).data[0, 0])
        [[10. 11.]
         [14. 15.]]
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    columns = w.columns(x, float("-inf"))
    index = w.result(arg_max(columns, 1))
    return Result(w.result(max_(columns, (1,), False)), saved={"index": index})


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
        index: Places in the windows, the shape of ``dy``.
        shape: Shape of the result; the other arguments are those of the pooling.
    """
    w = Windows(shape, kernel, stride, pad, ignore_border, channel_last)
    chosen = cast(one_hot_along(w.images_of(index), prod(kernel), 1), "float")
    return w.spread(w.images_of(dy) * chosen)


@operator("MaxPoolingBackward", group="Unsupported, Special Use", outputs="dx", depends=("dy", "x"))
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

    :math:`dx_i = \\sum_{o : i = \\mathrm{argmax}_o} dy_o`

    Args:
        dy: The shape of the pooling's output.
        x: The pooling's input.
        kernel, stride, ignore_border, pad, channel_last: As of :func:`max_pooling`.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> dy = nn.NdArray.from_numpy_array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> print(F.max_pooling_backward(dy, x, (2, 2)).data[0, 0])
        [[0. 0. 0. 0.]
         [0. 1. 0. 2.]
         [0. 0. 0. 0.]
         [0. 3. 0. 4.]]
    """
    w = Windows(x.shape, kernel, stride, pad, ignore_border, channel_last)
    index = w.result(arg_max(w.columns(x, float("-inf")), 1))
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

    :math:`y_{o} = \\sum_{0 \\le k < K} x_{s o + k - p}`, where K is the window's size, s the stride, and p the
    padding.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: Size of the windows in each spatial dimension.
        stride: Step of the windows (default: ``kernel``).
        ignore_border: Leave out windows that reach over the border; otherwise they are cut off there.
        pad: Zeros before and after each spatial dimension.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with the number of windows in place of the spatial sizes.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> print(F.sum_pooling(x, (2, 2)).data[0, 0])
        [[10. 18.]
         [42. 50.]]
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

    :math:`y_{o} = \\frac{1}{n_o} \\sum_{0 \\le k < K} x_{s o + k - p}`, where K is the window's size, s the stride,
    p the padding, and :math:`n_o` the number of elements that count.

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
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4))
        >>> print(F.average_pooling(x, (2, 2)).data[0, 0])
        [[ 2.5  4.5]
         [10.5 12.5]]
        >>> print(F.average_pooling(x, (2, 2), pad=(1, 1), including_pad=False).data[0, 0])
        [[ 0.   1.5  3. ]
         [ 6.   7.5  9. ]
         [12.  13.5 15. ]]
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

    :math:`y_{n,c,1,1} = \\frac{1}{S} \\sum_s x_{n,c,s}`, where s goes over the S positions.

    Args:
        x: (N, C, spatial...).
    Returns:
        (N, C, 1, 1).
    Source: Lin, Chen, Yan 2014, "Network in network", section 3.2.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(8.0).reshape(1, 2, 2, 2))
        >>> y = F.global_average_pooling(x)
        >>> print(y.shape, y.data.ravel())
        (1, 2, 1, 1) [1.5 5.5]
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

    :math:`y_{i} = x_{\\lfloor i / k \\rfloor}` in each spatial dimension.

    Args:
        x: Any leading dimensions, then the spatial ones (and the channel, with ``channel_last``).
        kernel: How often each element is repeated in each spatial dimension.
        channel_last: The channel is the last dimension.
    Returns:
        As ``x``, with spatial sizes times ``kernel``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[[1.0, 2.0], [3.0, 4.0]]]])
        >>> print(F.unpooling(x, (1, 2)).data[0, 0])
        [[1. 1. 2. 2.]
         [3. 3. 4. 4.]]
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
