"""Operators that matter in backward: they change the gradient, or store it."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.definition import Result, normalize_axis, operator, prod
from nnabla.ops.internal import cast, sqrt, zeros
from nnabla.ops.ordering import arg_sort
from nnabla.ops.scatter import put_rows, take_rows
from nnabla.ops.slicing import part
from nnabla.ops.spec import Boolean, Float, FloatArg, Int


@operator("VATNoise", group="Unsupported, Special Use", backward_updates=("w",))
def vat_noise(x: Float, w: Float, base_axis: Int = 1, eps: FloatArg = 1.0) -> Any:
    """The noise of virtual adversarial training: a direction brought to a norm for each sample,
    :math:`y = \\epsilon x / \\|x\\|_2`.

    Args:
        x: Noise; a sample's norm is taken over the dimensions from ``base_axis`` on. A sample of zeros stays one.
        w: A buffer of the shape of ``x``.
        base_axis: Number of batch dimensions.
        eps: Norm of the output.
    Returns:
        The shape of ``x``.
    Source: Miyato, Maeda, Koyama, Nakae, Ishii 2015, "Distributional smoothing with virtual adversarial training".
    Example:
        >>> x, w = nn.NdArray.from_numpy_array([[3.0, 4.0]]), nn.NdArray.from_numpy_array([[0.0, 0.0]])
        >>> print(F.vat_noise(x, w, eps=10.0).data.round(4))
        [[6. 8.]]
    """
    axes = tuple(range(base_axis % len(x.shape), len(x.shape)))
    square = ops.sum(x * x, axes, True)
    # The smallest number of single precision: its root is no 0, and changes no other norm.
    return x * eps / sqrt(ops.maximum2(square, 1.1754943508222875e-38))


@vat_noise.resolve
def _(x: Any, w: Any, base_axis: int, eps: float) -> None:
    if tuple(x) != tuple(w):
        raise ShapeError(f"vat_noise: w {tuple(w)} must have the shape of x {tuple(x)}")
    normalize_axis("vat_noise", base_axis, len(x), "base_axis")


@vat_noise.gradient
def _(dy: Any, eps: float) -> Any:
    return Result([None, None], updates={"w": dy * eps})


@operator("TopKGrad", group="Stochasticity")
def top_k_grad(x: Float, k: Int, abs: Boolean = False, base_axis: Int = 1) -> Any:
    """The input itself; of the gradient only the ``k`` largest elements of each sample pass.

    :math:`y = x`; :math:`dx_i = dy_i` for these elements, else 0.

    Args:
        x: Batch dimensions, then those of a sample.
        k: Number of elements, 1 to those of a sample.
        abs: Choose the largest absolute values rather than the largest values.
        base_axis: Number of batch dimensions.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.Variable.from_numpy_array([[1.0, 2.0, 3.0]], need_grad=True)
        >>> y = F.top_k_grad(x, 1)
        >>> y.forward()
        >>> y.backward(nn.NdArray.from_numpy_array([[0.1, 0.3, 0.2]]))
        >>> print(x.g.round(4))
        [[0.  0.3 0. ]]
    """
    return cast(x, "float")


@top_k_grad.resolve
def _(x: Any, k: int, abs: bool, base_axis: int) -> None:
    base = normalize_axis("top_k_grad", base_axis, len(x), "base_axis")
    if not 1 <= k <= prod(x[base:]):
        raise ArgumentError(
            f"top_k_grad: k={k} must be from 1 to the {prod(x[base:])} elements of a sample of x {tuple(x)} with "
            f"base_axis={base_axis}"
        )


@top_k_grad.gradient
def _(x_shape: Any, dy: Any, k: int, abs: bool, base_axis: int) -> Any:
    base = base_axis % len(x_shape)
    rows, size = prod(x_shape[:base]), prod(x_shape[base:])
    g = ops.reshape(dy, (rows, size), False)
    order = part(arg_sort(ops.abs(g) if abs else g, 1, True), 1, 0, k)
    place = ops.place_index(order, sizes=(size,))
    flat = ops.reshape(dy, (rows * size,), False)
    return ops.reshape(put_rows(zeros((rows * size,)), take_rows(flat, place), place), x_shape, False)
