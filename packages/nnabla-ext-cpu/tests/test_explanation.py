"""What ``explain`` tells of a network."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla_ext.cpu
from nnabla_ext.cpu import native


@pytest.fixture
def network():
    nn.clear_parameters()
    x = nn.Variable((2, 16, 16, 16))
    x.d = np.random.default_rng(0).standard_normal(x.shape)
    h = PF.convolution(x, 32, (3, 3), pad=(1, 1), with_bias=False, name="c")
    h = F.relu(PF.batch_normalization(h, batch_stat=False, name="b"))
    y = F.sum(PF.affine(h, 3, name="a"))
    yield y
    nn.clear_parameters()


def lines(text):
    return {line.split("  ")[0]: line for line in text.splitlines()}


def test_each_line_is_a_function_with_its_kernel_result_and_time(network):
    text = nnabla_ext.cpu.explain(network, clear_buffer=False, runs=1)
    found = lines(text)
    assert text.splitlines()[0].split() == ["function", "kernel", "result", "order", "KiB", "us", "%"]
    assert "(2, 3)" in found["Affine"]
    assert float(found["all"].split()[-2]) > 0
    total = sum(float(line.split()[-1]) for name, line in found.items() if name not in ("function", "all"))
    assert total == pytest.approx(100, abs=1)


@pytest.mark.skipif(native.module is None, reason="the native module is not built")
def test_it_shows_what_runs_in_one_go_and_how_results_lie_in_memory(network):
    found = lines(nnabla_ext.cpu.explain(network, runs=1))
    together = found["Convolution + BatchNormalization + ReLU"]
    assert "native, Winograd" in together
    assert "0,2,3,1" in together
    assert "64 " in together.split("0,2,3,1")[1]


@pytest.mark.skipif(native.module is None, reason="the native module is not built")
def test_it_leaves_values_and_results_as_a_run_does(network):
    network.forward()
    expected = network.d.copy()
    nnabla_ext.cpu.explain(network)
    np.testing.assert_allclose(network.d, expected, rtol=1e-4)


def test_a_leaf_has_nothing_to_explain():
    with pytest.raises(RuntimeError, match="no parent function"):
        nnabla_ext.cpu.explain(nn.Variable((2,)))
