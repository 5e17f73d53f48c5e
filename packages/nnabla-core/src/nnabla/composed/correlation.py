"""Correlation of patches in either layout of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla import ops

__all__ = ["patch_correlation"]


def patch_correlation(
    x1: Any,
    x2: Any,
    patch: Sequence[int] = (1, 1),
    shift: Sequence[int] = (0, 0),
    patch_step: Sequence[int] = (1, 1),
    shift_step: Sequence[int] = (1, 1),
    padding: Sequence[int] = (0, 0, 0, 0),
    channel_last: bool = False,
) -> Any:
    """Return ``nnabla.function_bases.patch_correlation``, of images in either layout.

    Args:
        x1: (N, C, H, W), or (N, H, W, C) with ``channel_last``.
        channel_last: The channel is the last dimension.
    Returns:
        (N, shifts in height, shifts in width, patches in height, patches in width), or, with ``channel_last``,
        (N, patches in height, patches in width, shifts in height, shifts in width).
    """
    if channel_last:
        return ops.patch_correlation(x1, x2, patch, shift, patch_step, shift_step, padding)
    x1, x2 = (ops.transpose(x, (0, 2, 3, 1)) for x in (x1, x2))
    y = ops.patch_correlation(x1, x2, patch, shift, patch_step, shift_step, padding)
    return ops.transpose(y, (0, 3, 4, 1, 2))
