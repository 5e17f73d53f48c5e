"""Reductions over axes."""

from __future__ import annotations

import math
from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.internal import arg_max, cast, sqrt
from nnabla.ops.spec import Boolean, Float, FloatArg, Ints, per_input

GROUP = "Reduction"


def all_axes(x: Any) -> tuple[int, ...]:
    """Return all axes of a shape, the default of reductions."""
    return tuple(range(len(x)))


def reduced_shape(name: str, x: Any, axes: Any, keep_dims: bool) -> tuple[int, ...]:
    """Return the shape after reducing ``axes``."""
    chosen = {normalize_axis(name, a, len(x), "axes") for a in axes}
    if len(chosen) < len(axes):
        raise ArgumentError(f"{name}: axes={tuple(axes)} has an axis twice")
    if keep_dims:
        return tuple(1 if i in chosen else n for i, n in enumerate(x))
    return tuple(n for i, n in enumerate(x) if i not in chosen)


def spread(dy: Any, shape: tuple[int, ...], axes: Any) -> Any:
    """Broadcast a reduction's gradient back over the reduced axes."""
    chosen = {a % len(shape) for a in axes} if shape else set()
    kept = tuple(1 if i in chosen else n for i, n in enumerate(shape))
    return broadcast(dy if dy.shape == kept else reshape(dy, kept, False), shape)


class Folded:
    """How an operator on one axis serves several: they are brought to the end and taken as one."""

    def __init__(self, shape: tuple[int, ...], axes: Any) -> None:
        chosen = sorted({a % len(shape) for a in axes}) if shape else []
        self.order = (*(i for i in range(len(shape)) if i not in chosen), *chosen)
        self.outer = tuple(shape[i] for i in self.order[: len(shape) - len(chosen)])
        self.inner = tuple(shape[i] for i in chosen)

    def fold(self, x: Any) -> Any:
        """Return ``x`` with the chosen axes as the last one."""
        if self.order != tuple(range(len(self.order))):
            x = transpose(x, self.order)
        return reshape(x, (*self.outer, prod(self.inner)), False)

    def unfold(self, x: Any) -> Any:
        """Return what :meth:`fold` gave in the shape it had."""
        x = reshape(x, (*self.outer, *self.inner), False)
        back = tuple(sorted(range(len(self.order)), key=lambda i: self.order[i]))
        return x if back == tuple(range(len(back))) else transpose(x, back)


@operator("Sum", group=GROUP, snake_name="sum")
def sum_(x: Float, axes: Ints = per_input(all_axes), keep_dims: Boolean = False) -> Any:
    """Sum over axes, :math:`y = \\sum_i x_i`.

    Args:
        x: Any shape.
        axes: Axes to sum over (default: all).
        keep_dims: Keep the summed axes with size 1.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> print(F.sum(x).data, F.sum(x, axis=1).data)
        10.0 [3. 7.]
    """


@sum_.shape
def _(x: Any, axes: Any, keep_dims: bool) -> Any:
    return reduced_shape("sum", x, axes, keep_dims)


@sum_.reference
def _(xp: Any, x: Any, axes: Any, keep_dims: bool) -> Any:
    return xp.sum(x, axis=axes, keepdims=keep_dims)


@sum_.gradient
def _(x_shape: Any, dy: Any, axes: Any) -> Any:
    return spread(dy, x_shape, axes)


@operator("Mean", group=GROUP)
def mean(x: Float, axes: Ints = per_input(all_axes), keep_dims: Boolean = False) -> Any:
    """Arithmetic mean over axes, :math:`y = \\frac{1}{n} \\sum_i x_i`.

    Args:
        x: Any shape.
        axes: Axes to average over (default: all); NaN where they are empty.
        keep_dims: Keep the averaged axes with size 1.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> print(F.mean(x).data, F.mean(x, axis=1).data)
        2.5 [1.5 3.5]
    """
    count = prod([x.shape[a] for a in axes])
    return sum_(x, axes, keep_dims) * (1.0 / count if count else float("nan"))


@mean.resolve
def _(x: Any, axes: Any, keep_dims: bool) -> Any:
    reduced_shape("mean", x, axes, keep_dims)
    return {}


@operator("AMax", internal=True)
def amax(x: Float, axes: Ints, keep_dims: Boolean = False) -> Any:
    """Largest value over axes; its gradient goes to the first of equal ones."""


@amax.shape
def _(x: Any, axes: Any, keep_dims: bool) -> Any:
    return reduced_shape("max", x, axes, keep_dims)


@amax.reference
def _(xp: Any, x: Any, axes: Any, keep_dims: bool) -> Any:
    return xp.max(x, axis=axes, keepdims=keep_dims)


@amax.gradient
def _(x: Any, dy: Any, axes: Any) -> Any:
    folded = Folded(x.shape, axes)
    return _at_index(folded, x.shape, arg_max(folded.fold(x), -1), dy)


def _at_index(folded: Folded, shape: tuple[int, ...], index: Any, dy: Any) -> Any:
    """Return the gradient of an extreme value: ``dy`` at ``index`` along the folded axes."""
    from nnabla.ops.gathering import add_along

    axis, whole = len(folded.outer), (*folded.outer, prod(folded.inner))
    return folded.unfold(add_along(reshape(dy, index.shape, False), index, axis, whole, "max"))


def _extreme(x: Any, signed: Any, axes: Any, keep_dims: bool, with_index: bool, only_index: bool) -> Any:
    """Return value or position of the largest ``signed`` over axes, or both, with the position saved."""
    name = "max" if signed is x else "min"
    shape = reduced_shape(name, x.shape, axes, keep_dims)
    index = arg_max(Folded(x.shape, axes).fold(signed), -1)
    shown = reshape(index, shape, False)
    if only_index:
        return Result(shown, saved={"index": index})
    value = amax(signed, axes, keep_dims)
    value = value if signed is x else -value
    return Result((value, shown) if with_index else value, saved={"index": index})


def _check_extreme(name: str, x: Any, axes: Any, keep_dims: bool) -> Any:
    reduced_shape(name, x, axes, keep_dims)
    if any(x[a] == 0 for a in axes):
        raise ShapeError(f"{name}: x {tuple(x)} has no element along axes={tuple(axes)}")
    return {}


def _extreme_kinds(with_index: bool, only_index: bool) -> tuple[str, ...]:
    return ("index",) if only_index else ("float", "index") if with_index else ("float",)


@operator("Max", group=GROUP, snake_name="max", saved=("index",), keeps=("x", "y", "index"))
def max_(
    x: Float,
    axes: Ints = per_input(all_axes),
    keep_dims: Boolean = False,
    with_index: Boolean = False,
    only_index: Boolean = False,
) -> Any:
    """Largest value over axes, :math:`y = \\max_i x_i`; of equal ones the first counts, and gets the whole gradient.

    Args:
        x: Any shape.
        axes: Axes to look over (default: all).
        keep_dims: Keep them with size 1.
        with_index: Return the position as well, counted in C order over ``axes``, as unsigned integers.
        only_index: Return the position alone.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there; with ``with_index`` the positions follow in that
        shape.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 5.0], [7.0, 4.0]])
        >>> value, index = F.max(x, axis=1, with_index=True)
        >>> print(value.data, index.data)
        [5. 7.] [1 0]
    """
    return _extreme(x, x, axes, keep_dims, with_index, only_index)


@max_.resolve
def _(x: Any, axes: Any, keep_dims: bool, with_index: bool, only_index: bool) -> Any:
    return _check_extreme("max", x, axes, keep_dims)


@max_.kinds
def _(axes: Any, keep_dims: bool, with_index: bool, only_index: bool) -> Any:
    return _extreme_kinds(with_index, only_index)


@max_.gradient
def _(x_shape: Any, index: Any, dy: Any, axes: Any, only_index: bool) -> Any:
    return None if only_index else _at_index(Folded(x_shape, axes), x_shape, index, dy)


@operator("Min", group=GROUP, snake_name="min", saved=("index",), keeps=("x", "y", "index"))
def min_(
    x: Float,
    axes: Ints = per_input(all_axes),
    keep_dims: Boolean = False,
    with_index: Boolean = False,
    only_index: Boolean = False,
) -> Any:
    """Smallest value over axes, :math:`y = \\min_i x_i`; of equal ones the first counts, and gets the whole gradient.

    Args:
        x: Any shape.
        axes: Axes to look over (default: all).
        keep_dims: Keep them with size 1.
        with_index: Return the position as well, counted in C order over ``axes``, as unsigned integers.
        only_index: Return the position alone.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there; with ``with_index`` the positions follow in that
        shape.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 5.0], [7.0, 4.0]])
        >>> value, index = F.min(x, axis=1, with_index=True)
        >>> print(value.data, index.data)
        [1. 4.] [0 1]
    """
    return _extreme(x, -x, axes, keep_dims, with_index, only_index)


@min_.resolve
def _(x: Any, axes: Any, keep_dims: bool, with_index: bool, only_index: bool) -> Any:
    return _check_extreme("min", x, axes, keep_dims)


@min_.kinds
def _(axes: Any, keep_dims: bool, with_index: bool, only_index: bool) -> Any:
    return _extreme_kinds(with_index, only_index)


@min_.gradient
def _(x_shape: Any, index: Any, dy: Any, axes: Any, only_index: bool) -> Any:
    return None if only_index else _at_index(Folded(x_shape, axes), x_shape, index, dy)


@operator("Prod", group=GROUP, depends=("y",))
def prod_(x: Float, axes: Ints = per_input(all_axes), keep_dims: Boolean = False) -> Any:
    """Product over axes, :math:`y = \\prod_i x_i`.

    Args:
        x: Any shape.
        axes: Axes to multiply over (default: all).
        keep_dims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> print(F.prod(x).data, F.prod(x, axis=1).data)
        24.0 [ 2. 12.]
    """


@prod_.shape
def _(x: Any, axes: Any, keep_dims: bool) -> Any:
    return reduced_shape("prod", x, axes, keep_dims)


@prod_.reference
def _(xp: Any, x: Any, axes: Any, keep_dims: bool) -> Any:
    return xp.prod(x, axis=axes, keepdims=keep_dims)


@prod_.gradient
def _(x: Any, dy: Any, axes: Any) -> Any:
    from nnabla.ops.cumulative import cumprod

    # The product of all others, without dividing, so that zeros are no exception.
    folded = Folded(x.shape, axes)
    line, at = folded.fold(x), len(folded.outer)
    others = cumprod(line, at, True, False) * cumprod(line, at, True, True)
    return folded.unfold(reshape(dy, (*folded.outer, 1), False) * others)


@operator("Norm", group=GROUP)
def norm(x: Float, p: FloatArg = 2, axes: Ints = per_input(all_axes), keep_dims: Boolean = False) -> Any:
    """p-norm over axes, :math:`(\\sum |x|^p)^{1/p}`; the largest absolute value for infinite p.

    Args:
        x: Any shape.
        p: Order, 1 or more.
        axes: Axes to reduce (default: all).
        keep_dims: Keep them with size 1.
    Returns:
        The shape of ``x`` without ``axes``, or with size 1 there.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[3.0, 4.0], [0.0, 2.0]])
        >>> print(F.norm(x, axis=1).data.round(4), F.norm(x, p=1, axis=1).data.round(4))
        [5. 2.] [7. 2.]
    """
    from nnabla import ops

    if p == 2:
        return sqrt(sum_(x * x, axes, keep_dims))
    if math.isinf(p):
        return amax(ops.abs(x), axes, keep_dims)
    if p == 1:
        return sum_(ops.abs(x), axes, keep_dims)
    return sum_(ops.abs(x) ** p, axes, keep_dims) ** (1.0 / p)


@norm.resolve
def _(x: Any, p: float, axes: Any, keep_dims: bool) -> Any:
    reduced_shape("norm", x, axes, keep_dims)
    if not p >= 1:
        raise ArgumentError(f"norm: p={p} must be 1 or more")
    return {}


@norm.gradient
def _(x: Any, dy: Any, p: float, axes: Any) -> Any:
    from nnabla import ops

    # The operator Sign passes gradients straight through, which second derivatives must not.
    signs = cast(x >= 0.0, "float") * 2.0 - 1.0
    if math.isinf(p):
        folded = Folded(x.shape, axes)
        return signs * _at_index(folded, x.shape, arg_max(folded.fold(ops.abs(x)), -1), dy)
    seed = spread(dy, x.shape, axes)
    if p == 1:
        return seed * signs
    # Where everything is 0 the norm has a kink; 0 is among its slopes.
    y = norm(x, p, axes, True)
    safe = ops.where(cast(y, "bool"), y, y * 0.0 + 1.0)
    return seed * (x / safe if p == 2 else signs * (ops.abs(x) / safe) ** (p - 1.0))


@operator("ReduceSum", group=GROUP)
def reduce_sum(x: Float) -> Any:
    """Sum over all axes, :math:`y = \\sum_i x_i`; the result has no dimension.

    Args:
        x: Any shape.
    Returns:
        Shape ().
    Example:
        >>> print(F.reduce_sum(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])).data)
        10.0
    """
    return sum_(x, all_axes(x.shape), False)


@operator("ReduceMean", group=GROUP)
def reduce_mean(x: Float) -> Any:
    """Arithmetic mean over all axes, :math:`y = \\frac{1}{n} \\sum_i x_i`; the result has no dimension.

    Args:
        x: Any shape.
    Returns:
        Shape ().
    Example:
        >>> print(F.reduce_mean(nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])).data)
        2.5
    """
    return mean(x, all_axes(x.shape), False)
