"""Operators in PyTorch, eager, where it has the same: prints a line of JSON for each operator, size and direction.

python operators_torch.py [--threads N] [OPERATOR ...]
"""

import sys

import numpy as np
import torch
import torch.nn.functional as F
from operator_cases import instance
from timing import run_operators


def per_element(function):
    """A loss per element, as NNabla has it."""
    return lambda x, y: function(x, y, reduction="none")


def batch_normalization(x, beta, gamma, mean, variance):
    mean, variance = mean.flatten(), variance.flatten()
    return F.batch_norm(x, mean, variance, gamma.flatten(), beta.flatten(), training=True, eps=1e-5)


def cell(kind):
    """A recurrent layer with weights of its own, whose gradients count besides: values do not matter for time."""

    def run(x, *rest):
        states = rest[:-1]
        layer = LAYERS.get((kind, x.shape))
        if layer is None:
            layer = LAYERS[kind, x.shape] = kind(x.shape[-1], states[0].shape[-1], bias=False)
        hs = tuple(state[0] for state in states)
        return layer(x, hs if len(hs) > 1 else hs[0])[0]

    return run


LAYERS = {}


def depthwise(x, w, b, pad):
    return F.conv2d(x, w[:, None], b, padding=pad, groups=w.shape[0])


def fused_batch_normalization(x, beta, gamma, mean, variance, z):
    return F.relu(batch_normalization(x, beta, gamma, mean, variance) + z)


def class_loss(function):
    return lambda x, label: function(x, label[:, 0], reduction="none")


def crelu(x):
    return torch.cat([F.relu(x), F.relu(-x)], 1)


def gather_rows(x, indices):
    return x[indices[0]]


def scatter_rows(data, indices, shape, add):
    return torch.zeros(shape).index_add(0, indices[0], data)


UNARY = {
    "Sigmoid": torch.sigmoid,
    "Swish": F.silu,
    "Tanh": torch.tanh,
    "ReLU": torch.relu,
    "LeakyReLU": lambda x: F.leaky_relu(x, 0.1),
    "ELU": F.elu,
    "SELU": F.selu,
    "CReLU": crelu,
    "GELU": F.gelu,
    "Mish": F.mish,
    "ReLU6": F.relu6,
    "HardTanh": F.hardtanh,
    "LogSigmoid": F.logsigmoid,
    "SoftPlus": F.softplus,
    "SoftSign": F.softsign,
    "TanhShrink": F.tanhshrink,
    "Sinc": lambda x: torch.sinc(x / np.pi),
    "Softmax": lambda x: torch.softmax(x, -1),
    "LogSoftmax": lambda x: torch.log_softmax(x, -1),
    "Sign": torch.sign,
    "Abs": torch.abs,
    "Exp": torch.exp,
    "Log": torch.log,
    "Round": torch.round,
    "Ceil": torch.ceil,
    "Floor": torch.floor,
    "Sin": torch.sin,
    "Cos": torch.cos,
    "Tan": torch.tan,
    "Sinh": torch.sinh,
    "Cosh": torch.cosh,
    "ASin": torch.asin,
    "ACos": torch.acos,
    "ATan": torch.atan,
    "ASinh": torch.asinh,
    "ACosh": torch.acosh,
    "ATanh": torch.atanh,
    "Erf": torch.erf,
    "LogicalNot": torch.logical_not,
    "IsNaN": torch.isnan,
    "IsInf": torch.isinf,
    "ReduceSum": torch.sum,
    "ReduceMean": torch.mean,
    "Trilu": torch.triu,
    "MatrixDiag": torch.diag_embed,
    "MatrixDiagPart": lambda x: torch.diagonal(x, dim1=-2, dim2=-1).clone(),
    "BatchDet": torch.linalg.det,
    "BatchInv": torch.linalg.inv,
    "BatchLogdet": torch.linalg.slogdet,
    "BatchCholesky": torch.linalg.cholesky,
    "Dropout": lambda x: F.dropout(x, 0.5),
    "GlobalAveragePooling": lambda x: F.adaptive_avg_pool2d(x, 1),
    "NonZero": torch.nonzero,
    "Identity": torch.clone,
}

BINARY = {
    "Add2": torch.add,
    "AddN": torch.add,
    "BcAdd2": torch.add,
    "Sub2": torch.sub,
    "Mul2": torch.mul,
    "MulN": torch.mul,
    "Div2": torch.div,
    "Pow2": torch.pow,
    "Mod2": torch.remainder,
    "Minimum2": torch.minimum,
    "Maximum2": torch.maximum,
    "ATan2": torch.atan2,
    "LogicalAnd": torch.logical_and,
    "LogicalOr": torch.logical_or,
    "LogicalXor": torch.logical_xor,
    "Equal": torch.eq,
    "NotEqual": torch.ne,
    "GreaterEqual": torch.ge,
    "Greater": torch.gt,
    "LessEqual": torch.le,
    "Less": torch.lt,
    "BatchMatmul": torch.matmul,
    "PReLU": F.prelu,
    "SquaredError": per_element(F.mse_loss),
    "AbsoluteError": per_element(F.l1_loss),
    "HuberLoss": per_element(F.smooth_l1_loss),
    "SigmoidCrossEntropy": lambda x, t: F.binary_cross_entropy_with_logits(x, t.float(), reduction="none"),
    "BinaryCrossEntropy": lambda x, t: F.binary_cross_entropy(x, t.float(), reduction="none"),
    "SoftmaxCrossEntropy": class_loss(F.cross_entropy),
    "CategoricalCrossEntropy": lambda x, t: F.nll_loss(torch.log(x), t[:, 0], reduction="none"),
    "SearchSorted": torch.searchsorted,
    "Gather": lambda x, indices: x[indices],
    "GatherNd": gather_rows,
    "BoolGather": lambda x, mask: x[mask.bool()],
    "BoolFill": lambda x, mask: x.masked_fill(mask.bool(), 0.0),
    "Embed": lambda indices, w: F.embedding(indices, w),
    "Meshgrid": lambda x, y: torch.meshgrid(x, y, indexing="xy")[0].clone(),
}

SCALAR = {
    "AddScalar": torch.add,
    "MulScalar": torch.mul,
    "PowScalar": torch.pow,
    "RSubScalar": lambda x, val: val - x,
    "RDivScalar": lambda x, val: val / x,
    "RPowScalar": lambda x, val: val**x,
    "MinimumScalar": lambda x, val: torch.clamp(x, max=val),
    "MaximumScalar": lambda x, val: torch.clamp(x, min=val),
    "EqualScalar": torch.eq,
    "NotEqualScalar": torch.ne,
    "GreaterEqualScalar": torch.ge,
    "GreaterScalar": torch.gt,
    "LessEqualScalar": torch.le,
    "LessScalar": torch.lt,
}

REDUCED = {
    "Sum": torch.sum,
    "Mean": torch.mean,
    "Max": torch.amax,
    "Min": torch.amin,
    "Norm": lambda x, axis: torch.linalg.vector_norm(x, dim=axis),
    "Prod": torch.prod,
    "CumSum": torch.cumsum,
    "CumProd": torch.cumprod,
    "Sort": lambda x, axis: torch.sort(x, axis)[0],
}

OTHER = {
    "Affine": lambda x, w, b: torch.addmm(b, x, w),
    "RNN": cell(torch.nn.RNN),
    "LSTM": cell(torch.nn.LSTM),
    "GRU": cell(torch.nn.GRU),
    "Convolution": lambda x, w, b, pad: F.conv2d(x, w, b, padding=pad),
    "Deconvolution": lambda x, w, b, pad: F.conv_transpose2d(x, w, b, padding=pad),
    "DepthwiseConvolution": depthwise,
    "MaxPooling": lambda x, kernel: F.max_pool2d(x, kernel),
    "AveragePooling": lambda x, kernel: F.avg_pool2d(x, kernel),
    "Unpooling": lambda x, kernel: F.interpolate(x, scale_factor=kernel, mode="nearest"),
    "BatchNormalization": batch_normalization,
    "FusedBatchNormalization": fused_batch_normalization,
    "GroupNormalization": lambda x, b, g, num_groups: F.group_norm(x, num_groups, g.flatten(), b.flatten()),
    "InstanceNormalization": lambda x, b, g: F.instance_norm(x, weight=g.flatten(), bias=b.flatten()),
    "LayerNormalization": lambda x, b, g: F.layer_norm(x, x.shape[1:], g.flatten(), b.flatten()),
    "Einsum": lambda a, b, equation: torch.einsum(equation, a, b),
    "Where": lambda c, x, y: torch.where(c.bool(), x, y),
    "Constant": lambda val, shape: torch.full(shape, val),
    "Arange": lambda start, stop: torch.arange(start, stop, dtype=torch.float32),
    "Linspace": lambda start, stop, num: torch.linspace(start, stop, num),
    "Concatenate": lambda x, y, axis: torch.cat([x, y], axis),
    "Stack": lambda x, y, axis: torch.stack([x, y], axis),
    "Pad": lambda x, pad_width: F.pad(x, pad_width),
    "Transpose": lambda x, axes: x.permute(axes).contiguous(),
    "Broadcast": lambda x, shape: x.expand(shape).contiguous(),
    "Tile": lambda x, reps: x.repeat(reps),
    "OneHot": lambda x, shape: F.one_hot(x[:, 0], shape[0]).float(),
    "Flip": lambda x, axes: torch.flip(x, axes),
    "ScatterNd": scatter_rows,
    "ScatterAdd": lambda x, indices, y, axis: x.scatter_add(axis, indices, y),
    "TopKData": lambda x, k: torch.topk(x, k)[0],
    "Rand": lambda shape: torch.rand(shape),
    "Randn": lambda shape: torch.randn(shape),
    "Randint": lambda low, high, shape: torch.randint(low, high, shape),
    "EpsilonInsensitiveLoss": lambda x, y, epsilon: F.relu(torch.abs(x - y) - epsilon),
    "Interpolate": lambda x, output_size, mode: F.interpolate(x, output_size, mode="bilinear", align_corners=True),
    "WarpByGrid": lambda x, grid: F.grid_sample(x, grid, align_corners=False),
    "AffineGrid": lambda theta, size: F.affine_grid(theta, (theta.shape[0], 1, *size), align_corners=False),
}

OPERATORS = {**UNARY, **BINARY, **SCALAR, **REDUCED, **OTHER}


def prepare(name, size):
    """Return what to call for forward and for backward, None for the latter where there is none."""
    arrays, need, args = instance(name, size)
    inputs = [torch.from_numpy(np.ascontiguousarray(a)).requires_grad_(n) for a, n in zip(arrays, need)]

    def forward():
        result = OPERATORS[name](*inputs, *args.values())
        return result[-1] if isinstance(result, tuple) else result

    y = forward()
    if not y.requires_grad:
        return forward, None
    leaves = [x for x, needs in zip(inputs, need) if needs]
    layer = LAYERS.get((getattr(torch.nn, name, None), inputs[0].shape))
    leaves += [] if layer is None else layer.parameters()
    seed = torch.ones_like(y)
    return forward, lambda: torch.autograd.grad(y, leaves, seed, retain_graph=True, allow_unused=True)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[sys.argv.index("--threads") + 1]) if "--threads" in sys.argv else 1)
    run_operators(OPERATORS.__contains__, prepare)
