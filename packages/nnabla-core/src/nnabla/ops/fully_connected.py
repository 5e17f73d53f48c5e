"""Fully connected layers."""

from __future__ import annotations

from typing import Any

from nnabla.errors import AxisError, ShapeError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.definition import operator, prod
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.reduction import sum_
from nnabla.ops.spec import Float, Int

__all__ = ["affine"]


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    """Return ``x`` in another shape, without a step where it has that already."""
    return x if x.shape == shape else reshape(x, shape, False)


@operator("Affine", group="Neural Network Layer", parameters=("weight", "bias"))
def affine(x: Float, weight: Float, bias: Float | None = None, base_axis: Int = 1) -> Any:
    """Fully connected layer, :math:`y = x W + b`.

    :math:`y_{b,n} = \\sum_m x_{b,m} W_{m,n} + b_n`, where b counts samples, m features, and n outputs.

    Args:
        x: Dimensions before ``base_axis`` are the batch; the others are flattened to M features.
        weight: (M, N_0, ..., N_k).
        bias: (N_0, ..., N_k), optional.
        base_axis: Number of batch dimensions; negative values count from the end.
    Returns:
        Batch dimensions, then (N_0, ..., N_k).
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 2.0], [3.0, 4.0]])
        >>> weight = nn.NdArray.from_numpy_array([[1.0, 0.0, -1.0], [0.5, 1.0, 0.0]])
        >>> bias = nn.NdArray.from_numpy_array([0.0, 0.0, 10.0])
        >>> print(F.affine(x, weight, bias).data)
        [[2. 2. 9.]
         [5. 4. 7.]]
    """
    outer, maps = x.shape[: base_axis % len(x.shape)], weight.shape[1:]
    features = weight.shape[0]
    flat = prod(maps)
    y = batch_matmul(_shaped(x, (prod(outer), features)), _shaped(weight, (features, flat)))
    if bias is not None:
        y = y + _shaped(bias, (flat,))
    return _shaped(y, (*outer, *maps))


@affine.resolve
def _(x: Any, weight: Any, bias: Any, base_axis: int) -> None:
    if not -len(x) <= base_axis < len(x):
        raise AxisError(f"affine: base_axis={base_axis} is outside the {len(x)} dimensions of x {tuple(x)}")
    features = prod(x[base_axis % len(x) :])
    if len(weight) < 2 or weight[0] != features:
        raise ShapeError(
            f"affine: x {tuple(x)} gives {features} features from base_axis={base_axis} on, but weight "
            f"{tuple(weight)} takes {weight[0] if weight else 'none'}; make weight's first dimension "
            f"{features}"
        )
    if bias is not None and tuple(bias) != tuple(weight[1:]):
        raise ShapeError(f"affine: bias {tuple(bias)} must have the shape {tuple(weight[1:])} of weight's outputs")


@affine.gradient
def _(x: Any, weight: Any, bias_shape: Any, dy: Any, base_axis: int) -> Any:
    rows, features = prod(x.shape[: base_axis % len(x.shape)]), weight.shape[0]
    maps = prod(weight.shape[1:])
    flat = _shaped(dy, (rows, maps))
    dx = batch_matmul(flat, _shaped(weight, (features, maps)), False, True)
    dw = batch_matmul(_shaped(x, (rows, features)), flat, True, False)
    db = None if bias_shape is None else _shaped(sum_(flat, (0,), False), bias_shape)
    return _shaped(dx, x.shape), _shaped(dw, weight.shape), db
