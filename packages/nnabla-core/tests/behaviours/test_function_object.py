"""Function objects: what they tell about themselves and how they are called."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


def f32(value):
    return float(np.float32(value))


def variable(*shape, need_grad=True):
    x = nn.Variable(shape, need_grad=need_grad)
    x.d = np.linspace(0.5, 2, x.size, dtype=np.float32).reshape(shape)
    x.grad.zero()
    return x


def test_a_function_describes_itself():
    x = variable(2, 3)
    h = F.sin(x)
    y = F.dropout(h, 0.25)
    function = y.parent
    assert type(function.inputs) is list and function.inputs == [h]
    assert type(function.outputs) is list and function.outputs == [y]
    assert function.info.type_name == function.name == str(function) == "Dropout"
    assert function.tags == {}
    assert function.rank == 1
    assert function.need_grad is True
    assert function.min_outputs() == 1
    assert function.context.backend == ["cpu:float"]
    assert F.sin(nn.Variable((2,))).parent.need_grad is False


ARGUMENTS = [
    (lambda x: F.dropout(x, 0.9), "Dropout", {"p": 0.9, "seed": -1}),
    (lambda x: F.sum(x), "Sum", {"axes": [0, 1], "keep_dims": False}),
    (lambda x: F.sum(x, axis=-1), "Sum", {"axes": [-1], "keep_dims": False}),
    (lambda x: F.sum(x, (0, 1), True), "Sum", {"axes": [0, 1], "keep_dims": True}),
    (lambda x: F.mean(x, axis=-2), "Mean", {"axes": [-2], "keep_dims": False}),
    (lambda x: F.prod(x), "Prod", {"axes": [0, 1], "keep_dims": False}),
    (lambda x: F.max(x), "Max",
     {"axes": [0, 1], "keep_dims": False, "with_index": False, "only_index": False}),
    (lambda x: F.norm(x), "Norm", {"p": 2.0, "axes": [0, 1], "keep_dims": False}),
    (lambda x: F.concatenate(x, x, axis=-1), "Concatenate", {"axis": -1}),
    (lambda x: F.stack(x, x, axis=-1), "Stack", {"axis": -1}),
    (lambda x: F.softmax(x, axis=-1), "Softmax", {"axis": -1}),
    (lambda x: F.cumsum(x, axis=-1), "CumSum",
     {"axis": -1, "exclusive": False, "reverse": False}),
    (lambda x: F.flip(x), "Flip", {"axes": [1]}),
    (lambda x: F.transpose(x, (1, 0)), "Transpose", {"axes": [1, 0]}),
    (lambda x: F.reshape(x, (-1,)), "Reshape", {"shape": [-1], "inplace": True}),
    (lambda x: F.affine(x, variable(3, 4), base_axis=-1), "Affine", {"base_axis": -1}),
    (lambda x: F.leaky_relu(x, 0.1), "LeakyReLU", {"alpha": f32(0.1), "inplace": False}),
    (lambda x: F.elu(x, 0.9), "ELU", {"alpha": 0.9}),
    (lambda x: F.huber_loss(x, x, 0.3), "HuberLoss", {"delta": f32(0.3)}),
    (lambda x: F.pow_scalar(x, 0.1), "PowScalar", {"val": 0.1, "inplace": False}),
    (lambda x: F.pad(x, (0, 1)), "Pad",
     {"pad_width": [0, 1], "mode": "constant", "constant_value": 0.0}),
    (lambda x: F.broadcast(x, (2, 3)), "Broadcast", {"shape": [2, 3]}),
    (lambda x: F.randint(0, 5, [2]), "Randint",
     {"low": 0, "high": 5, "shape": [2], "seed": -1}),
    (lambda x: F.sort(x), "Sort",
     {"axis": -1, "reverse": False, "with_index": False, "only_index": False}),
    (lambda x: F.max_pooling(variable(1, 1, 4, 4), (2, 2)), "MaxPooling",
     {"kernel": [2, 2], "stride": [2, 2], "ignore_border": True, "pad": [0, 0],
      "channel_last": False}),
    (lambda x: F.convolution(variable(1, 2, 4, 4), variable(3, 2, 3, 3), pad=(1, 1)),
     "Convolution",
     {"base_axis": 1, "pad": [1, 1], "stride": [1, 1], "dilation": [1, 1], "group": 1,
      "channel_last": False}),
    (lambda x: F.batch_normalization(
        x, *(variable(1, 3, need_grad=False) for _ in range(4)), axes=[-1]),
     "BatchNormalization",
     {"axes": [1], "decay_rate": f32(0.9), "eps": f32(1e-5), "batch_stat": True,
      "no_scale": False, "no_bias": False}),
]  # fmt: skip


@pytest.mark.parametrize("build, name, arguments", ARGUMENTS, ids=lambda a: a if type(a) is str else "")
def test_arguments_are_plain_values_with_defaults_filled_in(build, name, arguments):
    function = build(variable(2, 3)).parent
    assert function.info.type_name == name
    assert function.info.args == arguments
    assert function.arguments == arguments
    assert function.args == arguments
    for key, value in function.info.args.items():
        assert type(value) is type(arguments[key])


@pytest.mark.parametrize(
    "build, input_data, output_data",
    [
        (F.sin, [[True]], [False]),
        (F.tanh, [[False]], [True]),
        (F.exp, [[False]], [True]),
        (F.relu, [[False]], [True]),
        (F.softmax, [[False]], [True]),
        (F.identity, [[False]], [False]),
        (lambda x: F.add_scalar(x, 1), [[False]], [False]),
        (F.dropout, [[False]], [False]),
        (lambda x: F.mul2(x, x), [[True, True], [True, True]], [False, False]),
        (lambda x: F.add2(x, x), [[False, False], [False, False]], [False, False]),
        (lambda x: F.affine(x, variable(3, 4), variable(4)),
         [[False, True, False], [True, False, False], [False, False, False]], [False] * 3),
        (lambda x: F.softmax_cross_entropy(x, variable(2, 1)),
         [[False, True], [False, False]], [False, False]),
    ],
)  # fmt: skip
def test_what_gradients_depend_on(build, input_data, output_data):
    f = build(variable(2, 3)).parent
    n = range(len(f.inputs))
    assert [[f.grad_depends_input_data(i, j) for j in n] for i in n] == input_data
    assert [f.grad_depends_output_data(i, 0) for i in n] == output_data


@pytest.mark.parametrize(
    "build, expected",
    [
        (F.dropout, True),
        (lambda x: F.max_pooling(x, (2, 2)), True),
        (F.sin, False),
        (F.relu, False),
    ],
)
def test_what_forward_keeps_for_itself(build, expected):
    f = build(variable(1, 1, 4, 4)).parent
    assert f.auto_grad_depends_input_data(0, 0) is expected
    assert f.auto_grad_depends_output_data(0, 0) is False


@pytest.mark.parametrize(
    "build, code",
    [
        (lambda x: F.reshape(x, (3, 2)), 1),
        (lambda x: F.reshape(x, (3, 2), inplace=True), 1),
        (lambda x: F.reshape(x, (3, 2), inplace=False), 0),
        (F.unlink, 1),
        (F.identity, 0),
        (lambda x: F.relu(x, inplace=True), 0),
        (lambda x: F.leaky_relu(x, inplace=True), 0),
        (lambda x: F.add2(x, x, inplace=True), 0),
        (lambda x: F.bc_add2(x, x, inplace=True), 0),
        (lambda x: F.sub2(x, x, inplace=True), 0),
        (lambda x: F.mul2(x, x, inplace=True), 0),
        (lambda x: F.div2(x, x, inplace=True), 0),
        (lambda x: F.add_scalar(x, 1, inplace=True), 0),
        (lambda x: F.mul_scalar(x, 2, inplace=True), 0),
    ],
)
def test_only_aliases_are_in_place(build, code):
    x = variable(2, 3)
    y = build(x)
    y.forward()
    assert y.parent.inplace_data(0) == code
    if code:
        y.d = 5
    np.testing.assert_array_equal(x.d, np.full((2, 3), 5) if code else variable(2, 3).d)


def test_inplace_is_legal_after_a_function_whose_output_is_needed():
    x, z = variable(2, 3), variable(2, 3)
    for v, inplace in ((x, True), (z, False)):
        y = F.relu(F.add_scalar(F.log_softmax(v), 1.5, inplace=inplace), inplace=inplace)
        y.forward(clear_no_need_grad=True)
        y.backward(clear_buffer=True)
    np.testing.assert_array_equal(x.g, z.g)
    assert np.abs(x.g).sum() > 0


@pytest.mark.parametrize("combine", [F.add_n, F.mul_n])
def test_inactive_inputs_are_skipped(combine):
    inputs = [variable(2) for _ in range(3)]
    for value, v in zip((2, 3, 5), inputs):
        v.d = value
    y = combine(*inputs)
    y.parent.set_active_input_mask([True, False, True])
    y.forward()
    y.backward()
    np.testing.assert_array_equal(y.d, [7, 7] if combine is F.add_n else [10, 10])
    expected = [1, 0, 1] if combine is F.add_n else [5, 0, 2]
    np.testing.assert_array_equal([v.g[0] for v in inputs], expected)
    y.parent.set_active_input_mask([True, True, True])
    y.forward()
    np.testing.assert_array_equal(y.d, [10, 10] if combine is F.add_n else [30, 30])


def test_a_mask_of_another_length_is_refused():
    with pytest.raises(RuntimeError):
        F.add_n(variable(2), variable(2)).parent.set_active_input_mask([True])


class TestCalls:
    @pytest.fixture
    def sin(self):
        return nn.function.Sin(nn.get_current_context())

    @pytest.fixture
    def split(self):
        return nn.function.Split(nn.get_current_context(), 1)

    def test_variables_make_a_graph(self, sin):
        x = variable(2, 3)
        y = sin(x)
        assert isinstance(y, nn.Variable) and y.parent.info.type_name == "Sin"
        assert y.parent.inputs == [x]
        y.forward()
        np.testing.assert_allclose(y.d, np.sin(x.d), rtol=1e-6)

    def test_auto_forward_is_an_argument(self, sin):
        x = variable(2, 3)
        np.testing.assert_allclose(sin(x, auto_forward=True).d, np.sin(x.d), rtol=1e-6)

    def test_ndarrays_are_imperative(self, sin):
        x = variable(2, 3)
        y = sin(x.data)
        assert isinstance(y, nn.NdArray)
        np.testing.assert_allclose(y.data, np.sin(x.d), rtol=1e-6)

    def test_outputs_are_written_into(self, sin):
        x, out = variable(2, 3), nn.NdArray((2, 3))
        sin(x.data, outputs=[out])
        np.testing.assert_allclose(out.data, np.sin(x.d), rtol=1e-6)

    def test_several_outputs_are_a_tuple(self, split):
        x = variable(2, 3)
        y = split(x, n_outputs=3)
        assert type(y) is tuple and [v.shape for v in y] == [(2,)] * 3
        z = split(x.data, n_outputs=3)
        assert type(z) is tuple
        np.testing.assert_array_equal([a.data for a in z], x.d.T)

    def test_a_wrong_number_of_outputs_is_refused(self, split):
        with pytest.raises(RuntimeError):
            split(variable(2, 3), n_outputs=2)

    def test_functions_of_the_module_take_outputs(self):
        x, out = variable(2, 3), nn.NdArray((2, 3))
        F.add_scalar(x.data, 1, outputs=[out])
        np.testing.assert_allclose(out.data, x.d + 1, rtol=1e-6)
        F.sin(out, outputs=[out])
        np.testing.assert_allclose(out.data, np.sin(x.d + 1), rtol=1e-6)
