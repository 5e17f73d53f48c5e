"""Trajectories against torch.optim, where it has the same solver."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S

torch = pytest.importorskip("torch")

PAIRS = {
    "Sgd": (S.Sgd, {"lr": 0.1}, "SGD", {"lr": 0.1}),
    "Momentum": (S.Momentum, {"lr": 0.05}, "SGD", {"lr": 0.05, "momentum": 0.9}),
    "Adam": (S.Adam, {"alpha": 0.02, "eps": 0.0}, "Adam", {"lr": 0.02, "eps": 0.0}),
    "Adamax": (S.Adamax, {"alpha": 0.02, "eps": 0.0}, "Adamax", {"lr": 0.02, "eps": 0.0}),
    "Adagrad": (S.Adagrad, {"lr": 0.1, "eps": 1e-4}, "Adagrad", {"lr": 0.1, "eps": 1e-4}),
    "RMSprop": (
        S.RMSprop,
        {"lr": 0.02, "decay": 0.8, "eps": 1e-4},
        "RMSprop",
        {"lr": 0.02, "alpha": 0.8, "eps": 1e-4},
    ),
    "Adadelta": (
        S.Adadelta,
        {"lr": 0.5, "decay": 0.7},
        "Adadelta",
        {"lr": 0.5, "rho": 0.7, "eps": 1e-6},
    ),
}


def gradients(shape, steps=50):
    rng = np.random.default_rng(7)
    return [rng.standard_normal(shape) + 0.3 for _ in range(steps)]


def by_torch(optimizer, arguments, start, grads):
    p = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    o = getattr(torch.optim, optimizer)([p], **arguments)
    for g in grads:
        p.grad = torch.tensor(g)
        o.step()
    return p.detach().numpy()


def by_solver(solver, start, grads, decay=None):
    with nn.context_scope(nn.Context(["cpu:double"])):
        v = nn.Variable.from_numpy_array(start)
        solver.set_parameters({"w": v})
        for g in grads:
            v.g = g
            if decay is not None:
                solver.weight_decay(decay)
            solver.update()
        return v.d.copy()


@pytest.mark.parametrize("decay", [0.0, 0.05])
@pytest.mark.parametrize("key", PAIRS)
def test_trajectory_is_that_of_torch(way, key, decay):
    cls, ours, optimizer, theirs = PAIRS[key]
    start, grads = np.linspace(-1, 2, 12).reshape(3, 4), gradients((3, 4))
    expected = by_torch(optimizer, {**theirs, "weight_decay": decay}, start, grads)
    found = by_solver(cls(**ours), start, grads, decay)
    # Hyperparameters are float32 numbers here.
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_adamw_decays_by_rate_times_wd_of_torch(way):
    start, grads = np.linspace(-1, 2, 12).reshape(3, 4), gradients((3, 4))
    expected = by_torch("AdamW", {"lr": 0.02, "weight_decay": 0.5, "eps": 0.0}, start, grads)
    found = by_solver(S.AdamW(alpha=0.02, eps=0.0, wd=0.5 * 0.02), start, grads)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
