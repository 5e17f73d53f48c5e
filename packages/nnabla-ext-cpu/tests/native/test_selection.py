"""Native sorting and choosing against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.selection import BACKWARD_KERNELS, FORWARD_KERNELS

Array = np.ndarray
DTYPES = [np.float32, np.float64]


def forward(name: str, *inputs: Any, **args: Any) -> Any:
    import array_api_compat.numpy as xp

    return FORWARD_KERNELS[name](xp, inputs, (None,), args)


def backward(name: str, values: Any, dy: Array, **args: Any) -> Array:
    found: Array = BACKWARD_KERNELS[name].compute(np, values, (dy,), (True,), args)[0]
    return found


def numbers(shape: Any, dtype: Any, many_equal: bool = True) -> Array:
    """Numbers with ties, NaN, infinities and both zeros."""
    rng = np.random.default_rng(len(shape))
    x = rng.integers(-9, 9, shape) / 4 if many_equal else rng.standard_normal(shape) * 1e3
    x.flat[:: max(1, x.size // 11)] = 0.0
    x.flat[3 :: max(5, x.size // 7)] = -0.0
    x.flat[5 :: max(7, x.size // 3)] = np.inf
    x.flat[6 :: max(9, x.size // 3)] = -np.inf
    x.flat[8 :: max(11, x.size // 3)] = np.nan
    return x.astype(dtype)


def order_of(x: Array, axis: int, descending: bool) -> Array:
    """The stable order with NaN as the largest value, by exact keys."""
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    return np.argsort(
        np.where(np.isnan(x), -np.inf, np.where(x == np.inf, -1e300, -x.astype(np.float64))), axis, "stable"
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1,), (7,), (40,), (41,), (5000,), (30, 100), (6, 5, 70), (3, 1)])
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_is_stable(dtype: Any, shape: Any, descending: bool, each_target: str, each_count: int) -> None:
    for x in (numbers(shape, dtype), numbers(shape, dtype, False)):
        for axis in range(-1, len(shape)):
            wanted = order_of(x, axis, descending)
            y, index = forward("Sort", x, axis=axis, reverse=descending, with_index=False, only_index=False)
            np.testing.assert_array_equal(index, wanted)
            np.testing.assert_array_equal(y, np.take_along_axis(x, wanted, axis))
            y, shown, saved = forward("Sort", x, axis=axis, reverse=descending, with_index=True, only_index=False)
            np.testing.assert_array_equal(shown, wanted)
            assert not np.shares_memory(shown, saved)
            found = forward("ArgSort", x, axis=axis, descending=descending, dtype=np.int64)
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("k", [1, 3, 40, 41, 120, 131])
def test_the_first_of_each_row(dtype: Any, largest: bool, k: int, each_target: str, each_count: int) -> None:
    for x in (numbers((9, 131), dtype), numbers((9, 131), dtype, False)):
        for sizes in (False, True):
            wanted = order_of(np.abs(x) if sizes else x, 1, largest)[:, :k]
            args = {"k": k, "abs": sizes, "reduce": True, "base_axis": 1, "largest": largest, "with_index": False}
            y, index = forward("TopKData", x, **args)
            np.testing.assert_array_equal(index, wanted)
            np.testing.assert_array_equal(y, np.take_along_axis(x, wanted, 1))
            kept, _ = forward("TopKData", x, **{**args, "reduce": False})
            spread = np.zeros_like(x)
            np.put_along_axis(spread, wanted, np.take_along_axis(x, wanted, 1), 1)
            np.testing.assert_array_equal(kept, spread)
            if largest:
                np.testing.assert_array_equal(backward("TopKGrad", (), x, k=k, abs=sizes, base_axis=1), spread)
            dy = np.arange(9.0 * k).reshape(9, k).astype(dtype)
            wanted_dx = np.zeros_like(x)
            np.put_along_axis(wanted_dx, wanted, dy, 1)
            np.testing.assert_array_equal(backward("TopKData", (x.shape, index), dy, **args), wanted_dx)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["Max", "Min"])
def test_extreme_values_and_their_first_places(name: str, dtype: Any, each_target: str, each_count: int) -> None:
    function = {"Max": np.max, "Min": np.min}[name]
    place = {"Max": np.argmax, "Min": np.argmin}[name]
    for shape in ((5, 3), (4, 200), (1, 50000), (3, 4, 70), (2, 3, 4, 5)):
        for x in (numbers(shape, dtype), np.random.default_rng(0).standard_normal(shape).astype(dtype)):
            for axes in ((-1,), (0,), tuple(range(len(shape))), (0, len(shape) - 1)):
                taken = tuple(sorted({a % len(shape) for a in axes}))
                outer = [a for a in range(len(shape)) if a not in taken]
                rows = x.transpose(*outer, *taken).reshape(*(shape[a] for a in outer), -1)
                args = {"axes": axes, "keep_dims": False, "with_index": True, "only_index": False}
                y, shown, saved = forward(name, x, **args)
                np.testing.assert_array_equal(y, function(x, axis=taken))
                np.testing.assert_array_equal(shown, place(rows, axis=-1))
                np.testing.assert_array_equal(saved[..., 0], shown)
                kept = forward(name, x, **{**args, "keep_dims": True, "with_index": False})[0]
                np.testing.assert_array_equal(kept, function(x, axis=taken, keepdims=True))
                dy = np.arange(1.0, y.size + 1).reshape(y.shape).astype(dtype)
                wanted = np.zeros(rows.shape, dtype)
                np.put_along_axis(wanted, place(rows, axis=-1)[..., None], dy[..., None], -1)
                whole = wanted.reshape([shape[a] for a in (*outer, *taken)]).transpose(np.argsort([*outer, *taken]))
                np.testing.assert_array_equal(backward(name, (x.shape, saved), dy, **args), whole)


@pytest.mark.parametrize("dtype", DTYPES)
def test_pruning_keeps_the_largest_sizes(dtype: Any, each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(1)
    for x in (rng.standard_normal((50, 71)), rng.integers(-4, 5, 999) / 2, np.array(3.0), np.zeros(8)):
        x = x.astype(dtype)
        for rate in (0.0, 0.3, 0.9, 0.999, 1.0):
            size = np.abs(x)
            threshold = np.sort(size, axis=None)[int((x.size - 1) * rate)]
            wanted = np.zeros_like(x) if rate == 1 else np.where(size >= threshold, x, 0)
            found = forward("Prune", x, rate=rate)
            assert found.shape == x.shape
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_places_that_are_not_zero(dtype: Any, each_target: str) -> None:
    rng = np.random.default_rng(2)
    for shape in ((), (0,), (5,), (70,), (30, 40), (3, 0, 2), (4, 5, 6)):
        for share in (0.0, 0.5, 1.0):
            x = (rng.random(shape) < share) * rng.choice([1.0, -2.0, np.nan], shape)
            found = forward("NonZero", np.asarray(x, dtype), dtype=np.int64)
            wanted = np.nonzero(x) if shape else np.zeros((0, int(x != 0)))
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("tail", [(), (1,), (2,), (4,), (5,), (3, 7)])
def test_rows_that_a_mask_chooses(dtype: Any, tail: Any, each_target: str) -> None:
    rng = np.random.default_rng(3)
    for shape in ((1,), (90,), (6, 7)):
        for share in (0.0, 0.5, 1.0):
            mask = rng.random(shape) < share
            x = rng.standard_normal((*shape, *tail)).astype(dtype)
            found = forward("BoolGather", x, mask)
            np.testing.assert_array_equal(found, x[mask])
            wanted = np.zeros_like(x)
            wanted[mask] = x[mask]
            np.testing.assert_array_equal(forward("BoolScatter", found, mask, None), wanted)
            base = rng.standard_normal(x.shape).astype(dtype)
            wanted = np.where(mask.reshape(*shape, *(1,) * len(tail)), x, base)
            np.testing.assert_array_equal(forward("BoolScatter", found, mask, base)[0], wanted)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
def test_large_masks_are_counted_to_the_last_element(share: float, each_target: str) -> None:
    rng = np.random.default_rng(5)
    for count in (64 * 255 - 1, 64 * 255, 64 * 256 + 1, 70001):
        mask, x = rng.random(count) < share, rng.standard_normal(count).astype(np.float32)
        mask[-1] = share > 0
        found = forward("BoolGather", x, mask)
        np.testing.assert_array_equal(found, x[mask])
        np.testing.assert_array_equal(forward("BoolScatter", found, mask, None), np.where(mask, x, 0))


def test_sequences_are_packed(each_target: str) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((6, 4, 3)).astype(np.float32)
    lengths = np.array([6, 5, 2, 1])
    steps, counts = forward("PackPaddedSequence", x, lengths, batch_first=False)
    np.testing.assert_array_equal(counts, [4, 3, 2, 2, 2, 1])
    np.testing.assert_array_equal(steps, np.concatenate([x[t, : counts[t]] for t in range(6)]))
    again, _ = forward("PackPaddedSequence", x.swapaxes(0, 1), lengths, batch_first=True)
    np.testing.assert_array_equal(again, steps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_validation_counts(dtype: Any, each_target: str, each_count: int) -> None:
    rng = np.random.default_rng(6)
    x = rng.integers(0, 5, (3000, 7)).astype(dtype)
    x[::9, 3] = np.nan
    label = rng.integers(-1, 8, (3000, 1))
    known = ((label >= 0) & (label < 7))[:, 0]
    score = np.take_along_axis(x, np.clip(label, 0, 6), 1)
    for n in (1, 2, 5):
        wrong = ~known | ((x >= score).sum(1) > n)
        np.testing.assert_array_equal(forward("TopNError", x, label, axis=1, n=n)[:, 0], wrong)
    turned = forward("TopNError", x.reshape(30, 100, 7).swapaxes(1, 2), label.reshape(30, 1, 100), axis=1, n=5)
    np.testing.assert_array_equal(turned, wrong.reshape(30, 1, 100))
    best = np.argmax(x, 1)
    wanted = np.zeros((7, 7), np.int32)
    np.add.at(wanted, (label[known, 0], best[known]), 1)
    found = forward("ConfusionMatrix", x, label, axis=-1)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, wanted)
