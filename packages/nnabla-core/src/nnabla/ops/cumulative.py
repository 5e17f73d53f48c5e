"""Running sums and products."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import normalize_axis, operator
from nnabla.ops.internal import zeros
from nnabla.ops.joining import concatenate
from nnabla.ops.slicing import flip, part
from nnabla.ops.spec import Boolean, Float, Int

GROUP = "Reduction"


def _running(xp: Any, function: str, x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    """Apply a cumulative function of the namespace along an axis."""
    if reverse:
        x = xp.flip(x, axis=axis)
    y = getattr(xp, function)(x, axis=axis, include_initial=exclusive)
    if exclusive:
        kept = [slice(None)] * x.ndim
        kept[axis] = slice(0, x.shape[axis])
        y = y[tuple(kept)]
    return xp.flip(y, axis=axis) if reverse else y


@operator("CumSum", group=GROUP, snake_name="cumsum")
def cumsum(x: Float, axis: Int = 0, exclusive: Boolean = False, reverse: Boolean = False) -> Any:
    """Running sum along an axis, :math:`y_i = \\sum_{j \\le i} x_j`.

    Args:
        x: Any shape.
        axis: The axis.
        exclusive: Leave each element out of its own sum.
        reverse: Run from the end to the front.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.cumsum(x).data, F.cumsum(x, exclusive=True).data)
        [1. 3. 6.] [0. 1. 3.]
    """


@cumsum.shape
def _(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    normalize_axis("cumsum", axis, len(x))
    return x


@cumsum.reference
def _(xp: Any, x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    y = _running(xp, "cumulative_sum", x, axis, exclusive, reverse)
    return xp.asarray(y, copy=True) if exclusive or reverse else y


@cumsum.gradient
def _(dy: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    return cumsum(dy, axis, exclusive, not reverse)


@operator("CumProd", group=GROUP, snake_name="cumprod")
def cumprod(x: Float, axis: Int = 0, exclusive: Boolean = False, reverse: Boolean = False) -> Any:
    """Running product along an axis, :math:`y_i = \\prod_{j \\le i} x_j`.

    Args:
        x: Any shape.
        axis: The axis.
        exclusive: Leave each element out of its own product.
        reverse: Run from the end to the front.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0])
        >>> print(F.cumprod(x).data, F.cumprod(x, reverse=True).data)
        [1. 2. 6.] [6. 6. 3.]
    """


@cumprod.shape
def _(x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    normalize_axis("cumprod", axis, len(x))
    return x


@cumprod.reference
def _(xp: Any, x: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    y = _running(xp, "cumulative_prod", x, axis, exclusive, reverse)
    return xp.asarray(y, copy=True) if exclusive or reverse else y


@cumprod.gradient
def _(x: Any, dy: Any, axis: int, exclusive: bool, reverse: bool) -> Any:
    at = axis % len(x.shape)
    if reverse:
        x, dy = flip(x, (at,)), flip(dy, (at,))
    # With s[k] the sum over i >= k of dy[i] x[k+1] ... x[i], the gradient at k is x[0] ... x[k-1] s[k], and no zero
    # is divided by. s[k] = dy[k] + x[k+1] s[k+1] is solved by doubling the number of terms.
    s = _later(dy, at, 1) if exclusive else dy
    factor = _later(x, at, 1)
    distance, n = 1, x.shape[at]
    while distance < n:
        s = s + factor * _later(s, at, distance)
        factor = factor * _later(factor, at, distance)
        distance *= 2
    dx = cumprod(x, at, True, False) * s
    return flip(dx, (at,)) if reverse else dx


def _later(x: Any, axis: int, by: int) -> Any:
    """Return what comes ``by`` entries later along an axis, 0 at the end."""
    n = x.shape[axis]
    shape = tuple(min(by, n) if i == axis else m for i, m in enumerate(x.shape))
    end = zeros(shape)
    return concatenate(part(x, axis, by, n), end, axis=axis) if by < n else end
