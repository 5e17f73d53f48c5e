"""The generator against published vectors, and its distributions against SciPy's."""

from __future__ import annotations

import array_api_strict
import numpy as np
import pytest
from scipy import stats

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.randomness import philox
from nnabla.testing.opaque import install

FULL = 0xFFFFFFFF
#: Counter, key and result of the known-answer tests that come with Random123 (philox4x32, 10 rounds).
VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL,) * 4, (FULL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), VECTORS)
def test_philox_gives_the_published_words(counter, key, expected) -> None:
    assert philox(counter, key) == list(expected)
    for xp in (np, array_api_strict):
        words = philox([xp.asarray([c], dtype=xp.uint64) for c in counter], key)
        assert tuple(int(w[0]) for w in words) == expected


def draw(function, **args) -> np.ndarray:
    y = function(**args)
    y.forward()
    return y.d.copy()


COUNT = 40000


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-2, 3.5), (100, 100.5)])
def test_rand_is_uniform(low: float, high: float) -> None:
    values = draw(F.rand, low=low, high=high, shape=(COUNT,), seed=7)
    assert values.min() >= low and values.max() <= high
    assert stats.kstest(values, "uniform", (low, high - low)).pvalue > 0.01


@pytest.mark.parametrize(("mu", "sigma"), [(0, 1), (-2, 3.5)])
def test_randn_is_normal(mu: float, sigma: float) -> None:
    values = draw(F.randn, mu=mu, sigma=sigma, shape=(COUNT,), seed=7)
    assert stats.kstest((values - mu) / sigma, "norm").pvalue > 0.01
    assert abs(stats.kurtosis(values)) < 0.1


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-3, 4), (5, 6), (-(2**31), 2**31)])
def test_randint_is_even_and_keeps_int32(low: int, high: int) -> None:
    y = F.randint(low, high, (COUNT,), seed=7)
    y.forward()
    assert y.data.dtype == np.int32
    values = y.d.astype(np.int64)
    assert values.min() >= low and values.max() < high
    bins = min(high - low, 16)
    counts = np.histogram(values, bins, (low - 0.5, high - 0.5))[0]
    assert bins == 1 or stats.chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("function", [F.rand, F.randn])
def test_neighbours_and_runs_are_not_correlated(function) -> None:
    y = function(shape=(COUNT,), seed=3)
    y.forward()
    first = y.d.copy()
    y.forward()
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.02
    assert abs(np.corrcoef(first, y.d)[0, 1]) < 0.02


@pytest.mark.parametrize("function", [F.rand, F.randn, F.randint])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), [2, 3]])
def test_shapes(function, shape) -> None:
    assert draw(function, shape=shape).shape == tuple(shape)


def test_a_seed_is_a_stream_and_minus_one_follows_the_global_seed() -> None:
    same = [draw(F.rand, shape=(8,), seed=11) for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert not np.array_equal(same[0], draw(F.rand, shape=(8,), seed=12))
    live = [F.rand(shape=(8,)), F.rand(shape=(8,))]
    runs = []
    for _ in range(2):
        nn.seed(4)
        for _ in range(3):
            nn.forward_all(live)
            runs.append([y.d.copy() for y in live])
    np.testing.assert_array_equal(runs[:3], runs[3:])
    assert len({a.tobytes() for run in runs[:3] for a in run}) == 6


@pytest.mark.parametrize("name", ["plain", "opaque"])
def test_every_backend_draws_the_same_numbers(name: str) -> None:
    contexts = [nn.ext_utils.get_extension_context("cpu"), install()[name].context()]
    for function, args in ((F.rand, {}), (F.randn, {}), (F.randint, dict(low=-9, high=90))):
        drawn = []
        for ctx in contexts:
            with nn.context_scope(ctx):
                drawn.append(draw(function, shape=(3, 7), seed=5, **args))
        np.testing.assert_allclose(drawn[0], drawn[1], 1e-5, 1e-6)


def test_arguments_are_those_of_files() -> None:
    assert F.rand(-1, 1.1, [2, 3]).parent.info.args == {
        "low": -1.0, "high": float(np.float32(1.1)), "shape": [2, 3], "seed": -1,
    }  # fmt: skip
    assert F.randint(0, 10, (2,), 3).parent.info.args == {"low": 0, "high": 10, "shape": [2], "seed": 3}
    assert F.randn(shape=(2,)).parent.info.args == {"mu": 0.0, "sigma": 1.0, "shape": [2], "seed": -1}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.rand(2, 1, (3,)), "rand: low=2.0 must be less than high=1.0"),
        (lambda: F.randint(3, 3, (3,)), "randint: low=3 must be less than high=3"),
        (lambda: F.randint(0, 2**33, (3,)), "must be within the 32 bits"),
        (lambda: F.randn(0, -1, (3,)), "randn: sigma=-1.0"),
        (lambda: F.rand(0, 1, "ab"), "shape='ab'"),
    ],
)
def test_bad_arguments_are_named(call, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


def test_a_negative_seed_is_a_stream_of_its_own() -> None:
    drawn = {}
    for seed in (-2, -3, 2**63 - 1):
        y = F.rand(shape=(5,), seed=seed)
        y.forward()
        drawn[seed] = y.d.copy()
    again = F.rand(shape=(5,), seed=-2)
    again.forward()
    np.testing.assert_array_equal(again.d, drawn[-2])
    assert len({tuple(values) for values in drawn.values()}) == 3
