"""Uses of every operator, whose Function objects are compared with those of NNabla 1.39.

Arguments are given by position and off their defaults where that is possible, so that their order is compared too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import nnabla as nn
import nnabla.function_bases as FB
import nnabla.functions as F


def v(*shape: int) -> nn.Variable:
    """A float input between 0.1 and 0.9 that needs a gradient."""
    return var(np.linspace(0.1, 0.9, int(np.prod(shape))).reshape(shape))


def var(values: Any) -> nn.Variable:
    """An input of given values that needs a gradient."""
    return nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=True)


def c(*shape: int) -> nn.Variable:
    """An input of zeros without gradient: an index, a mask, a statistic."""
    return nn.Variable.from_numpy_array(np.zeros(shape, np.float32))


def const(*values: Any) -> nn.Variable:
    """An input of given values without gradient."""
    return nn.Variable.from_numpy_array(np.asarray(values, np.float32))


def integers(*values: int) -> nn.Variable:
    """An input of integers, stored as such."""
    variable = nn.Variable((len(values),))
    variable.data.cast(np.uint32)[...] = values
    return variable


def at_once(build: Callable[[], Any]) -> Any:
    """A result whose shape follows from data that must be there."""
    with nn.auto_forward(True):
        return build()


def image() -> nn.Variable:
    return v(2, 3, 4, 4)


def statistics(*shape: int) -> list[nn.Variable]:
    """Offset, scale, mean and variance."""
    return [v(*shape), v(*shape), c(*shape), const(*np.ones(shape))]


def binary(*shape: int) -> list[nn.Variable]:
    """Two inputs of the same shape that need gradients."""
    return [v(*shape), v(*shape)]


KERNEL = ((1, 0), (2, 1), (1, 2))

CASES: dict[str, Callable[[], Any]] = {
    # Layers
    "affine": lambda: F.affine(v(2, 3), v(3, 4), v(4)),
    "affine without bias": lambda: F.affine(v(2, 2, 3), v(3, 4), None, 2),
    "affine of a constant": lambda: F.affine(c(2, 3), v(3, 4), v(4)),
    "rnn": lambda: F.rnn(v(3, 2, 4), v(1, 1, 2, 5), v(1, 5, 9), None, v(1, 1, 5), 1, "relu", 0.0, False, True),
    "rnn of two layers": lambda: F.rnn(v(3, 2, 4), v(2, 1, 2, 5), v(1, 5, 9), v(1, 1, 5, 10), v(2, 1, 5), 2),
    "rnn for inference": lambda: F.rnn(v(3, 2, 4), v(1, 1, 2, 5), v(1, 5, 9), training=False),
    "lstm": lambda: F.lstm(
        v(3, 2, 4), v(1, 2, 2, 5), v(1, 2, 2, 5), v(2, 4, 5, 9), None, v(1, 2, 4, 5), 1, 0.0, True, True
    ),
    "lstm for inference": lambda: F.lstm(v(3, 2, 4), v(1, 1, 2, 5), v(1, 1, 2, 5), v(1, 4, 5, 9), training=False),
    "gru": lambda: F.gru(v(3, 2, 4), v(1, 1, 2, 5), v(1, 3, 5, 9), None, v(1, 1, 4, 5), 1, 0.0, False, True),
    "gru for inference": lambda: F.gru(v(3, 2, 4), v(1, 1, 2, 5), v(1, 3, 5, 9), training=False),
    "convolution": lambda: F.convolution(v(2, 3, 5, 5), v(4, 3, 3, 3), v(4)),
    "convolution with arguments": lambda: F.convolution(v(2, 4, 5, 5), v(4, 2, 3, 3), None, 1, *KERNEL, 2),
    "convolution channels last": lambda: F.convolution(
        v(2, 5, 5, 3), v(4, 3, 3, 3), v(4), 1, (0, 0), (1, 1), (1, 1), 1, True
    ),
    "fused_convolution": lambda: F.fused_convolution(v(2, 3, 5, 5), v(4, 3, 3, 3), v(4)),
    "fused_convolution with normalization": lambda: F.fused_convolution(
        v(2, 3, 5, 5),
        v(4, 3, 3, 3),
        None,
        *statistics(1, 4, 1, 1),
        None,
        1,
        (1, 1),
        (2, 2),
        (1, 1),
        1,
        False,
        0.8,
        1e-3,
        True,
        "leaky_relu",
        [0.2],
        "constant",
        0.0,
    ),
    "fused_convolution with a residual": lambda: F.fused_convolution(
        v(2, 3, 5, 5), v(4, 3, 3, 3), None, *statistics(1, 4, 1, 1), v(2, 4, 3, 3), batch_stat=False
    ),
    "depthwise_convolution": lambda: F.depthwise_convolution(v(2, 3, 5, 5), v(3, 3, 3), v(3)),
    "depthwise_convolution with arguments": lambda: F.depthwise_convolution(
        v(2, 3, 5, 5), v(6, 3, 3), None, 1, *KERNEL, 2
    ),
    "deconvolution": lambda: F.deconvolution(v(2, 3, 5, 5), v(3, 4, 3, 3), v(4)),
    "deconvolution with arguments": lambda: F.deconvolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), None, 1, *KERNEL, 2, False, (1, 0)
    ),
    "depthwise_deconvolution": lambda: F.depthwise_deconvolution(v(2, 4, 5, 5), v(4, 3, 3), v(2), 1, *KERNEL, 2),
    "deformable_convolution": lambda: F.deformable_convolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), v(2, 36, 5, 5), v(2, 18, 5, 5), v(4), 1, (1, 1), (1, 1), (1, 1), 2, 2, False
    ),
    "deformable_convolution without mask": lambda: F.deformable_convolution(
        v(2, 4, 5, 5), v(4, 4, 3, 3), v(2, 18, 5, 5), None, None, 1, (1, 1)
    ),
    "adaptive_separable_convolution": lambda: F.adaptive_separable_convolution(
        v(2, 3, 5, 5), v(2, 3, 3, 3), v(2, 3, 3, 3)
    ),
    "max_pooling": lambda: F.max_pooling(image(), (2, 2)),
    "max_pooling with arguments": lambda: F.max_pooling(image(), (2, 3), (1, 2), False, (1, 0), False),
    "max_pooling channels last": lambda: F.max_pooling(image(), (2, 3), (1, 2), False, (1, 0), True),
    "average_pooling": lambda: F.average_pooling(image(), (2, 2)),
    "average_pooling with arguments": lambda: F.average_pooling(image(), (2, 3), (1, 2), False, (1, 0), False, False),
    "average_pooling channels last": lambda: F.average_pooling(image(), (2, 3), (1, 2), False, (1, 0), True, False),
    "global_average_pooling": lambda: F.global_average_pooling(image()),
    "sum_pooling": lambda: F.sum_pooling(image(), (2, 2)),
    "sum_pooling with arguments": lambda: F.sum_pooling(image(), (2, 3), (1, 2), False, (1, 0), False),
    "sum_pooling channels last": lambda: F.sum_pooling(image(), (2, 3), (1, 2), False, (1, 0), True),
    "max_pooling_backward": lambda: F.max_pooling_backward(v(2, 3, 2, 2), image(), (2, 2), (2, 2), True, (0, 0), False),
    "unpooling": lambda: F.unpooling(image(), (2, 3)),
    "unpooling channels last": lambda: F.unpooling(image(), (2, 3), True),
    "embed": lambda: F.embed(c(2, 3), v(4, 5)),
    "roi_align": lambda: F.roi_align(image(), const([0, 0, 0, 3, 3]), (2, 1), (0.5, 0.5), 2, False),
    "roi_align channels last": lambda: F.roi_align(image(), const([0, 0, 0, 3, 3]), (2, 1), (0.5, 0.5), 2, True),
    # Activations
    "sigmoid": lambda: F.sigmoid(v(2, 3)),
    "swish": lambda: F.swish(v(2, 3)),
    "tanh": lambda: F.tanh(v(2, 3)),
    "relu": lambda: F.relu(v(2, 3)),
    "relu in place": lambda: F.relu(v(2, 3), True),
    "leaky_relu": lambda: F.leaky_relu(v(2, 3), 0.2, True),
    "leaky_relu falling": lambda: F.leaky_relu(v(2, 3), -0.2),
    "softmax": lambda: F.softmax(v(2, 3)),
    "softmax along an axis": lambda: F.softmax(v(2, 3), -2),
    "log_softmax": lambda: F.log_softmax(v(2, 3)),
    "log_softmax along an axis": lambda: F.log_softmax(v(2, 3), -2),
    "elu": lambda: F.elu(v(2, 3), 0.2),
    "selu": lambda: F.selu(v(2, 3), 1.1, 1.2),
    "crelu": lambda: F.crelu(v(2, 3), 0),
    "celu": lambda: F.celu(v(2, 3), 0.3, 0),
    "prelu": lambda: F.prelu(v(2, 3, 4), v(4), 2),
    "gelu": lambda: F.gelu(v(2, 3)),
    "mish": lambda: F.mish(v(2, 3)),
    "relu6": lambda: F.relu6(v(2, 3)),
    "hard_sigmoid": lambda: F.hard_sigmoid(v(2, 3)),
    "hard_tanh": lambda: F.hard_tanh(v(2, 3)),
    "log_sigmoid": lambda: F.log_sigmoid(v(2, 3)),
    "softplus": lambda: F.softplus(v(2, 3), 2.0),
    "softsign": lambda: F.softsign(v(2, 3)),
    "tanh_shrink": lambda: F.tanh_shrink(v(2, 3)),
    "sinc": lambda: F.sinc(v(2, 3)),
    # Normalizations
    "batch_normalization": lambda: F.batch_normalization(v(4, 3, 2, 2), *statistics(1, 3, 1, 1), [-3], 0.8, 1e-3),
    "batch_normalization of running statistics": lambda: F.batch_normalization(
        v(4, 3, 2, 2), *statistics(1, 3, 1, 1), [1], 0.9, 1e-5, False
    ),
    "batch_normalization without offset": lambda: F.batch_normalization(v(4, 3), None, *statistics(1, 3)[1:]),
    "batch_normalization without scale": lambda: F.batch_normalization(v(4, 3), v(1, 3), None, *statistics(1, 3)[2:]),
    "batch_normalization without scale and offset": lambda: F.batch_normalization(
        v(4, 3), None, None, *statistics(1, 3)[2:], [-1]
    ),
    "fused_batch_normalization": lambda: F.fused_batch_normalization(
        v(4, 3), *statistics(1, 3), v(4, 3), [1], 0.8, 1e-3, True, "relu"
    ),
    "fused_batch_normalization without residual": lambda: F.fused_batch_normalization(v(4, 3), *statistics(1, 3)),
    "fused_batch_normalization of running statistics": lambda: F.fused_batch_normalization(
        v(4, 3), *statistics(1, 3), batch_stat=False
    ),
    "group_normalization": lambda: F.group_normalization(v(2, 4, 3), *statistics(1, 4, 1)[:2], 2, 1, [0], 1e-3),
    "instance_normalization": lambda: F.instance_normalization(v(2, 4, 3), *statistics(1, 4, 1)[:2], 1, [0], 1e-3),
    "layer_normalization": lambda: F.layer_normalization(v(4, 3), *statistics(1, 3)[:2], [0], 1e-3),
    "layer_normalization without scale and offset": lambda: F.layer_normalization(v(4, 3), None, None),
    "tensor_normalization": lambda: FB.tensor_normalization(v(4, 3), *statistics(1, 3)[:2], [1], 1e-3),
    "batch_normalization with statistics": lambda: F.batch_normalization(
        v(4, 3, 2, 2), *statistics(1, 3, 1, 1), output_stat=True
    ),
    "batch_normalization with statistics alone": lambda: F.batch_normalization(
        v(4, 3), None, None, None, None, output_stat=True
    ),
    "fused_batch_normalization with statistics": lambda: F.fused_batch_normalization(
        v(4, 3), *statistics(1, 3), v(4, 3), output_stat=True
    ),
    "group_normalization with statistics": lambda: F.group_normalization(
        v(2, 4, 3), *statistics(1, 4, 1)[:2], 2, output_stat=True
    ),
    "instance_normalization with statistics": lambda: F.instance_normalization(
        v(2, 4, 3), *statistics(1, 4, 1)[:2], output_stat=True
    ),
    "layer_normalization with statistics": lambda: F.layer_normalization(
        v(4, 3), *statistics(1, 3)[:2], output_stat=True
    ),
    "weight_standardization with statistics": lambda: F.weight_standardization(v(2, 3, 4), output_stat=True),
    "tensor_normalization by batch normalization": lambda: F.tensor_normalization(v(4, 3), 1),
    "tensor_normalization with statistics": lambda: FB.tensor_normalization(
        v(4, 3), *statistics(1, 3)[:2], [1], 1e-3, n_outputs=3
    ),
    "norm_normalization": lambda: F.norm_normalization(v(2, 3), 3, [1], 1e-3),
    "weight_normalization": lambda: F.weight_normalization(v(2, 3), v(2), 0, 1e-3),
    "weight_standardization": lambda: F.weight_standardization(v(2, 3, 4), 1, 1e-3),
    "spectral_norm": lambda: F.spectral_norm(v(4, 3), const(1, 2, 3), 1, 2, 1e-3, False, False),
    "spectral_norm with a constant vector": lambda: F.spectral_norm(v(4, 3), const(1, 2, 3, 4), test=True),
    "spectral_norm that gives its vector": lambda: F.spectral_norm(v(4, 3), const(1, 2, 3), 1, output_u=True),
    "mean_subtraction of many batch axes": lambda: F.mean_subtraction(v(4, 2, 3), c(3), c(1), 2, True),
    "mean_subtraction": lambda: F.mean_subtraction(v(4, 3), c(3), c(1), 1, True),
    "mean_subtraction of a running mean": lambda: F.mean_subtraction(v(4, 3), c(3), c(1), 1, False),
    "clip_grad_by_value": lambda: F.clip_grad_by_value(v(2, 3), c(2, 3), c(2, 3)),
    "clip_grad_by_norm": lambda: F.clip_grad_by_norm(v(2, 3), 2.0, [1]),
    # Reductions
    "sum": lambda: F.sum(v(2, 3), 1),
    "cumsum": lambda: F.cumsum(v(2, 3), 1, True, True),
    "mean": lambda: F.mean(v(2, 3), (0, 1), True),
    "max": lambda: F.max(v(2, 3), 1),
    "max with positions": lambda: F.max(v(2, 3), 1, True, True),
    "max position": lambda: F.max(v(2, 3), -1, True, False, True),
    "min": lambda: F.min(v(2, 3)),
    "min with positions": lambda: F.min(v(2, 3), 1, False, True),
    "norm": lambda: F.norm(v(2, 3), 3, 1, True),
    "norm of order 2": lambda: F.norm(v(2, 3)),
    "prod": lambda: F.prod(v(2, 3), 1),
    "cumprod": lambda: F.cumprod(v(2, 3), 1, True, True),
    "reduce_sum": lambda: F.reduce_sum(v(2, 3)),
    "reduce_mean": lambda: F.reduce_mean(v(2, 3)),
    # Arithmetic
    "add2": lambda: F.add2(*binary(2, 3), True),
    "add_n": lambda: F.add_n(*binary(2, 3), v(2, 3)),
    "bc_add2": lambda: F.bc_add2(v(2, 3), v(1, 3)),
    "sub2": lambda: F.sub2(*binary(2, 3)),
    "mul2": lambda: F.mul2(*binary(2, 3)),
    "mul2 with broadcasting": lambda: F.mul2(v(2, 1), v(1, 3)),
    "mul_n": lambda: F.mul_n(*binary(2, 3), v(2, 3)),
    "div2": lambda: F.div2(*binary(2, 3)),
    "pow2": lambda: F.pow2(*binary(2, 3)),
    "add_scalar": lambda: F.add_scalar(v(2, 3), 0.1, True),
    "mul_scalar": lambda: F.mul_scalar(v(2, 3), 0.1),
    "pow_scalar": lambda: F.pow_scalar(v(2, 3), 2),
    "r_sub_scalar": lambda: F.r_sub_scalar(v(2, 3), 0.1),
    "r_div_scalar": lambda: F.r_div_scalar(v(2, 3), 0.1),
    "r_pow_scalar": lambda: F.r_pow_scalar(v(2, 3), 0.1),
    # Logic
    "sign": lambda: F.sign(v(2, 3), 0.1),
    "minimum2": lambda: F.minimum2(*binary(2, 3)),
    "maximum2": lambda: F.maximum2(*binary(2, 3)),
    "minimum_scalar": lambda: F.minimum_scalar(v(2, 3), 0.1),
    "maximum_scalar": lambda: F.maximum_scalar(v(2, 3), 0.1),
    "logical_and": lambda: F.logical_and(*binary(2, 3)),
    "logical_or": lambda: F.logical_or(*binary(2, 3)),
    "logical_xor": lambda: F.logical_xor(*binary(2, 3)),
    "equal": lambda: F.equal(*binary(2, 3)),
    "not_equal": lambda: F.not_equal(*binary(2, 3)),
    "greater_equal": lambda: F.greater_equal(*binary(2, 3)),
    "greater": lambda: F.greater(*binary(2, 3)),
    "less_equal": lambda: F.less_equal(*binary(2, 3)),
    "less": lambda: F.less(*binary(2, 3)),
    "searchsorted": lambda: F.searchsorted(*binary(2, 3), True),
    "logical_and_scalar": lambda: F.logical_and_scalar(v(2, 3), True),
    "logical_or_scalar": lambda: F.logical_or_scalar(v(2, 3), True),
    "logical_xor_scalar": lambda: F.logical_xor_scalar(v(2, 3), True),
    "equal_scalar": lambda: F.equal_scalar(v(2, 3), 0.1),
    "not_equal_scalar": lambda: F.not_equal_scalar(v(2, 3), 0.1),
    "greater_equal_scalar": lambda: F.greater_equal_scalar(v(2, 3), 0.1),
    "greater_scalar": lambda: F.greater_scalar(v(2, 3), 0.1),
    "less_equal_scalar": lambda: F.less_equal_scalar(v(2, 3), 0.1),
    "less_scalar": lambda: F.less_scalar(v(2, 3), 0.1),
    "logical_not": lambda: F.logical_not(v(2, 3)),
    "isnan": lambda: F.isnan(v(2, 3)),
    "isinf": lambda: F.isinf(v(2, 3)),
    "reset_nan": lambda: F.reset_nan(v(2, 3), 0.1),
    "reset_inf": lambda: F.reset_inf(v(2, 3), 0.1),
    "where": lambda: F.where(c(2, 3), *binary(2, 3)),
    # Mathematics
    "constant": lambda: F.constant(0.1, (2, 3)),
    "arange": lambda: F.arange(0.1, 3.2, 0.5),
    "linspace": lambda: F.linspace(0.1, 3.2, 4),
    "abs": lambda: F.abs(v(2, 3)),
    "exp": lambda: F.exp(v(2, 3)),
    "log": lambda: F.log(v(2, 3)),
    "identity": lambda: F.identity(v(2, 3)),
    "batch_matmul": lambda: F.batch_matmul(v(2, 3, 4), v(2, 5, 3), True, True),
    "batch_matmul with broadcasting": lambda: F.batch_matmul(v(2, 1, 3, 4), v(1, 3, 4, 5)),
    "round": lambda: F.round(v(2, 3)),
    "ceil": lambda: F.ceil(v(2, 3)),
    "floor": lambda: F.floor(v(2, 3)),
    "sin": lambda: F.sin(v(2, 3)),
    "cos": lambda: F.cos(v(2, 3)),
    "tan": lambda: F.tan(v(2, 3)),
    "sinh": lambda: F.sinh(v(2, 3)),
    "cosh": lambda: F.cosh(v(2, 3)),
    "asin": lambda: F.asin(v(2, 3)),
    "acos": lambda: F.acos(v(2, 3)),
    "atan": lambda: F.atan(v(2, 3)),
    "atan2": lambda: F.atan2(*binary(2, 3)),
    "asinh": lambda: F.asinh(v(2, 3)),
    "acosh": lambda: F.acosh(var([[1.5, 2]])),
    "atanh": lambda: F.atanh(v(2, 3)),
    "erf": lambda: F.erf(v(2, 3)),
    "mod2": lambda: F.mod2(const(1, 2), const(2, 3), True),
    "bit_shift": lambda: F.bit_shift(integers(1, 2), integers(1, 1), "RIGHT"),
    "einsum": lambda: F.einsum(v(2, 3), v(3, 4), equation="ab,bc->ac"),
    # Arrays
    "concatenate": lambda: F.concatenate(*binary(2, 3), axis=0),
    "split": lambda: F.split(v(2, 3), 1),
    "stack": lambda: F.stack(*binary(2, 3), axis=1),
    "slice": lambda: F.slice(v(2, 3), (0, -1), (1, -3), (1, -1)),
    "pad": lambda: F.pad(v(2, 3), (1, 2), "constant", 0.1),
    "pad reflecting": lambda: F.pad(v(2, 3), (1, 1), "reflect"),
    "pad repeating": lambda: F.pad(v(2, 3), (1, 1), "repeat"),
    "transpose": lambda: F.transpose(v(2, 3), (1, 0)),
    "broadcast": lambda: F.broadcast(v(1, 3), (2, 3)),
    "broadcast_to": lambda: F.broadcast_to(v(2, 3, 4), v(3), 1),
    "tile": lambda: F.tile(v(2, 3), (2, 1)),
    "one_hot": lambda: F.one_hot(c(2, 1), (3,)),
    "flip": lambda: F.flip(v(2, 3), (0,)),
    "shift": lambda: F.shift(v(2, 3), (1, -1), "reflect"),
    "sort": lambda: F.sort(v(2, 3), 0, True),
    "sort with positions": lambda: F.sort(v(2, 3), 0, False, True),
    "sort positions": lambda: F.sort(v(2, 3), 0, False, False, True),
    "reshape": lambda: F.reshape(v(2, 3), (3, -1)),
    "reshape into memory of its own": lambda: F.reshape(v(2, 3), (3, 2), False),
    "shape": lambda: F.shape(v(2, 3), 1, 2),
    "matrix_diag": lambda: F.matrix_diag(v(2, 3)),
    "matrix_diag_part": lambda: F.matrix_diag_part(v(2, 3, 3)),
    "trilu": lambda: F.trilu(v(2, 3), 1, False),
    "meshgrid": lambda: F.meshgrid(v(2), v(3), ij_indexing=True),
    "batch_det": lambda: F.batch_det(var([[[2, 1], [1, 2]]])),
    "batch_inv": lambda: F.batch_inv(var([[[2, 1], [1, 2]]])),
    "batch_logdet": lambda: F.batch_logdet(var([[[2, 1], [1, 2]]])),
    "batch_cholesky": lambda: F.batch_cholesky(var([[[2, 1], [1, 2]]]), True),
    "assign": lambda: F.assign(*binary(2, 3)),
    "gather": lambda: F.gather(v(2, 4, 3), c(2, 2), 2, 1),
    "gather_nd": lambda: F.gather_nd(v(4, 3), c(1, 2)),
    "bool_gather": lambda: F.bool_gather(v(2, 3), const([1, 0, 1], [0, 1, 1])),
    "scatter_nd": lambda: F.scatter_nd(v(2, 3), c(1, 2), (4, 3)),
    "scatter_nd into an array": lambda: F.scatter_nd(v(2, 3), c(1, 2), None, v(4, 3), True),
    "scatter_add": lambda: F.scatter_add(v(2, 3), c(2, 2), v(2, 2), 1),
    "bool_scatter": lambda: F.bool_scatter(v(4), const([1, 0, 1], [0, 1, 1])),
    "bool_scatter into an array": lambda: F.bool_scatter(v(4), const([1, 0, 1], [0, 1, 1]), v(2, 3)),
    "bool_fill": lambda: F.bool_fill(v(2, 3), const([1, 0, 1], [0, 1, 1]), 0.1),
    "pack_padded_sequence": lambda: F.pack_padded_sequence(v(2, 3, 4), const(3, 2), True),
    "pad_packed_sequence": lambda: F.pad_packed_sequence(v(5, 4), const(2, 2, 1), True, 0.1, 4),
    "nonzero": lambda: F.nonzero(const([1, 0, 1], [0, 1, 1])),
    "unique": lambda: at_once(lambda: F.unique(const([1, 0, 1]), False, 1, True, True, True, True)),
    "eye_like": lambda: F.eye_like(v(2, 3), 1),
    "top_k_data": lambda: F.top_k_data(v(2, 3), 2, True, False, 1),
    "top_k_data with positions": lambda: F.top_k_data(v(2, 3), 2, False, True, 1, False, True),
    "top_k_grad of later axes": lambda: F.top_k_grad(v(2, 3, 4), 1, False, 2),
    "top_k_grad": lambda: F.top_k_grad(v(2, 3), 2, True, 1),
    # Signals
    "interpolate": lambda: F.interpolate(v(2, 3, 4, 4), None, (6, 5), "linear", True, False, False, False),
    "interpolate nearest": lambda: F.interpolate(v(2, 3, 4, 4), (2, 0.5), None, "nearest", False, False, True, False),
    "interpolate channels last": lambda: F.interpolate(
        v(2, 4, 4, 3), (2, 0.5), None, "nearest", False, False, True, True
    ),
    "onnx_resize": lambda: F.onnx_resize(
        v(2, 3, 4, 4), (), (1, 1, 2, 2), (), "cubic", "asymmetric", -0.5, 1, 0.1, "floor"
    ),
    "onnx_resize nearest": lambda: F.onnx_resize(v(2, 3, 4, 4), sizes=(2, 3, 6, 5)),
    "fft": lambda: F.fft(v(2, 3, 4, 2), 2, True),
    "ifft": lambda: F.ifft(v(2, 3, 4, 2), 2, True),
    "stft": lambda: F.stft(v(1, 16), 8, 4, 8, "hamming", False, "constant", False),
    "istft": lambda: F.istft(v(1, 5, 5), v(1, 5, 5), 8, 4, 8, "hamming", False, "constant", False),
    "affine_grid": lambda: F.affine_grid(v(2, 2, 3), (3, 4), True),
    "warp_by_grid": lambda: F.warp_by_grid(v(2, 3, 4, 4), v(2, 3, 3, 2), "linear", "repeat", True, False),
    "warp_by_grid nearest": lambda: F.warp_by_grid(v(2, 3, 4, 4), v(2, 3, 3, 2), "nearest"),
    "warp_by_flow": lambda: F.warp_by_flow(v(2, 3, 4, 4), v(2, 2, 4, 4)),
    "patch_correlation": lambda: F.patch_correlation(
        v(2, 5, 5, 3), v(2, 5, 5, 3), (2, 1), (1, 0), (1, 2), (1, 1), (1, 0, 1, 0), True
    ),
    # Random numbers
    "dropout": lambda: F.dropout(v(2, 3), 0.3, 7),
    "rand": lambda: F.rand(0.1, 0.2, (2,), 7),
    "randint": lambda: F.randint(1, 5, (2,), 7),
    "randn": lambda: F.randn(0.1, 0.2, (2,), 7),
    "rand_binomial": lambda: F.rand_binomial(3, 0.2, (2,), 7),
    "rand_beta": lambda: F.rand_beta(0.1, 0.2, (2,), 7),
    "rand_gamma": lambda: F.rand_gamma(0.1, 0.2, (2,), 7),
    "random_choice": lambda: F.random_choice(*binary(2, 3), (2,), True, 7),
    "random_choice without replacement": lambda: F.random_choice(*binary(2, 3), (2,), False, 7),
    "random_crop": lambda: F.random_crop(image(), (2, 2), 2, 7),
    "random_crop of the whole": lambda: F.random_crop(image()),
    "random_flip": lambda: F.random_flip(image(), (2,), 2, 7),
    "random_shift": lambda: F.random_shift(image(), (1, 2), "constant", 0.1, 2, 7),
    "random_erase": lambda: F.random_erase(
        image(), 0.4, (0.1, 0.3), (0.5, 2.0), (0.0, 1.0), 2, False, False, 1, 7, False, True
    ),
    "random_erase channels last": lambda: F.random_erase(
        v(2, 2, 4, 4, 3), base_axis=2, inplace=True, channel_last=True
    ),
    "random_erase with a gradient of zeros": lambda: F.random_erase(image(), ste_fine_grained=False),
    "image_augmentation": lambda: F.image_augmentation(
        v(3, 4, 4), (3, 2, 2), (1, 1), 0.8, 1.2, 0.1, 1.1, 0.1, True, True, 0.1, True, 1.1, 0.2, True, 0.1, 7
    ),
    # Losses
    "sigmoid_cross_entropy": lambda: F.sigmoid_cross_entropy(*binary(2, 3)),
    "binary_cross_entropy": lambda: F.binary_cross_entropy(*binary(2, 3)),
    "softmax_cross_entropy": lambda: F.softmax_cross_entropy(v(2, 3), c(1, 3), -2),
    "categorical_cross_entropy": lambda: F.categorical_cross_entropy(v(2, 3), c(1, 3), -2),
    "squared_error": lambda: F.squared_error(*binary(2, 3)),
    "absolute_error": lambda: F.absolute_error(*binary(2, 3)),
    "huber_loss": lambda: F.huber_loss(*binary(2, 3), 0.3),
    "epsilon_insensitive_loss": lambda: F.epsilon_insensitive_loss(*binary(2, 3), 0.3),
    "kl_multinomial": lambda: F.kl_multinomial(*binary(2, 3, 4), 2),
    "top_n_error": lambda: F.top_n_error(v(2, 3), c(1, 3), -2, 2),
    "binary_error": lambda: F.binary_error(*binary(2, 3)),
    "confusion_matrix": lambda: F.confusion_matrix(v(2, 3), c(1, 3), -2),
    # Quantization
    "binary_sigmoid": lambda: F.binary_sigmoid(v(2, 3)),
    "binary_tanh": lambda: F.binary_tanh(v(2, 3)),
    "binary_connect_affine": lambda: F.binary_connect_affine(v(2, 3), v(3, 4), c(3, 4), v(4), 1, 0.5),
    "binary_connect_convolution": lambda: F.binary_connect_convolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), c(4, 2, 3, 3), v(4), 1, *KERNEL, 2, 0.5
    ),
    "binary_weight_affine": lambda: F.binary_weight_affine(v(2, 3), v(3, 4), c(3, 4), c(4), v(4), 1, 0.5),
    "binary_weight_convolution": lambda: F.binary_weight_convolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), c(4, 2, 3, 3), c(4), v(4), 1, *KERNEL, 2, 0.5
    ),
    "inq_affine": lambda: F.inq_affine(v(2, 3), v(3, 4), c(3, 4), v(4), 1, 3, (2, 4), "random", 7),
    "inq_convolution": lambda: F.inq_convolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), c(4, 2, 3, 3), v(4), 1, *KERNEL, 2, 3, (2, 4), "largest_abs", 7
    ),
    "fixed_point_quantize": lambda: F.fixed_point_quantize(v(2, 3), False, 7, 0.1, True, False),
    "fixed_point_quantize fine": lambda: F.fixed_point_quantize(v(2, 3)),
    "min_max_quantize": lambda: F.min_max_quantize(
        v(2, 3), v(1, 1), v(1, 1), c(1, 1), const([255]), 0.9, True, True, True, 0.1
    ),
    "min_max_quantize of a fixed range": lambda: F.min_max_quantize(
        v(2, 3), v(1, 1), const([0.8]), c(1, 1), const([255]), ste_fine_grained=False
    ),
    "pow2_quantize": lambda: F.pow2_quantize(v(2, 3), False, False, 7, 2, True, False),
    "pow2_quantize fine": lambda: F.pow2_quantize(v(2, 3)),
    "prune": lambda: F.prune(v(2, 3), 0.3),
    "quantize_linear": lambda: F.quantize_linear(v(2, 3), const([0.1]), const([1]), "HALF_TO_EVEN", True, np.int8),
    "dequantize_linear": lambda: F.dequantize_linear(v(2, 3), const([0.1]), const([1])),
    # Others
    "vat_noise": lambda: F.vat_noise(*binary(2, 3), 1, 0.5),
    "vat_noise of later axes": lambda: F.vat_noise(*binary(2, 3), 0, 0.5),
    "unlink": lambda: F.unlink(v(2, 3)),
    "sink": lambda: F.sink(*binary(2, 3), one_input_grad=False),
    "nms_detection2d": lambda: F.nms_detection2d(v(1, 3, 6), 0.4, 0.3, False),
    "onnx_non_max_suppression": lambda: F.onnx_non_max_suppression(v(1, 3, 4), v(1, 2, 3), 1, 2, 0.3, 0.1),
}
