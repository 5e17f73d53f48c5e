"""Sequences of different lengths, copied step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.ops.sequences import pad_packed_sequence
from nnabla.plugins.backend import ForwardKernel

__all__ = ["FORWARD_KERNELS"]


def _pad_packed_sequence(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
    packed, sizes = inputs
    batch = int(sizes[0])
    if sizes.sum() != len(packed) or sizes.max() > batch or sizes.min() < 0:
        reference: Any = pad_packed_sequence.reference_kernel
        return reference(xp, packed, sizes, **args)
    steps = max(len(sizes), args["total_length"])
    y = np.full((steps, batch, *packed.shape[1:]), args["padding_value"], packed.dtype)
    start = 0
    for step, size in enumerate(sizes.tolist()):
        y[step, :size] = packed[start : start + size]
        start += size
    lengths = np.count_nonzero(sizes[:, None] > np.arange(batch), axis=0).astype(np.int32)
    return np.moveaxis(y, 0, 1).copy() if args["batch_first"] else y, lengths


FORWARD_KERNELS: dict[str, ForwardKernel] = {"PadPackedSequence": _pad_packed_sequence}
