"""Layers whose weights are a product of smaller ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nnabla import functions as F
from nnabla.errors import ArgumentError, ShapeError
from nnabla.initializer import ConstantInitializer
from nnabla.parameter import get_current_parameter_scope
from nnabla.parametric_functions.api import Initial, parameter, parametric_function_api
from nnabla.parametric_functions.weight_shapes import Default, filters, matrix
from nnabla.utils.factorization.cpd import ALS

if TYPE_CHECKING:
    from nnabla.parametric_functions.api import Input

__all__ = ["cpd3_convolution", "svd_affine", "svd_convolution"]

Sizes = Sequence[int]
Array = np.ndarray[Any, Any]


@parametric_function_api(
    "svd_affine",
    [
        ("U", "First weights", "(inmaps, r)", True),
        ("V", "Second weights", "(r, *n_outmaps)", True),
        ("b", "Bias", "(*n_outmaps)", True),
    ],
)
def svd_affine(
    inp: Input,
    n_outmaps: int | Sequence[int],
    r: int,
    base_axis: int = 1,
    uv_init: Initial | None = None,
    b_init: Initial | None = None,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Fully connected layer with weights of low rank, :math:`y = x U V + b`.

    U and V start as the best approximation of given weights, by singular value decomposition.

    Args:
        inp: At least ``base_axis + 1`` dimensions; those from ``base_axis`` on are one vector.
        n_outmaps: Size of an output vector, or the shape it is to have.
        r: Rank, from 1 to the smaller size of the weights.
        base_axis: First dimension of the vector.
        uv_init: The weights to approximate, ``(inmaps, *n_outmaps)``, or their initializer; uniform
            by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial weights, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = matrix("svd_affine", inp, n_outmaps, base_axis, rng)
    inmaps, outmaps = shape[0], shape[1:]
    rank = _rank("svd_affine", r, inmaps, math.prod(outmaps))
    factors: tuple[Array, Array] | tuple[None, None] = (None, None)
    if _missing("U", "V"):
        weights = _weights("svd_affine", uv_init, shape, default)
        left, right = _factors(weights.reshape(inmaps, -1), rank)
        factors = left, right.reshape(rank, *outmaps)
    u = parameter("U", (inmaps, rank), factors[0], ConstantInitializer, fix_parameters)
    v = parameter("V", (rank, *outmaps), factors[1], ConstantInitializer, fix_parameters)
    b = None
    if with_bias:
        b = parameter("b", outmaps, b_init, ConstantInitializer, fix_parameters)
    return F.affine(F.affine(inp, u, None, base_axis), v, b, base_axis)


@parametric_function_api(
    "svd_conv",
    [
        ("U", "Filters of the depthwise convolution", "(inmaps * r, *kernel)", True),
        ("V", "Filters of the pointwise convolution", "(outmaps, inmaps * r, 1, ...)", True),
        ("b", "Bias", "(outmaps,)", True),
    ],
)
def svd_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    r: int,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    uv_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
) -> Input:
    """Convolution with filters of low rank: a depthwise convolution, then a pointwise one.

    They start as the best approximation of given filters, by singular value decomposition for each
    input channel.

    Args:
        inp: ``(..., inmaps, *spatial)``.
        outmaps: Number of filters.
        kernel: Size of a filter in each spatial dimension.
        r: Rank, from 1 to the smaller of ``outmaps`` and the kernel's elements.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        uv_init: The filters to approximate, ``(outmaps, inmaps, *kernel)``, or their initializer;
            uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters, `nnabla.random.prng` by default.
        with_bias: Add a bias.
    """
    base_axis, shape, default = filters("svd_convolution", inp, outmaps, kernel, 1, base_axis, rng)
    inmaps, sizes = shape[1], shape[2:]
    elements = math.prod(sizes)
    rank = _rank("svd_convolution", r, outmaps, elements)
    u_shape, v_shape = (inmaps * rank, *sizes), (outmaps, inmaps * rank, *(1 for _ in sizes))
    factors: tuple[Array, Array] | tuple[None, None] = (None, None)
    if _missing("U", "V"):
        weights = _weights("svd_convolution", uv_init, shape, default)
        pairs = [
            _factors(channel.T, rank) for channel in np.moveaxis(weights.reshape(shape[0], inmaps, elements), 1, 0)
        ]
        depthwise = np.concatenate([left.T for left, _ in pairs])
        pointwise = np.concatenate([right for _, right in pairs]).T
        factors = depthwise.reshape(u_shape), pointwise.reshape(v_shape)
    u = parameter("U", u_shape, factors[0], ConstantInitializer, fix_parameters)
    v = parameter("V", v_shape, factors[1], ConstantInitializer, fix_parameters)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
    hidden = F.depthwise_convolution(inp, u, None, base_axis, pad, stride, dilation, rank)
    return F.convolution(hidden, v, b, base_axis)


@parametric_function_api(
    "cpd3_conv",
    [
        ("I", "Filters of the first pointwise convolution", "(r, inmaps, 1, ...)", True),
        ("O", "Filters of the second pointwise convolution", "(outmaps, r, 1, ...)", True),
        ("K", "Filters of the depthwise convolution", "(r, *kernel)", True),
        ("b", "Bias", "(outmaps,)", True),
    ],
)
def cpd3_convolution(
    inp: Input,
    outmaps: int,
    kernel: Sizes,
    r: int,
    pad: Sizes | None = None,
    stride: Sizes | None = None,
    dilation: Sizes | None = None,
    oik_init: Initial | None = None,
    b_init: Initial | None = None,
    base_axis: int = 1,
    fix_parameters: bool = False,
    rng: np.random.RandomState | None = None,
    with_bias: bool = True,
    max_iter: int = 500,
    stopping_criterion: float = 1e-5,
    lambda_reg: float = 0.0,
) -> Input:
    """Convolution with filters of low rank: a pointwise convolution, a depthwise and another pointwise one.

    They start as an approximation of given filters, by canonical polyadic decomposition of the outputs,
    the inputs and the kernel's elements.

    Args:
        inp: ``(..., inmaps, *spatial)``.
        outmaps: Number of filters.
        kernel: Size of a filter in each spatial dimension.
        r: Rank, 1 or more: the number of maps of the depthwise convolution.
        pad: Zeros added on both sides of each spatial dimension, 0 by default.
        stride: Step in each spatial dimension, 1 by default.
        dilation: Distance of a filter's neighbouring elements, 1 by default.
        oik_init: The filters to approximate, ``(outmaps, inmaps, *kernel)``, or their initializer;
            uniform by `calc_uniform_lim_glorot` by default.
        b_init: Initial bias, 0 by default.
        base_axis: Number of leading batch dimensions.
        fix_parameters: Use the parameters without training them here.
        rng: Source of the initial filters and of the factors that the decomposition begins with,
            `nnabla.random.prng` by default.
        with_bias: Add a bias.
        max_iter: Number of rounds of the decomposition at most, 1 or more.
        stopping_criterion: The decomposition ends when a round changes the squared error, as a share of
            the filters' squared norm, by less.
        lambda_reg: Weight of the squared factors in what the decomposition minimizes, 0 or more.

    Raises:
        ArgumentError: ``r`` or ``max_iter`` is below 1, or ``lambda_reg`` below 0.

    Source: Lebedev et al. 2015, "Speeding-up convolutional neural networks using fine-tuned CP-decomposition".
    """
    name = "cpd3_convolution"
    for what, value, least in (("r", r, 1), ("max_iter", max_iter, 1), ("lambda_reg", lambda_reg, 0)):
        if value < least:
            raise ArgumentError(f"{name}: {what}={value} must be {least} or more")
    base_axis, shape, default = filters(name, inp, outmaps, kernel, 1, base_axis, rng)
    inmaps, sizes = shape[1], shape[2:]
    point = (1,) * len(sizes)
    o = i = k = None
    if _missing("I", "O", "K"):
        weights = _weights(name, oik_init, shape, default, "oik_init").reshape(*shape[:2], -1)
        factors, scale = ALS().solve(weights, r, max_iter, stopping_criterion, lambda_reg, rng=rng)
        o, i, k = (factor.astype(np.float32) for factor in (factors[0] * scale, *factors[1:]))
        o, i, k = o.reshape(shape[0], r, *point), i.T.reshape(r, inmaps, *point), k.T.reshape(r, *sizes)
    first = parameter("I", (r, inmaps, *point), i, ConstantInitializer, fix_parameters)
    last = parameter("O", (shape[0], r, *point), o, ConstantInitializer, fix_parameters)
    middle = parameter("K", (r, *sizes), k, ConstantInitializer, fix_parameters)
    b = None
    if with_bias:
        b = parameter("b", (outmaps,), b_init, ConstantInitializer, fix_parameters)
    hidden = F.convolution(inp, first, None, base_axis)
    hidden = F.depthwise_convolution(hidden, middle, None, base_axis, pad, stride, dilation)
    return F.convolution(hidden, last, b, base_axis)


def _missing(*names: str) -> bool:
    scope = get_current_parameter_scope()
    return any(name not in scope for name in names)


def _rank(function: str, r: int, rows: int, columns: int) -> int:
    if not 1 <= r <= min(rows, columns):
        raise ArgumentError(
            f"{function}: the rank r of weights seen as a {rows} x {columns} matrix must be from 1 "
            f"to {min(rows, columns)}, got {r}"
        )
    return r


def _weights(
    function: str, init: Initial | None, shape: tuple[int, ...], default: Default, name: str = "uv_init"
) -> Array:
    if init is None:
        return default()(shape)
    values = init if isinstance(init, np.ndarray) else init(shape=shape)
    if values.shape != shape:
        raise ShapeError(
            f"{function}: {name} must have the shape {shape} of the weights to approximate, got {values.shape}"
        )
    return values


def _factors(weights: Array, rank: int) -> tuple[Array, Array]:
    """The best approximation of that rank, as a product; singular values go to the left."""
    left, singular, right = np.linalg.svd(weights, full_matrices=False)
    scaled = left[:, :rank] * singular[:rank]
    return scaled.astype(np.float32), right[:rank].astype(np.float32)
