"""Fused convolution, against the operators it is made of, which have tests of their own."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, normal, uniform
from nnabla.testing.conformance import conformance

X, W, Z = normal(2, 3, 5, 6), normal(4, 3, 3, 3), normal(2, 4, 3, 4)
BN = [normal(1, 4, 1, 1), normal(1, 4, 1, 1), normal(1, 4, 1, 1), uniform(0.5, 2, 1, 4, 1, 1)]

test_fused_convolution = conformance(
    [
        *cases(F.fused_convolution, [X, W]),
        *cases(F.fused_convolution, [X, W, normal(4), *BN, Z], grad=[0, 1, 2, 3, 4, 7]),
        *cases(F.fused_convolution, [X, W, None, *BN], {"batch_stat": False}, grad=[0, 1, 3, 4]),
        *cases(
            F.fused_convolution,
            [X, W],
            {"nonlinearity": ["identity", "sigmoid", "tanh", "relu6"], "pad": (1, 1), "pad_mode": "reflect"},
        ),
        *cases(
            F.fused_convolution,
            [X, W],
            {"nonlinearity": ["leaky_relu", "elu"], "nonlinearity_args": (0.2,), "pad": (1, 0, 0, 2)},
        ),
        *cases(
            F.fused_convolution,
            [normal(2, 5, 6, 3), normal(4, 3, 3, 3)],
            {"channel_last": True, "pad": (1, 1), "constant_value": 0.5},
        ),
    ]
)


def _inputs():
    rng = np.random.RandomState(0)
    shapes = [(2, 3, 5, 6), (4, 3, 3, 3), (4,), *[(1, 4, 1, 1)] * 4, (2, 4, 5, 6)]
    arrays = [rng.randn(*s) for s in shapes]
    arrays[6] = np.abs(arrays[6]) + 0.5
    return [nn.Variable.from_numpy_array(a, need_grad=True) for a in arrays]


def test_equals_its_parts_in_values_gradients_and_running_statistics() -> None:
    fused, apart = _inputs(), _inputs()
    y = F.fused_convolution(*fused, pad=(1, 1), pad_mode="repeat", decay_rate=0.7)
    x, w, b, beta, gamma, mean, variance, z = apart
    h = F.convolution(F.pad(x, (1, 1, 1, 1), "repeat"), w, b)
    h = F.batch_normalization(h, beta, gamma, mean, variance, decay_rate=0.7)
    h = F.relu(h + z)
    for root, inputs in ((y, fused), (h, apart)):
        for v in inputs:
            v.grad.zero()
        root.forward()
        root.backward()
    np.testing.assert_allclose(y.d, h.d, 1e-5, 1e-6)
    for i, (a, b) in enumerate(zip(fused, apart)):
        np.testing.assert_allclose(a.d, b.d, 1e-5, 1e-6, err_msg=f"input {i}")
        np.testing.assert_allclose(a.g, b.g, 1e-4, 1e-4, err_msg=f"gradient {i}")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"nonlinearity": "leaky_relu"}, "nonlinearity='leaky_relu' takes 1 values in nonlinearity_args"),
        ({"nonlinearity": "swish"}, "nonlinearity='swish'"),
        ({"beta": nn.Variable((1, 4, 1, 1))}, "gamma, mean, variance are missing"),
        ({"pad": (1, 1, 1)}, r"pad=\(1, 1, 1\) needs one or two entries"),
    ],
)
def test_errors_name_what_does_not_fit(args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        F.fused_convolution(nn.Variable((2, 3, 5, 6)), nn.Variable((4, 3, 3, 3)), **args)
