"""Sums over short axes and gradients of products, against NumPy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from nnabla_ext.cpu.kernels import reduction


@pytest.mark.parametrize("keep_dims", [False, True])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((64, 32, 2, 32, 2), (2, 4)),
        ((9000, 8), (1,)),
        ((9000, 8), (-1,)),
        ((40000, 1), (1,)),
        ((40000, 1), (0, 1)),
        ((2, 3, 4), (0, 2)),
        ((5, 0, 3), (2,)),
        ((), ()),
    ],
)
def test_sums(shape, axes, keep_dims: bool) -> None:
    x = np.asarray(np.random.RandomState(0).randn(*shape), np.float32)
    before = x.copy()
    found = reduction.FORWARD_KERNELS["Sum"](np, (x,), (None,), dict(axes=axes, keep_dims=keep_dims))
    expected = np.sum(x.astype(np.float64), axis=axes, keepdims=keep_dims)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, 1e-5, 1e-5)
    assert not np.shares_memory(found, x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("axes", [(0,), (1,), (-1, 0), (0, 1, 2)])
@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_the_gradient_of_a_product_is_that_of_all_others(axes, zeros: int) -> None:
    x = np.random.RandomState(0).randn(3, 4, 2)
    x.reshape(-1)[:zeros] = 0
    y = np.prod(x, axis=axes)
    dy = np.asarray(np.random.RandomState(1).randn(*y.shape))
    (found,) = reduction.BACKWARD_KERNELS["Prod"].compute(np, (x,), (dy,), (True,), {"axes": axes})
    expected, kept = np.empty_like(x), np.expand_dims(dy, axes)
    for at in np.ndindex(x.shape):
        others = x.copy()
        others[at] = 1
        expected[at] = (np.prod(others, axis=axes, keepdims=True) * kept)[
            tuple(0 if i in {a % 3 for a in axes} else n for i, n in enumerate(at))
        ]
    np.testing.assert_allclose(found, expected, 1e-12, 1e-300)
