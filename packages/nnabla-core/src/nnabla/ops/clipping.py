"""Limits for gradients."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ShapeError
from nnabla.ops.definition import broadcast_shapes, normalize_axis, operator
from nnabla.ops.internal import sqrt
from nnabla.ops.reduction import all_axes, sum_
from nnabla.ops.selection import maximum2, minimum2
from nnabla.ops.spec import Float, FloatArg, Ints, per_input

GROUP = "Normalization"


@operator("ClipGradByValue", group=GROUP)
def clip_grad_by_value(x: Float, min: Float, max: Float) -> Any:
    """The input itself; its gradient is the incoming one, no less than ``min`` and no more than ``max``.

    :math:`y = x, \\quad dx = \\min(\\max(dy, \\mathrm{min}), \\mathrm{max})`

    Args:
        x: Any shape.
        min: A shape that broadcasts to that of ``x``; it gets no gradient.
        max: A shape that broadcasts to that of ``x``; it gets no gradient.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.Variable.from_numpy_array([1.0, 2.0, 3.0], need_grad=True)
        >>> y = F.clip_grad_by_value(x, nn.Variable.from_numpy_array([-1.0]), nn.Variable.from_numpy_array([1.0]))
        >>> y.forward()
        >>> y.backward(nn.NdArray.from_numpy_array([-5.0, 0.5, 5.0]))
        >>> print(x.g)
        [-1.   0.5  1. ]
    """
    return x


@clip_grad_by_value.resolve
def _(x: Any, min: Any, max: Any) -> None:
    for name, shape in (("min", min), ("max", max)):
        if broadcast_shapes("clip_grad_by_value", x, shape) != tuple(x):
            raise ShapeError(
                f"clip_grad_by_value: {name} {tuple(shape)} does not broadcast to the shape of x {tuple(x)}"
            )


@clip_grad_by_value.gradient
def _(min: Any, max: Any, dy: Any) -> Any:
    return minimum2(maximum2(dy, min), max), None, None


@operator("ClipGradByNorm", group=GROUP)
def clip_grad_by_norm(x: Float, clip_norm: FloatArg = 1.0, axes: Ints = per_input(all_axes)) -> Any:
    """The input itself; its gradient is the incoming one brought to an L2 norm, whatever its own is.

    :math:`y = x, \\quad dx = c \\, dy / \\|dy\\|_2`, where c is ``clip_norm``.

    Args:
        x: Any shape.
        clip_norm: The norm.
        axes: Axes over which the norm is taken (default: all). A gradient of norm 0 gives NaN.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.Variable.from_numpy_array([1.0, 2.0], need_grad=True)
        >>> y = F.clip_grad_by_norm(x, clip_norm=1.0)
        >>> y.forward()
        >>> y.backward(nn.NdArray.from_numpy_array([3.0, 4.0]))
        >>> print(x.g.round(4))
        [0.6 0.8]
    """
    return x


@clip_grad_by_norm.resolve
def _(x: Any, clip_norm: float, axes: Any) -> None:
    for axis in axes:
        normalize_axis("clip_grad_by_norm", axis, len(x), "axes")


@clip_grad_by_norm.gradient
def _(dy: Any, clip_norm: float, axes: Any) -> Any:
    return dy * clip_norm / sqrt(sum_(dy * dy, axes, True))
