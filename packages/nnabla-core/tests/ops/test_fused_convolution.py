"""Fused convolution, against the operators it is made of, which have tests of their own."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.fused_convolution import FUSED_CONVOLUTION

test_fused_convolution = conformance(FUSED_CONVOLUTION)


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
