"""Parts of arrays: slices, their adjoint, and what is made of them (flip, split, pad, shift)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape
from nnabla.ops.definition import normalize_axis, operator
from nnabla.ops.joining import concatenate, stack
from nnabla.ops.spec import Double, Float, FloatArg, Int, Ints, Real, Shape, per_input

__all__ = ["flip", "pad", "part", "place", "placement", "shift", "slice_", "split"]

GROUP = "Array Manipulation"


def _slices(shape: Sequence[int], start: Sequence[int], stop: Sequence[int], step: Sequence[int]) -> Any:
    """Return for each dimension a slice whose bounds lie within it (or are None), and the resulting shape."""
    slices, sizes = [], []
    for n, *bounds in zip(shape, start, stop, step):
        taken = range(*slice(*bounds).indices(n))
        sizes.append(len(taken))
        if not taken:
            slices.append(slice(0, 0, 1))
        elif taken.step > 0:
            slices.append(slice(taken.start, taken[-1] + 1, taken.step))
        else:
            slices.append(slice(taken.start, taken[-1] - 1 if taken[-1] else None, taken.step))
    return tuple(slices), tuple(sizes)


def _ascending(slices: Sequence[slice]) -> tuple[tuple[slice, ...], tuple[int, ...]]:
    """Return the slices with positive steps, and the axes that are then to be reversed: PyTorch has no others."""
    result, axes = [], []
    for axis, found in enumerate(slices):
        if found.step > 0:
            result.append(found)
            continue
        taken = range(found.start, -1 if found.stop is None else found.stop, found.step)
        result.append(slice(taken[-1], taken[0] + 1, -found.step))
        axes.append(axis)
    return tuple(result), tuple(axes)


def _full(shape: Sequence[int], start: Any, stop: Any, step: Any) -> tuple[Any, Any, Any]:
    """Return bounds for every dimension: those given are of the last ones."""
    lead = len(shape) - len(start)
    return (0,) * lead + tuple(start), tuple(shape[:lead]) + tuple(stop), (1,) * lead + tuple(step)


@operator("Slice", group=GROUP, snake_name="slice", views=True, outputs="y:same")
def slice_(
    x: Real,
    start: Ints = per_input(lambda x: (0,) * len(x)),
    stop: Ints = per_input(lambda x: tuple(x)),
    step: Ints = per_input(lambda x: (1,) * len(x)),
) -> Any:
    """Every ``step``-th element from ``start`` to before ``stop`` in each dimension, as Python's slices do.

    :math:`y_i = x_{a + i s}` in each dimension, a being the start and s the step. Bounds count from the end if
    negative, and are clipped to the dimension; an empty result is possible.

    Args:
        x: Any shape.
        start: First positions (default: 0). Fewer entries than dimensions are for the last dimensions.
        stop: Positions before which it ends (default: the sizes), as many as ``start``.
        step: Distances, not 0, negative for reversed order (default: 1), as many as ``start``.
    Returns:
        The shape of ``x``, with as many entries as are taken in each dimension.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]])
        >>> print(F.slice(x, start=(0, 1), stop=(2, 4), step=(1, 2)).data)
        [[1. 3.]
         [5. 7.]]
        >>> print(x[:, 1:4:2].data)
        [[1. 3.]
         [5. 7.]]
    """


@slice_.resolve
def _(x: Any, start: Any, stop: Any, step: Any) -> Any:
    if not len(start) == len(stop) == len(step) or len(start) > len(x):
        raise ShapeError(
            f"slice: start={start}, stop={stop} and step={step} must have equally many entries, at most one for "
            f"each of the {len(x)} dimensions of x {tuple(x)}"
        )
    if 0 in step:
        raise ArgumentError(f"slice: step={step} must not be 0")
    return {}


@slice_.shape
def _(x: Any, start: Any, stop: Any, step: Any) -> Any:
    return _slices(x, *_full(x, start, stop, step))[1]


@slice_.reference
def _(xp: Any, x: Any, start: Any, stop: Any, step: Any) -> Any:
    slices, reversed_axes = _ascending(_slices(x.shape, *_full(x.shape, start, stop, step))[0])
    return xp.flip(x[slices], axis=reversed_axes) if reversed_axes else x[slices]


@slice_.gradient
def _(x_shape: Any, dy: Any, start: Any, stop: Any, step: Any) -> Any:
    return place(dy, x_shape, *_full(x_shape, start, stop, step))


@operator("Place", internal=True, outputs="y:same")
def place(x: Real, shape: Shape, start: Ints, stop: Ints, step: Ints, fill: Double = 0.0) -> Any:
    """An array of ``shape`` whose slice is ``x`` and whose other elements are ``fill``: the adjoint of a slice."""


@place.shape
def _(x: Any, shape: Any, start: Any, stop: Any, step: Any, fill: float) -> Any:
    return shape


def placement(
    shape: tuple[int, ...], start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where in each dimension the first entry of a slice lies, and the distances of the others."""
    slices = _slices(shape, start, stop, step)[0]
    return tuple(s.start for s in slices), tuple(s.step for s in slices)


@place.reference
def _(xp: Any, x: Any, shape: Any, start: Any, stop: Any, step: Any, fill: float) -> Any:
    y = xp.full(shape, fill, dtype=x.dtype)
    slices, reversed_axes = _ascending(_slices(shape, start, stop, step)[0])
    y[slices] = xp.flip(x, axis=reversed_axes) if reversed_axes else x
    return y


@place.accumulate
def _(xp: Any, target: Any, x: Any, shape: Any, start: Any, stop: Any, step: Any) -> None:
    slices, reversed_axes = _ascending(_slices(shape, start, stop, step)[0])
    target[slices] += xp.flip(x, axis=reversed_axes) if reversed_axes else x


@place.gradient
def _(dy: Any, start: Any, stop: Any, step: Any) -> Any:
    return slice_(dy, start, stop, step)


def part(x: Any, axis: int, start: int, stop: int, step: int = 1) -> Any:
    """Return a slice along one axis (not negative), for use in bodies and gradients."""
    sizes = x.shape
    return slice_(
        x,
        tuple(start if i == axis else 0 for i in range(len(sizes))),
        tuple(stop if i == axis else n for i, n in enumerate(sizes)),
        tuple(step if i == axis else 1 for i in range(len(sizes))),
    )


@operator("Flip", group=GROUP, outputs="y:same")
def flip(x: Real, axes: Ints = per_input(lambda x: (len(x) - 1,))) -> Any:
    """Reverse the order along axes, :math:`y_i = x_{n - 1 - i}`.

    Args:
        x: Any shape.
        axes: The axes (default: the last one).
    Returns:
        The shape of ``x``.
    Example:
        >>> print(F.flip(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])).data)
        [[2. 1.]
         [4. 3.]]
    """
    chosen = {normalize_axis("flip", a, len(x.shape), "axes") for a in axes}
    ndim = range(len(x.shape))
    return slice_(
        x,
        tuple(-1 if i in chosen else 0 for i in ndim),
        tuple(-n - 1 if i in chosen else n for i, n in enumerate(x.shape)),
        tuple(-1 if i in chosen else 1 for i in ndim),
    )


@operator("Split", group=GROUP, outputs="*y")
def split(x: Float, axis: Int = 0) -> Any:
    """Take an array apart along an axis, which the outputs do not have: :math:`(y_i)_j = x_{i,j}` for the first one.

    Args:
        x: Any shape.
        axis: The axis.
    Returns:
        As many outputs as ``x`` has entries along ``axis``, each of the shape of ``x`` without that axis.
    Example:
        >>> first, second = F.split(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]]))
        >>> print(first.data, second.data)
        [1. 2.] [3. 4.]
    """
    at = axis % len(x.shape)
    shape = tuple(n for i, n in enumerate(x.shape) if i != at)
    return [reshape(part(x, at, i, i + 1), shape, False) for i in range(x.shape[at])]


@split.resolve
def _(x: Any, axis: int) -> Any:
    if x[normalize_axis("split", axis, len(x))] == 0:
        raise ShapeError(f"split: x {tuple(x)} has nothing along axis={axis}")
    return {}


@split.gradient
def _(dy: Any, axis: int) -> Any:
    return stack(*dy, axis=axis)


def mirror(x: Any, axis: int, before: int, after: int, period: int) -> Any:
    """Continue ``x`` on both sides along an axis by its mirror image, again and again.

    Args:
        x: At least one entry along ``axis``.
        axis: The axis.
        before, after: Entries to add on each side (both may be larger than the axis).
        period: After how many entries the pattern repeats: ``2 n - 2`` mirrors at the last entry, so that it
            occurs once, ``2 n`` between it and its image.
    """
    n = x.shape[axis]
    period = max(period, 1)
    if before + after > 2 * period:
        whole = mirror(x, axis, 0, max(period - n, 0), period)
        return _again_and_again(whole, axis, -before % period, before + n + after)

    def source(i: int) -> int:
        i %= period
        return i if i < n else period - i - (0 if period == 2 * n - 2 else 1)

    # Stretches of positions that go up or down by one are slices.
    wanted = [source(i) for i in range(-before, n + after)]
    pieces, first = [], 0
    while first < len(wanted):
        last, step = first, 0
        while last + 1 < len(wanted):
            move = wanted[last + 1] - wanted[last]
            if abs(move) != 1 or step not in (0, move):
                break
            step, last = move, last + 1
        end = wanted[last] + (step or 1)
        pieces.append(part(x, axis, wanted[first], end if end >= 0 else -n - 1, step or 1))
        first = last + 1
    return concatenate(*pieces, axis=axis) if len(pieces) > 1 else pieces[0]


def _again_and_again(x: Any, axis: int, start: int, count: int) -> Any:
    """Return ``count`` entries along an axis of ``x`` repeated without end, from ``start``."""
    n = x.shape[axis]
    times = -(-(start + count) // n)
    lead, rest = x.shape[:axis], x.shape[axis + 1 :]
    rows = broadcast(reshape(x, (*lead, 1, n, *rest), False), (*lead, times, n, *rest))
    return part(reshape(rows, (*lead, times * n, *rest), False), axis, start, start + count)


def edges(x: Any, axis: int, before: int, after: int) -> Any:
    """Continue ``x`` on both sides along an axis by its first and last entry."""
    n = x.shape[axis]
    pieces = [x]
    if before:
        shape = tuple(before if i == axis else m for i, m in enumerate(x.shape))
        pieces.insert(0, broadcast(part(x, axis, 0, 1), shape))
    if after:
        shape = tuple(after if i == axis else m for i, m in enumerate(x.shape))
        pieces.append(broadcast(part(x, axis, n - 1, n), shape))
    return concatenate(*pieces, axis=axis) if len(pieces) > 1 else x


@operator("Pad", group=GROUP)
def pad(
    x: Float,
    pad_width: Ints,
    mode: Literal["constant", "reflect", "repeat"] = "constant",
    constant_value: FloatArg = 0,
) -> Any:
    """Add entries before and after the dimensions.

    :math:`y_i = x_{i - a}` in each dimension, where a entries are added before; positions outside of ``x`` are as
    ``mode`` says.

    Args:
        x: Any shape.
        pad_width: Numbers of entries before and after each of the last dimensions, in pairs.
        mode: ``'constant'`` adds ``constant_value``; ``'reflect'`` mirrors at the first and last entry (again
            and again if the width exceeds the size); ``'repeat'`` repeats the first and last entry.
        constant_value: What ``'constant'`` adds.
    Returns:
        The shape of ``x``, with the widths added in the last dimensions.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0, 3.0]])
        >>> print(F.pad(x, (2, 1)).data)
        [[0. 0. 1. 2. 3. 0.]]
        >>> print(F.pad(x, (2, 1), mode="reflect").data)
        [[3. 2. 1. 2. 3. 2.]]
        >>> print(F.pad(x, (2, 1), mode="repeat").data)
        [[1. 1. 1. 2. 3. 3.]]
    """
    lead = len(x.shape) - len(pad_width) // 2
    widths = [(0, 0)] * lead + list(zip(pad_width[::2], pad_width[1::2]))
    if mode == "constant":
        ndim = len(x.shape)
        shape = tuple(b + n + a for n, (b, a) in zip(x.shape, widths))
        stop = tuple(b + n for n, (b, _) in zip(x.shape, widths))
        return place(x, shape, tuple(b for b, _ in widths), stop, (1,) * ndim, constant_value)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            if mode == "reflect":
                x = mirror(x, axis, before, after, 2 * x.shape[axis] - 2)
            else:
                x = edges(x, axis, before, after)
    return x


@pad.resolve
def _(x: Any, pad_width: Any, mode: str, constant_value: float) -> Any:
    if len(pad_width) % 2 or len(pad_width) > 2 * len(x) or min(pad_width, default=0) < 0:
        raise ShapeError(
            f"pad: pad_width={tuple(pad_width)} needs a pair of numbers, 0 or more, for each padded dimension, "
            f"and x {tuple(x)} has {len(x)} dimensions"
        )
    widths = zip(x[len(x) - len(pad_width) // 2 :], pad_width[::2], pad_width[1::2])
    if mode != "constant" and any(n == 0 and b + a > 0 for n, b, a in widths):
        raise ShapeError(f"pad: mode={mode!r} has nothing to take along an empty dimension of x {tuple(x)}")
    return {}


@operator("Shift", group=GROUP)
def shift(
    x: Float,
    shifts: Ints = per_input(lambda x: (0,) * len(x)),
    border_mode: Literal["nearest", "reflect"] = "nearest",
) -> Any:
    """Move the entries along the dimensions, :math:`y_i = x_{i - s}`; what moves out is lost.

    Args:
        x: Any shape.
        shifts: By how many entries each of the last dimensions is moved, to higher positions if positive.
        border_mode: What moves in: ``'nearest'`` repeats the entry at the border, ``'reflect'`` mirrors
            between it and its image.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([1.0, 2.0, 3.0, 4.0])
        >>> print(F.shift(x, (1,)).data, F.shift(x, (-2,), border_mode="reflect").data)
        [1. 1. 2. 3.] [3. 4. 4. 3.]
    """
    lead = len(x.shape) - len(shifts)
    for axis, by in enumerate(shifts, lead):
        n = x.shape[axis]
        if by == 0 or n == 0:
            continue
        before, after = max(by, 0), max(-by, 0)
        if border_mode == "reflect":
            wider = mirror(x, axis, before, after, 2 * n)
        else:
            wider = edges(x, axis, min(before, n), min(after, n))
            before, after = min(before, n), min(after, n)
        x = part(wider, axis, after, after + n)
    return x


@shift.resolve
def _(x: Any, shifts: Any, border_mode: str) -> Any:
    if len(shifts) > len(x):
        raise ShapeError(f"shift: shifts={tuple(shifts)} has more entries than x {tuple(x)} has dimensions")
    return {}
