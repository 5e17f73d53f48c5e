"""Layers: functions of `nnabla.functions` together with the parameters they train.

Each keeps its parameters in the current scope of `nnabla.parameter`, under a scope of its own, and
finds them there again when it is called with the same name.
"""

from nnabla.initializer import calc_uniform_lim_glorot
from nnabla.parameter import get_parameter, get_parameter_or_create
from nnabla.parametric_functions.activation import prelu
from nnabla.parametric_functions.api import parametric_function_api
from nnabla.parametric_functions.attention import (
    multi_head_attention,
    transformer,
    transformer_decode,
    transformer_encode,
)
from nnabla.parametric_functions.binary import (
    binary_connect_affine,
    binary_connect_convolution,
    binary_weight_affine,
    binary_weight_convolution,
    inq_affine,
    inq_convolution,
)
from nnabla.parametric_functions.convolutions import (
    convolution,
    deconvolution,
    deformable_convolution,
    depthwise_convolution,
    depthwise_deconvolution,
)
from nnabla.parametric_functions.embedding import embed
from nnabla.parametric_functions.factorized import cpd3_convolution, svd_affine, svd_convolution
from nnabla.parametric_functions.fully_connected import affine
from nnabla.parametric_functions.normalization import (
    batch_normalization,
    fused_batch_normalization,
    group_normalization,
    instance_normalization,
    layer_normalization,
    mean_subtraction,
    sync_batch_normalization,
)
from nnabla.parametric_functions.quantization import min_max_quantize
from nnabla.parametric_functions.quantized_affine import (
    fixed_point_quantized_affine,
    min_max_quantized_affine,
    pow2_quantized_affine,
    pruned_affine,
)
from nnabla.parametric_functions.quantized_convolutions import (
    fixed_point_quantized_convolution,
    min_max_quantized_convolution,
    pow2_quantized_convolution,
    pruned_convolution,
)
from nnabla.parametric_functions.recurrent import LSTMCell, gru, lstm, lstm_cell, rnn
from nnabla.parametric_functions.weights import spectral_norm, weight_normalization

__all__ = [
    "LSTMCell",
    "affine",
    "batch_normalization",
    "binary_connect_affine",
    "binary_connect_convolution",
    "binary_weight_affine",
    "binary_weight_convolution",
    "calc_uniform_lim_glorot",
    "convolution",
    "cpd3_convolution",
    "deconvolution",
    "deformable_convolution",
    "depthwise_convolution",
    "depthwise_deconvolution",
    "embed",
    "fixed_point_quantized_affine",
    "fixed_point_quantized_convolution",
    "fused_batch_normalization",
    "get_parameter",
    "get_parameter_or_create",
    "group_normalization",
    "gru",
    "inq_affine",
    "inq_convolution",
    "instance_normalization",
    "layer_normalization",
    "lstm",
    "lstm_cell",
    "mean_subtraction",
    "min_max_quantize",
    "min_max_quantized_affine",
    "min_max_quantized_convolution",
    "multi_head_attention",
    "parametric_function_api",
    "pow2_quantized_affine",
    "pow2_quantized_convolution",
    "prelu",
    "pruned_affine",
    "pruned_convolution",
    "rnn",
    "spectral_norm",
    "svd_affine",
    "svd_convolution",
    "sync_batch_normalization",
    "transformer",
    "transformer_decode",
    "transformer_encode",
    "weight_normalization",
]
