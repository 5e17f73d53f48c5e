"""The functions: ``import nnabla_sample.functions as SF``, beside NNabla's ``F``."""

from __future__ import annotations

from typing import Any

import nnabla.functions as F
from nnabla.errors import AxisError, ShapeError
from nnabla.ops.definition import operator
from nnabla.ops.spec import Double, Float, Int

__all__ = ["snake"]


@operator("Snake", group="nnabla-ext-sample")
def snake(x: Float, frequency: Float, axis: Int = 1, eps: Double = 1e-9) -> Any:
    """An activation that learns what is periodic, :math:`y = x + \\sin^2(a x) / (a + \\epsilon)`.

    Args:
        x: Any shape.
        frequency: The a of each channel, 0 or more: the size of ``x`` along ``axis``.
        axis: The dimension of the channels.
        eps: Keeps the fraction finite where a is 0.
    Returns:
        Same shape as ``x``.
    Source: Ziyin, Hartwig, Ueda 2020, "Neural networks fail to learn periodic functions and how to fix it", eq. 3.
    """


@snake.resolve
def _(x: tuple[int, ...], frequency: tuple[int, ...], axis: int, eps: float) -> None:
    if not -len(x) <= axis < len(x):
        raise AxisError(f"snake: axis={axis} is outside the {len(x)} dimensions of x {tuple(x)}")
    if tuple(frequency) != (x[axis],):
        raise ShapeError(
            f"snake: frequency {tuple(frequency)} must have one value for each of the {x[axis]} channels that "
            f"x {tuple(x)} has along axis={axis}"
        )


@snake.shape
def _(x: tuple[int, ...], frequency: tuple[int, ...], axis: int, eps: float) -> tuple[int, ...]:
    return x


@snake.reference
def _(xp: Any, x: Any, frequency: Any, axis: int, eps: float) -> Any:
    a = xp.reshape(frequency, _along(x.shape, axis))
    return x + xp.sin(a * x) ** 2 / (a + eps)


@snake.gradient
def _(x: Any, frequency: Any, dy: Any, axis: int, eps: float) -> Any:
    # Operators again, so that derivatives of any order follow, on every backend.
    a = F.reshape(frequency, _along(x.shape, axis))
    below, sine = a + eps, F.sin(2.0 * a * x)
    dx = dy * (1.0 + sine * a / below)
    da = dy * (x * sine - F.sin(a * x) ** 2 / below) / below
    return dx, F.sum(da, [i for i in range(len(x.shape)) if i != axis % len(x.shape)])


def _along(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The shape in which an array of channels broadcasts with one of ``shape``."""
    return tuple(n if i == axis % len(shape) else 1 for i, n in enumerate(shape))
