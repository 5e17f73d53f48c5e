"""Running graphs: order, gradients, hooks, re-setup, several outputs, sinks."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF

GRADS = [
    (1, [1, 1]),
    (2.5, [2.5, 2.5]),
    (np.array([1.0, 2.0]), [1, 2]),
    (nn.NdArray.from_numpy_array(np.array([3.0, 4.0])), [3, 4]),
    (None, [7, 7]),
]
GRAD_IDS = ["int", "float", "numpy", "ndarray", "none"]


@pytest.mark.parametrize("clear_buffer", [False, True])
@pytest.mark.parametrize("grad, expected", GRADS, ids=GRAD_IDS)
def test_backward_starts_from_the_given_gradient(leaf, grad, expected, clear_buffer):
    x = leaf([1, 2])
    y = F.sin(x)
    y.forward()
    y.g = 7
    y.backward(grad, clear_buffer=clear_buffer)
    np.testing.assert_allclose(x.g, expected * np.cos(x.d), rtol=1e-6)
    assert y.grad.clear_called is False
    np.testing.assert_array_equal(y.g, [7, 7])


def test_the_default_gradient_is_one(leaf):
    x = leaf([1, 2])
    y = F.sin(x)
    y.forward()
    y.backward()
    np.testing.assert_allclose(x.g, np.cos(x.d), rtol=1e-6)


@pytest.mark.parametrize("grad", [np.ones(3), np.ones(1), nn.NdArray((3,))])
def test_a_gradient_of_another_shape_is_refused(leaf, grad):
    y = F.sin(leaf([1, 2]))
    y.forward()
    with pytest.raises(RuntimeError):
        y.backward(grad)


def test_gradients_of_leaves_accumulate_over_calls(leaf):
    x = leaf([1, 2])
    y = F.sin(x)
    y.forward()
    for _ in range(3):
        y.backward()
    np.testing.assert_allclose(x.g, 3 * np.cos(x.d), rtol=1e-6)


def test_gradients_of_intermediates_are_overwritten(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    y = F.add2(h, F.mul2(h, h))
    y.forward()
    h.g = 100
    for _ in range(2):
        y.backward()
        np.testing.assert_allclose(h.g, 1 + 2 * np.sin(x.d), rtol=1e-6)
    np.testing.assert_allclose(x.g, 2 * (1 + 2 * np.sin(x.d)) * np.cos(x.d), rtol=1e-6)


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_variable_without_parent_cannot_run(method):
    with pytest.raises(RuntimeError):
        getattr(nn.Variable((2,), need_grad=True), method)()


def test_backward_is_nothing_where_nothing_needs_gradient():
    x = nn.Variable((2,))
    y = F.sin(x)
    y.forward()
    x.g = 5
    seen = []
    y.backward(function_pre_hook=seen.append)
    assert seen == []
    np.testing.assert_array_equal(x.g, [5, 5])


def test_only_functions_towards_a_needed_gradient_run_backward(leaf):
    x, constant = leaf([1, 2]), leaf([3, 4], need_grad=False)
    constant.g = 9
    y = F.mul2(F.sin(x), F.cos(constant))
    y.forward()
    seen = []
    y.backward(function_pre_hook=lambda f: seen.append(f.info.type_name))
    assert seen == ["Mul2", "Sin"]
    np.testing.assert_array_equal(constant.g, [9, 9])
    np.testing.assert_allclose(x.g, np.cos(x.d) * np.cos(constant.d), rtol=1e-6)


@pytest.mark.parametrize(
    "build, derivative",
    [
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: x * x * x, lambda x: 3 * x**2),
        (lambda x: x + x, lambda x: np.full_like(x, 2)),
        (lambda x: F.sin(x) + F.cos(x) + x, lambda x: np.cos(x) - np.sin(x) + 1),
        (lambda x: F.concatenate(x, x, axis=0), lambda x: np.full_like(x, 2)),
        (lambda x: F.div2(x, x + 1), lambda x: 1 / (x + 1) ** 2),
    ],
)
def test_every_use_of_a_variable_contributes(leaf, build, derivative):
    x = leaf([1, 2])
    y = build(x)
    y.forward()
    y.backward()
    np.testing.assert_allclose(x.g, derivative(x.d), rtol=1e-5)


def branches():
    a, b = (nn.Variable((2,), need_grad=True) for _ in range(2))
    return F.add2(F.exp(b), F.cos(F.sin(a)))


def test_forward_is_depth_first_and_hooks_surround_each_function():
    log = []
    branches().forward(
        function_pre_hook=lambda f: log.append("<" + f.info.type_name),
        function_post_hook=lambda f: log.append(f.info.type_name + ">"),
    )
    assert log == ["<Exp", "Exp>", "<Sin", "Sin>", "<Cos", "Cos>", "<Add2", "Add2>"]


def test_backward_goes_by_rank_and_first_seen():
    y = branches()
    y.forward()
    log = []
    y.backward(
        function_pre_hook=lambda f: log.append("<" + f.info.type_name),
        function_post_hook=lambda f: log.append(f.info.type_name + ">"),
    )
    assert log == ["<Add2", "Add2>", "<Cos", "Cos>", "<Exp", "Exp>", "<Sin", "Sin>"]


def test_a_shared_function_runs_once(leaf):
    h = F.sin(leaf([1, 2]))
    seen = []
    F.add2(h, F.mul2(h, h)).forward(function_pre_hook=lambda f: seen.append(f.info.type_name))
    assert seen == ["Sin", "Mul2", "Add2"]


def test_hooks_see_inputs_and_outputs_at_their_time(leaf):
    x = leaf([1, 2])
    y = F.cos(F.sin(x))
    before, after = [], []
    y.forward(
        function_pre_hook=lambda f: before.append(f.inputs[0].d.copy()),
        function_post_hook=lambda f: after.append(f.outputs[0].d.copy()),
    )
    np.testing.assert_allclose(before, [x.d, np.sin(x.d)], rtol=1e-6)
    np.testing.assert_allclose(after, [np.sin(x.d), np.cos(np.sin(x.d))], rtol=1e-6)
    before, after = [], []
    y.backward(
        function_pre_hook=lambda f: before.append(f.outputs[0].g.copy()),
        function_post_hook=lambda f: after.append(f.inputs[0].g.copy()),
    )
    outer = -np.sin(np.sin(x.d))
    np.testing.assert_allclose(before, [[1, 1], outer], rtol=1e-6)
    np.testing.assert_allclose(after, [outer, outer * np.cos(x.d)], rtol=1e-6)


def test_a_backward_pre_hook_sees_the_input_gradient_of_before(leaf):
    x = leaf([1, 2])
    x.g = 4
    y = F.sin(x)
    y.forward()
    seen = []
    y.backward(function_pre_hook=lambda f: seen.append(f.inputs[0].g.copy()))
    np.testing.assert_array_equal(seen, [[4, 4]])


def test_a_hook_may_change_data(leaf):
    x = leaf([1, 2])
    y = F.cos(F.sin(x))

    def double(function):
        if function.info.type_name == "Sin":
            function.outputs[0].d *= 2

    y.forward(function_post_hook=double)
    np.testing.assert_allclose(y.d, np.cos(2 * np.sin(x.d)), rtol=1e-5)


# The reference turns the exception into SystemError.
@pytest.mark.ours_only
@pytest.mark.parametrize("hook", ["function_pre_hook", "function_post_hook"])
@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_exception_in_a_hook_propagates_and_the_graph_stays_usable(leaf, method, hook):
    x = leaf([1, 2])
    y = F.cos(F.sin(x))
    y.forward()

    def fail(function):
        raise KeyError("boom")

    with pytest.raises(KeyError, match="boom"):
        getattr(y, method)(**{hook: fail})
    x.grad.zero()
    y.forward()
    y.backward()
    np.testing.assert_allclose(x.g, -np.sin(np.sin(x.d)) * np.cos(x.d), rtol=1e-5)


def resettable():
    weight = nn.Variable((3, 4))
    weight.d = 1
    return {
        "affine": lambda x: F.affine(x, weight),
        "softmax": lambda x: F.softmax(x, axis=1),
        "sum": lambda x: F.sum(x, axis=1),
        "transpose": lambda x: F.transpose(x, (1, 0)),
        "concatenate": lambda x: F.concatenate(x, x, axis=0),
        "dropout": lambda x: F.dropout(x, 0.5),
        "batch_normalization": lambda x: PF.batch_normalization(x),
        "layer_normalization": lambda x: PF.layer_normalization(x),
        "min_max_quantize": lambda x: PF.min_max_quantize(x),
        "random_crop": lambda x: F.random_crop(x, (2,), base_axis=1),
        "sort": lambda x: F.sort(x, axis=0),
        "top_k_data": lambda x: F.top_k_data(x, 1),
        "reshape": lambda x: F.reshape(x, (-1,)),
        "prelu": lambda x: PF.prelu(x),
    }


# The reference resolves the -1 of a reshape once.
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.ours_only if name == "reshape" else ()) for name in sorted(resettable())],
)
def test_shapes_are_inferred_again_after_reset_shape(name):
    build = resettable()[name]
    x = nn.Variable((2, 3), need_grad=True)
    x.d = np.arange(6).reshape(2, 3)
    y = F.exp(F.mul_scalar(build(x), 0.1))
    y.forward()
    x.reset_shape((5, 3), True)
    x.d = np.arange(15).reshape(5, 3)
    y.forward()
    z = F.exp(F.mul_scalar(build(x), 0.1))
    z.forward()
    assert y.shape == y.d.shape == z.shape
    if name not in ("dropout", "random_crop", "batch_normalization", "min_max_quantize"):
        np.testing.assert_allclose(y.d, z.d, rtol=1e-6)
    x.grad.zero()
    y.backward()
    assert x.g.shape == (5, 3)


def test_a_note_tells_that_shapes_are_inferred_again(capfd, caplog):
    x = nn.Variable((2, 3))
    y = F.softmax(x)
    x.reset_shape((5, 3), True)
    y.forward()
    # NNabla 1.39 prints, ours logs.
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "Softmax" in printed and "(2, 3)" in printed and "(5, 3)" in printed


def test_forward_of_each_output_runs_their_parent_each_time(leaf):
    outputs = F.split(leaf([[1, 2, 3]]), axis=1)
    calls = []
    for y in outputs:
        y.forward(function_pre_hook=lambda f: calls.append(f.info.type_name))
    assert calls == ["Split"] * 3


@pytest.mark.parametrize("kind", [list, tuple])
def test_forward_all_runs_a_shared_parent_once(leaf, kind):
    x = leaf(np.arange(20).reshape(2, 10))
    outputs = F.split(x, axis=1)
    assert len(outputs) == 10
    log = []
    nn.forward_all(
        kind(outputs),
        function_pre_hook=lambda f: log.append("<" + f.info.type_name),
        function_post_hook=lambda f: log.append(f.info.type_name + ">"),
    )
    assert log == ["<Split", "Split>"]
    for i, y in enumerate(outputs):
        np.testing.assert_array_equal(y.d, x.d[:, i])


@pytest.mark.parametrize("flag", ["clear_buffer", "clear_no_need_grad"])
def test_forward_all_keeps_every_listed_output(leaf, flag):
    h = F.add_scalar(leaf([1, 2], need_grad=False), 1)
    k = F.add_scalar(h, 1)
    y = F.add_scalar(k, 1)
    nn.forward_all([h, y], **{flag: True})
    assert (h.data.clear_called, k.data.clear_called, y.data.clear_called) == (False, True, False)
    np.testing.assert_array_equal(h.d, [2, 3])
    np.testing.assert_array_equal(y.d, [4, 5])


class TestSink:
    def test_it_is_a_scalar_that_runs_its_inputs(self, leaf):
        x = leaf([1, 2])
        h, k = F.sin(x), F.cos(x)
        sink = F.sink(h, k)
        assert sink.shape == () and sink.parent.info.type_name == "Sink"
        sink.forward()
        np.testing.assert_allclose(h.d, np.sin(x.d), rtol=1e-6)
        np.testing.assert_allclose(k.d, np.cos(x.d), rtol=1e-6)

    def test_its_inputs_are_never_cleared(self, leaf):
        h, k = (f(leaf([1, 2])) for f in (F.sin, F.cos))
        sink = F.sink(h, k)
        sink.forward(clear_buffer=True)
        sink.backward(clear_buffer=True)
        assert not any(v.data.clear_called or v.grad.clear_called for v in (h, k))
        np.testing.assert_array_equal([h.g, k.g], np.ones((2, 2)))

    def test_it_sends_ones_to_its_inputs(self, leaf):
        x = leaf([1, 2])
        h, k = F.sin(x), F.cos(x)
        sink = F.sink(h, k)
        sink.forward()
        h.g = k.g = 5
        sink.backward()
        np.testing.assert_array_equal([h.g, k.g], np.ones((2, 2)))
        np.testing.assert_allclose(x.g, np.cos(x.d) - np.sin(x.d), rtol=1e-5)

    def test_it_leaves_the_gradients_of_its_inputs_if_asked(self, leaf):
        x = leaf([1, 2])
        h, k = F.sin(x), F.cos(x)
        sink = F.sink(h, k, one_input_grad=False)
        sink.forward()
        h.g, k.g = 2, 3
        sink.backward()
        np.testing.assert_array_equal([h.g, k.g], [[2, 2], [3, 3]])
        np.testing.assert_allclose(x.g, 2 * np.cos(x.d) - 3 * np.sin(x.d), rtol=1e-5)


def test_auto_forward_computes_at_once(leaf):
    x = leaf([1, 2])
    with nn.auto_forward():
        y = F.sin(x) * 2
        np.testing.assert_allclose(y.d, 2 * np.sin(x.d), rtol=1e-6)
    y.backward()
    np.testing.assert_allclose(x.g, 2 * np.cos(x.d), rtol=1e-6)


def test_auto_forward_nests_and_restores():
    assert nn.get_auto_forward() is False
    with nn.auto_forward():
        assert nn.get_auto_forward() is True
        with nn.auto_forward(False):
            assert nn.get_auto_forward() is False
        assert nn.get_auto_forward() is True
    assert nn.get_auto_forward() is False
