"""Functions written in Python by the user."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.function import PythonFunction


class ScaledProduct(PythonFunction):
    """k * x0 * x1, with a log of the calls it gets."""

    def __init__(self, ctx=None, k=3):
        super().__init__(ctx)
        self.k = k
        self.log = []

    @property
    def name(self):
        return type(self).__name__

    @property
    def args(self):
        return {"k": self.k}

    def min_outputs(self):
        return 1

    def setup_impl(self, inputs, outputs):
        self.log.append("setup")
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs, outputs):
        self.log.append("forward")
        outputs[0].d = self.k * inputs[0].d * inputs[1].d

    def backward_impl(self, inputs, outputs, propagate_down, accum):
        self.log.append((list(propagate_down), list(accum)))
        for i, other in ((0, 1), (1, 0)):
            if propagate_down[i]:
                grad = self.k * outputs[0].g * inputs[other].d
                inputs[i].g = inputs[i].g + grad if accum[i] else grad

    def grad_depends_output_data(self, i, o):
        return False

    def grad_depends_input_data(self, i, j):
        return i != j


class SumAndDifference(ScaledProduct):
    name = "Butterfly"

    def min_outputs(self):
        return 2

    def setup_impl(self, inputs, outputs):
        for y in outputs:
            y.reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs, outputs):
        outputs[0].data.copy_from(inputs[0].data + inputs[1].data)
        outputs[1].data.copy_from(inputs[0].data - inputs[1].data)

    def backward_impl(self, inputs, outputs, propagate_down, accum):
        grads = outputs[0].g + outputs[1].g, outputs[0].g - outputs[1].g
        for i, grad in enumerate(grads):
            if propagate_down[i]:
                inputs[i].g = inputs[i].g + grad if accum[i] else grad


@pytest.fixture
def operands(leaf):
    return leaf([1, 2]), leaf([3, 4])


def test_it_appears_in_the_graph_under_its_name_and_arguments(operands):
    y = ScaledProduct(k=5)(*operands)
    assert y.parent.name == "Callback"
    assert y.parent.info.type_name == "ScaledProduct"
    assert y.parent.info.args == y.parent.arguments == {"k": 5}


def test_a_name_may_be_a_plain_attribute(operands):
    assert SumAndDifference()(*operands)[0].parent.info.type_name == "Butterfly"


def test_it_runs_forward_and_backward(operands):
    a, b = operands
    y = F.sin(ScaledProduct()(a, b))
    y.forward()
    np.testing.assert_allclose(y.d, np.sin(3 * a.d * b.d), rtol=1e-5)
    y.backward()
    np.testing.assert_allclose(a.g, np.cos(3 * a.d * b.d) * 3 * b.d, rtol=1e-5)
    np.testing.assert_allclose(b.g, np.cos(3 * a.d * b.d) * 3 * a.d, rtol=1e-5)


def test_gradients_accumulate_over_calls_and_uses(operands):
    a, b = operands
    product = ScaledProduct()
    y = product(product(a, b), b)
    y.forward()
    for _ in range(2):
        y.backward()
    np.testing.assert_allclose(a.g, 2 * 9 * b.d**2, rtol=1e-5)
    np.testing.assert_allclose(b.g, 2 * 18 * a.d * b.d, rtol=1e-5)


def test_it_is_told_which_gradients_to_write_and_how(operands):
    a, b = operands
    b.need_grad = False
    product = ScaledProduct()
    y = product(a, b)
    y.forward()
    y.backward()
    assert product.log[-1][0] == [True, False]
    assert product.log[-1][1][0] is False  # the gradient was zeroing: nothing to add to
    y.backward()
    assert product.log[-1][1][0] is True
    np.testing.assert_array_equal(a.g, 2 * 3 * b.d)


def test_an_instance_is_reusable(operands):
    a, b = operands
    product = ScaledProduct()
    first, second = product(a, b), product(a, a)
    nn.forward_all([first, second])
    np.testing.assert_array_equal(first.d, 3 * a.d * b.d)
    np.testing.assert_array_equal(second.d, 3 * a.d * a.d)


def test_several_outputs_are_a_tuple(operands):
    a, b = operands
    outputs = SumAndDifference()(a, b)
    assert type(outputs) is tuple and len(outputs) == 2
    total = F.sum(F.mul2(*outputs))
    total.forward()
    total.backward()
    np.testing.assert_allclose(total.d, (a.d**2 - b.d**2).sum(), rtol=1e-6)
    np.testing.assert_allclose(a.g, 2 * a.d, rtol=1e-6)
    np.testing.assert_allclose(b.g, -2 * b.d, rtol=1e-6)


def test_it_runs_at_once_with_auto_forward_and_ndarrays(operands):
    a, b = operands
    product = ScaledProduct()
    with nn.auto_forward():
        y = product(a, b)
        np.testing.assert_array_equal(y.d, 3 * a.d * b.d)
    y.backward()
    np.testing.assert_array_equal(a.g, 3 * b.d)
    z = product(a.data, b.data)
    assert isinstance(z, nn.NdArray)
    np.testing.assert_array_equal(z.data, 3 * a.d * b.d)


def test_setup_runs_when_the_graph_is_made_and_after_a_new_shape(operands):
    a, b = operands
    product = ScaledProduct()
    y = product(a, b)
    assert product.log == ["setup"]
    for v in (a, b):
        v.reset_shape((5,), True)
        v.d = 2
    y.forward()
    assert product.log == ["setup", "setup", "forward"]
    np.testing.assert_array_equal(y.d, [12] * 5)


def test_its_dependences_decide_what_is_cleared(leaf):
    a, b = F.identity(leaf([1, 2])), F.identity(leaf([3, 4]))
    h = ScaledProduct()(a, b)
    y = F.identity(h)
    f = h.parent
    assert [[f.grad_depends_input_data(i, j) for j in (0, 1)] for i in (0, 1)] == [
        [False, True], [True, False],
    ]  # fmt: skip
    assert f.grad_depends_output_data(0, 0) is False
    y.forward(clear_no_need_grad=True)
    assert [v.data.clear_called for v in (a, b, h)] == [False, False, True]
    c, d = F.identity(leaf([1, 2])), F.identity(leaf([3, 4]))
    total, difference = SumAndDifferenceOfNothing()(c, d)
    F.sink(F.identity(total), F.identity(difference)).forward(clear_no_need_grad=True)
    assert [v.data.clear_called for v in (c, d, total, difference)] == [True] * 4


class SumAndDifferenceOfNothing(SumAndDifference):
    def grad_depends_input_data(self, i, j):
        return False


def test_the_context_is_the_given_or_the_current_one(operands):
    context = nn.Context(["cpu:float"], "CpuArray", "0")
    assert str(ScaledProduct(context).ctx) == str(context)
    assert str(ScaledProduct().ctx) == str(nn.get_current_context())
    with nn.context_scope(context):
        assert str(ScaledProduct().ctx) == str(context)


class Failing(ScaledProduct):
    def __init__(self, where):
        super().__init__()
        self.where = where

    def setup_impl(self, inputs, outputs):
        super().setup_impl(inputs, outputs)
        if self.where == "setup":
            raise KeyError("boom")

    def forward_impl(self, inputs, outputs):
        super().forward_impl(inputs, outputs)
        if self.where == "forward":
            raise KeyError("boom")

    def backward_impl(self, inputs, outputs, propagate_down, accum):
        super().backward_impl(inputs, outputs, propagate_down, accum)
        if self.where == "backward":
            raise KeyError("boom")


# The reference turns the exception into SystemError.
@pytest.mark.ours_only
@pytest.mark.parametrize("where", ["setup", "forward", "backward"])
def test_its_exceptions_propagate(operands, where):
    with pytest.raises(KeyError, match="boom"):
        y = F.sin(Failing(where)(*operands))
        y.forward()
        y.backward()
    y = F.sin(ScaledProduct()(*operands))
    y.forward()
    y.backward()
    assert np.isfinite(operands[0].g).all()


@pytest.mark.parametrize("where", ["setup", "forward", "backward"])
def test_its_exceptions_are_not_swallowed(operands, where):
    with pytest.raises((KeyError, SystemError)):
        y = F.sin(Failing(where)(*operands))
        y.forward()
        y.backward()


def test_it_is_recomputed_like_any_other(leaf):
    a, b = leaf([1, 2]), leaf([3, 4])
    product = ScaledProduct()
    with nn.recompute():
        h = product(a, b)
    y = F.sin(h)
    y.forward(clear_no_need_grad=True)
    assert h.data.clear_called
    y.backward(clear_buffer=True)
    assert product.log.count("forward") == 2
    np.testing.assert_allclose(a.g, np.cos(3 * a.d * b.d) * 3 * b.d, rtol=1e-5)
