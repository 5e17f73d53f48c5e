"""Snake: values, gradients of first and second order, every backend, and files."""

import json
import subprocess
import sys

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla_sample.functions as SF
import nnabla_sample.parametric_functions as SPF
from nnabla.ext_utils import get_extension_context
from nnabla.graph.program import explain
from nnabla.ops.definition import find_operator
from nnabla.testing.cases import cases, normal, uniform
from nnabla.testing.conformance import check_backend, conformance


def snake(x, frequency, axis, eps):
    a = frequency.reshape([n if i == axis % x.ndim else 1 for i, n in enumerate(x.shape)])
    return x + np.sin(a * x) ** 2 / (a + eps)


CASES = [
    *cases(SF.snake, [normal(2, 3, 4), uniform(0.5, 2, 3)], dict(axis=[1, -2], eps=[1e-9, 0.1]), expect=snake),
    *cases(SF.snake, [normal(2, 3), uniform(0.5, 2, 2)], dict(axis=0, eps=0.0), expect=snake),
    *cases(SF.snake, [normal(3), uniform(0.5, 2, 3)], dict(axis=0, eps=0.0), expect=snake),
    *cases(SF.snake, [normal(0, 3), uniform(0.5, 2, 3)], dict(axis=1, eps=0.0), expect=snake),
]
test_snake = conformance(CASES)  # on cpu, on NumPy alone and on the opaque backend


@pytest.mark.parametrize("case", CASES, ids=str)
def test_snake_on_tensors(case):
    pytest.importorskip("torch", reason="the backend 'sample' computes with PyTorch, which is not installed")
    check_backend(case, "sample")


def variables():
    rng = np.random.RandomState(0)
    return [nn.Variable.from_numpy_array(a, need_grad=True) for a in (rng.randn(2, 3, 4), rng.rand(3) + 0.5)]


def test_a_backend_without_a_namespace_leaves_it_to_the_next():
    x, frequency = variables()
    with nn.context_scope(nn.Context(["sample_kernels:float", "cpu:float"], "SampleKernelsArray", "")):
        y = F.tanh(SF.snake(x, frequency))
    assert [line.split()[:2] for line in explain(y) if not line.startswith("transfer")] == [
        ["cpu:", "Snake"],
        ["sample_kernels:", "Tanh"],
    ]
    y.forward()
    np.testing.assert_allclose(y.d, np.tanh(snake(x.d, frequency.d, 1, 1e-9)), rtol=1e-5)


def test_its_second_derivative_is_the_one_of_the_formula():
    x, frequency = variables()
    with nn.context_scope(get_extension_context("cpu", type_config="double")):
        (first,) = nn.grad([SF.snake(x, frequency, eps=0.0)], [x])
        (second,) = nn.grad([first], [x])
        second.forward()
    a = frequency.d[:, np.newaxis]
    np.testing.assert_allclose(first.d, 1 + np.sin(2 * a * x.d))
    np.testing.assert_allclose(second.d, 2 * a * np.cos(2 * a * x.d))


def test_it_goes_into_a_files_form_and_back():
    x, frequency = variables()
    y = SF.snake(x, frequency, axis=-2, eps=0.1)
    written = json.dumps({"type": y.parent.info.type_name, "args": y.parent.info.args})
    assert json.loads(written) == {"type": "Snake", "args": {"axis": -2, "eps": 0.1}}
    read = json.loads(written)
    again = find_operator(read["type"])(x, frequency, **read["args"])
    assert again.parent.info.args == y.parent.info.args
    nn.forward_all([y, again])
    np.testing.assert_array_equal(again.d, y.d)


FIND = """
import sys
from nnabla.ops.definition import find_operator

assert "nnabla_sample.functions" not in sys.modules
print(find_operator("Snake").name)
assert "nnabla_ext.sample.backend" not in sys.modules and "nnabla_ext.cpu" not in sys.modules
"""


def test_files_find_it_by_its_type_name_without_importing_other_plugins():
    done = subprocess.run([sys.executable, "-c", FIND], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "Snake"), done.stderr


def test_its_parameters_are_made_below_its_name_and_trained():
    with nn.parameter_scope("", {}):
        x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(8, 3))
        loss = F.mean((SPF.snake(x, name="first") - F.sin(x * 3.0)) ** 2)
        assert nn.get_parameters().keys() == {"first/snake/frequency"}
        frequency = nn.get_parameters()["first/snake/frequency"]
        np.testing.assert_array_equal(frequency.d, [1, 1, 1])
        frequency.grad.zero()
        loss.forward()
        loss.backward()
        assert np.all(frequency.g != 0)


def test_its_parameters_may_be_kept_and_given():
    with nn.parameter_scope("", {}):
        x = nn.Variable((8, 3), need_grad=True)
        y = SPF.snake(x, frequency_init=np.array([1.0, 2.0, 3.0]), fix_parameters=True)
        np.testing.assert_array_equal(nn.get_parameters(grad_only=False)["snake/frequency"].d, [1, 2, 3])
        assert [v.need_grad for v in y.parent.inputs] == [True, False]


@pytest.mark.parametrize(
    ("shapes", "args", "message"),
    [
        (((2, 3), (3,)), {"axis": 2}, "snake: axis=2 is outside the 2 dimensions of x .2, 3."),
        (((2, 3), (2,)), {}, "snake: frequency .2,. must have one value for each of the 3 channels"),
        (((2, 3), (3,)), {"axis": "channels"}, "snake.*axis"),
        (((2, 3), (3,)), {"beta": 1}, "snake: unknown argument 'beta'; it takes x, frequency, axis, eps"),
    ],
)
def test_a_wrong_use_is_an_error_that_names_it(shapes, args, message):
    with pytest.raises(RuntimeError, match=message):
        SF.snake(*map(nn.Variable, shapes), **args)
