"""Images warped: sampled at positions that a grid, or a flow, tells."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

from nnabla.errors import ShapeError
from nnabla.ops.arithmetic import mod2
from nnabla.ops.array_manipulation import broadcast, reshape, transpose
from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import cast, iota, literal
from nnabla.ops.joining import concatenate
from nnabla.ops.logical import greater
from nnabla.ops.mathematics import abs_, floor
from nnabla.ops.scatter import flat_index, take_rows
from nnabla.ops.selection import maximum2, minimum2, where
from nnabla.ops.slicing import part, place
from nnabla.ops.spec import Boolean, Double, Float, Ints

__all__ = ["affine_grid", "cell_index", "warp_by_flow", "warp_by_grid"]

GROUP = "Geometric Neural Network Layers"


# -- grids -----------------------------------------------------------------------------------------------------
@operator("AffineGrid", group=GROUP, outputs="grid", depends=("theta",))
def affine_grid(theta: Float, size: Ints, align_corners: Boolean = False) -> Any:
    """Positions of an image's elements after an affine map, for :func:`warp_by_grid`.

    :math:`y_{b,i,j} = \\theta_b (x_j, y_i, 1)^T`, where :math:`(x_j, y_i)` is the position of the element in row i
    and column j. Coordinates go from -1 to 1 over the image, and come in the order x, y(, z), the reverse of the
    dimensions.

    Args:
        theta: (B, 2, 3), or (B, 3, 4) for volumes: matrices that map (x, y(, z), 1).
        size: (H, W) or (D, H, W).
        align_corners: -1 and 1 are the middles of the outermost elements, not the image's borders.
    Returns:
        (B, H, W, 2) or (B, D, H, W, 3).
    Source: Jaderberg et al. 2015, "Spatial transformer networks".
    Example:
        >>> theta = nn.NdArray.from_numpy_array([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])  # a quarter to the right
        >>> print(F.affine_grid(theta, (2, 2), align_corners=True).data[0, 0].round(4))
        [[-0.5 -1. ]
         [ 1.5 -1. ]]
    """
    batch, ndim = theta.shape[0], len(size)
    grid = reshape(part(theta, 2, ndim, ndim + 1), (batch, *(1,) * ndim, ndim), False)
    for axis, n in enumerate(size):
        if align_corners:
            line = [2.0 * i / (n - 1) - 1.0 if n > 1 else 0.0 for i in range(n)]
        else:
            line = [(2.0 * i + 1.0) / n - 1.0 for i in range(n)]
        column = ndim - 1 - axis
        factor = reshape(part(theta, 2, column, column + 1), (batch, *(1,) * ndim, ndim), False)
        along = (1, *(n if a == axis else 1 for a in range(ndim)), 1)
        grid = grid + factor * reshape(literal(line), along, False)
    return broadcast(grid, (batch, *size, ndim))


@affine_grid.resolve
def _(theta: Any, size: Any, align_corners: bool) -> None:
    ndim = len(size)
    if ndim not in (2, 3) or min(size) < 1:
        raise ShapeError(f"affine_grid: size={tuple(size)} must be (H, W) or (D, H, W), 1 or more each")
    if len(theta) != 3 or tuple(theta[1:]) != (ndim, ndim + 1):
        raise ShapeError(f"affine_grid: theta {tuple(theta)} must be (B, {ndim}, {ndim + 1}) for size={tuple(size)}")


# -- sampling --------------------------------------------------------------------------------------------------
@operator("CellIndex", internal=True, differentiable=False, outputs="y:index")
def cell_index(x: Float, low: Double, high: Double) -> Any:
    """``x`` rounded down and limited to ``low`` and ``high``; NaN becomes ``low``."""
    return cast(floor(minimum2(where(greater(x, low), x, low), high)), "index")


def limited(x: Any, low: float, high: float) -> Any:
    """Return ``x`` limited to ``low`` and ``high``; the gradient passes at ``low`` but not at ``high``."""
    return minimum2(maximum2(low, x), high)


def _pixels(x: Any, border: bool) -> tuple[Any, tuple[int, ...]]:
    """Return an image (B, sizes..., C) as rows, with zeros around on request, and the shape but for C."""
    if border:
        shape = (x.shape[0], *(n + 3 for n in x.shape[1:-1]), x.shape[-1])
        start = (0, *(1 for _ in x.shape[1:-1]), 0)
        x = place(x, shape, start, tuple(a + n for a, n in zip(start, x.shape)), (1,) * len(shape))
    return reshape(x, (prod(x.shape[:-1]), x.shape[-1]), False), x.shape[:-1]


def _sample(x: Any, positions: Sequence[Any], linear: bool, border: bool, name: str) -> Any:
    """Return an image's values at real positions.

    Args:
        x: (B, sizes..., C).
        positions: For each axis (B, m), in elements.
        linear: Interpolate between the elements around, else take the nearest.
        border: Beyond the image there are zeros; else all positions must be within it.
        name: The operator.
    Returns:
        (B, m, C).
    """
    sizes = x.shape[1:-1]
    batch, count = positions[0].shape
    pixels, shape = _pixels(x, border)
    shift = 1.0 if border else 0.0
    choices = []
    for at, n in zip(positions, sizes):
        # With zeros around, everything from one element outside on lies among them.
        low, high = (0.0, n + 1.0) if border else (0.0, n - 1.0)
        at = at + shift if border else at
        if not linear:
            # Halfway between the image and the zeros before it are the zeros, as after it.
            at = where(greater(at, 0.5), at + 0.5, low) if border else at + 0.5
            choices.append([(cell_index(at, low, high), None)])
            continue
        if border:
            at = limited(at, low, high)
        elif n == 1:
            choices.append([(cell_index(at, low, high), None)])
            continue
        first = cell_index(at, low, high if border else high - 1.0)
        share = at - cast(first, "float")
        after = cell_index(cast(first, "float") + 1.0, low, high + 1.0)
        choices.append([(first, 1.0 - share), (after, share)])
    image = broadcast(reshape(iota(batch), (1, batch, 1), False), (1, batch, count))
    total = None
    for corner in itertools.product(*choices):
        index = concatenate(image, *(reshape(i, (1, batch, count), False) for i, _ in corner), axis=0)
        values = take_rows(pixels, flat_index(index, shape, name))
        weight = None
        for _, share in corner:
            weight = share if weight is None else weight if share is None else weight * share
        if weight is not None:
            values = values * reshape(weight, (batch, count, 1), False)
        total = values if total is None else total + values
    return total


def _reflected(at: Any, n: int, align_corners: bool) -> Any:
    """Return positions reflected into an axis of ``n`` elements, at its outermost elements or at its borders."""
    half = float(n - 1) if align_corners else float(n)
    if half == 0:
        return at * 0.0
    shift = 0.0 if align_corners else 0.5
    return half - abs_(mod2(abs_(at + shift), 2 * half) - half) - shift


@operator("WarpByGrid", group=GROUP, depends=("x", "grid"))
def warp_by_grid(
    x: Float,
    grid: Float,
    mode: Literal["linear", "nearest"] = "linear",
    padding_mode: Literal["zero", "repeat", "reflect"] = "zero",
    align_corners: Boolean = False,
    channel_last: Boolean = False,
) -> Any:
    """Sample images, or volumes, at the positions of a grid, :math:`y_{b,c,i,j} = x_{b,c}(g_{b,i,j})`.

    Args:
        x: (B, C, H, W) or (B, C, D, H, W); the channel is the last dimension with ``channel_last``.
        grid: (B, h, w, 2) or (B, d, h, w, 3): positions x, y(, z) from -1 to 1, the reverse of the dimensions.
        mode: ``'linear'`` interpolation along each axis, or the ``'nearest'`` element (the grid then has no
            gradient).
        padding_mode: Outside there are zeros (``'zero'``), the outermost elements (``'repeat'``) or mirror images
            (``'reflect'``).
        align_corners: -1 and 1 are the middles of the outermost elements, not the image's borders.
        channel_last: The channel is the last dimension.
    Returns:
        (B, C, h, w) or (B, C, d, h, w), or channel last.
    Source: Jaderberg et al. 2015, "Spatial transformer networks".
    Example:
        >>> x = nn.NdArray.from_numpy_array([[[[1.0, 2.0, 3.0]]]])
        >>> grid = nn.NdArray.from_numpy_array([[[[-1.0, 0.0], [0.5, 0.0], [2.0, 0.0]]]])
        >>> print(F.warp_by_grid(x, grid, align_corners=True).data.round(4))
        [[[[1.  2.5 0. ]]]]
    """
    ndim = grid.shape[-1]
    out = grid.shape[1:-1]
    batch, count = grid.shape[0], prod(out)
    images = x if channel_last else transpose(x, (0, *range(2, ndim + 2), 1))
    positions = []
    for axis, n in enumerate(images.shape[1:-1]):
        column = ndim - 1 - axis
        at = reshape(part(grid, ndim + 1, column, column + 1), (batch, count), False)
        at = (at + 1.0) * ((n - 1) / 2.0) if align_corners else (at + 1.0) * (n / 2.0) - 0.5
        if padding_mode == "reflect":
            at = _reflected(at, n, align_corners)
        if padding_mode != "zero":
            at = limited(at, 0.0, n - 1.0)
        positions.append(at)
    y = _sample(images, positions, mode == "linear", padding_mode == "zero", "warp_by_grid")
    y = reshape(y, (batch, *out, y.shape[-1]), False)
    return y if channel_last else transpose(y, (0, ndim + 1, *range(1, ndim + 1)))


@warp_by_grid.resolve
def _(x: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool, channel_last: bool) -> None:
    if len(x) not in (4, 5) or len(grid) != len(x) or grid[-1] != len(x) - 2:
        raise ShapeError(
            f"warp_by_grid: x {tuple(x)} must have 4 or 5 dimensions and grid {tuple(grid)} as many, the last of "
            "size 2 or 3 for the positions along the spatial ones"
        )
    if x[0] != grid[0]:
        raise ShapeError(
            f"warp_by_grid: x {tuple(x)} has {x[0]} images but grid {tuple(grid)} is for {grid[0]}; they must agree"
        )
    sizes = x[1:-1] if channel_last else x[2:]
    if min(sizes) < 1:
        raise ShapeError(f"warp_by_grid: x {tuple(x)} has empty spatial dimensions")


@operator("WarpByFlow", group=GROUP, outputs="warped_image")
def warp_by_flow(data: Float, flow: Float) -> Any:
    """Sample images at shifted positions, by bilinear interpolation; outside is the nearest element of the border.

    :math:`y_{b,c,i,j} = x_{b,c}(i + f_{b,1,i,j},\\; j + f_{b,0,i,j})`

    Args:
        data: (B, C, H, W).
        flow: (B, 2, H, W): by how many elements to the right, and down, each position is shifted.
    Returns:
        (B, C, H, W).
    Example:
        >>> data = nn.NdArray.from_numpy_array([[[[1.0, 2.0, 3.0]]]])
        >>> flow = np.zeros((1, 2, 1, 3))
        >>> flow[:, 0] = 0.5  # half an element to the right
        >>> print(F.warp_by_flow(data, nn.NdArray.from_numpy_array(flow)).data)
        [[[[1.5 2.5 3. ]]]]
    """
    batch, _, *sizes = data.shape
    positions = []
    for axis, n in enumerate(sizes):
        along = (1, *(n if a == axis else 1 for a in range(2)))
        shift = reshape(part(flow, 1, 1 - axis, 2 - axis), (batch, *sizes), False)
        at = shift + reshape(iota(n, "float"), along, False)
        positions.append(reshape(limited(at, 0.0, n - 1.0), (batch, prod(sizes)), False))
    images = transpose(data, (0, 2, 3, 1))
    y = _sample(images, positions, True, False, "warp_by_flow")
    return transpose(reshape(y, (batch, *sizes, y.shape[-1]), False), (0, 3, 1, 2))


@warp_by_flow.resolve
def _(data: Any, flow: Any) -> None:
    if len(data) != 4 or len(flow) != 4 or flow[1] != 2 or (data[0], *data[2:]) != (flow[0], *flow[2:]):
        raise ShapeError(
            f"warp_by_flow: data {tuple(data)} must be (B, C, H, W) and flow {tuple(flow)} be (B, 2, H, W) with the "
            "same B, H and W"
        )
    if min(data[2:]) < 1:
        raise ShapeError(f"warp_by_flow: data {tuple(data)} has empty spatial dimensions")
