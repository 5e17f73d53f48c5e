"""Recomputation: which variables take part, what is recomputed, and that results stay."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
from nnabla.initializer import ConstantInitializer


def cleared(*variables):
    return [v.data.clear_called for v in variables]


CREATORS = [
    lambda x: nn.Variable((2,)),
    lambda x: nn.Variable.from_numpy_array(np.ones(2)),
    lambda x: x.get_unlinked_variable(),
    lambda x: x.unlinked(),
    lambda x: x.reshape((1, 2)),
    lambda x: x.reshape((2, 1), unlink=True),
    lambda x: F.sin(x),
    lambda x: F.cos(F.sin(x)).parent.inputs[0],
    lambda x: F.split(F.reshape(x, (2, 1)), axis=0)[1],
]


@pytest.mark.parametrize("create", CREATORS)
def test_the_flag_is_taken_by_every_variable_created_inside(leaf, create):
    x = leaf([1, 2])
    assert create(x).recompute is False
    with nn.recompute():
        assert create(x).recompute is True
        with nn.recompute(False):
            assert create(x).recompute is False
        assert create(x).recompute is True
    assert create(x).recompute is False
    assert x.recompute is False


def test_existing_variables_keep_their_flag(leaf):
    x = leaf([1, 2])
    with nn.recompute():
        y = F.sin(x)
        assert x.recompute is False
    assert y.recompute is True
    assert y.get_unlinked_variable().recompute is False


def test_a_function_is_decorated():
    @nn.recompute_fn()
    def inside(x):
        return F.sin(x)

    @nn.recompute_fn(False)
    def outside(x):
        return F.sin(x)

    x = nn.Variable((2,))
    assert inside(x).recompute is True and outside(x).recompute is False
    with nn.recompute():
        assert outside(x).recompute is False and F.sin(x).recompute is True


def test_the_flag_is_set_globally():
    nn.set_global_recompute(True)
    try:
        assert nn.Variable((2,)).recompute is True
        with nn.recompute(False):
            assert nn.Variable((2,)).recompute is False
        assert nn.Variable((2,)).recompute is True
    finally:
        nn.set_global_recompute(False)
    assert nn.Variable((2,)).recompute is False


def test_the_flag_of_a_variable_is_assignable(leaf):
    h = F.sin(leaf([1, 2]))
    h.recompute = True
    y = F.sin(h)
    y.forward(clear_no_need_grad=True)
    assert cleared(h) == [True]


@pytest.mark.parametrize("flags", [{}, {"clear_no_need_grad": True}, {"clear_buffer": True}])
def test_data_is_cleared_at_its_last_use_though_gradients_need_it(leaf, flags):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.sin(x)
        b = F.sin(a)
        y = F.sin(b)
    assert y.recompute
    y.forward(**flags)
    assert cleared(x, a, b, y) == [False, True, True, False]


def test_leaves_persistent_and_in_place_shared_variables_are_kept(leaf):
    with nn.recompute():
        x = leaf([1, 2])
        a = F.sin(x)
        b = F.cos(a)
        c = F.sin(b)
        y = F.reshape(c, (2, 1), inplace=True)
    assert x.recompute
    b.persistent = True
    y.forward(clear_no_need_grad=True)
    assert cleared(x, a, b, c, y) == [False, True, False, False, False]


def logged_backward(y, watched):
    log = []
    y.backward(
        clear_buffer=True,
        function_pre_hook=lambda f: log.append((f.info.type_name, cleared(*watched))),
    )
    return log


def test_recomputed_data_is_there_in_the_backward_pre_hook(leaf):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.sin(x)
        b = F.abs(a)
        c = F.cos(b)
    y = F.sin(c)
    y.forward(clear_no_need_grad=True)
    seen = []
    y.backward(
        clear_buffer=True,
        function_pre_hook=lambda f: seen.append((f.info.type_name, f.inputs[0].d.copy())),
    )
    expected = [
        ("Sin", np.cos(np.sin(x.d))),
        ("Cos", np.sin(x.d)),
        ("Abs", np.sin(x.d)),
        ("Sin", x.d),
    ]
    assert [name for name, _ in seen] == [name for name, _ in expected]
    for (_, actual), (_, wanted) in zip(seen, expected):
        np.testing.assert_allclose(actual, wanted, rtol=1e-5)


def test_each_segment_is_recomputed_when_it_is_needed(leaf):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.sin(x)
    checkpoint = F.cos(a)
    with nn.recompute():
        b = F.sin(checkpoint)
        c = F.cos(b)
    y = F.sin(c)
    y.forward(clear_no_need_grad=True)
    assert cleared(a, checkpoint, b, c) == [True, False, True, True]
    assert logged_backward(y, [a, checkpoint, b, c]) == [
        ("Sin", [True, False, False, False]),
        ("Cos", [True, False, False, False]),
        ("Sin", [True, False, False, True]),
        ("Cos", [False, False, True, True]),
        ("Sin", [False, True, True, True]),
    ]


def test_only_what_gradients_need_is_recomputed(leaf):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.identity(x)
        b = F.add2(a, a)
        c = F.identity(b)
    y = F.identity(c)
    y.forward(clear_no_need_grad=True)
    for _, flags in logged_backward(y, [a, b, c]):
        assert flags == [True, True, True]
    np.testing.assert_array_equal(x.g, [2, 2])


def test_recomputed_data_that_no_gradient_needs_is_cleared_right_after_its_use(leaf):
    x = leaf([1, 2])
    with nn.recompute():
        a = F.sin(x)
        b = F.exp(a)
        c = F.add_scalar(b, 1)
        d = F.cos(c)
    y = F.sin(d)
    y.forward(clear_no_need_grad=True)
    assert logged_backward(y, [a, b, c, d])[0] == ("Sin", [True, False, False, False])
    outer = np.cos(np.cos(np.exp(np.sin(x.d)) + 1)) * -np.sin(np.exp(np.sin(x.d)) + 1)
    np.testing.assert_allclose(x.g, outer * np.exp(np.sin(x.d)) * np.cos(x.d), rtol=1e-5)


def network(x):
    h = F.relu(PF.batch_normalization(PF.convolution(x, 4, (3, 3), pad=(1, 1), name="one")))
    h = F.add2(h, F.tanh(PF.convolution(h, 4, (3, 3), pad=(1, 1), name="two")))
    h = F.dropout(F.max_pooling(h, (2, 2)), 0.3)
    h = F.leaky_relu(PF.affine(h, 6, name="three"))
    return F.softmax(PF.affine(F.layer_normalization(h, None, None), 5, name="four"))


def statistics():
    return {key: value.d.copy() for key, value in nn.get_parameters(grad_only=False).items() if not value.need_grad}


def train(recompute, forward, backward, steps=3):
    nn.clear_parameters()
    nn.seed(11)
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(2, 3, 8, 8).astype(np.float32), need_grad=True)
    with nn.recompute(recompute):
        h = network(x)
    y = F.sum(F.mul2(h, h))
    results = []
    for _ in range(steps):
        for v in [x, *nn.get_parameters().values()]:
            v.grad.zero()
        y.forward(**forward)
        y.backward(**backward)
        results += [y.d.copy(), x.g.copy()]
        results += [p.g.copy() for p in nn.get_parameters().values()]
    return results + list(statistics().values())


@pytest.mark.parametrize("forward", [{}, {"clear_no_need_grad": True}])
@pytest.mark.parametrize("backward", [{}, {"clear_buffer": True}])
def test_results_are_bit_identical(forward, backward, cleared_memory_is_gone):
    plain = train(False, {}, {})
    recomputed = train(True, forward, backward)
    assert len(plain) == len(recomputed) > 30
    for expected, actual in zip(plain, recomputed):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: F.dropout(x, 0.5),
        lambda x: F.dropout(x, 0.5, seed=7),
        lambda x: F.mul2(x, F.rand(shape=x.shape)),
        lambda x: F.mul2(x, F.randn(shape=x.shape, seed=7)),
        lambda x: F.mul2(x, F.randint(0, 100, shape=x.shape)),
        lambda x: F.random_crop(x, (4,), base_axis=1),
        lambda x: F.random_choice(x, F.abs(x), shape=(6,)),
    ],
    ids=["dropout", "dropout-seed", "rand", "randn", "randint", "crop", "choice"],
)
def test_a_draw_is_repeated_when_it_is_recomputed(leaf, draw):
    x = leaf(np.random.RandomState(0).rand(5, 8) + 0.1)
    with nn.recompute():
        h = draw(x)
    y = F.sin(h)
    seen = []

    def keep_input_of_sin(function):
        if function.info.type_name == "Sin":
            seen.append(function.inputs[0].d.copy())

    for _ in range(2):
        y.forward(clear_no_need_grad=True, function_pre_hook=keep_input_of_sin)
        assert cleared(h) == [True]
        y.backward(clear_buffer=True, function_pre_hook=keep_input_of_sin)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[2], seen[3])
    assert not np.array_equal(seen[0], seen[2])


def spectral_norm(x):
    u = nn.parameter.get_parameter_or_create("u", (5,), ConstantInitializer(1), need_grad=False)
    return F.spectral_norm(x, u)


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(PF.batch_normalization, id="batch_normalization"),
        pytest.param(spectral_norm, id="spectral_norm"),
        # The reference moves the average once more.
        pytest.param(
            lambda x: PF.min_max_quantize(x, x_min_max=True, ema=True),
            id="min_max_quantize",
            marks=pytest.mark.ours_only,
        ),
    ],
)
def test_state_is_not_updated_again_by_recomputation(leaf, build):
    x = leaf(np.random.RandomState(0).randn(5, 8))
    with nn.recompute():
        h = build(x)
    y = F.sin(h)
    before = statistics()
    y.forward(clear_no_need_grad=True)
    after = statistics()
    assert any(not np.array_equal(before[key], after[key]) for key in before)
    assert cleared(h) == [True]
    y.backward(clear_buffer=True)
    for key, value in statistics().items():
        np.testing.assert_array_equal(value, after[key])


def drawing_functions():
    x = nn.Variable((5, 8))
    x.d = np.random.RandomState(0).rand(5, 8)
    return {
        "Dropout": lambda: F.dropout(x),
        "Rand": lambda: F.rand(shape=(2, 3)),
        "Randn": lambda: F.randn(shape=(2, 3)),
        "Randint": lambda: F.randint(0, 50, shape=(2, 3)),
        "RandomChoice": lambda: F.random_choice(x, x),
        "RandomCrop": lambda: F.random_crop(x, (4,), base_axis=1),
        "SpectralNorm": lambda: F.spectral_norm(x, nn.Variable((5,)).apply(d=1)),
    }


@pytest.mark.parametrize("name", sorted(drawing_functions()))
def test_the_recompute_protocol_by_hand_repeats_the_outputs(name):
    y = drawing_functions()[name]()
    function = y.parent
    assert function.info.type_name == name
    assert function.need_setup_recompute(0) is True
    inputs, outputs = function.inputs, function.outputs
    function.setup_recompute(inputs, outputs)
    function.forward(inputs, outputs)
    expected = outputs[0].d.copy()
    outputs[0].data.clear()
    function.recompute(inputs, outputs)
    np.testing.assert_array_equal(outputs[0].d, expected)
    function.forward(inputs, outputs)
    if name != "SpectralNorm":
        assert not np.array_equal(outputs[0].d, expected)


@pytest.mark.parametrize("build", [F.sin, F.relu, lambda x: PF.batch_normalization(x), F.sum])
def test_other_functions_need_no_preparation(build):
    y = build(nn.Variable((5, 8)))
    function = y.parent
    assert function.need_setup_recompute(0) is False
    inputs, outputs = function.inputs, function.outputs
    for v in inputs:
        v.d = np.random.RandomState(0).rand(*v.shape)
    function.setup_recompute(inputs, outputs)
    function.forward(inputs, outputs)
    expected = outputs[0].d.copy()
    outputs[0].data.clear()
    function.recompute(inputs, outputs)
    np.testing.assert_allclose(outputs[0].d, expected, rtol=1e-5)


def test_recompute_without_preparation_is_refused():
    y = F.dropout(nn.Variable((5, 8)))
    function = y.parent
    function.forward(function.inputs, function.outputs)
    with pytest.raises(RuntimeError, match="called_setup_recompute_"):
        function.recompute(function.inputs, function.outputs)
