"""Padding, convolution, batch normalization, addition and a nonlinearity as one operator."""

from __future__ import annotations

from typing import Any, Literal

from nnabla.errors import ArgumentError, ShapeError
from nnabla.ops.activation import sigmoid, tanh
from nnabla.ops.batch_normalization import batch_normalization
from nnabla.ops.convolution import convolution
from nnabla.ops.definition import Result, operator
from nnabla.ops.geometry import spatial_default
from nnabla.ops.rectifier import elu, leaky_relu, relu, relu6
from nnabla.ops.slicing import pad as pad_
from nnabla.ops.spec import Boolean, Float, FloatArg, Floats, Int, Shape

__all__ = ["fused_convolution"]

_NONLINEARITIES: dict[str, Any] = {
    "identity": lambda x: x,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "relu6": relu6,
}
_WITH_ARGUMENT = ("leaky_relu", "elu")


@operator(
    "FusedConvolution",
    group="Neural Network Layer",
    parameters=("weight", "bias", "beta", "gamma"),
    updates=("mean", "variance"),
    keep=True,
    depends=("y", "beta", "gamma", "mean", "variance", "z"),
    absent={
        # Two inputs and up to four statistics, before and after which come the bias and z, or neither.
        "bias": lambda args, shapes: len(shapes) > 2 and len(shapes[2]) != 1,
        **dict.fromkeys(("beta", "gamma", "mean", "variance"), lambda args, shapes: len(shapes) <= 4),
    },
)
def fused_convolution(
    x: Float,
    weight: Float,
    bias: Float | None = None,
    beta: Float | None = None,
    gamma: Float | None = None,
    mean: Float | None = None,
    variance: Float | None = None,
    z: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    channel_last: Boolean = False,
    decay_rate: FloatArg = 0.9,
    eps: FloatArg = 1e-5,
    batch_stat: Boolean = True,
    nonlinearity: Literal["identity", "relu", "sigmoid", "tanh", "leaky_relu", "elu", "relu6"] = "relu",
    nonlinearity_args: Floats = (),
    pad_mode: Literal["constant", "reflect", "repeat"] = "constant",
    constant_value: FloatArg = 0,
) -> Any:
    """Padding, convolution, batch normalization, addition of ``z`` and a nonlinearity.

    :math:`y = \\phi(\\mathrm{bn}(W * \\mathrm{pad}(x) + b) + z)`, where what is not given is left out.

    Args:
        x, weight, bias: As of :func:`convolution`.
        beta: Offset of each map: the dimensions of the output, 1 except for the maps. With it all of the next three
            are given, otherwise none.
        gamma: Scale, as ``beta``.
        mean: Running mean, as ``beta``; updated in place.
        variance: Running variance, as ``mean``.
        z: The shape of the output, added before the nonlinearity; optional.
        base_axis: Number of batch dimensions.
        pad: Padding before and after each spatial dimension; or twice as many numbers, before and after in turn.
        stride, dilation, group, channel_last: As of :func:`convolution`.
        decay_rate, eps, batch_stat: As of :func:`batch_normalization`.
        nonlinearity: What is applied last.
        nonlinearity_args: Alpha of ``'leaky_relu'`` and ``'elu'``.
        pad_mode: As of :func:`pad`.
        constant_value: The padding, with ``pad_mode='constant'``.
    Returns:
        Batch dimensions, then (M, out...) (or channel last), sizes as of :func:`convolution`.
    Example:
        >>> x = nn.NdArray.from_numpy_array(np.arange(16.0).reshape(1, 1, 4, 4) - 8.0)
        >>> weight = nn.NdArray.from_numpy_array([[[[0.0, 1.0], [1.0, 0.0]]]])
        >>> print(F.fused_convolution(x, weight, nonlinearity="relu").data[0, 0])
        [[0. 0. 0.]
         [0. 0. 1.]
         [5. 7. 9.]]
    """
    base, ndim = base_axis % len(x.shape), len(stride)
    if len(pad) == ndim and pad_mode == "constant" and constant_value == 0:
        inside = tuple(pad)
    else:
        inside = (0,) * ndim
        widths = list(pad) if len(pad) == 2 * ndim else [n for p in pad for n in (p, p)]
        around = [0, 0] if channel_last else []
        x = pad_(x, (*widths, *around), pad_mode, constant_value)
    y = convolution(x, weight, bias, base_axis, inside, stride, dilation, group, channel_last)
    updates = {}
    if mean is not None:
        axis = len(y.shape) - 1 if channel_last else base
        args = {"axes": (axis,), "decay_rate": decay_rate, "eps": eps, "batch_stat": batch_stat}
        args |= {"no_scale": False, "no_bias": False}
        y, *rest = batch_normalization.apply([y, beta, gamma, mean, variance], args)
        if batch_stat:
            updates = dict(zip(("mean", "variance"), rest))
    if z is not None:
        y = y + z
    return Result(_NONLINEARITIES[nonlinearity](y, *nonlinearity_args), updates)


@fused_convolution.resolve
def _(
    x: Any,
    weight: Any,
    bias: Any,
    beta: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    z: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
    channel_last: bool,
    decay_rate: float,
    eps: float,
    batch_stat: bool,
    nonlinearity: str,
    nonlinearity_args: Any,
    pad_mode: str,
    constant_value: float,
) -> None:
    name = "fused_convolution"
    if not -len(x) <= base_axis < len(x):
        raise ShapeError(f"{name}: base_axis={base_axis} is outside the {len(x)} dimensions of x {tuple(x)}")
    wanted = int(nonlinearity in _WITH_ARGUMENT)
    if len(nonlinearity_args) != wanted:
        raise ArgumentError(
            f"{name}: nonlinearity={nonlinearity!r} takes {wanted} values in nonlinearity_args, not "
            f"{tuple(nonlinearity_args)}"
        )
    statistics = {"beta": beta, "gamma": gamma, "mean": mean, "variance": variance}
    missing = [key for key, shape in statistics.items() if shape is None]
    if 0 < len(missing) < 4:
        raise ArgumentError(
            f"{name}: batch normalization needs beta, gamma, mean and variance; {', '.join(missing)} are missing"
        )
    if len(pad) not in (len(stride), 2 * len(stride)):
        raise ShapeError(
            f"{name}: pad={tuple(pad)} needs one or two entries for each of {len(stride)} spatial dimensions"
        )
