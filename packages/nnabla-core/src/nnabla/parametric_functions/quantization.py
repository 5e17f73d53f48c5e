"""Layers that quantize: by learned ranges, and the parameter handling that the others share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parameter import get_parameter_or_create
from nnabla.parametric_functions.api import (
    Initial,
    parameter,
    parametric_function_api,
    statistic,
)

if TYPE_CHECKING:
    from nnabla import NdArray, Variable
    from nnabla.parametric_functions.api import Input

    Quantizer = Callable[[Variable, list[NdArray]], Variable]

__all__ = ["min_max_quantize", "quantized_parameter"]


@parametric_function_api(
    "min_max_quantize",
    [
        ("ql_min", "Lowest level", "ones, as many as the input's dimensions", False),
        ("ql_max", "Highest level", "as ql_min", False),
        ("qr_min", "Value of the lowest level", "as ql_min", True),
        ("qr_max", "Value of the highest level", "as ql_min", True),
    ],
)
def min_max_quantize(
    x: Input,
    ql_min: int = 0,
    ql_max: int = 255,
    decay: float = 0.999,
    x_min_max: bool = False,
    ema: bool = False,
    ste_fine_grained: bool = True,
    eps: float = 0.01,
    qr_min_init: Initial | None = None,
    qr_max_init: Initial | None = None,
    fix_parameters: bool = False,
    outputs: list[NdArray] | None = None,
) -> Input:
    """Round to equally spaced levels between two values, which are learned or measured.

    Source: Jacob et al. 2018, "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", section 3.

    Args:
        x: Any shape.
        ql_min: Lowest level, 0 or more.
        ql_max: Highest level, for instance 255 for 8 bits.
        decay: Weight of the present range when it follows the data, 0 to 1.
        x_min_max: Use the range of the data instead of a learned one.
        ema: With ``x_min_max``, let the range follow the data slowly; it is not trained then.
        ste_fine_grained: The gradient is 0 where the input is outside the range.
        eps: Smallest width of the range.
        qr_min_init: Initial value of the lowest level, -6 by default.
        qr_max_init: Initial value of the highest level, 6 by default.
        fix_parameters: Use the range without training it here.
        outputs: An array to write the result into.

    Returns:
        As ``x``.
    """
    shape = (1,) * len(x.shape)
    low = get_parameter_or_create("ql_min", shape, np.full(shape, ql_min), False)
    high = get_parameter_or_create("ql_max", shape, np.full(shape, ql_max), False)
    trained = not (x_min_max and ema)
    ranges = [
        get_parameter_or_create(
            name,
            shape,
            ConstantInitializer(default) if init is None else init,
            need_grad=trained,
            as_need_grad=trained and not fix_parameters,
        )
        for name, init, default in (("qr_min", qr_min_init, -6.0), ("qr_max", qr_max_init, 6.0))
    ]
    return F.min_max_quantize(
        x,
        *ranges,
        low,
        high,
        decay,
        x_min_max,
        ema,
        ste_fine_grained,
        eps,
        quantize=True,
        outputs=outputs,
    )


def quantized_parameter(
    name: str,
    shape: tuple[int, ...],
    init: Initial | None,
    default: Callable[[], Initial],
    fix: bool,
    quantizer: Quantizer | None,
) -> Variable:
    """A trained parameter, quantized at each forward.

    The quantized values are kept beside it, as the parameter ``<name>_q``.

    Args:
        name: Its name.
        shape: Its shape.
        init: The user's initial values.
        default: Makes the initial values where there are neither ``init`` nor the parameter.
        fix: Do not train it here.
        quantizer: Called with the parameter and a list of the array to write into; without one the
            parameter is used as it is.
    """
    plain = parameter(name, shape, init, default, fix)
    if quantizer is None:
        return plain
    kept = statistic(f"{name}_q", shape, init, default)
    return quantizer(plain, [kept.data])


def fixed_point(quantize: bool, **args: Any) -> Quantizer | None:
    """A quantizer with levels of equal distance, or None."""
    return (lambda v, out: F.fixed_point_quantize(v, outputs=out, **args)) if quantize else None


def pow2(quantize: bool, **args: Any) -> Quantizer | None:
    """A quantizer with levels that are powers of two, or None."""
    return (lambda v, out: F.pow2_quantize(v, outputs=out, **args)) if quantize else None


def pruned(prune: bool, rate: float) -> Quantizer | None:
    """A quantizer that zeroes the share ``rate`` of smallest magnitude, or None."""
    return (lambda v, out: F.prune(v, rate=rate, outputs=out)) if prune else None


def min_max(quantize: bool, **args: Any) -> Quantizer | None:
    """A quantizer by learned ranges, or None."""
    return (lambda v, out: min_max_quantize(v, outputs=out, **args)) if quantize else None


def constant_or(init: Initial | None, value: float) -> Initial:
    """``init``, or a constant where there is none."""
    return ConstantInitializer(value) if init is None else init
