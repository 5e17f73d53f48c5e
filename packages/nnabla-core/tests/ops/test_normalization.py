"""Normalizations, against NumPy and against what nnabla 1.39.0 gives (``golden/make_normalization.py``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nnabla as nn
import nnabla.function_bases as FB
import nnabla.functions as F
import nnabla.normalization_functions as NF
from nnabla.testing.conformance import conformance
from nnabla.testing.operators.normalization import (
    BATCH_NORMALIZATION,
    FUSED_BATCH_NORMALIZATION,
    LAYER_NORMALIZATION,
    OTHER_NORMALIZATIONS,
    WITH_STATISTICS,
    standardize,
)

GOLDEN = np.load(Path(__file__).parent.parent / "golden" / "normalization.npz")

# Running statistics change with every forward, so that they are no constants to a numerical derivative.
test_batch_normalization = conformance(BATCH_NORMALIZATION)

test_fused_batch_normalization = conformance(FUSED_BATCH_NORMALIZATION)
test_layer_normalization = conformance(LAYER_NORMALIZATION)

test_other_normalizations = conformance(OTHER_NORMALIZATIONS)
test_with_statistics = conformance(WITH_STATISTICS)


# -- against nnabla 1.39.0 ------------------------------------------------------------------------------------
RUNS = {
    "bn": (F.batch_normalization, {"decay_rate": 0.7, "eps": 0.01}),
    "bn_stat": (F.batch_normalization, {"output_stat": True}),
    "bn_global": (F.batch_normalization, {"batch_stat": False}),
    "bn_axes": (F.batch_normalization, {"axes": [1, 3], "output_stat": True}),
    "bn_last": (F.batch_normalization, {"axes": [-1]}),
    "bn_plain": (F.batch_normalization, {}),
    "fbn": (F.fused_batch_normalization, {}),
    "fbn_global": (F.fused_batch_normalization, {"batch_stat": False}),
    "ln": (F.layer_normalization, {"output_stat": True}),
    "ln_axes": (F.layer_normalization, {"batch_axis": [0, 1], "eps": 0.1}),
    "in": (F.instance_normalization, {"output_stat": True}),
    "in_full": (F.instance_normalization, {}),
    "gn": (F.group_normalization, {"num_groups": 2, "output_stat": True}),
    "tn": (F.tensor_normalization, {"axes": [1]}),
    "ws": (F.weight_standardization, {"channel_axis": 1, "output_stat": True}),
    "wn": (F.weight_normalization, {"dim": 1}),
    "sn": (F.spectral_norm, {"dim": 1, "itr": 2, "eps": 1e-6}),
    "sn_test": (F.spectral_norm, {"test": True}),
    "ms": (F.mean_subtraction, {}),
    "ms_still": (F.mean_subtraction, {"base_axis": 2, "update_running_mean": False}),
    "nn": (F.norm_normalization, {"p": 3, "axes": [1, 2]}),
}
# Where version 1 is not followed: it changes a copy of the running statistics if there are several axes, and gives
# NaN as the gradient of spectral norm under test.
LEFT_OUT = {("bn_axes", "after", 3), ("bn_axes", "after", 4), ("sn_test", "gin", 0)}
INPUTS = {"bn": 5, "fbn": 6, "ln": 3, "in": 3, "gn": 3, "tn": 1, "ws": 1, "wn": 2, "sn": 2, "ms": 3, "nn": 1}


@pytest.mark.parametrize("name", RUNS)
def test_values_updates_and_gradients_are_those_of_version_1(name) -> None:
    function, args = RUNS[name]
    count = INPUTS[name.partition("_")[0]]
    if name == "fbn_global":
        count = 5
    inputs = [
        nn.Variable.from_numpy_array(GOLDEN[key], need_grad=True) if (key := f"{name}/in{i}") in GOLDEN else None
        for i in range(count)
    ]
    for v in inputs:
        if v is not None:
            v.grad.zero()
    outputs = function(*inputs, **args)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    terms = [F.sum(y * nn.Variable.from_numpy_array(GOLDEN[f"{name}/gout{o}"])) for o, y in enumerate(outputs)]
    loss = terms[0]
    for term in terms[1:]:
        loss = loss + term
    nn.forward_all([*outputs, loss])
    for o, y in enumerate(outputs):
        np.testing.assert_allclose(y.d, GOLDEN[f"{name}/out{o}"], 1e-5, 1e-5)
    loss.backward()
    for i, v in enumerate(inputs):
        if v is None:
            continue
        for what, values in (("after", v.d), ("gin", v.g)):
            if (name, what, i) not in LEFT_OUT:
                expected = GOLDEN[f"{name}/{what}{i}"]
                np.testing.assert_allclose(values, expected, 1e-4, 1e-5, err_msg=f"{what} {i}")


# -- statistics -----------------------------------------------------------------------------------------------
def _parameters(shape=(1, 4, 1, 1)):
    return [nn.Variable.from_numpy_array(np.full(shape, value)) for value in (0.0, 1.0, 0.5, 2.0)]


def test_backward_does_not_update_running_statistics_again() -> None:
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(5, 4, 1, 1), need_grad=True)
    parameters = _parameters()
    y = F.batch_normalization(x, *parameters)
    y.forward()
    once = [p.d.copy() for p in parameters[2:]]
    x.grad.zero()
    y.backward()
    (gradient,) = nn.grad([y], [x])
    for p, values in zip(parameters[2:], once):
        np.testing.assert_array_equal(p.d, values)
    gradient.forward()
    np.testing.assert_allclose(parameters[2].d, 0.9 * once[0] + 0.1 * x.d.mean(0, keepdims=True), 1e-5)


# 1.39 gives functions of three outputs their second and third by the number of outputs alone.
NORMALIZATIONS = {
    "BatchNormalization": (5, {}),
    "FusedBatchNormalization": (5, {}),
    "LayerNormalization": (3, {}),
    "InstanceNormalization": (3, {}),
    "GroupNormalization": (3, {"num_groups": 2}),
    "TensorNormalization": (3, {}),
    "WeightStandardization": (1, {"channel_axis": 1}),
}


@pytest.mark.parametrize("name", NORMALIZATIONS)
def test_the_number_of_outputs_alone_asks_for_statistics(name) -> None:
    count, args = NORMALIZATIONS[name]
    x = nn.Variable.from_numpy_array(np.random.RandomState(3).randn(2, 4, 3, 5))
    parameters = _parameters() if name != "LayerNormalization" else _parameters((1, 4, 3, 5))
    inputs = [x, *parameters][:count]
    function = getattr(nn.function, name)(nn.get_current_context(), **args)
    outputs = [nn.Variable() for _ in range(3)]
    function.setup(inputs, outputs)
    function.forward(inputs, outputs)
    snake = next(op for op in vars(FB).values() if getattr(op, "name", None) == name)
    called = snake(*inputs, **args, n_outputs=3)
    assert [v.parent.info.type_name for v in called] == [name] * 3
    assert len(called[0].parent.outputs) == 3
    nn.forward_all(called)
    imperative = snake(*(v.data for v in inputs), **args, n_outputs=3)
    for by_hand, in_graph, at_once in zip(outputs, called, imperative):
        np.testing.assert_array_equal(by_hand.d, in_graph.d)
        np.testing.assert_array_equal(at_once.data, in_graph.d)
    np.testing.assert_allclose(called[0].d, snake(*(v.data for v in inputs), **args).data, 1e-6, 1e-6)
    with pytest.raises(RuntimeError, match="n_outputs=2 was asked for; it gives 1 or 3"):
        snake(*inputs, **args, n_outputs=2)


@pytest.mark.parametrize("auto", [False, True])
def test_statistics_pass_gradients_on_when_nothing_else_is_held(auto) -> None:
    x = nn.Variable.from_numpy_array(np.random.RandomState(4).randn(3, 2), need_grad=True)
    x.grad.zero()
    with nn.auto_forward(auto):
        _, _, variance = F.fused_batch_normalization(x, *_parameters((1, 2)), output_stat=True)
        total = F.sum(variance)
    total.forward(clear_no_need_grad=True)
    total.backward()
    expected = (x.d - x.d.mean(0)) * 2 / 3
    np.testing.assert_allclose(x.g, expected, 1e-5, 1e-6)
    (gradient,) = nn.grad([total], [x])
    gradient.forward()
    np.testing.assert_allclose(gradient.d, expected, 1e-5, 1e-6)


@pytest.mark.parametrize("auto", [False, True])
def test_grad_reads_an_output_that_nobody_holds_and_that_was_not_kept(auto) -> None:
    x = nn.Variable.from_numpy_array(np.random.RandomState(4).randn(3, 2))
    with nn.auto_forward(auto):
        _, mean, _ = F.fused_batch_normalization(x, *_parameters((1, 2)), output_stat=True)
        (gradient,) = nn.grad([mean * mean], [x])
    gradient.forward()
    np.testing.assert_allclose(gradient.d, np.broadcast_to(2 * x.d.mean(0) / 3, (3, 2)), 1e-5, 1e-6)


def test_statistics_of_one_value_leave_the_variance_finite() -> None:
    parameters = _parameters((1, 3))
    F.batch_normalization(nn.Variable.from_numpy_array(np.ones((1, 3))), *parameters).forward()
    np.testing.assert_allclose(parameters[3].d, 1.8, 1e-6)


def test_mean_and_variance_of_the_batch_carry_gradients() -> None:
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(6, 2), need_grad=True)
    _, mean, var = F.batch_normalization(x, None, None, None, None, output_stat=True)
    loss = F.sum(mean * 3 + var)
    loss.forward()
    x.grad.zero()
    loss.backward()
    np.testing.assert_allclose(x.g, 3 / 6 + 2 * (x.d - x.d.mean(0)) / 6, 1e-4, 1e-6)


def test_spectral_norm_gives_u_as_it_was() -> None:
    rng = np.random.RandomState(0)
    w, before = rng.randn(3, 5), rng.randn(3)
    u = nn.Variable.from_numpy_array(before)
    y, output = F.spectral_norm(nn.Variable.from_numpy_array(w), u, itr=30, output_u=True)
    nn.forward_all([y, output])
    np.testing.assert_allclose(output.d, before, 1e-6)
    assert not np.allclose(u.d, before)
    np.testing.assert_allclose(np.linalg.norm(y.d, 2), 1, 1e-4)


def test_spectral_norm_gradient_is_that_with_constant_vectors() -> None:
    rng = np.random.RandomState(1)
    w, u = rng.randn(3, 4), rng.randn(3)
    for _ in range(2):
        v = w.T @ u / np.linalg.norm(w.T @ u)
        u = w @ v / np.linalg.norm(w @ v)
    variable = nn.Variable.from_numpy_array(w, need_grad=True)
    y = F.spectral_norm(variable, nn.Variable.from_numpy_array(u), itr=1, test=True)
    with nn.context_scope(nn.Context(["cpu:double"])):
        (gradient,) = nn.grad([y], [variable])
        gradient.forward()
    v = w.T @ u / np.linalg.norm(w.T @ u)
    u = w @ v / np.linalg.norm(w @ v)
    sigma = u @ w @ v
    np.testing.assert_allclose(gradient.d, 1 / sigma - w.sum() / sigma**2 * np.outer(u, v), 1e-4, 1e-5)


# -- arguments, dependences, errors ---------------------------------------------------------------------------
def test_arguments_say_which_parameters_are_absent() -> None:
    x = nn.Variable((3, 4, 2, 3))
    f = F.batch_normalization(x, None, None, None, None, axes=[-3]).parent
    assert len(f.inputs) == 3
    assert f.info.args == {
        "axes": [1],
        "decay_rate": float(np.float32(0.9)),
        "eps": float(np.float32(1e-5)),
        "batch_stat": True,
        "no_scale": True,
        "no_bias": True,
    }
    f = F.layer_normalization(x, None, nn.Variable((1, 4, 2, 3)), batch_axis=[-4]).parent
    assert f.info.args["batch_axis"] == [-4]
    assert (f.info.args["no_scale"], f.info.args["no_bias"]) == (False, True)
    f = F.fused_batch_normalization(x, None, None, None, None).parent
    assert len(f.inputs) == 5
    assert f.info.args["nonlinearity"] == "relu"


@pytest.mark.parametrize("batch_stat", [True, False])
def test_gradients_of_batch_normalization_read_x_and_the_scale(batch_stat) -> None:
    x = nn.Variable((3, 4, 2, 3), need_grad=True)
    parameters = [nn.Variable((1, 4, 1, 1), need_grad=True) for _ in range(4)]
    for f, output in (
        (F.batch_normalization(x, *parameters, batch_stat=batch_stat).parent, False),
        (F.fused_batch_normalization(x, *parameters, batch_stat=batch_stat).parent, True),
    ):
        reads = [[f.grad_depends_input_data(i, j) for j in range(5)] for i in range(3)]
        none = [False] * 5
        if batch_stat:
            # One pass gives the gradients of x and of the scale.
            assert reads == [[True, False, True, False, False], none, [True, False, True, False, False]]
        else:
            assert reads == [[False, False, True, False, True], none, [True, False, False, True, True]]
        assert all(f.grad_depends_output_data(i, 0) == output for i in range(3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, p: F.batch_normalization(x, p, p, None, p, batch_stat=False), "mean must be given"),
        (lambda x, p: F.batch_normalization(x, nn.Variable((4,)), p, p, p), r"beta \(4,\) must be \(1, 4, 1, 1\)"),
        (lambda x, p: F.batch_normalization(x, p, p, p, p, axes=[4]), "axes=4 is outside the 4 dimensions"),
        (lambda x, p: F.batch_normalization(x, p, p, p, p, batch_stat=False, output_stat=True), "output_stat=True"),
        (lambda x, p: FB.batch_normalization(x, p, p, p, p, no_bias=True), "no_bias=True but beta"),
        (lambda x, p: F.fused_batch_normalization(x, p, p, p, p, nonlinearity="tanh"), "nonlinearity='tanh'"),
        (lambda x, p: F.fused_batch_normalization(x, p, p, p, p, nn.Variable((3,))), r"z \(3,\) must have"),
        (lambda x, p: F.layer_normalization(x, nn.Variable((4, 2, 3)), None), r"beta \(4, 2, 3\) must be"),
        (lambda x, p: F.group_normalization(x, p, p, 3), "num_groups=3 must divide the 4 channels"),
        (lambda x, p: F.instance_normalization(x, p, p, 0, 0), "channel_axis=0 is among batch_axis"),
        (lambda x, p: F.weight_normalization(x, nn.Variable((3,)), dim=1), r"g \(3,\) must be \(4,\)"),
        (lambda x, p: F.spectral_norm(x, nn.Variable((3,)), dim=1), r"u \(3,\) must be \(4,\)"),
        (lambda x, p: F.spectral_norm(x, nn.Variable((3,)), dim=-1), "dim=-1 must be 0 to 3"),
        (lambda x, p: F.norm_normalization(x, p=0), "p=0.0 must be more than 0"),
        (lambda x, p: F.mean_subtraction(x, nn.Variable((2, 3)), nn.Variable((1,))), r"rmean \(2, 3\) must be"),
    ],
)
def test_errors_name_what_does_not_fit(call, message) -> None:
    with pytest.raises((RuntimeError, ValueError), match=message):
        call(nn.Variable((3, 4, 2, 3)), nn.Variable((1, 4, 1, 1)))


def test_adapter_brings_axes_together_and_back() -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    adapter = NF.BatchNormalizationInOutAdapter(3, [0, 2])
    x = nn.Variable.from_numpy_array(values)
    y = adapter(x)
    back = adapter.inv(y)
    back.forward()
    np.testing.assert_array_equal(y.d, values.transpose(1, 0, 2).reshape(3, 8))
    np.testing.assert_array_equal(back.d, values)


def test_half_precision_is_near() -> None:
    values = np.random.RandomState(0).randn(8, 4, 3, 3)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(values)
        for y, axes in (
            (F.batch_normalization(x, None, None, None, None), (0, 2, 3)),
            (F.layer_normalization(x, None, None), (1, 2, 3)),
        ):
            y.forward()
            assert y.d.dtype == np.float16
            np.testing.assert_allclose(y.d, standardize(values, axes, 1e-5), atol=0.1)


def test_inputs_follow_where_one_is_left_out_by_an_argument() -> None:
    # Files list the inputs that a function has, and say in arguments which it has not.
    rng = np.random.RandomState(0)
    x, gamma = (nn.Variable.from_numpy_array(rng.randn(*s)) for s in ((3, 4), (1, 4)))
    mean, variance = nn.Variable((1, 4)), nn.Variable((1, 4))
    expected = F.batch_normalization(x, None, gamma, None, None)
    called = FB.batch_normalization(x, gamma, mean, variance, no_bias=True)
    function = nn.function.BatchNormalization(nn.get_current_context(), no_bias=True)
    applied = function(x, gamma, mean, variance)
    nn.forward_all([expected, called, applied])
    np.testing.assert_array_equal(called.d, expected.d)
    np.testing.assert_array_equal(applied.d, expected.d)
    assert mean.d.any()
    by_hand = nn.function.LayerNormalization(nn.get_current_context(), no_bias=True)
    y, scale = nn.Variable(), nn.Variable.from_numpy_array(np.full((1, 4), 2.0))
    by_hand.setup([x, scale], [y])
    by_hand.forward([x, scale], [y])
    np.testing.assert_allclose(y.d, 2 * standardize(x.d, (1,), 1e-5), 1e-4, 1e-5)


class _Alone:
    """A communicator of one process."""

    size = 1


def test_synchronized_batch_normalization_of_one_process_is_batch_normalization() -> None:
    x = nn.Variable.from_numpy_array(np.random.RandomState(0).randn(5, 4, 2, 3), need_grad=True)
    ours, theirs = _parameters(), _parameters()
    y = F.sync_batch_normalization(x, *ours, _Alone())
    expected = F.batch_normalization(x, *theirs)
    nn.forward_all([y, expected])
    np.testing.assert_array_equal(y.d, expected.d)
    for a, b in zip(ours, theirs):
        np.testing.assert_array_equal(a.d, b.d)
    gradients = []
    for root in (y, expected):
        x.grad.zero()
        root.backward(nn.NdArray.from_numpy_array(np.random.RandomState(1).randn(*x.shape)))
        gradients.append(x.g.copy())
    np.testing.assert_allclose(*gradients, 1e-6)


def test_synchronized_batch_normalization_refuses_several_processes() -> None:
    comm = _Alone()
    comm.size = 2
    with pytest.raises(RuntimeError, match="comm has 2 processes"):
        F.sync_batch_normalization(nn.Variable((5, 4, 2, 3)), *_parameters(), comm)


def test_mean_subtraction_of_no_sample_passes_no_gradient() -> None:
    x, mean, t = nn.Variable((0, 3), need_grad=True), nn.Variable((3,)), nn.Variable((1,))
    y = F.mean_subtraction(x, mean, t)
    y.forward()
    y.backward()
    assert x.g.shape == (0, 3)
