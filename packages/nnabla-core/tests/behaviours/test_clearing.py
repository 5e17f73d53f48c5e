"""What forward and backward clear, and what they must not."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF


def cleared(*variables):
    return [v.data.clear_called for v in variables]


def grads_cleared(*variables):
    return [v.grad.clear_called for v in variables]


def test_clear_buffer_clears_intermediates_only(leaf):
    x = leaf([1, 2])
    h, k = F.sin(x), None
    k = F.cos(h)
    y = F.exp(k)
    y.forward(clear_buffer=True)
    assert cleared(x, h, k, y) == [False, True, True, False]
    np.testing.assert_allclose(y.d, np.exp(np.cos(np.sin(x.d))), rtol=1e-6)


def test_plain_forward_clears_nothing(leaf):
    x = leaf([1, 2])
    h = F.add_scalar(x, 1)
    y = F.exp(h)
    y.forward()
    assert cleared(x, h, y) == [False, False, False]


@pytest.mark.parametrize("need_grad, expected", [(True, [False, True]), (False, [True, True])])
def test_clear_no_need_grad_keeps_what_gradients_need(leaf, need_grad, expected):
    x = leaf([1, 2], need_grad=need_grad)
    h = F.add_scalar(x, 1)
    k = F.sin(h)
    y = F.add_scalar(k, 1)
    y.forward(clear_no_need_grad=True)
    assert cleared(h, k) == expected
    assert cleared(x, y) == [False, False]


def test_clear_buffer_goes_before_clear_no_need_grad(leaf):
    h = F.add_scalar(leaf([1, 2]), 1)
    F.sin(h).forward(clear_buffer=True, clear_no_need_grad=True)
    assert cleared(h) == [True]


@pytest.mark.parametrize("flag", ["clear_buffer", "clear_no_need_grad"])
def test_persistent_variables_stay(leaf, flag):
    x = leaf([1, 2], need_grad=False)
    h, other = F.sin(x), F.cos(x)
    h.persistent = True
    F.add2(h, other).forward(**{flag: True})
    assert cleared(h, other) == [False, True]
    np.testing.assert_allclose(h.d, np.sin(x.d), rtol=1e-6)


def test_persistent_gradients_stay(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    k = F.cos(h)
    y = F.exp(k)
    h.persistent = True
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    assert grads_cleared(h, k) == [False, True]
    np.testing.assert_allclose(h.g, np.exp(np.cos(np.sin(x.d))) * -np.sin(np.sin(x.d)), rtol=1e-5)


@pytest.mark.parametrize("flag", ["clear_buffer", "clear_no_need_grad"])
def test_memory_shared_in_place_with_the_root_stays(leaf, flag):
    h = F.sin(leaf([1, 2], need_grad=False))
    y = F.reshape(h, (2, 1), inplace=True)
    y.forward(**{flag: True})
    assert cleared(h, y) == [False, False]
    np.testing.assert_allclose(y.d, np.sin([[1], [2]]), rtol=1e-6)


@pytest.mark.parametrize("flag", ["clear_buffer", "clear_no_need_grad"])
def test_memory_shared_in_place_with_a_persistent_variable_stays(leaf, flag):
    h = F.sin(leaf([1, 2], need_grad=False))
    k = F.reshape(h, (2, 1), inplace=True)
    k.persistent = True
    F.exp(k).forward(**{flag: True})
    assert cleared(h, k) == [False, False]


def test_memory_shared_in_place_stays_until_its_last_use(leaf, cleared_memory_is_gone):
    x = leaf([1, 2, 3, 4])
    h = F.sin(x)
    k = F.reshape(h, (2, 2), inplace=True)
    y = F.add2(F.reshape(F.exp(k), (4,)), F.cos(h))
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    s, c = np.sin(x.d), np.cos(x.d)
    np.testing.assert_allclose(y.d, np.exp(s) + np.cos(s), rtol=1e-5)
    np.testing.assert_allclose(x.g, (np.exp(s) - np.sin(s)) * c, rtol=1e-5)


def test_memory_shared_in_place_over_a_rewired_seam_stays(leaf, cleared_memory_is_gone):
    x = leaf([1, 2])
    h = F.sin(x)
    seam = nn.Variable((2, 1))
    y = F.add_scalar(F.exp(seam), 1)
    seam.rewire_on(F.reshape(h, (2, 1), inplace=True))
    z = F.add2(F.reshape(y, (2,)), F.cos(h))
    z.forward(clear_buffer=True)
    np.testing.assert_allclose(z.d, np.exp(np.sin(x.d)) + 1 + np.cos(np.sin(x.d)), rtol=1e-5)


def test_clearing_waits_for_the_last_of_several_consumers(leaf):
    x = leaf([1, 2], need_grad=False)
    h = F.sin(x)
    first, second = F.cos(h), F.exp(h)
    y = F.add2(first, second)
    state = []
    y.forward(
        clear_buffer=True,
        function_pre_hook=lambda f: state.append((f.info.type_name, h.data.clear_called)),
    )
    assert state == [("Sin", False), ("Cos", False), ("Exp", False), ("Add2", True)]


def test_clearing_counts_each_use_by_one_function(leaf, cleared_memory_is_gone):
    x = leaf([1, 2])
    h = F.sin(x)
    y = F.add2(F.mul2(h, h), F.cos(h))
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    s, c = np.sin(x.d), np.cos(x.d)
    np.testing.assert_allclose(y.d, s * s + np.cos(s), rtol=1e-5)
    np.testing.assert_allclose(x.g, (2 * s - np.sin(s)) * c, rtol=1e-5)


def single(build, shape=(2, 3)):
    """An intermediate input, the function under test, and a root after it."""
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).rand(*shape), need_grad=True)
    h = F.identity(x)
    k = build(h)
    return h, k, F.identity(k)


@pytest.mark.parametrize(
    "build, input_cleared, output_cleared",
    [
        (lambda h: F.add2(h, nn.Variable((2, 3))), True, True),
        (lambda h: F.add_scalar(h, 1), True, True),
        (lambda h: F.mul_scalar(h, 2), True, True),
        (F.identity, True, True),
        (F.sum, True, True),
        (lambda h: F.transpose(h, (1, 0)), True, True),
        (lambda h: F.dropout(h, 0.5), True, True),
        (F.tanh, True, False),
        (F.sigmoid, True, False),
        (F.exp, True, False),
        (lambda h: F.softmax(h, axis=1), True, False),
        (F.sin, False, True),
        (F.cos, False, True),
        (F.log, False, True),
        (lambda h: F.mul2(h, nn.Variable((2, 3), need_grad=True)), False, True),
        (lambda h: F.pow_scalar(h, 2), False, True),
        (F.abs, False, True),
    ],
)
def test_a_function_keeps_what_its_gradient_depends_on(build, input_cleared, output_cleared):
    h, k, y = single(build)
    y.forward(clear_no_need_grad=True)
    assert cleared(h, k) == [input_cleared, output_cleared]


def test_convolution_keeps_data_and_weight_and_clears_the_bias():
    rng = np.random.RandomState(0)
    x, w, b = (
        F.identity(nn.Variable.from_numpy_array(rng.randn(*shape), need_grad=True))
        for shape in ((1, 2, 4, 4), (3, 2, 3, 3), (3,))
    )
    y = F.identity(F.convolution(x, w, b))
    y.forward(clear_no_need_grad=True)
    assert cleared(x, w, b) == [False, False, True]


def test_batch_normalization_clears_beta_only():
    rng = np.random.RandomState(0)
    x, beta, gamma = (
        F.identity(nn.Variable.from_numpy_array(rng.rand(*shape), need_grad=True)) for shape in ((4, 3), (1, 3), (1, 3))
    )
    mean, var = nn.Variable((1, 3)), nn.Variable((1, 3))
    y = F.identity(F.batch_normalization(x, beta, gamma, mean, var, axes=[1]))
    y.forward(clear_no_need_grad=True)
    assert cleared(x, beta, gamma, mean, var) == [False, True, False, False, False]


def test_data_without_gradient_is_kept_for_the_gradient_of_another_input(leaf):
    constant = F.sin(leaf([1, 2], need_grad=False))
    h = F.sin(leaf([3, 4]))
    y = F.add_scalar(F.mul2(h, constant), 1)
    y.forward(clear_no_need_grad=True)
    assert cleared(h, constant) == [False, False]
    x = y.parent.inputs[0].parent.inputs[0].parent.inputs[0]
    y.backward(clear_buffer=True)
    np.testing.assert_allclose(x.g, np.cos([3, 4]) * np.sin([1, 2]), rtol=1e-5)


def test_backward_clears_gradients_and_data_as_it_goes(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    k = F.cos(h)
    y = F.exp(k)
    y.forward(clear_no_need_grad=True)
    assert cleared(h, k) == [False, True]
    state = []
    y.backward(
        clear_buffer=True,
        function_pre_hook=lambda f: state.append((f.info.type_name, k.grad.clear_called)),
    )
    assert state == [("Exp", False), ("Cos", False), ("Sin", True)]
    assert grads_cleared(x, h, k) == [False, True, True]
    np.testing.assert_allclose(x.g, np.exp(np.cos(np.sin(x.d))) * -np.sin(np.sin(x.d)) * np.cos(x.d), rtol=1e-5)


@pytest.mark.parametrize("grad", [1, "numpy", "ndarray", None])
def test_the_gradient_of_the_root_is_not_cleared_for_the_user(leaf, grad):
    y = F.sin(leaf([1, 2]))
    y.forward()
    y.g = 1
    given = {"numpy": np.ones(2), "ndarray": nn.NdArray.from_numpy_array(np.ones(2))}
    y.backward(given.get(grad, grad), clear_buffer=True)
    assert y.grad.clear_called is False


def build_network(x):
    with nn.parameter_scope("net", {}):
        h = F.relu(PF.batch_normalization(PF.convolution(x, 4, (3, 3), pad=(1, 1))))
        h = F.add2(h, F.tanh(PF.convolution(h, 4, (3, 3), pad=(1, 1), name="second")))
        h = F.max_pooling(h, (2, 2))
        h = F.dropout(F.reshape(h, (h.shape[0], -1), inplace=True), 0.2, seed=3)
        y = F.mean(F.softmax(F.mul2(PF.affine(h, 5), PF.affine(h, 5, name="gate"))) ** 2)
        return y, nn.get_parameters()


@pytest.mark.parametrize("forward", [{}, {"clear_no_need_grad": True}])
@pytest.mark.parametrize("backward", [{}, {"clear_buffer": True}])
def test_clearing_changes_no_result(forward, backward, cleared_memory_is_gone):
    x = nn.Variable.from_numpy_array(np.random.RandomState(1).randn(2, 3, 8, 8).astype("f4"))
    results = []
    for flags in ({}, {}), (forward, backward):
        nn.seed(5)
        y, parameters = build_network(x)
        for parameter in parameters.values():
            parameter.grad.zero()
        for _ in range(2):
            y.forward(**flags[0])
            y.backward(**flags[1])
        results.append([y.d.copy()] + [p.g.copy() for p in parameters.values()])
    for plain, with_flags in zip(*results):
        np.testing.assert_array_equal(plain, with_flags)


class TestAutoForward:
    @pytest.fixture(autouse=True)
    def dynamic(self, no_collector):
        with nn.auto_forward():
            yield

    def test_memory_goes_with_the_last_reference(self, leaf):
        h = F.add_scalar(leaf([1, 2], need_grad=False), 1)
        storage = h.data
        y = F.exp(h)
        assert storage.clear_called is False
        del h
        assert storage.clear_called is True
        np.testing.assert_allclose(y.d, np.exp([2, 3]), rtol=1e-6)

    def test_a_persistent_variable_stays(self, leaf):
        h = F.add_scalar(leaf([1, 2], need_grad=False), 1)
        h.persistent = True
        storage = h.data
        F.exp(h)
        del h
        assert storage.clear_called is False

    def test_memory_of_an_unlinked_sharer_stays(self, leaf):
        h = F.add_scalar(leaf([1, 2], need_grad=False), 1)
        alias, storage = h.get_unlinked_variable(), h.data
        del h
        assert storage.clear_called is False
        np.testing.assert_array_equal(alias.d, [2, 3])

    @pytest.mark.parametrize("consume, kept", [(F.sin, True), (lambda h: F.add_scalar(h, 1), False), (F.tanh, False)])
    def test_memory_that_a_consumers_gradient_needs_stays(self, leaf, consume, kept):
        h = F.add_scalar(leaf([1, 2]), 1)
        storage = h.data
        y = consume(h)
        del h
        assert storage.clear_called is not kept
        assert y.data.clear_called is False

    def test_memory_that_the_producers_gradient_needs_stays(self, leaf):
        x = leaf([1, 2])
        h = F.tanh(x)
        storage = h.data
        y = F.add_scalar(h, 1)
        del h
        assert storage.clear_called is False
        y.backward()
        np.testing.assert_allclose(x.g, 1 - np.tanh(x.d) ** 2, rtol=1e-5)

    def test_a_narrow_child_is_never_cleared(self, leaf):
        parent = nn.NdArray.from_numpy_array(np.zeros((4,), np.float32))
        h = nn.Variable((2,))
        h.data = parent.narrow(0, 1, 2)
        storage = h.data
        F.add_scalar(h, 1)
        del h
        assert storage.clear_called is False

    def test_backward_with_clearing_equals_the_static_graph(self, leaf):
        x = leaf([1, 2])

        def build():
            return F.exp(F.cos(F.sin(x) * x) + x)

        y = build()
        y.backward(clear_buffer=True)
        dynamic = x.g.copy()
        x.grad.zero()
        with nn.auto_forward(False):
            y = build()
            y.forward()
            y.backward()
        np.testing.assert_array_equal(dynamic, x.g)
