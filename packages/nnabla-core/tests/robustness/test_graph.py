"""Bad uses of a graph are errors that say what to do, and leave graph and process usable."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context
from nnabla.function import PythonFunction


def leaf(*values: float) -> nn.Variable:
    return nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=True)


def test_forward_on_a_cleared_leaf_names_the_function() -> None:
    x = leaf(1, 2)
    y = F.tanh(x)
    x.data.clear()
    with pytest.raises(RuntimeError, match=r"tanh: the data of an input of shape \(2,\) was cleared"):
        y.forward()
    x.d = 0.5
    y.forward()
    np.testing.assert_allclose(y.d, np.tanh(0.5), 1e-6)


def test_backward_after_clear_buffer_says_which_flag_to_use() -> None:
    x = leaf(0.5)
    y = F.sum(F.sin(F.tanh(x)))
    y.forward(clear_buffer=True)
    with pytest.raises(RuntimeError, match=r"backward reads data .* cleared; run forward\(clear_no_need_grad=True\)"):
        y.backward()
    y.forward(clear_no_need_grad=True)
    x.grad.zero()
    y.backward()
    np.testing.assert_allclose(x.g, np.cos(np.tanh(0.5)) * (1 - np.tanh(0.5) ** 2), 1e-5)


def test_backward_without_forward_of_a_function_that_saves_says_so() -> None:
    y = F.sum(F.dropout(leaf(1, 2)))
    with pytest.raises(RuntimeError, match=r"dropout: backward needs mask of a forward run; call forward first"):
        y.backward()


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_leaf_has_nothing_to_run(method: str) -> None:
    with pytest.raises(RuntimeError, match="no parent function"):
        getattr(nn.Variable((2,)), method)()


@pytest.mark.parametrize("grad", ["1", [1.0], object()])
def test_a_gradient_that_is_none_of_the_kinds_is_refused(grad: Any) -> None:
    y = F.sum(leaf(1))
    y.forward()
    with pytest.raises(TypeError, match="grad is a number, a NumPy array, an NdArray or None"):
        y.backward(grad)


def test_an_unknown_backend_says_what_would_bring_it() -> None:
    with nn.context_scope(nn.Context(["warp:float"])):
        y = F.tanh(leaf(1))
        with pytest.raises(RuntimeError, match="pip install nnabla-ext-warp"):
            y.forward()
    with pytest.raises(ModuleNotFoundError, match="pip install nnabla-ext-warp"):
        get_extension_context("warp")


def test_an_unknown_type_configuration_lists_those_there_are() -> None:
    with pytest.raises(ValueError, match="type_config='quarter' is not known; choose one of 'float', 'half', 'double'"):
        get_extension_context("cpu", type_config="quarter")
    with nn.context_scope(nn.Context(["cpu:quarter"])):
        y = F.tanh(leaf(1))
        with pytest.raises(RuntimeError, match="backend 'cpu' has no type configuration 'quarter'"):
            y.forward()


def test_a_kernel_that_fails_is_named_with_what_it_was_given() -> None:
    x = nn.Variable.from_numpy_array(np.zeros((1, 2, 2)))
    y = F.batch_cholesky(x)
    with pytest.raises(RuntimeError, match=r"batch_cholesky: failed on inputs \(1, 2, 2\).*not positive definite"):
        y.forward()
    x.d = np.eye(2)
    y.forward()
    np.testing.assert_array_equal(y.d, [np.eye(2)])


def test_a_string_for_an_array_is_refused() -> None:
    with pytest.raises(RuntimeError, match="All inputs must be Variable or NdArray, but str was given"):
        F.tanh("x")
    with pytest.raises(TypeError, match="can't be held"):
        nn.Variable((2,)).d = np.asarray(["a", "b"])


@pytest.mark.parametrize("shape", [(-1,), (2, -3), "abc", (1.5, "x")])
def test_shapes_are_checked(shape: Any) -> None:
    with pytest.raises(ValueError):
        nn.Variable(shape)


class Failing(PythonFunction):
    """Doubles, unless it is told to fail."""

    name = "Failing"

    def __init__(self) -> None:
        super().__init__()
        self.fails = ""

    def setup_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        if self.fails == "forward":
            raise KeyError("in forward")
        outputs[0].d = 2 * inputs[0].d

    def backward_impl(self, inputs: Any, outputs: Any, propagate_down: list[bool], accum: list[bool]) -> None:
        if self.fails == "backward":
            raise KeyError("in backward")
        inputs[0].g = 2 * outputs[0].g + (inputs[0].g if accum[0] else 0)


@pytest.mark.parametrize("where", ["forward", "backward", "hook"])
def test_after_an_exception_in_the_middle_the_next_run_is_right(where: str) -> None:
    function = Failing()
    x = leaf(0.5)
    y = F.sum(F.tanh(function(F.sin(x))))

    def hook(f: Any) -> None:
        if f.name == "Callback":
            raise KeyError("in hook")

    function.fails = where
    with pytest.raises(KeyError, match=f"in {where}"):
        y.forward(clear_no_need_grad=True, function_pre_hook=hook if where == "hook" else None)
        y.backward(clear_buffer=True)
    function.fails = ""
    x.grad.zero()
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    np.testing.assert_allclose(y.d, np.tanh(2 * np.sin(0.5)), 1e-6)
    np.testing.assert_allclose(x.g, (1 - np.tanh(2 * np.sin(0.5)) ** 2) * 2 * np.cos(0.5), 1e-5)


class Picky(PythonFunction):
    """Copies, unless there are three elements."""

    name = "Picky"

    def setup_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        if inputs[0].shape == (3,):
            raise LookupError("three are too many")
        outputs[0].reset_shape(inputs[0].shape, True)

    def forward_impl(self, inputs: list[Any], outputs: list[Any]) -> None:
        outputs[0].d = inputs[0].d

    def backward_impl(self, inputs: Any, outputs: Any, propagate_down: list[bool], accum: list[bool]) -> None:
        inputs[0].g = outputs[0].g + (inputs[0].g if accum[0] else 0)


def test_a_setup_that_fails_makes_no_node() -> None:
    x = leaf(1, 2, 3)
    with pytest.raises(LookupError, match="three are too many"):
        Picky()(x)
    y = F.sum(F.tanh(x))
    y.forward()
    y.backward()
    functions: list[str] = []
    y.visit(lambda f: functions.append(f.name))
    assert functions == ["Tanh", "Sum"]


@pytest.mark.parametrize(
    ("function", "error"),
    [(Picky(), LookupError), (lambda x: F.add2(x, nn.Variable((2,))), RuntimeError)],
    ids=["Python", "operator"],
)
def test_a_graph_goes_on_after_a_shape_that_it_does_not_take(function: Any, error: type[Exception]) -> None:
    x = leaf(0.5, 1.5)
    y = F.mul_scalar(function(F.sin(x)), 2)
    y.forward()
    x.reset_shape((3,), True)
    x.d = 1
    for _ in range(2):  # the second time as the first
        with pytest.raises(error):
            y.forward()
    x.reset_shape((2,), True)
    x.d = [0.25, 0.75]
    x.grad.zero()
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    np.testing.assert_allclose(y.d, 2 * np.sin([0.25, 0.75]), 1e-6)
    np.testing.assert_allclose(x.g, 2 * np.cos([0.25, 0.75]), 1e-6)


def test_outputs_behind_an_exception_keep_what_they_had() -> None:
    function = Failing()
    x = leaf(0.5)
    before = F.sin(x)
    doubled = function(before)
    after = F.tanh(doubled)
    for v in (before, doubled, after):
        v.persistent = True
    after.forward()
    old = [v.d.copy() for v in (doubled, after)]
    function.fails = "forward"
    x.d = 1.5
    with pytest.raises(KeyError):
        after.forward()
    np.testing.assert_allclose(before.d, np.sin(1.5), 1e-6)
    np.testing.assert_array_equal([doubled.d, after.d], old)


def test_a_kernel_that_fails_leaves_its_output_as_it_was() -> None:
    x = nn.Variable.from_numpy_array(4 * np.eye(2)[None])
    y = F.batch_cholesky(x)
    y.forward()
    x.d = 0
    with pytest.raises(RuntimeError, match="batch_cholesky: "):
        y.forward()
    np.testing.assert_allclose(y.d, 2 * np.eye(2)[None])


def test_a_dynamic_graph_goes_on_after_an_exception() -> None:
    x, function = leaf(0.5), Failing()
    function.fails = "forward"
    with nn.auto_forward():
        h = F.sin(x)
        with pytest.raises(KeyError):
            function(h)
        with pytest.raises(IndexError, match="embed: index 9"):
            F.embed(leaf(9), nn.Variable((4, 2)))
        function.fails = ""
        y = function(h)
    assert nn.get_auto_forward() is False
    x.grad.zero()
    y.backward()
    np.testing.assert_allclose([y.d, x.g], [2 * np.sin([0.5]), 2 * np.cos([0.5])], 1e-6)


def test_what_an_exception_left_of_scopes_is_what_was_before() -> None:
    context = nn.get_current_context()
    with pytest.raises(RuntimeError), nn.context_scope(nn.Context(["warp:float"])), nn.auto_forward():
        F.tanh(leaf(1))
    assert nn.get_current_context() == context
    assert nn.get_auto_forward() is False


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y: y.forward(function_pre_hook=3), "called with each Function, but 3 is not callable"),
        (lambda y: y.backward(function_post_hook="f"), "called with each Function, but 'f' is not callable"),
        (lambda y: y.visit(3), "Variable.visit: .* 3 is not callable"),
        (lambda y: nn.forward_all([y, "y"]), "forward_all: a list of Variables is expected, but it has 'y'"),
        (lambda y: nn.forward_all([y, nn.Variable((2,))]), "no parent function"),
        (lambda y: nn.grad(3, [y]), "nn.grad: outputs must be Variables, but int was given"),
        (lambda y: nn.grad(y, ["x"]), "nn.grad: inputs must be Variables, but str was given"),
        (lambda y: nn.grad(y, y.parent.inputs, [1, 2]), "nn.grad: 2 grad_outputs were given for 1 outputs"),
        (
            lambda y: nn.grad(y, y.parent.inputs, [nn.Variable((7,))]),
            r"a grad_output has shape \(7,\), its output \(\)",
        ),
        (lambda y: y.backward(np.ones(7)), r"Variable.backward: grad has shape \(7,\), the Variable \(\)"),
        (lambda y: y.backward(nn.NdArray((7,))), r"Variable.backward: grad has shape \(7,\), the Variable \(\)"),
        (lambda y: nn.context_scope("cpu").__enter__(), "expected a nnabla.Context, got str"),
    ],
)
def test_wrong_arguments_of_a_run_are_named_and_the_next_run_is_right(call: Any, message: str) -> None:
    x = leaf(0.5)
    y = F.sum(F.tanh(x))
    y.forward()
    with pytest.raises(RuntimeError, match=message):
        call(y)
    x.grad.zero()
    y.forward()
    y.backward()
    np.testing.assert_allclose(x.g, 1 - np.tanh(0.5) ** 2, 1e-6)


def test_python_ends_quietly_with_a_dynamic_graph_alive() -> None:
    script = """
import nnabla as nn, nnabla.functions as F
nn.set_auto_forward(True)
kept = [F.tanh(nn.Variable((2,), need_grad=True)) for _ in range(3)]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")


HOSTILE = {
    "a huge Variable": "v = nn.Variable((2**40, 2**20)); v.d",
    "sizes beyond any integer": "v = nn.Variable((2**62, 2**62, 2**62)); v.d",
    "a huge constant": "y = F.constant(1, (10**6, 10**6, 10**3)); y.forward(); y.d",
    "a huge broadcast": "y = F.broadcast(nn.Variable((1,)), (10**15,)) + 1.0; y.forward()",
    "a huge random array": "y = F.rand(shape=(10**15,)); y.forward()",
    "huge zeros as gradient": "x = nn.Variable((2**50,), need_grad=True); x.g",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE)
def test_memory_that_is_not_there_is_an_error_and_not_the_end(code: str) -> None:
    script = f"""
import nnabla as nn, nnabla.functions as F, numpy as np
try:
    {code}
except MemoryError as error:
    assert isinstance(error, RuntimeError), error
    print("refused:", error)
y = F.tanh(nn.Variable.from_numpy_array(np.zeros(2)))
y.forward()
print("goes on", y.d)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert "refused:" in done.stdout and "goes on [0. 0.]" in done.stdout
