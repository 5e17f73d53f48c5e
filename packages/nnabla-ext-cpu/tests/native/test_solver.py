"""Native updates against the solvers' rules in float64, for arrays of every size, layout and target."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import nnabla.solvers as S
from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built or not wanted", allow_module_level=True)

from nnabla_ext.cpu.native.solver import GRADIENT_KERNELS, SOLVER_KERNELS

SHAPES = [(0,), (1,), (33,), (7, 5, 3), (130, 129), (70011,)]
TOLERANCE = {np.float32: 4e-6, np.float64: 1e-12}


@pytest.fixture(params=native.module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = native.module.target()
    assert native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    native.module.set_thread_count(request.param)
    yield request.param
    native.module.set_thread_count(0)


def arrays(name, shape, dtype, order="C"):
    rng = np.random.default_rng(11)

    def draw():
        return np.array(rng.uniform(0.1, 1, shape) * rng.choice([-1, 1], shape), dtype, order=order)

    # Mean squares (n) must be above the squares of means (g).
    states = {s: np.abs(draw()) + 4 * (s == "n") for s in getattr(S, name)().state_names}
    return draw(), draw(), {s: np.array(v, dtype, order=order) for s, v in states.items()}


def hyper(name):
    return {**getattr(S, name)(0.05)._hyper, "weight_decay": 0.01}


def check(name, given, ts, tolerance):
    rule, numbers = getattr(S, name).rule, hyper(name)
    expected = [
        rule(np, p.astype(float), g.astype(float), {k: s.astype(float) for k, s in states.items()}, t, numbers)
        for (p, g, states), t in zip(given, ts)
    ]
    grads = [g.copy() for _, g, _ in given]
    SOLVER_KERNELS[name]([p for p, _, _ in given], [g for _, g, _ in given], [s for _, _, s in given], ts, numbers)
    for (p, g, states), (p_expected, states_expected), before in zip(given, expected, grads):
        np.testing.assert_allclose(p, p_expected, rtol=tolerance, atol=tolerance / 4)
        np.testing.assert_array_equal(g, before)
        for key, state in states.items():
            np.testing.assert_allclose(state, states_expected[key], rtol=tolerance, atol=tolerance / 4)


@pytest.mark.parametrize("name", SOLVER_KERNELS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_update_is_the_rules_for_every_size(name, dtype, target):
    check(name, [arrays(name, shape, dtype) for shape in SHAPES], [3] * len(SHAPES), TOLERANCE[dtype])


@pytest.mark.parametrize("name", ["Sgd", "Adam", "AMSGRAD"])
def test_threads_share_the_elements_of_all_parameters(name, threads):
    check(name, [arrays(name, shape, np.float32) for shape in SHAPES], [3] * len(SHAPES), 4e-6)


@pytest.mark.parametrize("name", SOLVER_KERNELS)
def test_each_parameter_has_its_own_number_of_updates_and_dtype(name):
    shapes = [((5,), np.float32), ((2, 3), np.float64), ((), np.float32), ((4,), np.float32)]
    check(name, [arrays(name, *at) for at in shapes], [1, 1, 20, 1], 4e-6)


@pytest.mark.parametrize("name", SOLVER_KERNELS)
def test_arrays_may_lie_in_memory_in_any_way(name):
    shape = (30, 50)
    p, g, states = arrays(name, shape, np.float32)
    p_f, g_f, states_f = arrays(name, shape, np.float32, order="F")
    mixed = arrays(name, shape, np.float32, order="F")[0]
    strided = p[:, ::2], g[:, ::2], {k: s[:, ::2] for k, s in states.items()}
    plain = arrays(name, shape, np.float32)
    check(name, [(p_f, g_f, states_f), (mixed, *plain[1:]), strided], [2, 2, 2], 4e-6)


def test_channels_last_is_dense():
    p, g = (np.random.default_rng(i).standard_normal((2, 3, 4, 5)).transpose(0, 3, 1, 2) for i in range(2))
    before = p.copy()
    assert native.module.solver_update("Sgd", [p], [g], [{}], [1], {"lr": 0.5}) == []
    np.testing.assert_allclose(p, before - 0.5 * g, rtol=1e-15)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gradients_are_changed_in_place(dtype, order, target, threads):
    rng = np.random.default_rng(2)
    params = [np.array(rng.standard_normal(shape), dtype) for shape in SHAPES]
    grads = [np.array(rng.standard_normal(shape), dtype, order=order) for shape in SHAPES]
    old, tol = [(p.astype(float), g.astype(float)) for p, g in zip(params, grads)], TOLERANCE[dtype]
    GRADIENT_KERNELS["weight_decay"](params, grads, 0.25)
    for g, (p64, g64) in zip(grads, old):
        np.testing.assert_allclose(g, g64 + 0.25 * p64, rtol=tol, atol=tol)
    GRADIENT_KERNELS["scale_grad"](params, grads, 3.0)
    for g, (p64, g64) in zip(grads, old):
        np.testing.assert_allclose(g, 3 * (g64 + 0.25 * p64), rtol=tol, atol=4 * tol)
    before = [g.astype(float) for g in grads]
    GRADIENT_KERNELS["clip_grad_by_norm"](params, grads, 50.0)
    assert any(np.linalg.norm(g) > 60 for g in before)
    for g, b in zip(grads, before):
        np.testing.assert_allclose(g, b * min(1, 50 / (np.linalg.norm(b) or 1)), rtol=tol)
    for p, (p64, _) in zip(params, old):
        np.testing.assert_array_equal(p, p64)


def test_a_gradient_of_nan_is_not_clipped():
    g = np.array([np.nan, 3.0, 4.0], np.float32)
    GRADIENT_KERNELS["clip_grad_by_norm"]([g], [g], 1.0)
    np.testing.assert_array_equal(g, np.array([np.nan, 3.0, 4.0], np.float32))


def test_largest_squares_that_are_nan_stay_nan():
    p, g = np.ones(40, np.float32), np.ones(40, np.float32)
    g[7] = np.nan
    states = {key: np.zeros(40, np.float32) for key in ("m", "v", "v_hat")}
    for t in (1, 2):
        SOLVER_KERNELS["AMSGRAD"]([p], [g], [states], [t], hyper("AMSGRAD"))
        g[7] = 1
    assert np.isnan(states["v_hat"][7]) and np.isnan(p[7]) and np.isnan(p).sum() == 1


def test_what_does_not_fit_is_refused():
    x = np.zeros(3, np.float32)
    with pytest.raises(ValueError, match="length"):
        native.module.solver_update("Sgd", [x], [], [{}], [1], {"lr": 0.5})
    with pytest.raises(ValueError, match="state m is missing"):
        native.module.solver_update("Momentum", [x], [x], [{}], [1], {"lr": 0.5, "momentum": 0.5})
    with pytest.raises(TypeError, match="NumPy arrays"):
        native.module.solver_update("Sgd", [[1.0]], [x], [{}], [1], {"lr": 0.5})
