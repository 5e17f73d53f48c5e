"""Activations with learned parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parametric_functions.api import Initial, axis_of, parameter, parametric_function_api

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = ["prelu"]


@parametric_function_api("prelu", [("slope", "Slope below 0", "() if shared, otherwise (inp.shape[base_axis],)", True)])
def prelu(
    inp: Input,
    base_axis: int = 1,
    shared: bool = True,
    fix_parameters: bool = False,
    slope_init: Initial | None = None,
) -> Input:
    """Rectifier with a learned slope for negative inputs.

    Source: He, Zhang, Ren, Sun 2015, "Delving deep into rectifiers", eq. 1.

    Args:
        inp: Any shape.
        base_axis: Dimension of the channels.
        shared: One slope for all channels instead of one for each.
        fix_parameters: Use the slope without training it here.
        slope_init: Initial slope, 0.25 by default.

    Returns:
        As ``inp``.
    """
    base_axis = axis_of("prelu", "base_axis", base_axis, len(inp.shape))
    shape = () if shared else (inp.shape[base_axis],)
    slope = parameter("slope", shape, slope_init, _quarter, fix_parameters)
    return F.prelu(inp, slope, base_axis)


def _quarter() -> ConstantInitializer:
    return ConstantInitializer(0.25)
