"""The functions with parameters: ``import nnabla_sample.parametric_functions as SPF``, beside NNabla's ``PF``."""

from __future__ import annotations

from typing import Any

import nnabla.parametric_functions as PF
from nnabla.initializer import ConstantInitializer
from nnabla.parameter import get_parameter_or_create
from nnabla_sample.functions import snake as snake_function

__all__ = ["snake"]


@PF.parametric_function_api("snake", [("frequency", "How fast each channel oscillates", "(inp.shape[axis],)", True)])
def snake(inp: Any, axis: int = 1, eps: float = 1e-9, fix_parameters: bool = False, frequency_init: Any = None) -> Any:
    """The activation ``nnabla_sample.functions.snake`` with learned frequencies.

    Args:
        inp: Any shape.
        axis: The dimension of the channels.
        eps: Keeps the fraction finite where a frequency is 0.
        fix_parameters: Use the frequencies without training them here.
        frequency_init: Initial frequencies, an initializer or an array; 1 by default.
    Returns:
        As ``inp``.
    """
    init = ConstantInitializer(1.0) if frequency_init is None else frequency_init
    frequency = get_parameter_or_create("frequency", (inp.shape[axis],), init, True, not fix_parameters)
    return snake_function(inp, frequency, axis, eps)
