"""What layers do beyond registering parameters: options, modes, bad input."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.parametric_functions as PF
from nnabla import functions as F
from nnabla.initializer import ConstantInitializer
from nnabla.parameter import get_parameter, get_parameters, no_grad


def needs(*operators):
    missing = [name for name in operators if not hasattr(F, name)]
    return pytest.mark.skipif(bool(missing), reason=f"not here yet: {missing}")


def data(*shape):
    return np.random.RandomState(0).randn(*shape).astype(np.float32)


def variable(*shape, need_grad=False):
    return nn.Variable.from_numpy_array(data(*shape), need_grad=need_grad)


# Fully connected


def test_affine_is_a_matrix_product_and_a_bias():
    x = variable(4, 3)
    y = PF.affine(x, 2, w_init=data(3, 2), b_init=np.array([1, -1], np.float32))
    y.forward()
    np.testing.assert_allclose(y.d, data(4, 3) @ data(3, 2) + [1, -1], rtol=1e-5)


def test_apply_w_and_apply_b_replace_what_is_used():
    x = variable(2, 3)
    y = PF.affine(x, 2, apply_w=lambda w: w * 2, apply_b=lambda b: b + 1)
    y.forward()
    np.testing.assert_allclose(y.d, x.d @ (2 * get_parameter("affine/W").d) + 1, rtol=1e-5)


def test_initializers_are_used_once():
    PF.affine(variable(2, 3), 2, w_init=ConstantInitializer(1), b_init=ConstantInitializer(2))
    PF.affine(variable(2, 3), 2, w_init=ConstantInitializer(5), b_init=ConstantInitializer(6))
    assert (get_parameter("affine/W").d == 1).all()
    assert (get_parameter("affine/b").d == 2).all()


def test_an_existing_parameter_draws_nothing():
    PF.affine(variable(2, 3), 2)
    before = nn.random.prng.get_state()[1].copy()
    PF.affine(variable(2, 3), 2)
    np.testing.assert_array_equal(nn.random.prng.get_state()[1], before)


def test_gradients_reach_the_stored_parameters():
    x = variable(4, 3)
    loss = F.sum(PF.affine(x, 2))
    for param in get_parameters().values():
        param.grad.zero()
    loss.forward()
    loss.backward()
    np.testing.assert_allclose(get_parameter("affine/W").g, np.repeat(x.d.sum(0)[:, None], 2, 1), rtol=1e-5)
    np.testing.assert_allclose(get_parameter("affine/b").g, [4, 4])


@pytest.mark.parametrize("base_axis", [3, -4])
def test_affine_base_axis_outside_the_input(base_axis):
    with pytest.raises(IndexError, match=f"affine: base_axis={base_axis}"):
        PF.affine(variable(2, 3, 4), 2, base_axis=base_axis)
    assert not get_parameters()


def test_layers_of_one_name_and_other_sizes_clash():
    PF.affine(variable(2, 3), 2, name="a")
    with pytest.raises(ValueError, match=r'"W".*\(3, 2\).*\(3, 4\)'):
        PF.affine(variable(2, 3), 4, name="a")


@pytest.mark.parametrize("outmaps", [2.5, "x", None])
def test_affine_outmaps_must_be_whole(outmaps):
    with pytest.raises((TypeError, ValueError)):
        PF.affine(variable(2, 3), outmaps)
    assert not get_parameters()


# Modes: the same layer over Variables, at once, and over arrays

LAYERS = {
    "affine": (lambda x: PF.affine(x, 4), (2, 3)),
    "convolution": (lambda x: PF.convolution(x, 4, (3, 3)), (2, 3, 5, 5)),
    "depthwise_convolution": (lambda x: PF.depthwise_convolution(x, (3, 3)), (2, 3, 5, 5)),
    "deconvolution": (lambda x: PF.deconvolution(x, 4, (3, 3)), (2, 3, 5, 5)),
    "batch_normalization": (PF.batch_normalization, (4, 3, 2)),
    "layer_normalization": (PF.layer_normalization, (4, 3, 2)),
    "prelu": (PF.prelu, (4, 3)),
    "multi_head_attention": (lambda x: PF.multi_head_attention(x, x, x, 2)[0], (3, 2, 4)),
    "transformer_encode": (lambda x: PF.transformer_encode(x, 4, 2, 5, dropout=0.0), (3, 2, 4)),
}
MODES = pytest.mark.parametrize("name", LAYERS)


@MODES
def test_static_dynamic_and_imperative_modes_agree(name):
    layer, shape = LAYERS[name]
    static = layer(variable(*shape))
    static.forward()
    with nn.auto_forward():
        dynamic = layer(variable(*shape))
    imperative = layer(nn.NdArray.from_numpy_array(data(*shape)))
    assert isinstance(imperative, nn.NdArray)
    np.testing.assert_allclose(dynamic.d, static.d, rtol=1e-6)
    np.testing.assert_allclose(imperative.data, static.d, rtol=1e-6)


@MODES
def test_no_grad_gives_a_graph_without_gradients(name):
    layer, shape = LAYERS[name]
    assert layer(variable(*shape)).need_grad
    trained = list(get_parameters())
    with no_grad():
        assert not layer(variable(*shape)).need_grad
        with nn.auto_forward():
            assert not layer(variable(*shape)).need_grad
    assert list(get_parameters()) == trained


# Convolutions


def test_convolution_takes_a_negative_base_axis():
    x = variable(2, 3, 5, 5)
    one = PF.convolution(x, 4, (3, 3), base_axis=1)
    other = PF.convolution(x, 4, (3, 3), base_axis=-3)
    nn.forward_all([one, other])
    np.testing.assert_array_equal(one.d, other.d)


@pytest.mark.parametrize(
    "layer",
    [
        lambda x: PF.convolution(x, 4, 3),
        lambda x: PF.deconvolution(x, 4, 3),
        lambda x: PF.depthwise_convolution(x, 3),
        lambda x: PF.depthwise_deconvolution(x, 3),
    ],
)
def test_a_kernel_must_be_a_sequence(layer):
    with pytest.raises(TypeError, match="kernel must be a sequence"):
        layer(variable(2, 3, 5, 5))


# Normalizations


def test_batch_normalization_updates_its_running_statistics_at_forward():
    x = variable(8, 3)
    y = PF.batch_normalization(x, decay_rate=0.75)
    assert (get_parameter("bn/mean").d == 0).all()
    y.forward()
    mean, var = x.d.mean(0), x.d.var(0, ddof=1)
    np.testing.assert_allclose(get_parameter("bn/mean").d[0], 0.25 * mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(get_parameter("bn/var").d[0], 0.75 + 0.25 * var, rtol=1e-4)


@pytest.mark.parametrize("layer", [PF.batch_normalization, PF.fused_batch_normalization])
def test_param_init_sets_initial_values(layer):
    inits = {
        "beta": np.full((1, 3), 2.0, np.float32),
        "gamma": ConstantInitializer(3),
        "mean": np.full((1, 3), 4.0, np.float32),
        "var": ConstantInitializer(5),
    }
    layer(variable(4, 3), param_init=inits)
    found = {k: p.d.ravel().tolist() for k, p in get_parameters(grad_only=False).items()}
    assert found == {
        "bn/beta": [2] * 3,
        "bn/gamma": [3] * 3,
        "bn/mean": [4] * 3,
        "bn/var": [5] * 3,
    }


@pytest.mark.parametrize("axes", [1, None])
def test_axes_must_be_a_sequence(axes):
    with pytest.raises(TypeError, match="batch_normalization: axes must be a sequence"):
        PF.batch_normalization(variable(4, 3), axes=axes)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: PF.batch_normalization(x, axes=[2]), "batch_normalization: axis=2"),
        (lambda x: PF.layer_normalization(x, batch_axis=-3), "batch_axis=-3"),
        (lambda x: PF.instance_normalization(x, channel_axis=5), "axis=5"),
        (lambda x: PF.prelu(x, base_axis=2, shared=False), "prelu: base_axis=2"),
        (lambda x: PF.spectral_norm(x, dim=2), "spectral_norm: dim=2"),
        (lambda x: PF.weight_normalization(x, dim=-3), "weight_normalization: dim=-3"),
    ],
)
def test_axes_outside_the_input_are_named(call, text):
    with pytest.raises(IndexError, match=text):
        call(variable(4, 3))
    assert not get_parameters(grad_only=False)


@needs("weight_normalization")
def test_weight_normalization_starts_as_an_identity():
    x = variable(2, 3)
    plain = PF.affine(x, 4, w_init=data(3, 4), name="plain")
    normalized = PF.affine(x, 4, w_init=data(3, 4), apply_w=PF.weight_normalization, name="wn")
    nn.forward_all([plain, normalized])
    np.testing.assert_allclose(normalized.d, plain.d, rtol=1e-5, atol=1e-6)
    assert "wn/affine/wn/g" in get_parameters()


def test_spectral_norm_divides_by_the_largest_singular_value():
    w = variable(4, 3)
    y = PF.spectral_norm(w, itr=50)
    y.forward()
    np.testing.assert_allclose(np.linalg.norm(y.d, 2), 1, rtol=1e-3)
    assert list(get_parameters()) == []


# Recurrent


@needs("lstm", "rnn", "gru")
@pytest.mark.parametrize("shape", [(1, 2, 2, 5), (2, 1, 2, 5), (1, 2, 5)])
def test_initial_states_must_fit_layers_and_directions(shape):
    x, h = variable(3, 2, 4), variable(*shape)
    for layer in (lambda: PF.rnn(x, h), lambda: PF.lstm(x, h, h), lambda: PF.gru(x, h)):
        with pytest.raises(ValueError, match=r"needs x of the shape \(T, B, I\).*num_layers=1"):
            layer()
    assert not get_parameters()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_lstm_cell_keeps_its_state_from_call_to_call():
    cell = PF.LSTMCell(2, 3, name="cell")
    xs = [data(2, 4), 2 * data(2, 4)]
    outputs = [cell(nn.Variable.from_numpy_array(x)) for x in xs]
    outputs[-1].forward()
    w = get_parameter("cell/lstm/affine/W").d
    h = c = np.zeros((2, 3))
    for x in xs:
        i, o, f, g = np.moveaxis(np.tensordot(np.concatenate([x, h], 1), w, 1), 1, 0)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    np.testing.assert_allclose(outputs[-1].d, h, rtol=1e-5, atol=1e-6)
    assert cell.h is outputs[-1]
    assert len(get_parameters()) == 2


def test_lstm_cell_starts_from_given_states_and_resets_them():
    h, c = variable(2, 3), variable(2, 3)
    cell = PF.LSTMCell(2, 3, h=h, c=c)
    assert cell.h is h
    assert cell.c is c
    cell.reset_state()
    assert cell.h is h
    assert (h.d == 0).all()
    assert (c.d == 0).all()


def test_lstm_cell_names_states_that_do_not_fit():
    with pytest.raises(ValueError, match=r"lstm_cell: needs h and c of the shape \(B, 5\)"):
        PF.lstm_cell(variable(2, 4), variable(2, 3), variable(2, 3), 5)
    assert not get_parameters()


# Attention


def test_attention_inputs_must_have_three_dimensions():
    x = variable(3, 2, 4)
    with pytest.raises(ValueError, match="key must have the 3 dimensions"):
        PF.multi_head_attention(x, variable(3, 4), x, 2)
    assert not get_parameters()


def test_attention_param_init_sets_initial_values():
    x = variable(3, 2, 4)
    inits = {"q_weight": ConstantInitializer(3), "out_bias": np.full(4, 2, np.float32)}
    PF.multi_head_attention(x, x, x, 2, param_init=inits)
    assert (get_parameter("multi_head_attention/q_weight").d == 3).all()
    assert (get_parameter("multi_head_attention/out_bias").d == 2).all()
    assert not (get_parameter("multi_head_attention/k_weight").d == 3).any()


def test_transformer_takes_another_activation():
    x = variable(3, 2, 4)
    seen = []

    def activation(hidden):
        seen.append(hidden.shape)
        return F.tanh(hidden)

    PF.transformer_encode(x, 4, 2, 5, activation=activation)
    assert seen == [(3, 2, 5)]


def test_cpd3_convolution_of_enough_rank_computes_what_the_given_filters_do():
    rng = np.random.RandomState(0)
    x, filters = nn.Variable.from_numpy_array(rng.randn(2, 3, 6, 6)), rng.randn(4, 3, 3, 3)
    y = PF.cpd3_convolution(x, 4, (3, 3), 12, pad=(1, 1), stride=(2, 1), oik_init=filters)
    expected = F.convolution(x, nn.Variable.from_numpy_array(filters), pad=(1, 1), stride=(2, 1))
    y.forward()
    expected.forward()
    np.testing.assert_allclose(y.d, expected.d, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"r": 0}, "r=0 must be 1 or more"),
        ({"r": 2, "max_iter": 0}, "max_iter=0 must be 1 or more"),
        ({"r": 2, "lambda_reg": -1.0}, "lambda_reg=-1.0 must be 0 or more"),
        ({"r": 2, "oik_init": np.zeros((4, 3, 2, 2))}, r"oik_init must have the shape \(4, 3, 3, 3\)"),
    ],
)
def test_cpd3_convolution_refuses_what_it_cannot_decompose(args, message):
    with pytest.raises((RuntimeError, ValueError), match=f"cpd3_convolution: {message}"):
        PF.cpd3_convolution(nn.Variable((2, 3, 6, 6)), 4, (3, 3), **args)


def test_cpd3_convolution_begins_with_draws_that_the_seed_decides():
    drawn = []
    for _ in range(2):
        nn.seed(3)
        nn.clear_parameters()
        PF.cpd3_convolution(nn.Variable((1, 3, 4, 4)), 4, (3, 3), 2)
        drawn.append(nn.get_parameters()["cpd3_conv/K"].d.copy())
    np.testing.assert_array_equal(*drawn)
