"""Kernels against the solvers' rules and formulas in float64, for arrays of every size and layout."""

import threading

import numpy as np
import pytest

import nnabla.solvers as S
from nnabla_ext.cpu import solver_kernels
from nnabla_ext.cpu.solver_kernels import GRADIENT_KERNELS, SOLVER_KERNELS

SIZES = [0, 1, 1000, solver_kernels._SMALL + 1, 2 * solver_kernels._PIECE + 7]


def arrays(name, shape, dtype=np.float32, order="C"):
    rng = np.random.default_rng(11)

    def draw():
        return np.array(rng.uniform(0.1, 1, shape), dtype, order=order)

    return draw(), draw(), {s: draw() for s in getattr(S, name)().state_names}


def hyper(name):
    return {**getattr(S, name)(0.05)._hyper, "weight_decay": 0.01}


def check(name, cases, ts):
    rule, numbers = getattr(S, name).rule, hyper(name)
    expected = [
        rule(np, p.astype(float), g.astype(float), {k: s.astype(float) for k, s in states.items()}, t, numbers)
        for (p, g, states), t in zip(cases, ts)
    ]
    grads = [g.copy() for _, g, _ in cases]
    SOLVER_KERNELS[name]([p for p, _, _ in cases], [g for _, g, _ in cases], [s for _, _, s in cases], ts, numbers)
    for (p, g, states), (p_expected, states_expected), before in zip(cases, expected, grads):
        np.testing.assert_allclose(p, p_expected, rtol=2e-6, atol=1e-7)
        np.testing.assert_array_equal(g, before)
        for key, state in states.items():
            np.testing.assert_allclose(state, states_expected[key], rtol=2e-6)


@pytest.mark.parametrize("name", SOLVER_KERNELS)
def test_update_is_the_rules_for_every_size(name):
    check(name, [arrays(name, (size,)) for size in SIZES], [3] * len(SIZES))


@pytest.mark.parametrize("name", SOLVER_KERNELS)
def test_each_parameter_has_its_own_number_of_updates_and_dtype(name):
    cases = [arrays(name, (5,)), arrays(name, (2, 3), np.float64), arrays(name, ()), arrays(name, (4,))]
    check(name, cases, [1, 1, 20, 1])


@pytest.mark.parametrize("name", SOLVER_KERNELS)
def test_arrays_need_not_be_contiguous(name):
    shape = (300, 500)
    p, g, states = arrays(name, shape)
    p_f, _, states_f = arrays(name, shape, order="F")
    check(name, [(p_f, g, states_f), (p[:, ::2], g[:, ::2], {k: s[:, ::2] for k, s in states.items()})], [2, 2])


@pytest.mark.parametrize("size", SIZES)
def test_gradients_are_changed_in_place(size):
    rng = np.random.default_rng(2)
    p, g = np.float32(rng.standard_normal(size)), np.float32(rng.standard_normal(size))
    p64, g64 = p.astype(float), g.astype(float)
    GRADIENT_KERNELS["weight_decay"]([p], [g], 0.25)
    np.testing.assert_allclose(g, g64 + 0.25 * p64, rtol=1e-6, atol=1e-6)
    GRADIENT_KERNELS["scale_grad"]([p], [g], 3.0)
    np.testing.assert_allclose(g, 3 * (g64 + 0.25 * p64), rtol=1e-6, atol=1e-6)
    norm = float(np.linalg.norm(g.astype(float)))
    GRADIENT_KERNELS["clip_grad_by_norm"]([p], [g], 2 * norm + 1)
    np.testing.assert_allclose(np.linalg.norm(g.astype(float)), norm, rtol=1e-6)
    GRADIENT_KERNELS["clip_grad_by_norm"]([p], [g], norm / 2)
    np.testing.assert_allclose(np.linalg.norm(g.astype(float)), norm / 2, rtol=1e-6)
    np.testing.assert_array_equal(p, p64)


def test_threads_do_not_share_scratch_memory():
    size = 2 * solver_kernels._PIECE
    results = [np.zeros(size, np.float32) for _ in range(4)]

    def work(at):
        ones = np.full(size, at, np.float32)
        for _ in range(20):
            SOLVER_KERNELS["Sgd"]([results[at]], [ones], [{}], [1], {"lr": 1.0})

    threads = [threading.Thread(target=work, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, result in enumerate(results):
        assert (result == -20 * at).all()
