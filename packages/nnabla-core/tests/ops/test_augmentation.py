"""Random crops, flips and shifts: every sample is one of the possible results, and gradients follow the draw."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage, stats

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.opaque import install

X = np.random.RandomState(0).randn(64, 2, 4, 5).astype(np.float32)


def run(function, *args, x=X, **kwargs):
    """Return the output, and the gradient of the input for a random gradient of the output."""
    v = nn.Variable.from_numpy_array(x, need_grad=True)
    v.grad.zero()
    y = function(v, *args, **kwargs)
    y.forward()
    dy = np.random.RandomState(1).randn(*y.shape).astype(np.float32)
    y.backward(dy)
    return y.d, v.g, dy


def crops(x, shape):
    spare = [n - m for n, m in zip(x.shape[-len(shape) :], shape)]
    for start in itertools.product(*(range(n + 1) for n in spare)):
        yield (..., *(slice(s, s + m) for s, m in zip(start, shape)))


@pytest.mark.parametrize(("shape", "base_axis"), [((2, 3), 1), ((2, 3), -3), ((3,), 2), ((1, 2, 5), 1), ((2, 4, 2), 1)])
def test_crop_cuts_a_window_per_sample(shape, base_axis: int) -> None:
    y, g, dy = run(F.random_crop, shape, base_axis=base_axis, seed=3)
    assert y.shape == X.shape[: 4 - len(shape)] + shape
    outer = X.shape[: base_axis % 4]
    seen = set()
    for at in np.ndindex(*outer):
        windows = list(crops(X[at], shape))
        matches = [i for i, window in enumerate(windows) if np.array_equal(X[at][window], y[at])]
        assert matches
        seen.add(matches[0])
        expected = np.zeros_like(X[at])
        expected[windows[matches[0]]] = dy[at]
        np.testing.assert_array_equal(g[at], expected)
    assert seen == set(range(len(windows)))


def test_crop_places_are_drawn_evenly() -> None:
    x = np.tile(np.arange(8.0), (4000, 1))
    y, _, _ = run(F.random_crop, (3,), x=x, seed=1)
    assert stats.chisquare(np.bincount(y[:, 0].astype(int), minlength=6)).pvalue > 0.01


def test_crop_to_the_whole_is_the_identity() -> None:
    y, g, dy = run(F.random_crop)
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(g, dy)


@pytest.mark.parametrize(("axes", "base_axis"), [((3,), 1), ((2, -1), 1), ((-1,), 2), ((0, 1), 0), ((0, 3), 1)])
def test_flip_reverses_axes_per_sample(axes, base_axis: int) -> None:
    y, g, dy = run(F.random_flip, axes, base_axis=base_axis, seed=3)
    outer = X.shape[:base_axis]
    flipped = [a % 4 - base_axis for a in axes if a % 4 >= base_axis]
    chosen = [c for n in range(len(flipped) + 1) for c in itertools.combinations(flipped, n)]
    seen = set()
    for at in np.ndindex(*outer):
        matches = [c for c in chosen if np.array_equal(np.flip(X[at], c), y[at])]
        assert matches
        seen.add(matches[0])
        np.testing.assert_array_equal(g[at], np.flip(dy[at], matches[0]))
    assert seen == set(chosen) or not outer


@pytest.mark.parametrize("mode", ["nearest", "reflect", "constant"])
@pytest.mark.parametrize(("shifts", "base_axis"), [((1, 2), 1), ((7,), 1), ((0, 3), 2), ((1, 0, 1), -3)])
def test_shift_moves_each_sample_as_scipy_does(mode: str, shifts, base_axis: int) -> None:
    y, g, dy = run(F.random_shift, shifts, mode, constant_value=0.5, base_axis=base_axis, seed=3)
    outer = X.shape[: base_axis % 4]
    full = (0,) * (4 - len(outer) - len(shifts)) + tuple(shifts)
    choices = list(itertools.product(*(range(-n, n + 1) for n in full)))
    seen = set()
    for at in np.ndindex(*outer):
        sample = X[at]
        moved = {c: ndimage.shift(sample, c, order=0, mode=mode, cval=0.5) for c in choices}
        matches = [c for c in choices if np.array_equal(moved[c], y[at])]
        assert matches, at
        seen.add(matches[0])
        # The adjoint, from where each element came.
        source = ndimage.shift(np.arange(sample.size).reshape(sample.shape), matches[0], order=0, mode=mode, cval=-1)
        expected = np.zeros(sample.size + 1)
        np.add.at(expected, source.ravel(), dy[at].ravel())
        np.testing.assert_allclose(g[at].ravel(), expected[:-1], 1e-5, 1e-6)
    assert len(seen) > 1


@pytest.mark.parametrize("name", ["plain", "opaque"])
@pytest.mark.parametrize(
    ("function", "args"),
    [(F.random_crop, ((2, 3),)), (F.random_flip, ((2, 3),)), (F.random_shift, ((1, 2), "constant"))],
)
def test_backends_agree(name: str, function, args) -> None:
    results = []
    for ctx in (nn.ext_utils.get_extension_context("cpu"), install()[name].context()):
        with nn.context_scope(ctx):
            results.append(run(function, *args, x=X[:3], seed=4))
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, 1e-5, 1e-6)


def test_gradients_of_gradients_follow_the_draw() -> None:
    x = nn.Variable.from_numpy_array(X, need_grad=True)
    y = F.random_shift(x, (1, 1))
    dx = nn.grad([F.sum(y**3)], [x])[0]
    loss = F.sum(dx)
    x.grad.zero()
    nn.forward_all([y, loss])
    loss.backward()
    np.testing.assert_allclose(x.g.sum(), 6 * y.d.sum(), 1e-3)


def test_arguments_are_those_of_files() -> None:
    x = nn.Variable((2, 3, 4))
    assert F.random_crop(x).parent.info.args == {"shape": [2, 3, 4], "base_axis": 1, "seed": -1}
    assert F.random_flip(x, (-1, 1), base_axis=-2).parent.info.args == {"axes": [-1, 1], "base_axis": -2, "seed": -1}
    assert F.random_shift(x).parent.info.args == {
        "shifts": [0, 0, 0], "border_mode": "nearest", "constant_value": 0.0, "base_axis": 1, "seed": -1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.random_crop(x, (5,)), r"random_crop: shape=\(5,\) must fit"),
        (lambda x: F.random_crop(x, (1, 3, 4)), "leave the 1 batch dimensions"),
        (lambda x: F.random_crop(x, (1, 1, 1, 1)), "random_crop: shape="),
        (lambda x: F.random_crop(x, (1,), base_axis=3), "random_crop: base_axis=3"),
        (lambda x: F.random_flip(x, (3,)), "random_flip: axes=3"),
        (lambda x: F.random_shift(x, (1, 1, 1)), "after the 1 of the batch"),
        (lambda x: F.random_shift(x, (1,), "wrap"), "border_mode='wrap'"),
    ],
)
def test_bad_arguments_are_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(nn.Variable((2, 3, 4)))
