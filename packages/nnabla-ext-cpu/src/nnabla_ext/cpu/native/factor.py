"""Determinants, inverses and triangular factors of many small matrices, by native kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.ops.linear_algebra import batch_inv
from nnabla.plugins.backend import ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["FORWARD_KERNELS"]

Array = np.ndarray
Arrays = tuple[Any, ...]


def _det(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    found = module.batch_determinant(inputs[0], False)
    return np.linalg.det(inputs[0]) if found is None else found


def _logdet(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    found = module.batch_determinant(inputs[0], True)
    return np.linalg.slogdet(inputs[0])[1] if found is None else found


def _inv(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    found = module.batch_inverse(inputs[0])
    if found is None:
        reference: Any = batch_inv.reference_kernel  # which knows what singular matrices give
        return reference(xp, *inputs)
    return found


def _cholesky(xp: Any, inputs: Arrays, out: Arrays, args: dict[str, Any]) -> Array:
    upper = args["upper"]
    found = module.batch_cholesky(inputs[0], upper)
    return xp.linalg.cholesky(inputs[0], upper=upper) if found is None else found


FORWARD_KERNELS: dict[str, ForwardKernel] = {
    "BatchCholesky": _cholesky,
    "BatchDet": _det,
    "BatchInv": _inv,
    "BatchLogdet": _logdet,
}
