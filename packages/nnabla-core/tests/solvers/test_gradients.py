import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S
from nnabla import callback


def variable(grad):
    v = nn.Variable(np.shape(grad), need_grad=True)
    v.d = np.ones(np.shape(grad))
    v.g = np.asarray(grad, np.float32)
    return v


def solver_with(**parameters):
    solver = S.Sgd(0.1)
    solver.set_parameters(parameters)
    return solver


def test_gradients_are_scaled(way):
    v, w = variable([1.0, 2.0]), variable(3.0)
    solver_with(v=v, w=w).scale_grad(0.5)
    assert v.g.tolist() == [0.5, 1.0]
    assert w.g == 1.5


def test_gradients_of_larger_norm_are_clipped_each_by_its_own(way):
    v, w = variable([[3.0, 4.0]]), variable([0.3, 0.4])
    solver_with(v=v, w=w).clip_grad_by_norm(1.0)
    np.testing.assert_allclose(v.g, [[0.6, 0.8]], rtol=1e-6)
    assert w.g.tolist() == np.float32([0.3, 0.4]).tolist()


def test_a_gradient_with_nan_is_not_clipped(way):
    v = variable([np.nan, 100.0])
    solver_with(v=v).clip_grad_by_norm(1.0)
    np.testing.assert_array_equal(v.g, np.float32([np.nan, 100.0]))


def test_clip_norm_of_zero_does_nothing(way):
    v = variable([3.0])
    solver_with(v=v).clip_grad_by_norm(0)
    assert v.g.tolist() == [3.0]


def test_a_negative_clip_norm_is_refused():
    with pytest.raises(ValueError, match=r"clip_norm is 0 or more, not -1"):
        solver_with(v=variable([3.0])).clip_grad_by_norm(-1)


@pytest.mark.parametrize("method", ["weight_decay", "scale_grad", "clip_grad_by_norm"])
def test_numbers_are_required(method):
    with pytest.raises(TypeError, match="must be a number, not 'a'"):
        getattr(solver_with(), method)("a")


@pytest.mark.parametrize(
    ("value", "inf", "nan"),
    [(1.0, False, False), (np.inf, True, False), (-np.inf, True, False), (np.nan, False, True)],
)
def test_infinity_and_nan_are_found(value, inf, nan):
    solver = solver_with(v=variable([1.0, 2.0]), w=variable([0.0, value]))
    assert solver.check_inf_grad() is inf
    assert solver.check_nan_grad() is nan
    assert solver.check_inf_or_nan_grad() is (inf or nan)


def test_lazily_zero_gradients_stay_and_have_no_nan():
    v = variable([np.nan])
    solver = solver_with(v=v)
    solver.zero_grad()
    assert solver.check_inf_or_nan_grad() is False
    assert v.grad.zeroing


CALLS = [
    ("update", (), "update_"),
    ("weight_decay", (0.1,), ""),
    ("scale_grad", (0.5,), ""),
    ("clip_grad_by_norm", (0.5,), ""),
    ("check_inf_grad", (), ""),
    ("check_nan_grad", (), ""),
    ("check_inf_or_nan_grad", (), ""),
]


@pytest.mark.parametrize(("method", "args", "prefix"), CALLS)
def test_hooks_enclose_each_parameter_and_those_of_the_process_enclose_them(way, method, args, prefix):
    v, w, u = variable([1.0]), variable([1.0]), variable([1.0])
    solver = solver_with(v=v, w=w, u=u)
    u.grad.zero()
    events = []
    callback.set_solver_pre_hook("test", lambda: events.append("all pre"))
    callback.set_solver_post_hook("test", lambda: events.append("all post"))
    try:
        getattr(solver, method)(
            *args,
            **{
                f"{prefix}pre_hook": lambda: events.append("pre"),
                f"{prefix}post_hook": lambda: events.append("post"),
            },
        )
    finally:
        callback.unset_solver_pre_hook("test")
        callback.unset_solver_post_hook("test")
    assert events == ["all pre", "pre", "post", "all post"] * 2


def test_hooks_see_parameters_before_and_after_their_update(way):
    v, w = variable([1.0]), variable([2.0])
    solver = solver_with(v=v, w=w)
    seen = []

    def look():
        seen.append((float(v.d[0]), float(w.d[0])))

    solver.update(look, look)
    np.testing.assert_allclose(seen, [(1, 1), (0.9, 1), (0.9, 1), (0.9, 0.8)], rtol=1e-6)


def test_a_hook_that_raises_ends_the_update(way):
    v, w = variable([1.0]), variable([2.0])
    solver = solver_with(v=v, w=w)

    def stop():
        raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        solver.update(update_post_hook=stop)
    np.testing.assert_allclose([v.d[0], w.d[0]], [0.9, 1.0], rtol=1e-6)
    assert [state.t for state in solver.get_states().values()] == [1, 0]


@pytest.mark.parametrize(("method", "args", "prefix"), CALLS)
def test_hooks_must_be_callable(method, args, prefix):
    with pytest.raises(TypeError, match=rf"Solver\.{method}: the pre hook must be callable, not 3"):
        getattr(solver_with(), method)(*args, **{f"{prefix}pre_hook": 3})
