"""Layers with binary weights: the sign of each weight, kept beside the real weight that is trained."""

from __future__ import annotations

from typing import Any

from nnabla import ops
from nnabla.errors import ShapeError
from nnabla.ops.convolution import convolution, spatial_default
from nnabla.ops.definition import Operator, Result, operator
from nnabla.ops.fully_connected import affine
from nnabla.ops.internal import cast
from nnabla.ops.spec import Float, FloatArg, Int, Shape

GROUP = "Quantization Neural Network Layers"
_PARAMETERS = ("weight", "binary_weight", "alpha", "bias")


def binarized(weight: Any, zero_to: float) -> Any:
    """Return 1, -1, or for a weight of 0 ``zero_to``."""
    sign = cast(ops.greater(weight, 0.0), "float") - cast(ops.less(weight, 0.0), "float")
    return sign + cast(ops.equal(weight, 0.0), "float") * zero_to


def scales(weight: Any, layer: Operator) -> Any:
    """Return the mean absolute weight per output of a layer."""
    axis = 0 if layer is affine else None
    axes = (axis,) if axis is not None else tuple(range(1, len(weight.shape)))
    return ops.mean(ops.abs(weight), axes, False)


def spread(alpha: Any, y: Any, layer: Operator, base_axis: int) -> Any:
    """Return one number per output of a layer in a shape that broadcasts with its result."""
    base = base_axis % len(y.shape)
    tail = len(y.shape) - base
    if layer is affine:
        return alpha
    return ops.reshape(alpha, (alpha.size, *(1,) * (tail - 1)), False)


def check(
    name: str, layer: Operator, x: Any, weight: Any, binary_weight: Any, alpha: Any, bias: Any, **args: Any
) -> Any:
    """Check the shapes as the plain layer does, and those of the buffers; return the arguments that it changes."""
    if tuple(binary_weight) != tuple(weight):
        raise ShapeError(f"{name}: binary_weight {tuple(binary_weight)} must have the shape of weight {tuple(weight)}")
    if len(weight) < 2:
        raise ShapeError(f"{name}: weight {tuple(weight)} needs two dimensions or more")
    outputs = tuple(weight[1:]) if layer is affine else (weight[0],)
    if alpha is not None and tuple(alpha) != outputs:
        raise ShapeError(
            f"{name}: alpha {tuple(alpha)} must be {outputs}, one number per output of weight {tuple(weight)}"
        )
    args.pop("quantize_zero_to")
    rule = layer.resolve_rule
    return rule(x, weight, bias, **args) if rule is not None else None


def gradients(layer: Operator, x: Any, weight: Any, bias_shape: Any, dy: Any, **args: Any) -> Any:
    """Return the gradients of a plain layer."""
    rule = layer.gradient_rule
    assert rule is not None
    return rule(**{"x": x, "weight": weight, "bias_shape": bias_shape, "dy": dy, **args})


# -- BinaryConnect -------------------------------------------------------------------------------------------------
@operator("BinaryConnectAffine", group=GROUP, updates=("binary_weight",), parameters=_PARAMETERS)
def binary_connect_affine(
    x: Float,
    weight: Float,
    binary_weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    quantize_zero_to: FloatArg = 1.0,
) -> Any:
    """:func:`affine` with the signs of the weights, :math:`y = x \\, \\mathrm{sgn}(W) + b`.

    The gradient of the signs goes to the weights as it is.

    Args:
        x, weight, bias, base_axis: As in :func:`affine`.
        binary_weight: The shape of ``weight``; forward writes the signs here.
        quantize_zero_to: What a weight of 0 becomes.
    Returns:
        Batch dimensions, then the outputs of ``weight``.
    Source: Courbariaux, Bengio, David 2015, "BinaryConnect".
    Example:
        >>> x = nn.Variable.from_numpy_array([[1.0, 2.0]])
        >>> weight = nn.Variable.from_numpy_array([[0.3, -0.1], [0.2, 0.5]])
        >>> binary_weight = nn.Variable.from_numpy_array(np.zeros((2, 2)))
        >>> y = F.binary_connect_affine(x, weight, binary_weight)
        >>> y.forward()
        >>> print(y.d, binary_weight.d.tolist())
        [[3. 1.]] [[1.0, -1.0], [1.0, 1.0]]
    """
    binary = binarized(weight, quantize_zero_to)
    return Result(affine(x, binary, bias, base_axis), updates={"binary_weight": binary})


@binary_connect_affine.resolve
def _(x: Any, weight: Any, binary_weight: Any, bias: Any, **args: Any) -> Any:
    return check("binary_connect_affine", affine, x, weight, binary_weight, None, bias, **args)


@binary_connect_affine.gradient
def _(x: Any, binary_weight: Any, bias_shape: Any, dy: Any, base_axis: int) -> Any:
    dx, dw, db = gradients(affine, x, binary_weight, bias_shape, dy, base_axis=base_axis)
    return dx, dw, dw, db


@operator("BinaryConnectConvolution", group=GROUP, updates=("binary_weight",), parameters=_PARAMETERS)
def binary_connect_convolution(
    x: Float,
    weight: Float,
    binary_weight: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    quantize_zero_to: FloatArg = 1.0,
) -> Any:
    """:func:`convolution` with the signs of the weights, :math:`y = \\mathrm{sgn}(W) * x + b`.

    The gradient of the signs goes to the weights as it is.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (M, C / group, kernel...).
        bias, base_axis, pad, stride, dilation, group: As in :func:`convolution`.
        binary_weight: The shape of ``weight``; forward writes the signs here.
        quantize_zero_to: What a weight of 0 becomes.
    Returns:
        Batch dimensions, then (M, out...), sizes as of :func:`convolution`.
    Source: Courbariaux, Bengio, David 2015, "BinaryConnect".
    Example:
        >>> x = nn.Variable.from_numpy_array([[[1.0, 2.0, 4.0]]])
        >>> weight = nn.Variable.from_numpy_array([[[0.3, -0.1]]])
        >>> y = F.binary_connect_convolution(x, weight, nn.Variable.from_numpy_array(np.zeros((1, 1, 2))))
        >>> y.forward()
        >>> print(y.d)
        [[[-1. -2.]]]
    """
    binary = binarized(weight, quantize_zero_to)
    y = convolution(x, binary, bias, base_axis, pad, stride, dilation, group, False)
    return Result(y, updates={"binary_weight": binary})


@binary_connect_convolution.resolve
def _(x: Any, weight: Any, binary_weight: Any, bias: Any, **args: Any) -> Any:
    return check(
        "binary_connect_convolution", convolution, x, weight, binary_weight, None, bias, **args, channel_last=False
    )


@binary_connect_convolution.gradient
def _(
    x: Any,
    binary_weight: Any,
    bias_shape: Any,
    dy: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
) -> Any:
    dx, dw, db = gradients(
        convolution,
        x,
        binary_weight,
        bias_shape,
        dy,
        base_axis=base_axis,
        pad=pad,
        stride=stride,
        dilation=dilation,
        group=group,
        channel_last=False,
    )
    return dx, dw, dw, db


# -- binary weight networks ----------------------------------------------------------------------------------------
@operator("BinaryWeightAffine", group=GROUP, updates=("binary_weight", "alpha"), parameters=_PARAMETERS)
def binary_weight_affine(
    x: Float,
    weight: Float,
    binary_weight: Float,
    alpha: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    quantize_zero_to: FloatArg = 1.0,
) -> Any:
    """:func:`affine` with the signs of the weights, times the mean absolute weight of each output.

    :math:`y_n = \\alpha_n \\sum_m x_m \\, \\mathrm{sgn}(W_{m,n}) + b_n`, with the mean :math:`\\alpha_n` of
    :math:`|W_{m,n}|` over m. The gradient of the signs goes to the weights as it is, without these factors.

    Args:
        x, weight, bias, base_axis: As in :func:`affine`.
        binary_weight: The shape of ``weight``; forward writes the signs here.
        alpha: The shape of the outputs of ``weight``; forward writes the factors here.
        quantize_zero_to: What a weight of 0 becomes.
    Returns:
        Batch dimensions, then the outputs of ``weight``.
    Source: Rastegari, Ordonez, Redmon, Farhadi 2016, "XNOR-Net".
    Example:
        >>> x = nn.Variable.from_numpy_array([[1.0, 2.0]])
        >>> weight = nn.Variable.from_numpy_array([[0.3, -0.1], [0.2, 0.5]])
        >>> alpha = nn.Variable.from_numpy_array(np.zeros(2))
        >>> y = F.binary_weight_affine(x, weight, nn.Variable.from_numpy_array(np.zeros((2, 2))), alpha)
        >>> y.forward()
        >>> print(y.d.round(4), alpha.d.round(4))
        [[0.75 0.3 ]] [0.25 0.3 ]
    """
    binary, factor = binarized(weight, quantize_zero_to), scales(weight, affine)
    y = affine(x, binary, None, base_axis)
    y = y * spread(factor, y, affine, base_axis)
    y = y if bias is None else y + bias
    return Result(y, updates={"binary_weight": binary, "alpha": factor})


@binary_weight_affine.resolve
def _(x: Any, weight: Any, binary_weight: Any, alpha: Any, bias: Any, **args: Any) -> Any:
    return check("binary_weight_affine", affine, x, weight, binary_weight, alpha, bias, **args)


@binary_weight_affine.gradient
def _(x: Any, binary_weight: Any, alpha: Any, bias_shape: Any, dy: Any, base_axis: int) -> Any:
    dx = gradients(affine, x, binary_weight * alpha, None, dy, base_axis=base_axis)[0]
    _, dw, db = gradients(affine, x, binary_weight, bias_shape, dy, base_axis=base_axis)
    return dx, dw, None, None, db


@operator("BinaryWeightConvolution", group=GROUP, updates=("binary_weight", "alpha"), parameters=_PARAMETERS)
def binary_weight_convolution(
    x: Float,
    weight: Float,
    binary_weight: Float,
    alpha: Float,
    bias: Float | None = None,
    base_axis: Int = 1,
    pad: Shape = spatial_default(0),
    stride: Shape = spatial_default(1),
    dilation: Shape = spatial_default(1),
    group: Int = 1,
    quantize_zero_to: FloatArg = 1.0,
) -> Any:
    """:func:`convolution` with the signs of the weights, times the mean absolute weight of each output map.

    :math:`y_m = \\alpha_m \\, (\\mathrm{sgn}(W_m) * x) + b_m`, with the mean :math:`\\alpha_m` of :math:`|W_m|`.
    The gradient of the signs goes to the weights as it is, without these factors.

    Args:
        x: Batch dimensions, then (C, spatial...).
        weight: (M, C / group, kernel...).
        bias, base_axis, pad, stride, dilation, group: As in :func:`convolution`.
        binary_weight: The shape of ``weight``; forward writes the signs here.
        alpha: One number per output map; forward writes the factors here.
        quantize_zero_to: What a weight of 0 becomes.
    Returns:
        Batch dimensions, then (M, out...), sizes as of :func:`convolution`.
    Source: Rastegari, Ordonez, Redmon, Farhadi 2016, "XNOR-Net".
    Example:
        >>> x = nn.Variable.from_numpy_array([[[1.0, 2.0, 4.0]]])
        >>> weight = nn.Variable.from_numpy_array([[[0.3, -0.1]]])
        >>> alpha = nn.Variable.from_numpy_array(np.zeros(1))
        >>> y = F.binary_weight_convolution(x, weight, nn.Variable.from_numpy_array(np.zeros((1, 1, 2))), alpha)
        >>> y.forward()
        >>> print(y.d.round(4), alpha.d.round(4))
        [[[-0.2 -0.4]]] [0.2]
    """
    binary, factor = binarized(weight, quantize_zero_to), scales(weight, convolution)
    y = convolution(x, binary, None, base_axis, pad, stride, dilation, group, False)
    y = y * spread(factor, y, convolution, base_axis)
    y = y if bias is None else y + spread(bias, y, convolution, base_axis)
    return Result(y, updates={"binary_weight": binary, "alpha": factor})


@binary_weight_convolution.resolve
def _(x: Any, weight: Any, binary_weight: Any, alpha: Any, bias: Any, **args: Any) -> Any:
    return check(
        "binary_weight_convolution", convolution, x, weight, binary_weight, alpha, bias, **args, channel_last=False
    )


@binary_weight_convolution.gradient
def _(
    x: Any,
    binary_weight: Any,
    alpha: Any,
    bias_shape: Any,
    dy: Any,
    base_axis: int,
    pad: Any,
    stride: Any,
    dilation: Any,
    group: int,
) -> Any:
    args = {"base_axis": base_axis, "pad": pad, "stride": stride, "dilation": dilation, "group": group}
    scaled = binary_weight * ops.reshape(alpha, (alpha.size, *(1,) * (len(binary_weight.shape) - 1)), False)
    dx = gradients(convolution, x, scaled, None, dy, **args, channel_last=False)[0]
    _, dw, db = gradients(convolution, x, binary_weight, bias_shape, dy, **args, channel_last=False)
    return dx, dw, None, None, db
