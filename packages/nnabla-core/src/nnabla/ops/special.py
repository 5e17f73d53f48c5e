"""Operators that steer a graph rather than compute."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import operator
from nnabla.ops.internal import cast, ones, zeros
from nnabla.ops.spec import Boolean, Float

GROUP = "Unsupported, Special Use"


@operator("Unlink", group=GROUP, aliases={0: 0}, differentiable=False, views=True)
def unlink(x: Float) -> Any:
    """The input itself, :math:`y = x`, through which no gradient passes; it shares the input's memory.

    Args:
        x: Any shape.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.Variable.from_numpy_array([3.0], need_grad=True)
        >>> x.grad.zero()
        >>> y = x * F.unlink(x)
        >>> y.forward()
        >>> y.backward()
        >>> print(y.d, x.g)
        [9.] [3.]
    """
    return cast(x, "float")


@operator("Sink", group=GROUP)
def sink(*x: Float, one_input_grad: Boolean = True) -> Any:
    """One end for any number of variables, so that one call of forward or backward runs them all; :math:`y = 0`.

    Args:
        *x: Any shapes. Data and gradients are not cleared, whatever flags a run has.
        one_input_grad: Backward sets the gradient of each input to 1; if False, it starts from what the gradients
            of the inputs hold.
    Returns:
        Shape (), a 0.
    Example:
        >>> x = nn.Variable.from_numpy_array([1.0, 2.0], need_grad=True)
        >>> doubled, squared = x * 2, x * x
        >>> end = F.sink(doubled, squared)
        >>> end.forward()
        >>> print(doubled.d, squared.d)
        [2. 4.] [1. 4.]
    """
    return zeros(())


@sink.gradient
def _(x_shape: Any, one_input_grad: bool) -> Any:
    return [ones(shape) if one_input_grad else None for shape in x_shape]
