"""nn.grad: gradients as graphs, of any order."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
from nnabla.backward_functions import register, registry


def run(variable):
    variable.forward()
    return variable.d.copy()


def test_it_gives_a_list_of_variables_of_the_inputs_shapes(leaf):
    x, w = leaf(np.ones((2, 3))), leaf(np.ones((3, 4)))
    grads = nn.grad(F.affine(x, w), [x, w])
    assert type(grads) is list
    assert [g.shape for g in grads] == [(2, 3), (3, 4)]


@pytest.mark.parametrize(
    "arguments",
    [
        lambda y, x: (y, x),
        lambda y, x: ([y], x),
        lambda y, x: (y, [x]),
        lambda y, x: ({"y": y}.values(), {"x": x}.values()),
    ],
)
def test_outputs_and_inputs_are_single_or_several(leaf, arguments):
    x = leaf([1, 2])
    (grad,) = nn.grad(*arguments(F.sin(x), x))
    np.testing.assert_allclose(run(grad), np.cos(x.d), rtol=1e-6)


@pytest.mark.parametrize(
    "grad_outputs, factor",
    [
        (None, 1),
        (2, 2),
        (2.5, 2.5),
        ([None], 1),
        ([2], 2),
        ([np.array([2.0, 3.0])], [2, 3]),
        ([nn.NdArray.from_numpy_array(np.array([2.0, 3.0]))], [2, 3]),
        ([nn.Variable.from_numpy_array(np.array([2.0, 3.0]))], [2, 3]),
    ],
    ids=["none", "int", "float", "[none]", "[int]", "[numpy]", "[ndarray]", "[variable]"],
)
def test_gradients_of_outputs_are_given(leaf, grad_outputs, factor):
    x = leaf([1, 2])
    (grad,) = nn.grad(F.sin(x), x, grad_outputs=grad_outputs)
    np.testing.assert_allclose(run(grad), factor * np.cos(x.d), rtol=1e-6)


def test_a_bare_numpy_array_is_split_over_the_outputs(leaf):
    x = leaf([1, 2])
    (grad,) = nn.grad([F.sin(x), F.cos(x)], x, grad_outputs=np.array([2.0, 3.0]))
    np.testing.assert_allclose(run(grad), 2 * np.cos(x.d) - 3 * np.sin(x.d), rtol=1e-5)


def test_gradients_of_several_outputs_add_up(leaf):
    x = leaf([1, 2])
    (grad,) = nn.grad([F.sin(x), F.cos(x)], x)
    np.testing.assert_allclose(run(grad), np.cos(x.d) - np.sin(x.d), rtol=1e-5)


@pytest.mark.parametrize(
    "outputs, inputs, grad_outputs",
    [("y", "x", [1, 2]), ("y", "text", None), ("none", "x", None)],
)
def test_arguments_that_do_not_fit_are_value_errors(leaf, outputs, inputs, grad_outputs):
    x = leaf([1, 2])
    given = {"x": x, "y": F.sin(x), "text": "x", "none": None}
    with pytest.raises(ValueError):
        nn.grad([given[outputs]], [given[inputs]], grad_outputs=grad_outputs)


def test_an_output_that_is_a_leaf_is_an_attribute_error(leaf):
    x = leaf([1, 2])
    with pytest.raises(AttributeError):
        nn.grad(x, x)


def test_an_unconnected_input_gets_a_zero_constant(leaf):
    x, other = leaf([1, 2]), leaf([3, 4])
    grad, zero = nn.grad(F.sin(x), [x, other])
    nn.forward_all([grad, zero])
    assert zero.shape == () and zero.d == 0
    np.testing.assert_allclose(grad.d, np.cos(x.d), rtol=1e-6)


def test_gradients_of_intermediates(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    grads = nn.grad(F.cos(h), [x, h])
    nn.forward_all(grads)
    outer = -np.sin(np.sin(x.d))
    np.testing.assert_allclose(grads[0].d, outer * np.cos(x.d), rtol=1e-5)
    np.testing.assert_allclose(grads[1].d, outer, rtol=1e-5)


@pytest.mark.parametrize("flags, persistent", [([], True), ([True], True), ([False], False)])
def test_outputs_become_persistent_unless_told_otherwise(leaf, flags, persistent):
    x = leaf([1, 2])
    y = F.sin(x)
    nn.grad([y], [x], persistent_outputs=flags)
    assert y.persistent is persistent


def test_gradients_are_bound_to_the_inputs(leaf):
    x, w = leaf([[1, 2]]), leaf([[3], [4]])
    y = F.sin(F.affine(x, w))
    gx, gw = nn.grad(y, [x, w], bind_grad_output=True)
    nn.forward_all([gx, gw])
    np.testing.assert_array_equal(x.g, gx.d)
    np.testing.assert_array_equal(w.g, gw.d)
    np.testing.assert_allclose(w.g, np.cos(x.d @ w.d) * x.d.T, rtol=1e-4)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: F.sin(x) * x,
        lambda x: F.softmax(x, axis=1) ** 2,
        lambda x: F.tanh(PF.affine(x, 4)),
        lambda x: F.log(F.sigmoid(x) + F.exp(x)),
        lambda x: PF.layer_normalization(x),
        lambda x: PF.batch_normalization(x),
        lambda x: F.concatenate(x[:, 1:], F.transpose(x, (1, 0))[:2], axis=1) ** 3,
        lambda x: F.max(x, axis=1) * F.mean(x, axis=1) + F.relu(F.sum(x, axis=1)),
        lambda x: F.batch_matmul(F.reshape(x, (1, 2, 3)), F.reshape(x, (1, 2, 3)), transpose_b=True),
        lambda x: F.gelu(x) + F.swish(x) + F.elu(x) + F.softplus(x),
    ],
)
@pytest.mark.parametrize("auto_forward", [False, True])
def test_it_equals_backward(leaf, build, auto_forward):
    x = leaf(np.random.RandomState(0).randn(2, 3))
    with nn.auto_forward(auto_forward):
        y = build(x)
        inputs = [x, *nn.get_parameters().values()]
        grads = nn.grad(y, inputs)
    for v in inputs:
        v.grad.zero()
    y.forward()
    y.backward()
    for v, grad in zip(inputs, grads):
        if not auto_forward:
            grad.forward()
        np.testing.assert_allclose(grad.d, v.g, rtol=1e-4, atol=1e-6)


def test_any_order(leaf):
    x = leaf([0.3, 1.2])
    y = F.sin(x)
    expected = [np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v), np.sin]
    for derivative in expected:
        (y,) = nn.grad(y, x)
        np.testing.assert_allclose(run(y), derivative(x.d), rtol=1e-5)


@pytest.mark.parametrize(
    "build, second",
    [
        (lambda x: F.exp(F.sin(x)), lambda x: np.exp(np.sin(x)) * (np.cos(x) ** 2 - np.sin(x))),
        (lambda x: x * x * x, lambda x: 6 * x),
        (lambda x: 1 / x, lambda x: 2 / x**3),
        (lambda x: x**2.5, lambda x: 3.75 * x**0.5),
        (F.tanh, lambda x: -2 * np.tanh(x) * (1 - np.tanh(x) ** 2)),
        (F.log, lambda x: -1 / x**2),
    ],
)
def test_the_second_order_by_grad_and_by_backward(leaf, build, second):
    x = leaf([0.5, 1.5])
    (first,) = nn.grad(build(x), x)
    (twice,) = nn.grad(first, x)
    np.testing.assert_allclose(run(twice), second(x.d), rtol=1e-4)
    x.grad.zero()
    first.forward()
    first.backward()
    np.testing.assert_allclose(x.g, second(x.d), rtol=1e-4)


def test_a_gradient_penalty_reaches_the_parameters(leaf):
    x, w = leaf([[1, 2]]), leaf([[0.3], [0.4]])
    (grad,) = nn.grad(F.sin(F.affine(x, w)), x)
    penalty = F.sum(grad**2)
    penalty.forward()
    penalty.backward()
    z = float((x.d @ w.d).item())
    norm = float((w.d**2).sum())
    np.testing.assert_allclose(penalty.d, np.cos(z) ** 2 * norm, rtol=1e-5)
    expected = 2 * np.cos(z) ** 2 * w.d - 2 * np.cos(z) * np.sin(z) * norm * x.d.T
    np.testing.assert_allclose(w.g, expected, rtol=1e-4)


def test_floating_inputs_of_a_concatenation_do_not_fail_in_second_order(leaf):
    x = leaf([[1, 2]])
    constant = leaf([[3, 4]], need_grad=False)
    y = F.concatenate(F.sin(x), constant, leaf([[5, 6]]), axis=1) ** 2
    (grad,) = nn.grad(y, x)
    penalty = F.sum(grad**2)
    penalty.forward()
    penalty.backward()
    first = np.sin(2 * x.d)
    np.testing.assert_allclose(penalty.d, (first**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(x.g, 4 * first * np.cos(2 * x.d), rtol=1e-4)


@pytest.fixture
def spied():
    """Count the calls of the backward functions of Sin and Cos."""
    calls, originals = [], {name: registry[name] for name in ("Sin", "Cos")}

    def spy(name):
        def function(*args, **kwargs):
            calls.append(name)
            return originals[name](*args, **kwargs)

        return function

    for name in originals:
        register(name, spy(name))
    yield calls
    for name, original in originals.items():
        register(name, original)


@pytest.mark.parametrize("need_grad", [True, False])
def test_functions_off_the_path_are_not_called(leaf, spied, need_grad):
    x, other = leaf([1, 2]), leaf([3, 4], need_grad=need_grad)
    nn.grad(F.add2(F.sin(x), F.cos(other)), x)
    assert spied == ["Sin"]


def test_functions_before_the_inputs_are_not_called(leaf, spied):
    h = F.cos(leaf([1, 2]))
    nn.grad(F.sin(h), h)
    assert spied == ["Sin"]


def test_a_registered_backward_function_changes_nn_grad_alone(leaf):
    original = registry["Sin"]
    register("Sin", lambda grad_inputs, *_, **__: grad_inputs[0] * 5)
    try:
        x = leaf([1, 2])
        y = F.sin(x)
        (grad,) = nn.grad(y, x)
        np.testing.assert_array_equal(run(grad), [5, 5])
        y.forward()
        y.backward()
        np.testing.assert_allclose(x.g, np.cos(x.d), rtol=1e-6)
    finally:
        register("Sin", original)


def test_a_backward_function_can_be_registered_for_a_new_type():
    assert "BrandNew" not in registry
    register("BrandNew", lambda *args, **kwargs: None)
    assert "BrandNew" in registry


def call_registered(y, grad):
    f = y.parent
    shapes = [v.shape for v in f.inputs], [v.shape for v in f.outputs]
    given = [nn.Variable.from_numpy_array(grad, need_grad=True)]
    return registry[f.info.type_name](given, f.inputs, shapes[0], f.outputs, shapes[1], **f.info.args)


def test_the_protocol_of_backward_functions(leaf):
    x, w, b = leaf(np.ones((2, 3))), leaf(np.ones((3, 4))), leaf(np.ones(4))
    grad = np.arange(8, dtype=np.float32).reshape(2, 4)
    for inputs in ([x, w, b], [x, w]):
        grads = call_registered(F.affine(*inputs), grad)
        assert len(grads) == len(inputs)
        expected = [grad @ w.d.T, x.d.T @ grad, grad.sum(0)]
        for g, wanted in zip(grads, expected):
            np.testing.assert_allclose(run(g), wanted, rtol=1e-6)


def test_the_protocol_for_one_input_and_for_none_differentiable(leaf):
    x = leaf([1, 2])
    grad = call_registered(F.elu(x, 0.5), np.ones(2, np.float32))
    grad = grad[0] if isinstance(grad, (list, tuple)) else grad
    np.testing.assert_array_equal(run(grad), [1, 1])
    index, table = leaf([0, 2], need_grad=False), leaf(np.ones((3, 4)))
    grads = call_registered(F.embed(index, table), np.ones((2, 4), np.float32))
    assert grads[0] is None
    np.testing.assert_array_equal(run(grads[1]), [[1] * 4, [0] * 4, [1] * 4])


def test_the_gradient_graph_starts_with_an_end_node(leaf, type_names):
    x = leaf([1, 2])
    (grad,) = nn.grad(F.sin(x), x)
    names = type_names(grad)
    assert names[:2] == ["Sin", "GradEndFunction"]
    assert "Cos" in names


def test_draws_survive_the_documented_order(leaf):
    x = leaf(np.ones(1000))
    y = F.dropout(F.mul_scalar(x, 2), 0.5)
    (grad,) = nn.grad(y, x)
    penalty = F.sum(grad**2)
    y.forward()
    mask = y.d / 2
    penalty.forward()
    # The gradient's graph holds y's functions: a new draw, which its own nodes share.
    np.testing.assert_array_equal(y.d / 2, grad.d / 2)
    assert not np.array_equal(mask, y.d / 2)
    penalty.backward()
    x.grad.zero()
    y.backward()
    np.testing.assert_array_equal(x.g, grad.d)
