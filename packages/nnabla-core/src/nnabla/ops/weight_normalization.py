"""Normalization by norms and by running means: of weights, of vectors, of samples."""

from __future__ import annotations

from typing import Any

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.array_manipulation import reshape, transpose
from nnabla.ops.definition import Result, normalize_axis, operator
from nnabla.ops.internal import sqrt
from nnabla.ops.mathematics import abs_
from nnabla.ops.matrix import batch_matmul
from nnabla.ops.normalization import other_axes
from nnabla.ops.reduction import all_axes, sum_
from nnabla.ops.reduction import mean as mean_
from nnabla.ops.spec import Boolean, Float, FloatArg, Int, Ints, per_input

__all__ = ["mean_subtraction", "norm_normalization", "spectral_norm", "weight_normalization"]

GROUP = "Normalization"

# Each is steps of the graph.
_MOST_ITERATIONS = 10_000


@operator("WeightNormalization", group=GROUP, outputs="w_wn", depends=("w", "g"))
def weight_normalization(w: Float, g: Float, dim: Int = 0, eps: FloatArg = 1e-12) -> Any:
    """Weights of given norm, :math:`g w / \\sqrt{\\|w\\|^2 + \\epsilon}`, for each index along an axis.

    Args:
        w: Weight of a layer, any shape.
        g: (size of ``w`` along ``dim``,), the norms.
        dim: Axis of the output maps.
        eps: Added to the squared norm.
    Returns:
        The shape of ``w``.
    Source: Salimans, Kingma 2016, "Weight normalization", eq. 2.
    Example:
        >>> w = nn.NdArray.from_numpy_array([[3.0, 4.0], [0.0, 2.0]])
        >>> print(F.weight_normalization(w, nn.NdArray.from_numpy_array([1.0, 5.0])).data.round(4))
        [[0.6 0.8]
         [0.  5. ]]
    """
    ndim = len(w.shape)
    shape = tuple(n if a == dim % ndim else 1 for a, n in enumerate(w.shape))
    squares = sum_(w * w, other_axes(ndim, (dim,)), True)
    return w * (reshape(g, shape, False) / sqrt(squares + eps))


@weight_normalization.resolve
def _(w: Any, g: Any, dim: int, eps: float) -> None:
    name = "weight_normalization"
    size = w[normalize_axis(name, dim, len(w), "dim")]
    if tuple(g) != (size,):
        raise ShapeError(f"{name}: g {tuple(g)} must be ({size},), the size of w {tuple(w)} along dim={dim}")


@operator("NormNormalization", group=GROUP)
def norm_normalization(
    x: Float, p: FloatArg = per_input(lambda x: 2.0), axes: Ints = per_input(all_axes), eps: FloatArg = 1e-12
) -> Any:
    """Vectors of norm 1, :math:`x / (\\sum |x|^p + \\epsilon)^{1/p}`.

    Args:
        x: Any shape.
        p: Order of the norm, more than 0.
        axes: Axes of the vectors (default: all).
        eps: Added to the sum.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[3.0, 4.0], [0.0, 2.0]])
        >>> print(F.norm_normalization(x, axes=1).data.round(4))
        [[0.6 0.8]
         [0.  1. ]]
    """
    if p == 2.0:
        return x / sqrt(sum_(x * x, axes, True) + eps)
    total = sum_(abs_(x) ** p, axes, True) + eps
    return x / total ** (1.0 / p)


@norm_normalization.resolve
def _(x: Any, p: float, axes: Any, eps: float) -> None:
    if p <= 0:
        raise ArgumentError(f"norm_normalization: p={p} must be more than 0")
    for axis in axes:
        normalize_axis("norm_normalization", axis, len(x), "axes")


@operator(
    "SpectralNorm",
    group=GROUP,
    outputs="w_sn",
    updates=("u",),
    saved=("left", "right"),
    depends={"w": ("u", "w_sn"), "u": ("w", "u")},
)
def spectral_norm(
    w: Float,
    u: Float,
    dim: Int = 0,
    itr: Int = 1,
    eps: FloatArg = 1e-12,
    test: Boolean = False,
    output_u: Boolean = False,
) -> Any:
    """Weights divided by their largest singular value, which power iteration estimates.

    :math:`\\bar w = w / (u^T W v)`, with :math:`v = W^T u / \\|W^T u\\|` and :math:`u = W v / \\|W v\\|` in each
    iteration, where W is ``w`` as a matrix.

    Args:
        w: Weight of a layer; seen as a matrix with the size along ``dim`` as its rows.
        u: (rows,), estimate of the first left singular vector; forward replaces it by a better one. It is a
            constant to the gradient.
        dim: Axis of the rows.
        itr: Number of iterations, 1 to 10,000.
        eps: Added to squared norms.
        test: Leave ``u`` as it is.
        output_u: Also return ``u`` as it was given.
    Returns:
        The shape of ``w``; with ``output_u`` that of ``u`` follows.
    Source: Miyato et al. 2018, "Spectral normalization", algorithm 1.
    Example:
        >>> w = nn.NdArray.from_numpy_array([[3.0, 0.0], [0.0, 1.0]])
        >>> u = nn.NdArray.from_numpy_array([1.0, 1.0])
        >>> print(F.spectral_norm(w, u, itr=20).data.round(4))
        [[1.     0.    ]
         [0.     0.3333]]
    """
    matrix = _as_matrix(w, dim)
    left = reshape(u, (u.shape[0], 1), False)
    right = left
    for _ in range(itr):
        right = batch_matmul(matrix, left, True)
        right = right / sqrt(sum_(right * right) + eps)
        left = batch_matmul(matrix, right)
        left = left / sqrt(sum_(left * left) + eps)
    y = w / sum_(left * batch_matmul(matrix, right))
    updates = {} if test else {"u": reshape(left, u.shape, False)}
    return Result([y, u * 1.0] if output_u else y, updates, {"left": left, "right": right})


def _as_matrix(w: Any, dim: int) -> Any:
    order = (dim, *other_axes(len(w.shape), (dim,)))
    return reshape(transpose(w, order), (w.shape[dim], w.size // w.shape[dim]), False)


@spectral_norm.resolve
def _(w: Any, u: Any, dim: int, itr: int, eps: float, test: bool, output_u: bool) -> None:
    name = "spectral_norm"
    if not 0 <= dim < len(w):
        raise ArgumentError(f"{name}: dim={dim} must be 0 to {len(w) - 1}, an axis of w {tuple(w)}")
    if not 1 <= itr <= _MOST_ITERATIONS:
        raise ArgumentError(f"{name}: itr={itr} must be 1 to {_MOST_ITERATIONS:,}")
    if tuple(u) != (w[dim],):
        raise ShapeError(f"{name}: u {tuple(u)} must be ({w[dim]},), the size of w {tuple(w)} along dim={dim}")


@spectral_norm.gradient
def _(w: Any, left: Any, right: Any, dw_sn: Any, dim: int) -> Any:
    sigma = sum_(left * batch_matmul(_as_matrix(w, dim), right))
    order = (dim, *other_axes(len(w.shape), (dim,)))
    outer = reshape(batch_matmul(left, right, False, True), tuple(w.shape[a] for a in order), False)
    outer = transpose(outer, tuple(order.index(a) for a in range(len(order))))
    return dw_sn / sigma - outer * (sum_(dw_sn * w) / (sigma * sigma)), None


@operator("MeanSubtraction", group=GROUP, updates=("rmean", "t"))
def mean_subtraction(x: Float, rmean: Float, t: Float, base_axis: Int = 1, update_running_mean: Boolean = True) -> Any:
    """Samples less their running mean, :math:`y = x - m`.

    With ``update_running_mean`` the mean is brought up to date first: it moves towards the batch's by 1/(t + 1) of
    the difference, and ``t`` counts up. The gradient is that of a batch of equal samples, :math:`(1 - 1/(N t)) dy`
    for N samples and the new t; without update it is dy.

    Args:
        x: Batch dimensions, then any.
        rmean: Running mean, the dimensions of ``x`` from ``base_axis`` on; updated in place.
        t: Number of updates so far, (1,) or (); updated in place.
        base_axis: Number of batch dimensions.
        update_running_mean: Whether to update; otherwise ``rmean`` is used as it is.
    Returns:
        The shape of ``x``.
    Example:
        >>> x = nn.NdArray.from_numpy_array([[1.0, 10.0], [3.0, 30.0]])
        >>> mean, t = nn.NdArray.from_numpy_array([0.0, 0.0]), nn.NdArray.from_numpy_array([0.0])
        >>> print(F.mean_subtraction(x, mean, t).data)
        [[ -1. -10.]
         [  1.  10.]]
        >>> print(mean.data, t.data)
        [ 2. 20.] [1.]
    """
    if not update_running_mean:
        return x - rmean
    batch = mean_(x, tuple(range(base_axis % len(x.shape))), False)
    count = t + 1.0
    center = rmean + (batch - rmean) / reshape(count, (1,) * len(rmean.shape), False)
    return Result(x - center, {"rmean": center, "t": count})


@mean_subtraction.resolve
def _(x: Any, rmean: Any, t: Any, base_axis: int, update_running_mean: bool) -> None:
    name = "mean_subtraction"
    base = normalize_axis(name, base_axis, len(x), "base_axis")
    if tuple(rmean) != tuple(x[base:]):
        raise ShapeError(
            f"{name}: rmean {tuple(rmean)} must be {tuple(x[base:])}, the dimensions of x {tuple(x)} from "
            f"base_axis={base_axis} on"
        )
    if tuple(t) not in ((), (1,)):
        raise ShapeError(f"{name}: t {tuple(t)} must be (1,), a single count")


@mean_subtraction.gradient
def _(x_shape: Any, t: Any, dy: Any, base_axis: int, update_running_mean: bool) -> Any:
    if not update_running_mean:
        return dy, None, None
    samples = 1
    for n in x_shape[: base_axis % len(x_shape)]:
        samples *= n
    factor = 1.0 - (1.0 / max(samples, 1)) / reshape(t, (1,) * len(x_shape), False)
    return dy * factor, None, None
