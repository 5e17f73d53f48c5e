"""Correlation of patches of two images."""

from __future__ import annotations

from math import prod
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import operator
from nnabla.ops.spec import Float, Shape

# Each is a step of the graph: more take minutes to set up.
_MOST_TERMS = 2**16


def _range(reach: int, step: int) -> range:
    return range(-reach, reach + 1, step)


@operator("PatchCorrelation", group="Unsupported, Special Use")
def patch_correlation(
    x1: Float,
    x2: Float,
    patch: Shape = (1, 1),
    shift: Shape = (0, 0),
    patch_step: Shape = (1, 1),
    shift_step: Shape = (1, 1),
    padding: Shape = (0, 0, 0, 0),
) -> Any:
    """Sums of products of a patch of ``x1`` with the patches of ``x2`` that are shifted against it.

    :math:`y_{p,s} = \\sum_k \\sum_c (x_1)_{p + k,\\, c} \\, (x_2)_{p + k + s,\\, c}`, where p is the place of the
    patch, s the shift, and k goes over the patch.

    Args:
        x1: (N, H, W, C).
        x2: The shape of ``x1``; beyond it there are zeros.
        patch: Height and width of a patch.
        shift: Largest shift, to both sides, in height and width.
        patch_step: Distance of the patches of ``x1``.
        shift_step: Distance of the shifts.
        padding: Zeros added to both images at the top, bottom, left and right.
    Returns:
        (N, patches in height, patches in width, shifts in height, shifts in width).
    Source: Dosovitskiy et al. 2015, "FlowNet", with any patch size.
    Example:
        >>> x1 = nn.NdArray.from_numpy_array(np.arange(4.0).reshape(1, 2, 2, 1))
        >>> y = F.patch_correlation(x1, x1, shift=(0, 1), channel_last=True)
        >>> print(y.shape)
        (1, 2, 2, 1, 3)
        >>> print(y.data[0, 0, 1])
        [[0. 1. 0.]]
    """
    top, bottom, left, right = padding
    x1 = ops.pad(x1, (top, bottom, left, right, 0, 0), "constant", 0.0)
    batch, height, width, channels = x1.shape
    tall, wide = shift
    x2 = ops.pad(x2, (top + tall, bottom + tall, left + wide, right + wide, 0, 0), "constant", 0.0)
    rows = (height - patch[0]) // patch_step[0] + 1
    columns = (width - patch[1]) // patch_step[1] + 1
    results = []
    for down in _range(tall, shift_step[0]):
        for across in _range(wide, shift_step[1]):
            start = (0, tall + down, wide + across, 0)
            stop = (batch, start[1] + height, start[2] + width, channels)
            product = ops.sum(x1 * ops.slice(x2, start, stop, (1, 1, 1, 1)), (3,), False)
            total = None
            for y in range(patch[0]):
                for x in range(patch[1]):
                    end = (batch, y + (rows - 1) * patch_step[0] + 1, x + (columns - 1) * patch_step[1] + 1)
                    part = ops.slice(product, (0, y, x), end, (1, *patch_step))
                    total = part if total is None else total + part
            results.append(total)
    y = ops.stack(*results, axis=3)
    return ops.reshape(y, (*y.shape[:3], len(_range(tall, shift_step[0])), len(_range(wide, shift_step[1]))), False)


@patch_correlation.resolve
def _(x1: Any, x2: Any, patch: Any, shift: Any, patch_step: Any, shift_step: Any, padding: Any) -> None:
    if len(x1) != 4 or tuple(x1) != tuple(x2):
        raise ShapeError(f"patch_correlation: x1 {tuple(x1)} and x2 {tuple(x2)} must have one shape (N, H, W, C)")
    for name, value, least, count in (
        ("patch", patch, 1, 2), ("shift", shift, 0, 2), ("patch_step", patch_step, 1, 2),
        ("shift_step", shift_step, 1, 2), ("padding", padding, 0, 4),
    ):  # fmt: skip
        if len(value) != count or min(value) < least:
            raise ArgumentError(f"patch_correlation: {name}={tuple(value)} must be {count} integers of {least} or more")
    count = prod(patch) * len(_range(shift[0], shift_step[0])) * len(_range(shift[1], shift_step[1]))
    if count > _MOST_TERMS:
        raise ArgumentError(
            f"patch_correlation: patch={tuple(patch)}, shift={tuple(shift)} and shift_step={tuple(shift_step)} make "
            f"{count:,} products, more than {_MOST_TERMS:,}"
        )
    if patch[0] > x1[1] + sum(padding[:2]) or patch[1] > x1[2] + sum(padding[2:]):
        raise ShapeError(
            f"patch_correlation: a patch of {tuple(patch)} does not fit into x1 {tuple(x1)} with "
            f"padding={tuple(padding)}"
        )
