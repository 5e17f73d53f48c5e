"""Kernels of layers on inputs large enough for several blocks, against the operators' bodies on NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.opaque import install

Shapes = tuple[tuple[int, ...], ...]

CASES = {
    "convolution of large images": (F.convolution, ((9, 16, 40, 40), (12, 16, 3, 3), (12,)), {"pad": (1, 1)}),
    "convolution of many small images": (F.convolution, ((300, 8, 9, 9), (16, 8, 5, 5), (16,)), {}),
    "convolution with all arguments": (
        F.convolution,
        ((7, 40, 33, 12), (10, 3, 2, 6), (10,)),
        {"channel_last": True, "group": 2, "pad": (2, 1), "stride": (2, 1), "dilation": (1, 3)},
    ),
    "pointwise convolution": (F.convolution, ((40, 64, 20, 20), (32, 64, 1, 1), (32,)), {}),
    "pointwise convolution of few positions": (F.convolution, ((300, 64, 3), (8, 64, 1), (8,)), {}),
    "strided pointwise convolution": (F.convolution, ((9, 16, 31, 31), (8, 16, 1, 1)), {"stride": (2, 2)}),
    "convolution of one channel": (F.convolution, ((70, 1, 28, 28), (16, 1, 5, 5)), {}),
    "volumes": (F.convolution, ((3, 4, 9, 10, 11), (5, 4, 3, 3, 3), (5,)), {"pad": (1, 0, 2)}),
    "depthwise": (
        F.depthwise_convolution,
        ((5, 16, 30, 30), (32, 3, 3), (32,)),
        {"multiplier": 2, "pad": (1, 1), "stride": (2, 1)},
    ),
    "deconvolution with stride": (
        F.deconvolution,
        ((30, 16, 15, 15), (16, 12, 4, 4), (12,)),
        {"stride": (2, 2), "pad": (1, 1), "output_padding": (1, 0)},
    ),
    "deconvolution": (F.deconvolution, ((30, 8, 15, 15), (8, 12, 3, 3)), {"pad": (1, 1), "dilation": (2, 1)}),
    "deconvolution in groups": (
        F.deconvolution,
        ((9, 20, 20, 8), (8, 3, 3, 3), (6,)),
        {"channel_last": True, "group": 2},
    ),
    "deconvolution to few channels": (F.deconvolution, ((30, 16, 15, 15), (16, 1, 5, 5)), {}),
    "max pooling": (F.max_pooling, ((20, 16, 40, 40),), {"kernel": (2, 2)}),
    "max pooling with overlap": (
        F.max_pooling,
        ((20, 30, 41, 16),),
        {"kernel": (3, 3), "stride": (2, 1), "pad": (1, 1), "channel_last": True, "ignore_border": False},
    ),
    "max pooling over long windows": (F.max_pooling, ((2, 3, 40, 40),), {"kernel": (20, 20)}),
    "average pooling": (
        F.average_pooling,
        ((8, 16, 40, 40),),
        {"kernel": (3, 3), "stride": (2, 2), "pad": (1, 1), "including_pad": False},
    ),
    "average pooling over everything": (F.average_pooling, ((64, 128, 8, 8),), {"kernel": (8, 8)}),
    "batch normalization": (
        lambda x, b, g: F.batch_normalization(x, b, g, None, None),
        ((40, 16, 30, 30), (1, 16, 1, 1), (1, 16, 1, 1)),
        {},
    ),
    "batch normalization of channels last": (
        lambda x: F.batch_normalization(x, None, None, None, None, axes=[3]),
        ((40, 30, 30, 16),),
        {},
    ),
    "fused batch normalization": (
        lambda x, b, g, z: F.fused_batch_normalization(x, b, g, None, None, z),
        ((40, 16, 30, 30), (1, 16, 1, 1), (1, 16, 1, 1), (40, 16, 30, 30)),
        {},
    ),
    "layer normalization": (F.layer_normalization, ((2000, 300), (1, 300), (1, 300)), {}),
    "layer normalization with parameters per sample": (
        F.layer_normalization,
        ((2000, 300), (2000, 1), (2000, 300)),
        {},
    ),
    "instance normalization": (
        F.instance_normalization,
        ((40, 16, 30, 30), (1, 16, 1, 1), (40, 16, 1, 1)),
        {},
    ),
    "affine": (F.affine, ((3, 50, 40), (40, 6, 5), (6, 5)), {"base_axis": 2}),
    "embed": (lambda w: F.embed(nn.Variable.from_numpy_array(np.arange(3000) % 70), w), ((80, 33),), {}),
}


def _results(backend: str, function, shapes: Shapes, args) -> list[np.ndarray]:
    rng = np.random.RandomState(0)
    with nn.context_scope(nn.Context([f"{backend}:double"], array_class="")):
        inputs = [nn.Variable.from_numpy_array(rng.randn(*s), need_grad=True) for s in shapes]
        y = function(*inputs, **args)
        y.forward()
        for v in inputs:
            v.grad.zero()
        y.backward(nn.NdArray.from_numpy_array(rng.randn(*y.shape)))
        return [y.d.copy(), *(v.g.copy() for v in inputs)]


@pytest.mark.parametrize("name", CASES)
def test_kernels_compute_what_bodies_say(name) -> None:
    install()
    function, shapes, args = CASES[name]
    ours, theirs = (_results(backend, function, shapes, args) for backend in ("cpu", "plain"))
    for i, (a, b) in enumerate(zip(ours, theirs)):
        np.testing.assert_allclose(a, b, 1e-9, 1e-9 * np.abs(b).max(), err_msg=f"result {i}")
