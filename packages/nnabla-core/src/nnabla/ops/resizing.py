"""Images and signals resized: each axis by itself, as weighted sums of entries at positions known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import operator
from nnabla.ops.internal import cast, literal
from nnabla.ops.scatter import take_rows
from nnabla.ops.selection import where
from nnabla.ops.spec import Boolean, Float, FloatArg, Floats, Int, Ints, per_input

__all__ = ["Taps", "interpolate", "interpolation_taps", "onnx_resize", "resize_taps"]

GROUP = "Signal Processing"


@dataclass
class Taps:
    """How one axis is resized: entry o of the result is the sum over t of ``weight[t, o] * x[index[t, o]]``.

    Attributes:
        index: (taps, size of the result), positions in the input.
        weight: The same shape.
        inside: (size of the result,), False where the result does not come from the input. None for everywhere.
    """

    index: np.ndarray
    weight: np.ndarray
    inside: np.ndarray | None = None


def _resized(x: Any, taps: dict[int, Taps]) -> Any:
    """Return ``x`` with the axes that ``taps`` lists resized, those first that shrink most."""
    ndim = len(x.shape)
    for axis in sorted(taps, key=lambda a: taps[a].index.shape[1] / x.shape[a]):
        front = transpose(x, (axis, *(a for a in range(ndim) if a != axis)))
        total = None
        for index, weight in zip(taps[axis].index.tolist(), taps[axis].weight.tolist()):
            # What counts nothing is not read, so that a NaN has its effect where it is alone.
            if total is not None and not any(weight):
                continue
            rows = take_rows(front, literal(index, "index"))
            if any(w != 1 for w in weight):
                rows = rows * reshape(literal(weight), (len(index), *(1,) * (ndim - 1)), False)
            total = rows if total is None else total + rows
        x = transpose(total, (*range(1, axis + 1), 0, *range(axis + 1, ndim)))
    return x


def _linear(at: np.ndarray, size: int) -> Taps:
    """Linear interpolation at real positions, beyond the border that of the border."""
    first = np.floor(at)
    share = at - first
    index = np.clip(np.stack([first, first + 1]), 0, size - 1).astype(np.int64)
    return Taps(index, np.stack([1 - share, share]))


def _cubic(at: np.ndarray, size: int, a: float, exclude_outside: bool) -> Taps:
    """Cubic convolution (Keys 1981) at real positions; what is outside counts as the border, or not at all."""
    index = np.floor(at) + np.arange(-1, 3)[:, None]
    d = np.abs(at - index)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    weight = np.where(d <= 1, near, np.where(d < 2, far, 0.0))
    if exclude_outside:
        weight = np.where((index >= 0) & (index < size), weight, 0.0)
        total = weight.sum(axis=0)
        weight = weight / np.where(total == 0, 1.0, total)
    return Taps(np.clip(index, 0, size - 1).astype(np.int64), weight)


def _nearest(at: np.ndarray, size: int) -> Taps:
    return Taps(np.clip(at, 0, size - 1).astype(np.int64)[None], np.ones((1, len(at))))


# -- interpolate -----------------------------------------------------------------------------------------------
def interpolation_taps(
    x: tuple[int, ...],
    output_size: Any,
    mode: str,
    align_corners: bool,
    half_pixel: bool,
    half_pixel_for_nn: bool,
    channel_last: bool,
) -> dict[int, Taps]:
    """Return how :func:`interpolate` resizes the axes, but for those that keep their size, of an input of a shape."""
    first = len(x) - len(output_size) - int(channel_last)
    taps = {}
    for axis, m in enumerate(output_size, first):
        n = x[axis]
        if n == m:
            continue
        # Which entry is nearest is decided in single precision, so that it is the same for every dtype.
        real: Any = np.float32 if mode == "nearest" else np.float64
        scale = real(n) / real(m)
        if mode == "nearest" and half_pixel_for_nn:
            at = (np.arange(m, dtype=real) + real(0.5)) * scale
        elif align_corners:
            at = np.arange(m, dtype=real) * (real(n - 1) / real(max(m - 1, 1)))
        elif half_pixel:
            at = np.maximum((np.arange(m, dtype=real) + real(0.5)) * (scale if m > 1 else real(0)) - real(0.5), 0)
        else:
            at = np.arange(m, dtype=real) * scale
        taps[axis] = _nearest(np.floor(at), n) if mode == "nearest" else _linear(at, n)
    return taps


@operator("Interpolate", group=GROUP)
def interpolate(
    x: Float,
    output_size: Ints,
    mode: Literal["nearest", "linear"],
    align_corners: Boolean = True,
    half_pixel: Boolean = False,
    half_pixel_for_nn: Boolean = False,
    channel_last: Boolean = False,
) -> Any:
    """Resize the last one, two or three dimensions.

    The position in the input of entry o among m, where there are n in the input, is :math:`o n / m`; with
    ``half_pixel`` :math:`(o + \\frac{1}{2}) n / m - \\frac{1}{2}`, and 0 if m is 1; with ``align_corners``
    :math:`o (n - 1) / (m - 1)`.

    Args:
        x: Leading dimensions, then (spatial...), or (spatial..., C) with ``channel_last``.
        output_size: Sizes of the spatial dimensions of the result, 1 or more each; one to three of them.
        mode: ``'linear'`` between the two nearest entries of each axis; ``'nearest'`` the entry at the position,
            rounded down.
        align_corners: The outermost entries of input and result lie on each other.
        half_pixel: Positions are those of the middles of entries.
        half_pixel_for_nn: With ``'nearest'`` the position is (o + 1/2) n / m, whatever the others say.
        channel_last: The last dimension is the channel and keeps its size.
    Returns:
        The shape of ``x`` with ``output_size`` as spatial dimensions.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[0.0, 10.0, 20.0]]])
        >>> print(F.interpolate(x, output_size=(6,), mode="nearest").data)
        [[[ 0.  0. 10. 10. 20. 20.]]]
        >>> print(F.interpolate(x, output_size=(6,), half_pixel=True).data.round(4))
        [[[ 0.   2.5  7.5 12.5 17.5 20. ]]]
        >>> print(F.interpolate(x, output_size=(6,), align_corners=True).data.round(4))
        [[[ 0.  4.  8. 12. 16. 20.]]]
    """
    args = (output_size, mode, align_corners, half_pixel, half_pixel_for_nn, channel_last)
    taps = interpolation_taps(tuple(x.shape), *args)
    return _resized(x, taps) if taps else cast(x, "float")


@interpolate.resolve
def _(
    x: Any,
    output_size: Any,
    mode: str,
    align_corners: bool,
    half_pixel: bool,
    half_pixel_for_nn: bool,
    channel_last: bool,
) -> None:
    if not 1 <= len(output_size) <= 3:
        raise ShapeError(
            f"interpolate: output_size={tuple(output_size)} has {len(output_size)} entries; 1 to 3 dimensions "
            "can be resized"
        )
    if len(x) < len(output_size) + int(channel_last):
        raise ShapeError(
            f"interpolate: output_size={tuple(output_size)} (channel_last={channel_last}) has more entries than "
            f"x {tuple(x)} has spatial dimensions"
        )
    if min(output_size) < 1:
        raise ShapeError(f"interpolate: output_size={tuple(output_size)} must be 1 or more in every dimension")
    first = len(x) - len(output_size) - int(channel_last)
    if min(x[first : first + len(output_size)]) < 1:
        raise ShapeError(f"interpolate: x {tuple(x)} has nothing along a dimension that is to be resized")
    if align_corners and half_pixel:
        raise ArgumentError(
            "interpolate: align_corners=True and half_pixel=True exclude each other; choose where positions lie"
        )


# -- ONNX ------------------------------------------------------------------------------------------------------
_ROUND: dict[str, Callable[[Any], Any]] = {
    "round_prefer_floor": lambda at: np.ceil(at - np.float32(0.5)),
    "round_prefer_ceil": lambda at: np.floor(at + np.float32(0.5)),
    "floor": np.floor,
    "ceil": np.ceil,
}


def _positions(how: str, n: int, m: int, scale: float, start: float, end: float, real: Any) -> Any:
    """Return where the ``m`` entries of a result lie among ``n``, by a rule of ONNX."""
    o = np.arange(m, dtype=real)
    last, half = real(max(m - 1, 1)), real(0.5)
    if how == "asymmetric":
        return o / real(scale)
    if how == "align_corners":
        return o * (real(n - 1) / last)
    if how == "tf_crop_and_resize":
        if m == 1:
            return half * (real(start) + real(end)) * real(n - 1) + o
        return real(start) * real(n - 1) + o * (real(end) - real(start)) * real(n - 1) / last
    if how == "pytorch_half_pixel" and m == 1:
        return o
    if how == "tf_half_pixel_for_nn":
        return (o + half) / real(scale)
    return (o + half) / real(scale) - half


def resize_taps(
    x: tuple[int, ...],
    roi: Any,
    scales: Any,
    sizes: Any,
    mode: str,
    coordinate_transformation_mode: str,
    cubic_coeff_a: float,
    exclude_outside: int,
    nearest_mode: str,
) -> dict[int, Taps]:
    """Return how :func:`onnx_resize` resizes the axes, but for those whose scale is 1, of an input of a shape."""
    ndim = len(x)
    taps: dict[int, Taps] = {}
    for axis, (n, m, scale) in enumerate(zip(x, *_target(x, scales, sizes))):
        if scale == 1 or n == 0:
            continue
        crop = coordinate_transformation_mode == "tf_crop_and_resize"
        start, end = (roi[axis], roi[ndim + axis]) if crop else (0.0, 1.0)
        rule = partial(_positions, coordinate_transformation_mode, n, m, scale, start, end)
        # What is near or outside is decided in single precision, so that it is the same for every dtype.
        coarse = rule(np.float32)
        if mode == "nearest":
            found = _nearest(_ROUND[nearest_mode](coarse), n)
        elif mode == "linear":
            found = _linear(rule(np.float64), n)
        else:
            found = _cubic(rule(np.float64), n, cubic_coeff_a, exclude_outside != 0)
        if crop:
            found.inside = (coarse >= 0) & (coarse <= n - 1)
        taps[axis] = found
    return taps


@operator("ONNXResize", group=GROUP, snake_name="onnx_resize")
def onnx_resize(
    x: Float,
    roi: Floats = (),
    scales: Floats = (),
    sizes: Ints = (),
    mode: Literal["nearest", "linear", "cubic"] = "nearest",
    coordinate_transformation_mode: Literal[
        "half_pixel",
        "pytorch_half_pixel",
        "align_corners",
        "asymmetric",
        "tf_half_pixel_for_nn",
        "tf_crop_and_resize",
    ] = "half_pixel",
    cubic_coeff_a: FloatArg = per_input(lambda *_: -0.75),
    exclude_outside: Int = per_input(lambda *_: 0),
    extrapolation_value: FloatArg = per_input(lambda *_: 0.0),
    nearest_mode: Literal["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"] = "round_prefer_floor",
) -> Any:
    """Resize dimensions as ONNX's operator Resize does. A dimension whose scale is 1 stays as it is.

    :math:`y_o = \\sum_i w(p(o) - i) \\, x_i` along each dimension, where p is the position that
    ``coordinate_transformation_mode`` says and w the weight that ``mode`` says.

    Args:
        x: Any shape.
        roi: For ``'tf_crop_and_resize'`` the part to resize, as shares of each dimension: all starts, then all ends.
        scales: Factor of each dimension; the size is rounded down. Or give ``sizes``.
        sizes: Size of each dimension of the result. Or give ``scales``.
        mode: ``'nearest'``, ``'linear'`` or ``'cubic'`` (each axis by itself).
        coordinate_transformation_mode: Where entry o among m lies among n, with the scale s:
            ``'half_pixel'`` (o + 1/2) / s - 1/2; ``'pytorch_half_pixel'`` the same, but 0 if m is 1;
            ``'align_corners'`` o (n - 1) / (m - 1); ``'asymmetric'`` o / s; ``'tf_half_pixel_for_nn'``
            (o + 1/2) / s; ``'tf_crop_and_resize'`` evenly between start and end of ``roi``.
        cubic_coeff_a: Coefficient a of cubic convolution.
        exclude_outside: With ``'cubic'``: if not 0, entries outside have no weight, and the others more.
        extrapolation_value: With ``'tf_crop_and_resize'``: value of the result where the position is outside.
        nearest_mode: How ``'nearest'`` rounds; the first two differ halfway between.
    Returns:
        The shape that ``sizes`` or ``scales`` say.
    Source: Keys 1981, "Cubic convolution interpolation for digital image processing"; the ONNX specification.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[0.0, 10.0, 20.0, 30.0]])
        >>> print(F.onnx_resize(x, scales=(1.0, 1.5), mode="linear").data.round(2))
        [[ 0.    5.   11.67 18.33 25.   30.  ]]
        >>> print(F.onnx_resize(x, sizes=(1, 6), mode="cubic", cubic_coeff_a=-0.75).data.round(2))
        [[-0.87  4.06 12.13 17.87 25.94 30.87]]
    """
    ndim = len(x.shape)
    taps = resize_taps(
        tuple(x.shape), roi, scales, sizes, mode, coordinate_transformation_mode, cubic_coeff_a, exclude_outside,
        nearest_mode,
    )  # fmt: skip
    y = _resized(x, taps) if taps else cast(x, "float")
    for axis, found in taps.items():
        if found.inside is not None and not found.inside.all():
            shape = tuple(len(found.inside) if a == axis else 1 for a in range(ndim))
            y = where(reshape(literal(found.inside.tolist(), "bool"), shape, False), y, extrapolation_value)
    return y


def _target(x: Any, scales: Any, sizes: Any) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return size and scale of each dimension of the result."""
    if sizes:
        return tuple(sizes), tuple(float(np.float32(m) / np.float32(max(n, 1))) for n, m in zip(x, sizes))
    return tuple(int(np.float32(n) * np.float32(s)) for n, s in zip(x, scales)), tuple(scales)


@onnx_resize.resolve
def _(
    x: Any,
    roi: Any,
    scales: Any,
    sizes: Any,
    coordinate_transformation_mode: str,
    **_: Any,
) -> None:
    if bool(scales) == bool(sizes):
        raise ArgumentError(
            f"onnx_resize: scales={tuple(scales)} and sizes={tuple(sizes)}: exactly one of them must be given"
        )
    name, given = ("sizes", sizes) if sizes else ("scales", scales)
    if len(given) != len(x):
        raise ShapeError(
            f"onnx_resize: {name}={tuple(given)} has {len(given)} entries, but x {tuple(x)} has {len(x)} "
            "dimensions; give one for each, 1 as scale of those that stay"
        )
    if min(given) < 0 or any((m < 1) != (n < 1) for n, m in zip(x, _target(x, scales, sizes)[0])):
        raise ShapeError(
            f"onnx_resize: {name}={tuple(given)} must give 1 or more entries along each dimension of x {tuple(x)}, "
            "and none where x has none"
        )
    if coordinate_transformation_mode == "tf_crop_and_resize" and len(roi) != 2 * len(x):
        raise ArgumentError(
            f"onnx_resize: roi={tuple(roi)} must have {2 * len(x)} entries for "
            "coordinate_transformation_mode='tf_crop_and_resize': a start for each dimension, then an end for each"
        )
