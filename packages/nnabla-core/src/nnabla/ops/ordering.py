"""Order among elements: sorting, the largest ones, distinct values."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.gathering import add_along, take_along
from nnabla.ops.slicing import part
from nnabla.ops.spec import Boolean, Float, Int

__all__ = ["arg_sort", "sort", "top_k_data", "unique"]


@operator("ArgSort", internal=True, differentiable=False, outputs="y:index")
def arg_sort(x: Float, axis: Int, descending: Boolean = False) -> Any:
    """Positions along ``axis`` that sort ``x``; equal elements keep their order."""


@arg_sort.shape
def _(x: Any, axis: int, descending: bool) -> Any:
    return x


@arg_sort.reference
def _(xp: Any, x: Any, axis: int, descending: bool, dtype: Any) -> Any:
    order = xp.argsort(x, axis=axis, descending=descending, stable=True)
    return xp.astype(order, dtype, copy=False)


@operator("Sort", group="Array Manipulation", outputs="*y", unpack=True, saved=("index",))
def sort(
    x: Float, axis: Int = -1, reverse: Boolean = False, with_index: Boolean = False, only_index: Boolean = False
) -> Any:
    """Sort along an axis, :math:`y_0 \\le y_1 \\le \\dots`; equal elements keep their order.

    Args:
        x: One or more dimensions.
        axis: The axis.
        reverse: Largest first.
        with_index: Return the positions in ``x`` as well, as unsigned integers.
        only_index: Return the positions alone.
    Returns:
        The shape of ``x``; with ``with_index`` the positions follow in that shape.
    Example:
        >>> values, positions = F.sort(nn.NdArray.from_numpy_array([3.0, 1.0, 2.0]), with_index=True)
        >>> print(values.data, positions.data)
        [1. 2. 3.] [1 2 0]
    """
    at = normalize_axis("sort", axis, len(x.shape))
    index = arg_sort(x, at, reverse)
    if only_index:
        return Result(index, saved={"index": index})
    values = take_along(x, index, at, "sort")
    return Result((values, index) if with_index else values, saved={"index": index})


@sort.kinds
def _(axis: int, reverse: bool, with_index: bool, only_index: bool) -> Any:
    return ("index",) if only_index else ("float", "index") if with_index else ("float",)


@sort.gradient
def _(x_shape: Any, index: Any, dy: Any, axis: int, only_index: bool) -> Any:
    return None if only_index else add_along(dy[0], index, axis % len(x_shape), x_shape, "sort")


@operator(
    "TopKData",
    group="Stochasticity",
    outputs="y, indices:index",
    saved=("index",),
    depends=lambda with_index, **_: ("y", "indices") if with_index else (),
)
def top_k_data(
    x: Float,
    k: Int,
    abs: Boolean = False,
    reduce: Boolean = True,
    base_axis: Int = 1,
    largest: Boolean = True,
    with_index: Boolean = False,
) -> Any:
    """The k largest elements of each sample, :math:`y_0 \\ge y_1 \\ge \\dots \\ge y_{k-1}`; of equal ones the first
    count.

    Args:
        x: Any shape.
        k: How many, from 1 to the size of a sample.
        abs: Compare absolute values.
        reduce: Return those elements, ``(..., k)``, in descending order. Otherwise ``x`` with 0 in place of all
            others.
        base_axis: Dimensions before it count samples.
        largest: False for the smallest ones (in ascending order).
        with_index: Return their positions within the sample as well (not without ``reduce``).
    Returns:
        y: The batch dimensions, then (k,); the shape of ``x`` without ``reduce``.
        indices: Positions in the sample, the shape of ``y``; there with ``with_index`` alone.
    Example:
        >>> values, positions = F.top_k_data(nn.NdArray.from_numpy_array([[3.0, 1.0, 2.0]]), 2, with_index=True)
        >>> print(values.data, positions.data)
        [[3. 2.]] [[0 2]]
    """
    from nnabla import ops

    base = base_axis % len(x.shape)
    outer, size = x.shape[:base], prod(x.shape[base:])
    samples = reshape(x, (prod(outer), size), False)
    index = part(arg_sort(ops.abs(samples) if abs else samples, 1, largest), 1, 0, k)
    values = take_along(samples, index, 1, "top_k_data")
    saved = {"index": index}
    if not reduce:
        kept = add_along(values, index, 1, samples.shape, "top_k_data")
        return Result(reshape(kept, x.shape, False), saved=saved)
    values = reshape(values, (*outer, k), False)
    return Result((values, reshape(index, (*outer, k), False)) if with_index else values, saved=saved)


@top_k_data.resolve
def _(x: Any, k: int, abs: bool, reduce: bool, base_axis: int, largest: bool, with_index: bool) -> Any:
    size = prod(x[normalize_axis("top_k_data", base_axis, len(x), "base_axis") :])
    if not 1 <= k <= size:
        raise ArgumentError(f"top_k_data: k={k} must be from 1 to the {size} elements of a sample of x {tuple(x)}")
    if with_index and not reduce:
        raise ArgumentError("top_k_data: with_index=True needs reduce=True")
    return {}


@top_k_data.kinds
def _(k: int, abs: bool, reduce: bool, base_axis: int, largest: bool, with_index: bool) -> Any:
    return ("float", "index") if with_index else ("float",)


@top_k_data.gradient
def _(x_shape: Any, index: Any, dy: Any, reduce: bool) -> Any:
    samples = (index.shape[0], prod(x_shape) // max(index.shape[0], 1))
    if reduce:
        values = reshape(dy, index.shape, False)
    else:
        values = take_along(reshape(dy, samples, False), index, 1, "top_k_data")
    return reshape(add_along(values, index, 1, samples, "top_k_data"), x_shape, False)


@operator(
    "Unique",
    group="Unsupported, Special Use",
    outputs="y, indices:int32, inverse_indices:int32, counts:int32",
    data_dependent=True,
    differentiable=False,
    depends=("x", "y", "indices", "inverse_indices", "counts"),
)
def unique(
    x: Float,
    flatten: Boolean = True,
    axis: Int | None = None,
    sorted: Boolean = True,
    with_index: Boolean = False,
    with_inverse: Boolean = False,
    with_counts: Boolean = False,
) -> Any:
    """Distinct elements, or distinct slices along an axis, :math:`\\{x_i\\}`.

    Args:
        x: Any shape.
        flatten: Compare single elements; the result has one dimension.
        axis: Without ``flatten``, the axis whose slices are compared (default: all elements, as ``flatten``).
        sorted: In ascending order; otherwise in the order of first appearance.
        with_index: Return the position of each one's first appearance as well.
        with_inverse: Return, for each element (flattened) or slice, its position in the result as well.
        with_counts: Return how often each one appears as well.
    Returns:
        y: The distinct values, (n,), or the shape of ``x`` with n along ``axis``; 0 of them until there is data.
        indices: Position of the first appearance of each one, (n,); there with ``with_index`` alone.
        inverse_indices: Position in ``y`` of each element or slice; there with ``with_inverse`` alone.
        counts: How often each one appears, (n,); there with ``with_counts`` alone.
    Example:
        >>> y, counts = F.unique(nn.NdArray.from_numpy_array([3.0, 1.0, 3.0]), with_counts=True)
        >>> print(y.data, counts.data)
        [1. 3.] [1 2]
    """


@unique.resolve
def _(x: Any, axis: Any, flatten: bool, **_: Any) -> Any:
    if axis is not None and not flatten:
        normalize_axis("unique", axis, len(x))
    if prod(x) == 0 and len(x) > 1 and not flatten:
        raise ShapeError(f"unique: x {tuple(x)} has no elements to compare along axis={axis}")
    return {}


@unique.kinds
def _(with_index: bool, with_inverse: bool, with_counts: bool, **_: Any) -> Any:
    return ("float",) + ("int32",) * (with_index + with_inverse + with_counts)


@unique.shape
def _(x: Any, flatten: bool, axis: Any, sorted: bool, with_index: bool, with_inverse: bool, with_counts: bool) -> Any:
    count = prod(x)
    first: tuple[int, ...] = (0,)
    if not flatten and axis is not None:
        count = x[axis]
        first = tuple(0 if i == axis % len(x) else n for i, n in enumerate(x))
    return [first] + [(0,)] * with_index + [(count,)] * with_inverse + [(0,)] * with_counts


@unique.reference
def _(
    xp: Any,
    x: Any,
    flatten: bool,
    axis: Any,
    sorted: bool,
    with_index: bool,
    with_inverse: bool,
    with_counts: bool,
) -> Any:
    slices = x if not flatten and axis is not None else xp.reshape(x, (-1,))
    at = axis % x.ndim if slices is x else 0
    _, first, inverse, counts = xp.unique_all(_codes(xp, xp.moveaxis(slices, at, 0)))
    if not sorted:
        order = xp.argsort(first)
        first, counts = xp.take(first, order), xp.take(counts, order)
        inverse = xp.take(xp.argsort(order), inverse)
    results = [xp.take(slices, first, axis=at)]
    for wanted, values in ((with_index, first), (with_inverse, inverse), (with_counts, counts)):
        if wanted:
            results.append(xp.astype(xp.reshape(values, (-1,)), xp.int32))
    return results[0] if len(results) == 1 else tuple(results)


def _codes(xp: Any, slices: Any) -> Any:
    """Return one value per slice of the first axis; values are ordered as the slices are."""
    if slices.ndim == 1:
        return slices
    matrix = xp.reshape(slices, (slices.shape[0], -1))
    codes = xp.zeros((matrix.shape[0],), dtype=xp.int64)
    for column in range(matrix.shape[1]):
        ranks = xp.unique_inverse(matrix[:, column]).inverse_indices
        codes = xp.unique_inverse(codes * matrix.shape[0] + ranks).inverse_indices
    return codes
