"""Products of matrices by native kernels."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from nnabla_ext.cpu.native import module
from nnabla_ext.cpu.native.copy import copied

__all__ = ["FORWARD_KERNELS"]


def affine(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """Fully connected layer."""
    x, weight, bias = inputs
    if x.ndim == weight.ndim == 2 and args["base_axis"] in (1, -1):
        return module.matmul(x, weight, bias)
    outer = x.shape[: args["base_axis"] % x.ndim]
    features = weight.shape[0]
    flat = weight.reshape(features, -1)
    y = module.matmul(_rows(x).reshape(prod(outer), features), flat, None if bias is None else bias.reshape(-1))
    return y.reshape(*outer, *weight.shape[1:])


def _rows(x: np.ndarray) -> np.ndarray:
    """Return an array in C order: itself or a copy."""
    if x.flags.c_contiguous:
        return x
    found = copied(x, True)
    return np.ascontiguousarray(x) if found is None else found


def batch_matmul(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """Products of stacks of matrices, which broadcast."""
    a, b = inputs
    if a.ndim == b.ndim == 2:
        return module.matmul(a.T if args["transpose_a"] else a, b.T if args["transpose_b"] else b)
    if args["transpose_a"]:
        a = a.swapaxes(-1, -2)
    if args["transpose_b"]:
        b = b.swapaxes(-1, -2)
    lead_a, lead_b = a.shape[:-2], b.shape[:-2]
    lead = lead_a if lead_a == lead_b else np.broadcast_shapes(lead_a, lead_b)
    y = module.matmul(_stack(a, lead), _stack(b, lead))
    return y.reshape(*lead, a.shape[-2], b.shape[-1])


def _stack(a: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
    """Return matrices as one stack, which has a single one where all the others are to be it too."""
    if prod(a.shape[:-2]) == 1 and prod(lead) != 0:
        return a.reshape(a.shape[-2:])[None]
    if a.shape[:-2] != lead:
        a = np.broadcast_to(a, (*lead, *a.shape[-2:]))
    return a if a.ndim == 3 else a.reshape(prod(lead), *a.shape[-2:])


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {"Affine": affine, "BatchMatmul": batch_matmul}
