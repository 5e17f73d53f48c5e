"""Fully connected layers with as little Python as possible: small ones cost what their calls cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FORWARD_KERNELS"]


def affine(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> np.ndarray:
    """Fully connected layer."""
    x, weight, bias = inputs
    if x.ndim == weight.ndim == 2 and args["base_axis"] in (1, -1):
        y = x.dot(weight)
        if bias is not None:
            y += bias
        return y
    outer = x.shape[: args["base_axis"] % x.ndim]
    features = weight.shape[0]
    y = x.reshape(-1 if x.size else int(np.prod(outer)), features).dot(weight.reshape(features, -1))
    if bias is not None:
        y += bias.reshape(-1)
    return y.reshape(*outer, *weight.shape[1:])


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {"Affine": affine}
