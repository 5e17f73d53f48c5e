"""Convolution layers, against PyTorch where it is installed and against loops over windows in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.convolution import CASES, DECONVOLUTION, DEPTHWISE, NO_CHANNELS, convolve, deconvolve

Shape = tuple[int, ...]
test_convolution = conformance(CASES)
test_depthwise_convolution = conformance(DEPTHWISE)
test_deconvolution = conformance(DECONVOLUTION)
test_no_channels = conformance(NO_CHANNELS)


def _variables(*shapes: Shape | None) -> list[nn.Variable | None]:
    return [None if s is None else nn.Variable(s, need_grad=True) for s in shapes]


@pytest.mark.parametrize(
    ("function", "shapes", "args", "message"),
    [
        (
            F.convolution,
            [(8, 4, 32, 32), (4, 3, 3, 3)],
            {},
            r"convolution: weight \(4, 3, 3, 3\) has 3 input channels per group but x \(8, 4, 32, 32\) gives 4",
        ),
        (F.convolution, [(2, 4, 6), (3, 4, 7)], {}, "convolution: a kernel of 7 with dilation 1 does not fit into 6"),
        (F.convolution, [(2, 4, 6), (3, 4, 3)], {"pad": (1, 1)}, r"convolution: pad=\(1, 1\) needs one entry"),
        (F.convolution, [(2, 4, 6), (3, 4, 3)], {"stride": (0,)}, r"convolution: stride=\(0,\) must be 1 or more"),
        (F.convolution, [(2, 4, 6), (3, 2, 3)], {"group": 2}, "convolution: group=2 must divide weight's output maps"),
        (F.convolution, [(2, 4, 6), (3, 4, 3, 3)], {}, "convolution: x .* has 1 spatial dimensions .* weight .* has 2"),
        (F.convolution, [(2, 4, 6), (3, 4, 3)], {"base_axis": 3}, "convolution: base_axis=3 is outside the 3 dim"),
        (F.convolution, [(2, 4, 6), (3, 4, 3), (4,)], {}, r"convolution: bias \(4,\) must be \(3,\)"),
        (F.deconvolution, [(2, 4, 6), (3, 4, 3)], {}, "deconvolution: weight .* takes 3 channels but x .* has 4"),
        (F.deconvolution, [(2, 4, 6), (4, 4, 3)], {"output_padding": (1,)}, r"deconvolution: output_padding=\(1,\)"),
        (F.deconvolution, [(2, 4, 1), (4, 4, 3)], {"pad": (2,)}, r"deconvolution: pad=\(2,\) leaves nothing"),
        (F.depthwise_convolution, [(2, 4, 6), (4, 3)], {"multiplier": 2}, "depthwise_convolution: weight .* gives 4"),
        (F.depthwise_deconvolution, [(2, 4, 6), (4, 3)], {"divisor": 3}, "divisor=3 must divide the 4 channels"),
    ],
)
def test_errors_name_what_does_not_fit(function, shapes, args, message) -> None:
    with pytest.raises(RuntimeError, match=message):
        function(*_variables(*shapes), **args)


def test_arguments_are_complete_and_as_given() -> None:
    y = F.convolution(*_variables((2, 4, 6, 6), (6, 2, 3, 3)), base_axis=-3, group=2)
    assert y.parent.info.args == {
        "base_axis": -3,
        "pad": [0, 0],
        "stride": [1, 1],
        "dilation": [1, 1],
        "group": 2,
        "channel_last": False,
    }
    y = F.deconvolution(*_variables((2, 4, 6), (4, 2, 3)), stride=(2,))
    assert y.parent.info.args["output_padding"] == [0]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (F.convolution, [(2, 4, 6, 6), (6, 4, 3, 3), (6,)]),
        (F.depthwise_convolution, [(2, 4, 6, 6), (4, 3, 3), (4,)]),
        (F.deconvolution, [(2, 4, 6, 6), (4, 6, 3, 3), (6,)]),
        (F.depthwise_deconvolution, [(2, 4, 6, 6), (4, 3, 3), (4,)]),
    ],
)
def test_gradients_read_the_other_factor_alone(function, shapes) -> None:
    f = function(*_variables(*shapes)).parent
    depends = [[f.grad_depends_input_data(i, j) for j in range(3)] for i in range(3)]
    assert depends == [[False, True, False], [True, False, False], [False, False, False]]
    assert not any(f.grad_depends_output_data(i, 0) for i in range(3))


def test_half_precision_is_near() -> None:
    rng = np.random.RandomState(0)
    x, w, v = rng.randn(2, 3, 5, 5), rng.randn(4, 3, 3, 3) * 0.1, rng.randn(3, 4, 3, 3) * 0.1
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, weight, expect in ((F.convolution, w, convolve), (F.deconvolution, v, deconvolve)):
            y = function(nn.Variable.from_numpy_array(x), nn.Variable.from_numpy_array(weight))
            y.forward()
            assert y.d.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(x, weight), atol=0.1)
