"""Sequences of different lengths: packed without padding, and padded again."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator
from nnabla.ops.internal import iota
from nnabla.ops.masking import bool_scatter
from nnabla.ops.slicing import place
from nnabla.ops.spec import Boolean, Float, FloatArg, Index, Int

GROUP = "Array Manipulation"


def _exchanged(x: Any) -> Any:
    """Exchange time and batch."""
    return transpose(x, (1, 0, *range(2, len(x.shape))))


def _present(batch_sizes: Any, batch: int) -> Any:
    """Return for each step and sample whether the sample has that step."""
    from nnabla import ops

    samples = reshape(iota(batch, "float"), (1, batch), False)
    return ops.less(samples, reshape(batch_sizes, (batch_sizes.shape[0], 1), False))


def _present_kernel(xp: Any, batch_sizes: Any, batch: int) -> Any:
    return xp.arange(batch, dtype=batch_sizes.dtype)[None, :] < batch_sizes[:, None]


def _rows(xp: Any, x: Any, present: Any) -> Any:
    """Return the entries (step, sample) of ``x`` that are present, step by step."""
    rows = xp.reshape(x, (x.shape[0] * x.shape[1], *x.shape[2:]))
    return xp.take(rows, xp.nonzero(xp.reshape(present, (-1,)))[0], axis=0)


@operator(
    "PackPaddedSequence",
    group=GROUP,
    outputs="pack_sequence, batch_sizes:int32",
    data_dependent=True,
    depends=("batch_sizes",),
)
def pack_padded_sequence(padded_sequence: Float, lengths: Index, batch_first: Boolean = False) -> Any:
    """Leave the padding of sequences out: first the first steps of all of them, then the second ones, and so on.

    :math:`y = (x_{t,b} : t < l_b)`, in the order of t, then b.

    Args:
        padded_sequence: (T, B, ...), or (B, T, ...) with ``batch_first``; the longest sequence first.
        lengths: (B,), from long to short.
        batch_first: Whether samples or steps are the first dimension.
    Returns:
        pack_sequence: The steps that are present, (sum of ``lengths``, ...); none of them until there is data.
        batch_sizes: How many sequences have each step, (T,), integers.
    Example:
        >>> padded = nn.NdArray.from_numpy_array([[1.0, 10.0], [2.0, 20.0], [3.0, 0.0]])  # of 3 and of 2 steps
        >>> packed, batch_sizes = F.pack_padded_sequence(padded, nn.NdArray.from_numpy_array([3, 2]))
        >>> print(packed.data, batch_sizes.data)
        [ 1. 10.  2. 20.  3.] [2 2 1]
    """


@pack_padded_sequence.resolve
def _(padded_sequence: Any, lengths: Any, batch_first: bool) -> Any:
    if len(padded_sequence) < 2 or lengths != (padded_sequence[0 if batch_first else 1],):
        raise ShapeError(
            f"pack_padded_sequence: lengths {tuple(lengths)} must have one entry for each sample of "
            f"padded_sequence {tuple(padded_sequence)}, whose dimension {0 if batch_first else 1} counts samples"
        )
    return {}


@pack_padded_sequence.shape
def _(padded_sequence: Any, lengths: Any, batch_first: bool) -> Any:
    return [(0, *padded_sequence[2:]), (padded_sequence[1 if batch_first else 0],)]


@pack_padded_sequence.reference
def _(xp: Any, padded_sequence: Any, lengths: Any, batch_first: bool) -> Any:
    x = xp.moveaxis(padded_sequence, 0, 1) if batch_first else padded_sequence
    present = xp.arange(x.shape[0], dtype=lengths.dtype)[:, None] < lengths[None, :]
    return _rows(xp, x, present), xp.sum(xp.astype(present, xp.int32), axis=1, dtype=xp.int32)


@pack_padded_sequence.gradient
def _(padded_sequence_shape: Any, lengths: Any, dpack_sequence: Any, batch_first: bool) -> Any:
    from nnabla import ops

    steps = padded_sequence_shape[1 if batch_first else 0]
    present = ops.less(reshape(iota(steps, "float"), (steps, 1), False), reshape(lengths, (1, -1), False))
    dx = bool_scatter(dpack_sequence, present, None)
    return _exchanged(dx) if batch_first else dx, None


@operator(
    "PadPackedSequence",
    group=GROUP,
    outputs="padded_sequence, lengths:int32",
    data_dependent=True,
)
def pad_packed_sequence(
    packed_sequence: Float,
    batch_sizes: Index,
    batch_first: Boolean = False,
    padding_value: FloatArg = 0.0,
    total_length: Int = -1,
) -> Any:
    """Give packed sequences their padding again.

    :math:`y_{t,b} = x_{s_t + b}` where :math:`b < n_t`, else the padding; :math:`n_t` sequences have step t, and
    :math:`s_t = \\sum_{u < t} n_u`.

    Args:
        packed_sequence: (sum of ``batch_sizes``, ...): the first steps of all sequences, then the second ones...
        batch_sizes: (T,): how many sequences have each step, from many to few.
        batch_first: Return (B, T, ...) rather than (T, B, ...).
        padding_value: What stands where there is no step.
        total_length: Number of steps of the result, if more than T.
    Returns:
        padded_sequence: (T, B, ...), or (B, T, ...) with ``batch_first``, B being ``batch_sizes[0]`` (0 until there
            is data).
        lengths: (B,), integers.
    Example:
        >>> packed = nn.NdArray.from_numpy_array([1.0, 10.0, 2.0, 20.0, 3.0])
        >>> padded, lengths = F.pad_packed_sequence(packed, nn.NdArray.from_numpy_array([2, 2, 1]))
        >>> print(padded.data)
        [[ 1. 10.]
         [ 2. 20.]
         [ 3.  0.]]
        >>> print(lengths.data)
        [3 2]
    """


def _steps(batch_sizes: Any, total_length: int) -> int:
    return max(batch_sizes[0], total_length)


@pad_packed_sequence.resolve
def _(packed_sequence: Any, batch_sizes: Any, batch_first: bool, padding_value: float, total_length: int) -> Any:
    if not packed_sequence or len(batch_sizes) != 1 or batch_sizes[0] == 0:
        raise ShapeError(
            f"pad_packed_sequence: packed_sequence {tuple(packed_sequence)} needs a dimension for the packed steps, "
            f"and batch_sizes {tuple(batch_sizes)} one, with one or more steps"
        )
    if total_length < -1:
        raise ArgumentError(f"pad_packed_sequence: total_length={total_length} must be -1 (as needed) or more")
    return {}


@pad_packed_sequence.shape
def _(packed_sequence: Any, batch_sizes: Any, batch_first: bool, padding_value: float, total_length: int) -> Any:
    steps = _steps(batch_sizes, total_length)
    return [((0, steps) if batch_first else (steps, 0)) + tuple(packed_sequence[1:]), (0,)]


@pad_packed_sequence.reference
def _(
    xp: Any, packed_sequence: Any, batch_sizes: Any, batch_first: bool, padding_value: float, total_length: int
) -> Any:
    batch, rest = int(batch_sizes[0]), packed_sequence.shape[1:]
    if int(xp.min(batch_sizes)) < 0 or int(xp.max(batch_sizes)) > batch:
        raise ShapeError(
            "pad_packed_sequence: batch_sizes must be 0 or more and the first of them the largest, but they go from "
            f"{int(xp.min(batch_sizes))} to {int(xp.max(batch_sizes))} and begin with {batch}"
        )
    if int(xp.sum(batch_sizes)) != packed_sequence.shape[0]:
        raise ShapeError(
            f"pad_packed_sequence: packed_sequence has {packed_sequence.shape[0]} steps, but batch_sizes sums up to "
            f"{int(xp.sum(batch_sizes))}"
        )
    present = _present_kernel(xp, batch_sizes, batch)
    steps = _steps(batch_sizes.shape, total_length)
    y = xp.full((steps, batch, *rest), padding_value, dtype=packed_sequence.dtype)
    if packed_sequence.shape[0]:
        rank = xp.cumulative_sum(xp.astype(xp.reshape(present, (-1,)), xp.int64)) - 1
        rows = xp.take(packed_sequence, xp.where(rank < 0, xp.zeros_like(rank), rank), axis=0)
        rows = xp.reshape(rows, (batch_sizes.shape[0], batch, *rest))
        mask = xp.reshape(present, (*present.shape, *(1,) * len(rest)))
        y[: batch_sizes.shape[0], ...] = xp.where(mask, rows, xp.full_like(rows, padding_value))
    lengths = xp.sum(xp.astype(present, xp.int32), axis=0, dtype=xp.int32)
    return xp.asarray(xp.moveaxis(y, 0, 1), copy=True) if batch_first else y, lengths


@pad_packed_sequence.gradient
def _(packed_sequence_shape: Any, batch_sizes: Any, dpadded_sequence: Any, batch_first: bool) -> Any:
    return pack_steps(dpadded_sequence, batch_sizes, packed_sequence_shape[0], batch_first), None


@operator("PackSteps", internal=True)
def pack_steps(x: Float, batch_sizes: Index, count: Int, batch_first: Boolean) -> Any:
    """The ``count`` steps that sequences have, where ``batch_sizes`` says how many have each one."""


@pack_steps.shape
def _(x: Any, batch_sizes: Any, count: int, batch_first: bool) -> Any:
    return (count, *x[2:])


@pack_steps.reference
def _(xp: Any, x: Any, batch_sizes: Any, batch_first: bool) -> Any:
    x = xp.moveaxis(x, 0, 1) if batch_first else x
    x = x[: batch_sizes.shape[0], ...]
    return _rows(xp, x, _present_kernel(xp, batch_sizes, x.shape[1]))


@pack_steps.gradient
def _(x_shape: Any, batch_sizes: Any, dy: Any, batch_first: bool) -> Any:
    shape = (x_shape[1], x_shape[0], *x_shape[2:]) if batch_first else tuple(x_shape)
    dx = bool_scatter(dy, _present(batch_sizes, shape[1]), None)
    if dx.shape != shape:
        dx = place(dx, shape, (0,) * len(shape), dx.shape, (1,) * len(shape))
    return _exchanged(dx) if batch_first else dx, None
