"""Quantizers with the signatures of ``nnabla.functions``."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla import ops
from nnabla.dtypes import np_dtpye_to_int

__all__ = ["fixed_point_quantize", "min_max_quantize", "pow2_quantize", "quantize_linear"]


def fixed_point_quantize(
    x: Any,
    sign: bool = True,
    n: int = 8,
    delta: float = 0.0625,
    quantize: bool = True,
    ste_fine_grained: bool = True,
    outputs: Any = None,
) -> Any:
    """Return ``nnabla.function_bases.fixed_point_quantize``, or ``x`` itself if ``quantize`` is false.

    Args:
        quantize: Quantize; otherwise return ``x`` itself.
    """
    if not quantize:
        return x
    return ops.fixed_point_quantize(x, sign, n, delta, ste_fine_grained, outputs=outputs)


def min_max_quantize(
    x: Any,
    qr_min: Any,
    qr_max: Any,
    ql_min: Any,
    ql_max: Any,
    decay: float = 0.999,
    x_min_max: bool = False,
    ema: bool = False,
    ste_fine_grained: bool = True,
    eps: float = 0.01,
    quantize: bool = True,
    outputs: Any = None,
) -> Any:
    """Return ``nnabla.function_bases.min_max_quantize``, or ``x`` itself if ``quantize`` is false.

    Args:
        quantize: Quantize; otherwise return ``x`` itself.
    """
    if not quantize:
        return x
    return ops.min_max_quantize(
        x, qr_min, qr_max, ql_min, ql_max, decay, x_min_max, ema, ste_fine_grained, eps, outputs=outputs
    )


def pow2_quantize(
    x: Any,
    sign: bool = True,
    with_zero: bool = True,
    n: int = 8,
    m: int = 1,
    quantize: bool = True,
    ste_fine_grained: bool = True,
    outputs: Any = None,
) -> Any:
    """Return ``nnabla.function_bases.pow2_quantize``, or ``x`` itself if ``quantize`` is false.

    Args:
        quantize: Quantize; otherwise return ``x`` itself.
    """
    if not quantize:
        return x
    return ops.pow2_quantize(x, sign, with_zero, n, m, ste_fine_grained, outputs=outputs)


def quantize_linear(
    x: Any,
    scale: Any,
    zero_point: Any,
    round_mode: str = "HALF_AWAY_FROM_ZERO",
    narrow_range: bool = False,
    dtype: Any = np.int8,
) -> Any:
    """Return ``nnabla.function_bases.quantize_linear``.

    Args:
        dtype: The integer type as NumPy has it, or its code.
    """
    code = dtype if isinstance(dtype, int) else np_dtpye_to_int[np.dtype(dtype).type]
    return ops.quantize_linear(x, scale, zero_point, round_mode, narrow_range, code)
