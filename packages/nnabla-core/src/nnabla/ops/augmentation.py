"""Random crops, flips and shifts: each sample's elements are read at positions drawn per axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.internal import cast, full, iota
from nnabla.ops.positions import place_index
from nnabla.ops.randomness import random_integers
from nnabla.ops.scatter import add_rows, take_rows
from nnabla.ops.slicing import part
from nnabla.ops.spec import Float, FloatArg, Int, Ints, Shape, per_input

GROUP = "Stochasticity"


def _base(x: Any, base_axis: int) -> int:
    return base_axis + len(x) if base_axis < 0 else base_axis


def _check_base(name: str, x: Any, base_axis: int) -> int:
    """Return the number of batch dimensions."""
    return normalize_axis(name, base_axis, len(x), "base_axis")


def _positions(
    x: Any, base_axis: int, moved: dict[int, Callable[[int, int], Any]]
) -> tuple[list[Any], tuple[int, ...], tuple[int, ...]]:
    """Return positions (B, m) per axis, and the shapes of the batch and of a sample.

    Args:
        x: The shape of the input.
        base_axis: Number of batch dimensions.
        moved: For an axis, what gives its positions as floats from the numbers of samples and elements.
    """
    base = _base(x, base_axis)
    outer, sizes = tuple(x[:base]), tuple(x[base:])
    batch = prod(outer)
    index = []
    for axis, size in enumerate(sizes, base):
        if axis in moved:
            index.append(cast(moved[axis](batch, size), "index"))
        else:
            index.append(ops.broadcast(ops.reshape(iota(size), (1, size), False), (batch, size)))
    return index, outer, sizes


def _line(size: int) -> Any:
    return ops.reshape(iota(size, "float"), (1, size), False)


def _pick(x: Any, index: Sequence[Any], outer: Any, sizes: Any, outside: float | None = None) -> Any:
    """Read ``x`` at positions; where there is none, give ``outside``."""
    if not sizes:
        return x
    y = take_rows(ops.reshape(x, (prod(x.shape),), False), place_index(*index, sizes=sizes))
    if outside is not None:
        y = ops.where(_inside(index, y.shape), y, full(outside, y.shape))
    return ops.reshape(y, (*outer, *y.shape[1:]), False)


def _inside(index: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """Return where all positions are some (truth values of ``shape``)."""
    inside = None
    for axis, positions in enumerate(index, 1):
        aligned = tuple(n if i in (0, axis) else 1 for i, n in enumerate(shape))
        line = ops.reshape(ops.greater_equal(positions, 0.0), aligned, False)
        inside = line if inside is None else ops.logical_and(inside, line)
    return ops.broadcast(inside, shape)


def _gradient(x_shape: Any, base_axis: int, saved: Any, dy: Any, masked: bool) -> Any:
    """The adjoint of reading at positions."""
    base = _base(x_shape, base_axis)
    if saved is None:
        return dy
    index = _split(saved, dy.shape[base:])
    place = place_index(*index, sizes=tuple(x_shape[base:]))
    values = ops.reshape(dy, place.shape, False)
    if masked:
        values = values * cast(_inside(index, place.shape), "float")
    return ops.reshape(add_rows(values, place, prod(x_shape)), x_shape, False)


def _split(saved: Any, lengths: Any) -> list[Any]:
    """Return the positions per axis, which are saved side by side."""
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    return [part(saved, 1, e - n, e) for n, e in zip(lengths, ends)]


# -- crop --------------------------------------------------------------------------------------------------------
@operator("RandomCrop", group=GROUP, saved=("index",))
def random_crop(x: Float, shape: Shape = per_input(lambda x: tuple(x)), base_axis: Int = 1, seed: Int = -1) -> Any:
    """Cut a window from a random place, drawn for each sample: :math:`y_i = x_{i + o}` with a random o in each
    dimension.

    Args:
        x: Batch dimensions, then those of a sample.
        shape: Sizes of the window in the last dimensions; those of batch dimensions must be those of ``x``.
        base_axis: Number of batch dimensions.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        The shape of ``x`` with ``shape`` at its end.
    Example:
        >>> y = F.random_crop(nn.NdArray.from_numpy_array(np.arange(20.0).reshape(1, 20)), (4,), seed=1)
        >>> print(y.shape, np.diff(y.data))
        (1, 4) [[1. 1. 1.]]
    """
    lead = len(x.shape) - len(shape)

    def window(axis: int) -> Callable[[int, int], Any]:
        length = shape[axis - lead]
        return lambda batch, size: random_integers((batch, 1), size - length + 1, 0, "float") + _line(length)

    cut = {lead + i: window(lead + i) for i, n in enumerate(shape) if n != x.shape[lead + i]}
    return _read(x, base_axis, cut)


def _read(x: Any, base_axis: int, moved: dict[int, Callable[[int, int], Any]], outside: float | None = None) -> Result:
    index, outer, sizes = _positions(x.shape, base_axis, moved)
    saved = {"index": ops.concatenate(*index, axis=1)} if index else {}
    return Result(_pick(x, index, outer, sizes, outside), saved=saved)


@random_crop.resolve
def _(x: Any, shape: Any, base_axis: int, seed: int) -> None:
    base = _check_base("random_crop", x, base_axis)
    lead = len(x) - len(shape)
    fits = lead >= 0 and all(n == m if a < base else 0 <= n <= m for a, (n, m) in enumerate(zip(shape, x[lead:]), lead))
    if not fits:
        raise ShapeError(
            f"random_crop: shape={tuple(shape)} must fit into the last dimensions of x {tuple(x)}, and leave the "
            f"{base} batch dimensions as they are"
        )


# -- flip --------------------------------------------------------------------------------------------------------
@operator("RandomFlip", group=GROUP, saved=("index",))
def random_flip(x: Float, axes: Ints = per_input(lambda x: (len(x) - 1,)), base_axis: Int = 1, seed: Int = -1) -> Any:
    """Reverse the order along axes with probability 1/2 each, drawn for each sample: :math:`y_i = x_i` or
    :math:`y_i = x_{n - 1 - i}`.

    Args:
        x: Batch dimensions, then those of a sample.
        axes: Axes that may be reversed; batch dimensions among them have no effect.
        base_axis: Number of batch dimensions.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        The shape of ``x``.
    Example:
        >>> y = F.random_flip(nn.NdArray.from_numpy_array(np.tile([1.0, 2.0], (100, 1))), axes=(1,), seed=1)
        >>> print(np.unique(y.data, axis=0))
        [[1. 2.]
         [2. 1.]]
    """

    def either(batch: int, size: int) -> Any:
        line = _line(size)
        return line + random_integers((batch, 1), 2, 0, "float") * (line * -2.0 + (size - 1.0))

    return _read(x, base_axis, {a % len(x.shape): either for a in axes})


@random_flip.resolve
def _(x: Any, axes: Any, base_axis: int, seed: int) -> None:
    _check_base("random_flip", x, base_axis)
    for axis in axes:
        normalize_axis("random_flip", axis, len(x), "axes")


# -- shift -------------------------------------------------------------------------------------------------------
@operator("RandomShift", group=GROUP, saved=("index",))
def random_shift(
    x: Float,
    shifts: Ints = per_input(lambda x: (0,) * len(x)),
    border_mode: Literal["nearest", "reflect", "constant"] = "nearest",
    constant_value: FloatArg = 0,
    base_axis: Int = 1,
    seed: Int = -1,
) -> Any:
    """Shift along axes by a random number of elements, drawn for each sample: :math:`y_i = x_{i - o}` with a random o.

    Args:
        x: Batch dimensions, then those of a sample.
        shifts: Largest shift, to either side, along each of the last dimensions; 0 for batch dimensions.
        border_mode: What moves in: the border's element (``nearest``), the elements in reverse order from the border
            on (``reflect``), or ``constant_value`` (``constant``).
        constant_value: See ``border_mode``.
        base_axis: Number of batch dimensions.
        seed: Seed of the draws; -1 follows ``nn.seed``.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.tile([1.0, 2.0, 3.0], (100, 1)))
        >>> y = F.random_shift(x, shifts=(1,), border_mode="constant", seed=1)
        >>> print(np.unique(y.data, axis=0))
        [[0. 1. 2.]
         [1. 2. 3.]
         [2. 3. 0.]]
    """
    lead = len(x.shape) - len(shifts)

    def moved(reach: int) -> Callable[[int, int], Any]:
        return lambda batch, size: _shifted(
            random_integers((batch, 1), 2 * reach + 1, -reach, "float") + _line(size), size, border_mode
        )

    outside = constant_value if border_mode == "constant" else None
    return _read(x, base_axis, {lead + i: moved(n) for i, n in enumerate(shifts) if n}, outside)


def _shifted(line: Any, size: int, border_mode: str) -> Any:
    """Return positions within 0 to ``size - 1`` (-1 for none) for positions beyond it."""
    last = size - 1.0
    if border_mode == "nearest":
        return ops.minimum2(ops.maximum2(line, 0.0), last)
    if border_mode == "reflect":
        # Periodic with twice the size: forwards, then backwards.
        line = line - ops.floor(line * (0.5 / size)) * (2.0 * size)
        return ops.minimum2(line, -line + (2.0 * size - 1.0))
    inside = cast(ops.greater_equal(line, 0.0), "float") * cast(ops.less_equal(line, last), "float")
    return inside * (line + 1.0) - 1.0


@random_shift.resolve
def _(x: Any, shifts: Any, border_mode: str, constant_value: float, base_axis: int, seed: int) -> dict[str, Any]:
    base = _check_base("random_shift", x, base_axis)
    lead = len(x) - len(shifts)
    if lead < 0 or any(n and a < base for a, n in enumerate(shifts, lead)):
        raise ArgumentError(
            f"random_shift: shifts={tuple(shifts)} must be for dimensions of x {tuple(x)} after the {base} of the batch"
        )
    return {"shifts": tuple(abs(n) for n in shifts)}


@random_shift.gradient
def _(x_shape: Any, index: Any, dy: Any, base_axis: int, border_mode: str) -> Any:
    return _gradient(x_shape, base_axis, index, dy, border_mode == "constant")


for _op in (random_crop, random_flip):

    @_op.gradient
    def _(x_shape: Any, index: Any, dy: Any, base_axis: int) -> Any:
        return _gradient(x_shape, base_axis, index, dy, False)
