"""What ``explain`` tells of a network."""

from __future__ import annotations

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla_ext.cpu
from nnabla.graph.program import forward_program
from nnabla_ext.cpu import floor, native


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
    assert text.splitlines()[0].split() == ["function", "kernel", "result", "order", "KiB", "floor", "us", "%"]
    assert "(2, 3)" in found["Affine"]
    assert float(found["all"].split()[-2]) > 0
    functions = [
        name for name in found if name.split()[0] in ("Convolution", "Affine", "Sum", "ReLU", "BatchNormalization")
    ]
    total = sum(float(found[name].split()[-1]) for name in functions)
    assert all(float(found[name].split()[-3]) >= 0 for name in functions)
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


@pytest.mark.skipif(native.module is None, reason="the native module is not built")
def test_it_tells_the_native_programs_and_what_is_interpreted_between_them():
    x = nn.Variable((4, 4))
    mask = nn.Variable.from_numpy_array(np.ones(4))
    y = F.sum(F.tanh(F.bool_scatter(F.relu(F.mul_scalar(x, 2.0)), mask)))
    found = nnabla_ext.cpu.explain(y).splitlines()
    programs = [line for line in found if line.startswith("native program: 2 functions in ")]
    assert len(programs) == 2
    assert "interpreted: BoolScatter" in found
    assert "in one call, 1 times: MulScalar + ReLU" in found
    assert found[-1].startswith("all in one run: ")


def test_the_floor_counts_multiplications_and_memory():
    machine = floor.Machine(multiplications=1000.0, bytes=4e6)
    x = nn.Variable((2, 3, 8, 8))
    convolution = forward_program([PF.convolution(x, 5, (3, 3), name="c")._node]).steps[0]
    assert machine.least(convolution, (2, 5, 6, 6)) == pytest.approx(2 * 5 * 6 * 6 * 3 * 9 / 1000)
    relu = forward_program([F.relu(x)._node]).steps[0]
    assert machine.least(relu, x.shape) == pytest.approx(2 * 4 * 2 * 3 * 8 * 8 / 4e6)
    a, b = nn.Variable((2, 7, 4)), nn.Variable((2, 7, 3))
    product = forward_program([F.batch_matmul(a, b, transpose_a=True)._node]).steps[0]
    assert machine.least(product, (2, 4, 3)) == pytest.approx(2 * 4 * 3 * 7 / 1000)
    nn.clear_parameters()
