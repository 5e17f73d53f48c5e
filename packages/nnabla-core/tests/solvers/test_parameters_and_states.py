from collections import OrderedDict

import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S


def variable(shape=(2, 3), value=1.0, grad=1.0):
    v = nn.Variable(shape, need_grad=True)
    v.d = np.full(shape, value)
    v.g = np.full(shape, grad)
    return v


def moment(solver, name):
    return solver.get_states()[name]


def test_parameters_come_back_equal_and_in_order():
    solver, v, w = S.Sgd(), variable(), variable()
    solver.set_parameters(OrderedDict(v=v, w=w))
    found = solver.get_parameters()
    assert isinstance(found, OrderedDict)
    assert list(found) == ["v", "w"]
    assert found["v"] == v
    assert found["w"] == w


def test_parameters_of_the_registry_can_be_set():
    nn.clear_parameters()
    p = nn.parameter.get_parameter_or_create("a/W", (2,), np.ones(2, np.float32))
    solver = S.Sgd(1.0)
    solver.set_parameters(nn.get_parameters())
    p.g = np.full(2, 0.25)
    solver.update()
    assert nn.get_parameters()["a/W"].d.tolist() == [0.75, 0.75]
    nn.clear_parameters()


def test_setting_parameters_replaces_those_before_with_their_states():
    solver, v, w = S.Adam(), variable(), variable()
    solver.set_parameters({"v": v})
    solver.update()
    solver.set_parameters({"v": v, "w": w}, retain_state=True)  # reset is stronger
    assert [state.t for state in solver.get_states().values()] == [0, 0]
    assert not moment(solver, "v").pstate["mean"].d.any()


def test_without_reset_parameters_are_added():
    solver, v, w = S.Adam(), variable(), variable()
    solver.set_parameters({"v": v})
    solver.update()
    solver.set_parameters({"w": w}, reset=False)
    assert {k: s.t for k, s in solver.get_states().items()} == {"v": 1, "w": 0}


def test_a_name_set_again_loses_its_state_unless_it_is_to_be_retained():
    solver = S.Adam()
    solver.set_parameters({"v": variable()})
    solver.update()
    other = variable()
    solver.set_parameters({"v": other}, reset=False, retain_state=True)
    assert moment(solver, "v").t == 1
    assert moment(solver, "v").pstate["mean"].d.all()
    assert solver.get_parameters()["v"] == other
    solver.set_parameters({"v": other}, reset=False)
    assert moment(solver, "v").t == 0
    assert not moment(solver, "v").pstate["mean"].d.any()


def test_a_state_cannot_be_retained_for_another_shape():
    solver = S.Adam()
    solver.set_parameters({"v": variable()})
    with pytest.raises(RuntimeError, match=r"'v' has shape \(2, 3\).*\(4,\)"):
        solver.set_parameters({"v": variable((4,))}, reset=False, retain_state=True)
    assert moment(solver, "v").pstate["mean"].shape == (2, 3)


def test_parameters_are_removed_by_name_or_all():
    solver = S.Adam()
    solver.set_parameters({"u": variable(), "v": variable(), "w": variable()})
    solver.remove_parameters(["u", "unknown"])
    assert list(solver.get_parameters()) == list(solver.get_states()) == ["v", "w"]
    solver.clear_parameters()
    assert not solver.get_parameters()
    assert not solver.get_states()
    solver.update()


@pytest.mark.parametrize("bad", [{3: variable()}, {"v": np.ones(3)}, {"v": None}])
def test_what_is_no_named_variable_is_refused(bad):
    with pytest.raises(TypeError, match=r"Solver\.set_parameters"):
        S.Sgd().set_parameters(bad)


def test_setup_says_what_replaced_it():
    with pytest.raises(RuntimeError, match="set_parameters"):
        S.Sgd().setup({})


def test_states_begin_with_zeros_of_the_parameters_shape():
    solver = S.AMSGRAD()
    solver.set_parameters({"v": variable((2, 5)), "s": variable(())})
    states = solver.get_states()
    assert isinstance(states, OrderedDict)
    assert isinstance(states["v"], S.SolverState)
    assert list(states["v"].pstate) == ["m", "v", "v_hat"]
    assert states["v"].t == 0
    assert [v.shape for v in states["v"].pstate.values()] == [(2, 5)] * 3
    assert [v.shape for v in states["s"].pstate.values()] == [()] * 3
    assert not any(v.d.any() for v in states["v"].pstate.values())


def test_states_share_variables_and_copy_t():
    solver = S.Momentum(0.5)
    solver.set_parameters({"v": variable()})
    before = solver.get_states()["v"]
    solver.update()
    assert before.t == 0
    assert (before.pstate["m"].d == 0.5).all()


def test_states_can_be_set():
    solver = S.Momentum(0.5, momentum=0.5)
    solver.set_parameters({"v": variable(), "w": variable()})
    state = S.SolverState()
    state.t = 7
    state.pstate["m"] = nn.Variable.from_numpy_array(np.full((2, 3), 4.0, np.float32))
    solver.set_states({"v": state})
    solver.update()
    assert {k: s.t for k, s in solver.get_states().items()} == {"v": 8, "w": 1}
    assert (moment(solver, "v").pstate["m"].d == 2.5).all()
    assert (solver.get_parameters()["v"].d == -1.5).all()


def state_of(t=1, **arrays):
    state = S.SolverState()
    state.t = t
    for name, array in arrays.items():
        state.pstate[name] = nn.Variable.from_numpy_array(array)
    return state


def state_without_variable():
    state = S.SolverState()
    state.pstate["m"] = np.ones((2, 3))
    return state


@pytest.mark.parametrize(
    ("states", "error", "message"),
    [
        ({"x": state_of(m=np.ones((2, 3)))}, RuntimeError, "'x' is not a parameter"),
        ({"v": state_of(m=np.ones((3, 2)))}, ValueError, r"m of 'v' has shape \(3, 2\)"),
        ({"v": state_of(mean=np.ones((2, 3)))}, ValueError, r"keeps \['m'\].*\['mean'\]"),
        ({"v": state_of()}, ValueError, r"keeps \['m'\]"),
        ({"v": state_of(-1, m=np.ones((2, 3)))}, ValueError, "t of 'v'"),
        ({"v": state_of(2**31, m=np.ones((2, 3)))}, ValueError, "t of 'v'"),
        ({"v": 3}, TypeError, "'v' needs a SolverState"),
        ({"v": state_without_variable()}, TypeError, "m of 'v' must be a Variable"),
    ],
)
def test_states_that_do_not_fit_are_refused(states, error, message):
    solver = S.Momentum()
    solver.set_parameters({"v": variable(), "w": variable()})
    with pytest.raises(error, match=message) as info:
        solver.set_states({"w": state_of(5, m=np.ones((2, 3))), **states})
    assert isinstance(info.value, RuntimeError)
    assert [state.t for state in solver.get_states().values()] == [0, 0]  # nothing was set


def test_the_number_of_updates_stays_at_its_largest_value():
    solver = S.Momentum()
    solver.set_parameters({"v": variable((1,))})
    solver.set_states({"v": state_of(2**31 - 2, m=np.ones(1))})
    solver.update()
    solver.update()
    assert moment(solver, "v").t == 2**31 - 1


def test_hyperparameters_are_float32_numbers():
    solver = S.Adam(0.1)
    assert solver.info == {
        "alpha": float(np.float32(0.1)),
        "beta1": float(np.float32(0.9)),
        "beta2": float(np.float32(0.999)),
        "eps": float(np.float32(1e-8)),
    }
    assert solver.learning_rate() == float(np.float32(0.1))
    solver.set_learning_rate(0.3)
    assert solver.learning_rate() == float(np.float32(0.3))
    assert solver.info["alpha"] == float(np.float32(0.1))
    assert S.AMSGRAD(bias_correction=True).info["bias_correction"] is True


@pytest.mark.parametrize("name", [n for n in S.__all__ if not n.startswith("Solver")])
def test_name_is_that_of_the_class(name):
    assert getattr(S, name)().name == name


def test_numbers_are_required():
    with pytest.raises(TypeError, match=r"Adam: alpha must be a number, not 'x'"):
        S.Adam("x")
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        S.Adam().set_learning_rate(None)
    with pytest.raises(TypeError, match="unexpected keyword"):
        S.Adam(foo=1)


def test_public_home_has_every_solver():
    import nnabla.solver

    assert nnabla.solver.Adam is S.Adam
    assert set(nnabla.solver.__all__) == {*S.__all__, "solver_api"}


def test_solver_api_passes_the_current_context_first():
    from nnabla.solver import solver_api

    @solver_api
    def show(ctx, x, y=1):
        return ctx.backend, x, y

    with nn.context_scope(nn.Context(["cpu:double"])):
        assert show(2, y=3) == (["cpu:double"], 2, 3)


def test_a_solver_of_ones_own_is_its_rule():
    class SignDescent(S.Momentum):
        @staticmethod
        def rule(xp, p, g, states, t, hyper):
            return p - hyper["lr"] * t * xp.sign(g), {"m": states["m"] + 1}

    solver, v = SignDescent(0.5), variable()
    solver.set_parameters({"v": v})
    solver.update()
    solver.update()
    assert (v.d == 1 - 0.5 * (1 + 2)).all()
    assert (moment(solver, "v").pstate["m"].d == 2).all()


def test_states_go_through_protobuf_messages():
    messages = pytest.importorskip("nnabla_io.messages")
    solver, v = S.Adam(), variable()
    solver.set_parameters({"v": v, "s": variable(())})
    solver.update()
    message = messages.Optimizer()
    solver.set_states_to_protobuf(message)
    solver.set_states_to_protobuf(message)  # replaces, does not append
    assert list(message.solver.states["v"].state_parameter["mean"].shape.dim) == [2, 3]
    other = S.Adam()
    other.set_parameters({"v": v, "s": variable(())})
    other.set_states_from_protobuf(messages.Optimizer())
    assert moment(other, "v").t == 0
    other.set_states_from_protobuf(message)
    for key in ("v", "s"):
        assert moment(other, key).t == 1
        for part in ("mean", "var"):
            np.testing.assert_array_equal(moment(other, key).pstate[part].d, moment(solver, key).pstate[part].d)
