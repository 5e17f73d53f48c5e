"""Functions used without a graph: setup, forward and backward by hand."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def make(name, *args):
    return getattr(nn.function, name)(nn.get_current_context(), *args)


def variable(*shape, need_grad=True):
    x = nn.Variable(shape, need_grad=need_grad)
    x.d = np.random.RandomState(0).randn(*shape).astype(np.float32)
    x.grad.zero()
    return x


@pytest.mark.parametrize("kind", [list, tuple])
def test_setup_sizes_the_outputs_and_forward_fills_them(kind):
    function = make("Sum", [0], False)
    x, y = variable(2, 3), nn.Variable()
    function.setup(kind([x]), kind([y]))
    assert y.shape == (3,)
    function.forward(kind([x]), kind([y]))
    np.testing.assert_allclose(y.d, x.d.sum(0), rtol=1e-6)
    assert y.parent is None and x.function_references == []


def test_setup_may_be_repeated_with_another_shape():
    function = make("Sum", [0], False)
    x, y = variable(2, 3), nn.Variable()
    function.setup([x], [y])
    x.reset_shape((4, 5), True)
    x.d = np.arange(20).reshape(4, 5)
    function.setup([x], [y])
    assert y.shape == (5,)
    function.forward([x], [y])
    np.testing.assert_array_equal(y.d, x.d.sum(0))


@pytest.fixture
def affine():
    """An Affine of three inputs that has run forward, with a gradient of its output."""
    inputs, y = [variable(2, 3), variable(3, 4), variable(4)], nn.Variable()
    function = make("Affine", 1)
    function.setup(inputs, [y])
    function.forward(inputs, [y])
    y.g = np.random.RandomState(1).randn(2, 4)
    x, w, _ = inputs
    return function, inputs, [y], [y.g @ w.d.T, x.d.T @ y.g, y.g.sum(0)]


def test_backward_accumulates_by_default(affine):
    function, inputs, outputs, grads = affine
    for v in inputs:
        v.g = 3
    function.backward(inputs, outputs)
    for v, grad in zip(inputs, grads):
        np.testing.assert_allclose(v.g, 3 + grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("accum", [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
def test_each_gradient_accumulates_or_overwrites_as_told(affine, accum):
    function, inputs, outputs, grads = affine
    for v, flag in zip(inputs, accum):
        v.g = 3 if flag else np.nan
    function.backward(inputs, outputs, accum=[bool(flag) for flag in accum])
    for v, grad, flag in zip(inputs, grads, accum):
        np.testing.assert_allclose(v.g, 3 * flag + grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("accum", [None, [False] * 3, [True] * 3])
@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_inputs_that_need_no_gradient_are_untouched(affine, frozen, accum):
    function, inputs, outputs, grads = affine
    inputs[frozen].need_grad = False
    for v in inputs:
        v.g = 0
    inputs[frozen].g = np.nan
    function.backward(inputs, outputs, accum)
    for i, (v, grad) in enumerate(zip(inputs, grads)):
        if i == frozen:
            assert np.isnan(v.g).all()
        else:
            np.testing.assert_allclose(v.g, grad, rtol=1e-5, atol=1e-6)


def test_optional_inputs_may_be_left_out():
    function, x, w, y = make("Affine", 1), variable(2, 3), variable(3, 4), nn.Variable()
    function.setup([x, w], [y])
    function.forward([x, w], [y])
    np.testing.assert_allclose(y.d, x.d @ w.d, rtol=1e-5)
    y.g = 1
    function.backward([x, w], [y], [False, False])
    np.testing.assert_allclose(x.g, np.ones((2, 4)) @ w.d.T, rtol=1e-5)


def test_several_outputs():
    function, x = make("Split", 1), variable(2, 3)
    outputs = [nn.Variable() for _ in range(3)]
    function.setup([x], outputs)
    function.forward([x], outputs)
    np.testing.assert_array_equal([y.d for y in outputs], x.d.T)
    for i, y in enumerate(outputs):
        y.g = i + 1
    function.backward([x], outputs, [False])
    np.testing.assert_array_equal(x.g, [[1, 2, 3]] * 2)


def test_setup_refuses_shapes_that_do_not_fit():
    with pytest.raises(RuntimeError):
        make("Affine", 1).setup([variable(2, 3), variable(5, 4)], [nn.Variable()])


def test_the_function_of_a_graph_runs_alone():
    x = variable(2, 3)
    h = F.sin(x)
    y = F.exp(h)
    h.parent.forward([x], [h])
    np.testing.assert_allclose(h.d, np.sin(x.d), rtol=1e-6)
    y.parent.forward(y.parent.inputs, y.parent.outputs)
    np.testing.assert_allclose(y.d, np.exp(np.sin(x.d)), rtol=1e-6)
    y.g = 2
    y.parent.backward(y.parent.inputs, y.parent.outputs, [False])
    np.testing.assert_allclose(h.g, 2 * np.exp(np.sin(x.d)), rtol=1e-5)
    h.parent.backward([x], [h], [True])
    np.testing.assert_allclose(x.g, h.g * np.cos(x.d), rtol=1e-5)


def test_data_of_any_dtype_is_taken():
    function, x, y = make("AddScalar", 1.0, False), nn.Variable((2,)), nn.Variable()
    x.data.cast(np.int32)[...] = [1, 2]
    function.setup([x], [y])
    function.forward([x], [y])
    assert y.data.dtype == np.float32
    np.testing.assert_array_equal(y.d, [2, 3])
