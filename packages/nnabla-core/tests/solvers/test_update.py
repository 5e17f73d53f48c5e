import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S

ALL = [n for n in S.__all__ if not n.startswith("Solver")]
FUSED = {"SgdW", "AdamW", "Lars", "Lamb", "Lion"}


def variable(value, grad):
    v = nn.Variable(np.shape(value), need_grad=True)
    v.d = np.asarray(value, np.float32)
    v.g = np.asarray(grad, np.float32)
    return v


def solver_with(solver, **parameters):
    solver.set_parameters(parameters)
    return solver


def test_parameters_with_a_lazily_zero_gradient_are_skipped(way):
    v, w = variable([2.0], [1.0]), variable([2.0], [1.0])
    solver = solver_with(S.Momentum(0.5), v=v, w=w)
    solver.zero_grad()
    assert v.grad.zeroing
    w.g = np.array([1.0])
    solver.weight_decay(0.1)
    solver.scale_grad(2.0)
    solver.update()
    assert v.grad.zeroing
    assert v.d.tolist() == [2.0]
    np.testing.assert_allclose(w.d, 2 - 0.5 * 2 * 1.2, rtol=1e-6)
    assert [state.t for state in solver.get_states().values()] == [0, 1]


def test_an_array_of_zeros_is_not_skipped(way):
    v = variable([2.0], [0.0])
    solver = solver_with(S.Momentum(0.5), v=v)
    solver.update()
    assert solver.get_states()["v"].t == 1


@pytest.mark.parametrize("name", ALL)
def test_scalars_and_empty_parameters_are_updated(way, name):
    v, w = variable(2.0, 1.0), variable(np.ones((0, 3)), np.ones((0, 3)))
    one = variable([2.0], [1.0])
    solver = solver_with(getattr(S, name)(0.1), v=v, w=w, one=one)
    for _ in range(3):
        solver.weight_decay(0.01)
        solver.clip_grad_by_norm(0.5)
        solver.update()
    assert v.d.shape == ()
    assert w.d.shape == (0, 3)
    assert v.d != 2
    np.testing.assert_allclose(v.d, one.d[0], rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_weight_decay_is_added_to_the_gradient_or_part_of_the_update(way, name):
    v = variable([2.0], [1.0])
    solver = solver_with(getattr(S, name)(), v=v)
    assert solver.weight_decay_is_fused() == (name in FUSED)
    solver.weight_decay(0.25)
    assert v.g.tolist() == ([1.0] if name in FUSED else [1.5])
    solver.weight_decay(0)
    assert v.g.tolist() == ([1.0] if name in FUSED else [1.5])


def test_fused_weight_decay_holds_for_one_update(way):
    v = variable([2.0], [0.0])
    solver = solver_with(S.SgdW(0.1, wd=0.5), v=v)
    steps = []
    for rate in (None, 0.25, None, 0.0, None):
        v.d = np.array([2.0])
        if rate is not None:
            solver.weight_decay(rate)
        solver.update()
        steps.append(float(2 - v.d[0]))
    np.testing.assert_allclose(steps, [1.0, 0.5, 1.0, 0.0, 1.0], rtol=1e-6)


def test_fused_weight_decay_follows_the_learning_rate(way):
    v = variable([2.0], [0.0])
    solver = solver_with(S.AdamW(0.1, wd=0.5), v=v)
    solver.set_learning_rate(0.05)
    solver.update()
    np.testing.assert_allclose(v.d, [2 - 0.5 * 0.5 * 2], rtol=1e-6)


@pytest.mark.parametrize("decouple", [False, True])
def test_adabelief_fuses_weight_decay_where_it_is_decoupled(decouple):
    assert S.AdaBelief(weight_decouple=decouple).weight_decay_is_fused() is decouple
    solver = solver_with(S.AdaBelief(amsgrad=True), v=variable([1.0], [1.0]))
    assert list(solver.get_states()["v"].pstate) == ["mean", "var", "s_max"]


def test_values_are_written_where_they_are(way):
    v = variable([1.0, 2.0], [1.0, 1.0])
    solver = solver_with(S.Momentum(0.5), v=v)
    data, grad, m = v.d, v.g, solver.get_states()["v"].pstate["m"].d
    solver.weight_decay(1.0)
    solver.update()
    assert grad.tolist() == [2.0, 3.0]
    assert data.tolist() == [0.0, 0.5]
    assert m.tolist() == [1.0, 1.5]


def test_a_parameter_under_two_names_is_updated_twice(way):
    v = variable([1.0], [1.0])
    solver = solver_with(S.Sgd(0.25), v=v, w=v)
    solver.update()
    assert v.d.tolist() == [0.5]


def test_parameters_that_are_parts_of_one_buffer_are_updated_in_it(way):
    flat, grads = nn.NdArray((5,)), nn.NdArray((5,))
    flat.data, grads.data = np.arange(5.0, dtype=np.float32), np.ones(5, np.float32)
    v, w = nn.Variable((2,)), nn.Variable((3,))
    v.data, w.data = flat.narrow(0, 0, 2), flat.narrow(0, 2, 3)
    v.grad, w.grad = grads.narrow(0, 0, 2), grads.narrow(0, 2, 3)
    solver = solver_with(S.Sgd(0.5), v=v, w=w)
    solver.scale_grad(2.0)
    solver.update()
    assert flat.data.tolist() == [-1.0, 0.0, 1.0, 2.0, 3.0]
    assert grads.data.tolist() == [2.0] * 5


def test_a_part_of_a_buffer_keeps_the_buffers_dtype(way):
    flat = nn.NdArray((4,))
    flat.data = np.ones(4, np.float16)
    v = nn.Variable((2,))
    v.data = flat.narrow(0, 1, 2)
    v.g = np.ones(2, np.float32)
    solver_with(S.Sgd(0.5), v=v).update()
    assert flat.dtype == np.float16
    assert flat.data.tolist() == [1.0, 0.5, 0.5, 1.0]


def test_data_and_gradient_replaced_after_setting_are_the_ones_used(way):
    v = variable([[1.0, 2.0]], [[1.0, 1.0]])
    solver = solver_with(S.Momentum(1.0), v=v)
    solver.update()
    v.data = nn.NdArray.from_numpy_array(np.array([[10.0, 20.0]], np.float32))
    v.grad = nn.NdArray.from_numpy_array(np.array([[2.0, 3.0]], np.float32))
    solver.update()
    np.testing.assert_allclose(v.d, [[10 - 2.9, 20 - 3.9]], rtol=1e-6)
    assert v.data.data.dtype == np.float32


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_parameters_of_other_dtypes_become_float32(way, dtype):
    v = nn.Variable((2,))
    v.d, v.g = np.array([4, 8], dtype), np.array([1, 2], dtype)
    solver = solver_with(S.Momentum(0.25), v=v)
    solver.update()
    assert v.data.dtype == np.float32
    assert v.grad.dtype == dtype
    assert v.d.tolist() == [3.75, 7.5]
    v.data.cast(dtype)
    solver.weight_decay(1.0)
    assert v.grad.dtype == np.float32


def test_double_is_kept_and_computed_in(way):
    with nn.context_scope(nn.Context(["cpu:double"])):
        v = nn.Variable((1,))
        v.d, v.g = np.array([1.0]), np.array([1e-12])
        solver = solver_with(S.Momentum(1.0), v=v)
        solver.update()
        assert v.data.dtype == np.float64
        assert v.d[0] == 1 - 1e-12
        assert solver.get_states()["v"].pstate["m"].data.dtype == np.float64


def test_half_is_kept_and_computed_in_float32(way):
    with nn.context_scope(nn.Context(["cpu:half"])):
        v = nn.Variable((1,))
        v.d, v.g = np.array([1.0], np.float16), np.array([1e-3], np.float16)
        solver = solver_with(S.Adam(0.25), v=v)
        solver.update()
        assert v.data.dtype == np.float16
        assert v.d[0] == np.float16(0.75)
        # The mean square, 1e-9, would be zero in float16.
        var = solver.get_states()["v"].pstate["var"]
        np.testing.assert_allclose(var.d, [1e-9], rtol=1e-2)
        assert var.data.dtype == np.float32


def test_gradients_of_half_stay_so_and_change_in_float32(way):
    with nn.context_scope(nn.Context(["cpu:half"])):
        v = nn.Variable((1,))
        v.d, v.g = np.array([2.0], np.float16), np.array([60000.0], np.float16)
        solver = solver_with(S.Sgd(), v=v)
        solver.clip_grad_by_norm(30000.0)  # the square is infinite in float16
        assert v.grad.dtype == np.float16
        assert v.g.tolist() == [30000.0]


def test_a_parameter_may_be_reshaped_between_updates(way):
    v = variable([[1.0, 2.0], [3.0, 4.0]], np.ones((2, 2)))
    solver = solver_with(S.Sgd(0.5), v=v)
    solver.update()
    v.reset_shape((4,))
    v.grad.data = np.arange(4, dtype=np.float32)
    solver.update()
    assert v.d.tolist() == [0.5, 1.0, 1.5, 2.0]


def test_graphs_see_updated_parameters(way):
    w = nn.Variable.from_numpy_array(np.ones((1, 1), np.float32), need_grad=True)
    import nnabla.functions as F

    y = F.mul2(w, w)
    solver = solver_with(S.Sgd(0.25), w=w)
    values = []
    for _ in range(3):
        y.forward()
        values.append(float(y.d[0, 0]))
        solver.zero_grad()
        y.backward()
        solver.update()
    assert values == [1.0, 0.25, 0.0625]  # w halves each time: w - 0.25 * 2 * w


def test_nothing_is_allocated_for_large_parameters_of_kernels():
    import tracemalloc

    v = variable(np.ones(1_000_000), np.ones(1_000_000))
    solver = solver_with(S.Adam(), v=v)
    solver.update()
    tracemalloc.start()
    solver.weight_decay(0.1)
    solver.update()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000
