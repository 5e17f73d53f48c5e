"""Uses of operators whose Function objects are compared with those of NNabla 1.39."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nnabla as nn
import nnabla.functions as F


def v(*shape: int) -> nn.Variable:
    return nn.Variable(shape, need_grad=True)


def c(*shape: int) -> nn.Variable:
    return nn.Variable(shape)


CASES: dict[str, Callable[[], Any]] = {
    "affine": lambda: F.affine(v(2, 3), v(3, 4), v(4)),
    "affine without bias": lambda: F.affine(v(2, 3), v(3, 4)),
    "convolution": lambda: F.convolution(v(2, 3, 5, 5), v(4, 3, 3, 3), v(4)),
    "convolution with arguments": lambda: F.convolution(
        v(2, 4, 5, 5), v(4, 2, 3, 3), None, 1, (1, 0), (2, 1), (1, 2), 2
    ),
    "deconvolution": lambda: F.deconvolution(v(2, 3, 5, 5), v(3, 4, 3, 3), v(4)),
    "depthwise_convolution": lambda: F.depthwise_convolution(v(2, 3, 5, 5), v(3, 3, 3), v(3)),
    "max_pooling": lambda: F.max_pooling(v(2, 3, 4, 4), (2, 2)),
    "average_pooling": lambda: F.average_pooling(v(2, 3, 4, 4), (2, 2), pad=(1, 0)),
    "sum_pooling": lambda: F.sum_pooling(v(2, 3, 4, 4), (2, 2), (1, 1)),
    "global_average_pooling": lambda: F.global_average_pooling(v(2, 3, 4, 4)),
    "embed": lambda: F.embed(c(2, 3), v(4, 5)),
    "batch_normalization": lambda: F.batch_normalization(
        v(4, 3, 2, 2), v(1, 3, 1, 1), v(1, 3, 1, 1), c(1, 3, 1, 1), c(1, 3, 1, 1)
    ),
    "batch_normalization of running statistics": lambda: F.batch_normalization(
        v(4, 3, 2, 2), v(1, 3, 1, 1), v(1, 3, 1, 1), c(1, 3, 1, 1), c(1, 3, 1, 1), batch_stat=False
    ),
    "batch_normalization without scale and offset": lambda: F.batch_normalization(
        v(4, 3), None, None, c(1, 3), c(1, 3), axes=[-1]
    ),
    "fused_batch_normalization": lambda: F.fused_batch_normalization(
        v(4, 3), v(1, 3), v(1, 3), c(1, 3), c(1, 3), v(4, 3)
    ),
    "layer_normalization": lambda: F.layer_normalization(v(4, 3), v(1, 3), v(1, 3)),
    "sum": lambda: F.sum(v(2, 3), axis=1),
    "mean": lambda: F.mean(v(2, 3), axis=(0, 1), keepdims=True),
    "max": lambda: F.max(v(2, 3), axis=1),
    "min": lambda: F.min(v(2, 3)),
    "prod": lambda: F.prod(v(2, 3), axis=1),
    "norm": lambda: F.norm(v(2, 3), axis=1),
    "cumsum": lambda: F.cumsum(v(2, 3), axis=1, exclusive=True),
    "concatenate": lambda: F.concatenate(v(2, 3), v(2, 3), axis=1),
    "stack": lambda: F.stack(v(2, 3), v(2, 3)),
    "slice": lambda: F.slice(v(2, 3), (0, 0), (1, 2), (1, 1)),
    "pad": lambda: F.pad(v(2, 3), (1, 1), "reflect"),
    "transpose": lambda: F.transpose(v(2, 3), (1, 0)),
    "broadcast": lambda: F.broadcast(v(1, 3), (2, 3)),
    "flip": lambda: F.flip(v(2, 3)),
    "reshape": lambda: F.reshape(v(2, 3), (3, -1)),
    "reshape into memory of its own": lambda: F.reshape(v(2, 3), (3, 2), inplace=False),
    "one_hot": lambda: F.one_hot(c(2, 1), (3,)),
    "where": lambda: F.where(c(2, 3), v(2, 3), v(2, 3)),
    "gather": lambda: F.gather(v(4, 3), c(2), axis=1),
    "gather_nd": lambda: F.gather_nd(v(4, 3), c(1, 2)),
    "scatter_nd": lambda: F.scatter_nd(v(2, 3), c(1, 2), (4, 3)),
    "dropout": lambda: F.dropout(v(2, 3), 0.3),
    "rand": lambda: F.rand(shape=(2,)),
    "softmax_cross_entropy": lambda: F.softmax_cross_entropy(v(2, 3), c(2, 1)),
    "sigmoid_cross_entropy": lambda: F.sigmoid_cross_entropy(v(2, 3), v(2, 3)),
    "binary_cross_entropy": lambda: F.binary_cross_entropy(v(2, 3), v(2, 3)),
    "squared_error": lambda: F.squared_error(v(2, 3), v(2, 3)),
    "absolute_error": lambda: F.absolute_error(v(2, 3), v(2, 3)),
    "huber_loss": lambda: F.huber_loss(v(2, 3), v(2, 3), 0.3),
    "sort": lambda: F.sort(v(2, 3), axis=0, reverse=True),
    "top_k_data": lambda: F.top_k_data(v(2, 3), 2),
    "unlink": lambda: F.unlink(v(2, 3)),
    "spectral_norm": lambda: F.spectral_norm(v(4, 3), c(4)),
    "binary_sigmoid": lambda: F.binary_sigmoid(v(2, 3)),
    "random_choice": lambda: F.random_choice(v(2, 3), v(2, 3), (2,)),
    "random_crop": lambda: F.random_crop(v(2, 3, 4, 4), (2, 2)),
    "assign": lambda: F.assign(v(2, 3), v(2, 3)),
    "batch_matmul": lambda: F.batch_matmul(v(2, 3, 4), v(2, 3, 4), transpose_a=True),
    "min_max_quantize": lambda: F.min_max_quantize(v(2, 3), v(1, 1), v(1, 1), c(1, 1), c(1, 1)),
    "prelu": lambda: F.prelu(v(2, 3), v(3)),
    "softmax": lambda: F.softmax(v(2, 3)),
    "leaky_relu": lambda: F.leaky_relu(v(2, 3), 0.2),
    "elu": lambda: F.elu(v(2, 3), 0.2),
    "tanh": lambda: F.tanh(v(2, 3)),
    "relu": lambda: F.relu(v(2, 3), inplace=True),
    "mul2": lambda: F.mul2(v(2, 3), v(2, 3)),
    "add_n": lambda: F.add_n(v(2, 3), v(2, 3), v(2, 3)),
    "pow_scalar": lambda: F.pow_scalar(v(2, 3), 2),
}


def describe(result: Any) -> dict[str, Any]:
    """Say what the Function object of a result says; rows of 0 and 1 are dependences by input."""
    output = result[0] if isinstance(result, tuple) else result
    f = output.parent
    inputs, outputs = range(len(f.inputs)), range(len(f.outputs))
    return {
        "type_name": f.info.type_name,
        "args": {k: round(a, 9) if isinstance(a, float) else a for k, a in f.info.args.items()},
        "shapes": [list(o.shape) for o in f.outputs],
        "reads inputs": ["".join(str(int(f.grad_depends_input_data(i, j))) for j in inputs) for i in inputs],
        "reads outputs": ["".join(str(int(f.grad_depends_output_data(i, o))) for o in outputs) for i in inputs],
        "keeps": [int(f.auto_grad_depends_input_data(i, i)) for i in inputs],
        "in place": [f.inplace_data(i) for i in inputs],
        "needs set-up to recompute": [int(f.need_setup_recompute(o)) for o in outputs],
    }
