"""Pooling, against loops over windows in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.testing.cases import cases, normal
from nnabla.testing.conformance import conformance


def windows(x, kernel, stride, ignore_border, pad, channel_last):
    """Yield output position and (elements inside x, number with padding) of each window, x as (..., spatial)."""
    ndim = len(kernel)
    stride, pad = stride or kernel, pad or (0,) * ndim
    sizes = x.shape[x.ndim - ndim :]
    out = [
        (n + 2 * p - k) // s + 1 if ignore_border else int(np.ceil((n + p) / s))
        for n, k, s, p in zip(sizes, kernel, stride, pad)
    ]
    for spot in itertools.product(*map(range, out)):
        start = [i * s - p for i, s, p in zip(spot, stride, pad)]
        stop = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, sizes, pad)]
        inside = tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(start, stop, sizes))
        yield out, spot, inside, np.prod([b - a for a, b in zip(start, stop)])


def pool(reduce):
    """Return pooling that gives ``reduce(elements, number with padding, including_pad)`` of each window."""

    def expect(
        x,
        kernel,
        stride=None,
        ignore_border=True,
        pad=None,
        channel_last=False,
        including_pad=True,
    ):
        if channel_last:
            x = np.moveaxis(x, -1, x.ndim - len(kernel) - 1)
        outer = x.shape[: x.ndim - len(kernel)]
        y = None
        for out, spot, inside, count in windows(x, kernel, stride, ignore_border, pad, channel_last):
            if y is None:
                y = np.zeros((*outer, *out))
            elements = x[(..., *inside)].reshape(*outer, -1)
            y[(..., *spot)] = reduce(elements, count, including_pad)
        return np.moveaxis(y, y.ndim - len(kernel) - 1, -1) if channel_last else y

    return expect


MAX = pool(lambda e, count, including: e.max(-1))
SUM = pool(lambda e, count, including: e.sum(-1))
AVERAGE = pool(lambda e, count, including: e.sum(-1) / (count if including else e.shape[-1]))

GEOMETRIES = [
    {"kernel": (2, 2)},
    {"kernel": (3, 2), "stride": (1, 2), "pad": (1, 0)},
    {"kernel": (3, 2), "stride": (2, 1), "pad": (1, 1), "ignore_border": False},
    {"kernel": (2, 3), "stride": (3, 2), "ignore_border": False},
    {"kernel": (2, 2), "stride": (1, 2), "channel_last": True},
]
CASES = [
    case
    for function, expect in ((F.max_pooling, MAX), (F.sum_pooling, SUM), (F.average_pooling, AVERAGE))
    for case in (
        *(c for g in GEOMETRIES for c in cases(function, [normal(2, 3, 5, 6)], g, expect=expect)),
        *cases(function, [normal(2, 7)], {"kernel": (3,), "stride": (2,)}, expect=expect),
        *cases(function, [normal(2, 3, 4, 4)], {"kernel": (2, 2, 2)}, expect=expect),
        *cases(function, [normal(4, 5)], {"kernel": (2, 2)}, expect=expect),
        *cases(function, [normal(0, 2, 4, 4)], {"kernel": (2, 2)}, expect=lambda x, kernel: np.zeros((0, 2, 2, 2))),
    )
] + [
    case
    for g in GEOMETRIES[1:4]
    for case in cases(F.average_pooling, [normal(2, 5, 6)], {**g, "including_pad": False}, expect=AVERAGE)
]
test_pooling = conformance(CASES)

test_global_average_pooling = conformance(
    [
        *cases(F.global_average_pooling, [normal(2, 3, 4, 5)], expect=lambda x: x.mean((2, 3), keepdims=True)),
        *cases(F.global_average_pooling, [normal(2, 3, 4)], expect=lambda x: x.mean(2)[:, :, None, None]),
        *cases(F.global_average_pooling, [normal(2, 3, 2, 3, 2)], expect=lambda x: x.mean((2, 3, 4))[:, :, None, None]),
    ]
)


def repeat(x, kernel, channel_last=False):
    """Each element ``kernel`` times along the last axes (before the channel)."""
    last = x.ndim - int(channel_last)
    for axis, k in zip(range(last - len(kernel), last), kernel):
        x = np.repeat(x, k, axis)
    return x


test_unpooling = conformance(
    [
        *cases(F.unpooling, [normal(2, 3, 4, 5)], {"kernel": [(2, 3), (1, 2), (2, 2, 2)]}, expect=repeat),
        *cases(F.unpooling, [normal(2, 3, 4)], {"kernel": (2,), "channel_last": [False, True]}, expect=repeat),
        *cases(F.unpooling, [normal(3, 4)], {"kernel": (2, 3)}, expect=repeat, label="kernel over all dimensions"),
    ]
)


def max_back(dy, x, kernel, **args):
    """The gradient of max pooling by its definition."""
    dx = np.zeros_like(x)
    rest = {"stride": None, "ignore_border": True, "pad": None, "channel_last": False, **args}
    for _, spot, inside, _ in windows(x, kernel, **rest):
        for outer in np.ndindex(x.shape[: x.ndim - len(kernel)]):
            elements = x[(*outer, *inside)]
            at = np.unravel_index(elements.argmax(), elements.shape)
            dx[(*outer, *(s.start + a for s, a in zip(inside, at)))] += dy[(*outer, *spot)]
    return dx


test_max_pooling_backward = conformance(
    [
        *cases(F.max_pooling_backward, [normal(2, 3, 2, 3), normal(2, 3, 5, 6)], {"kernel": (2, 2)}, expect=max_back),
    ]
)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pad", "whole", "cut"),
    [(7, 2, 2, 0, 3, 4), (7, 3, 1, 0, 5, 7), (7, 3, 2, 1, 4, 4), (5, 2, 3, 1, 2, 2), (1, 3, 3, 0, 1, 1)],
)
def test_number_of_windows_with_and_without_border(size, kernel, stride, pad, whole, cut) -> None:
    # Expectations from nnabla 1.39.0.
    x = nn.Variable((1, 1, size, 1))
    for ignore_border, expected in ((True, whole), (False, cut)):
        y = F.sum_pooling(x, (kernel, 1), (stride, 1), ignore_border, (pad, 0))
        assert y.shape == (1, 1, expected, 1)


def test_a_window_larger_than_the_input_is_cut_off() -> None:
    x = nn.Variable.from_numpy_array([[[[1.0], [3.0]]]])
    y = F.average_pooling(x, (3, 1), (2, 1))
    y.forward()
    np.testing.assert_allclose(y.d, [[[[2.0]]]])


def test_the_first_of_equal_values_gets_the_gradient() -> None:
    x = nn.Variable.from_numpy_array(np.ones((1, 1, 2, 2)), need_grad=True)
    y = F.max_pooling(x, (2, 2))
    y.forward()
    x.grad.zero()
    y.backward()
    np.testing.assert_array_equal(x.g, [[[[1, 0], [0, 0]]]])


def test_padding_is_never_the_largest_value() -> None:
    x = nn.Variable.from_numpy_array(np.full((1, 1, 2, 2), -5.0))
    y = F.max_pooling(x, (2, 2), (1, 1), pad=(1, 1))
    y.forward()
    np.testing.assert_array_equal(y.d, np.full((1, 1, 3, 3), -5.0))


def test_pooling_keeps_no_input_for_backward() -> None:
    x = nn.Variable((2, 3, 4, 4), need_grad=True)
    for function in (F.max_pooling, F.average_pooling, F.sum_pooling):
        f = function(x, (2, 2)).parent
        assert not f.grad_depends_input_data(0, 0)
        assert not f.grad_depends_output_data(0, 0)
        assert f.info.args["stride"] == [2, 2]
        assert f.info.args["pad"] == [0, 0]
    assert F.max_pooling(x, (2, 2)).parent.auto_grad_depends_input_data(0, 0)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"kernel": (2, 2, 2, 2)}, r"kernel=\(2, 2, 2, 2\) must have one entry per spatial dimension"),
        ({"kernel": (2, 2), "stride": (1,)}, r"stride=\(1,\) needs 2 entries"),
        ({"kernel": (2, 2), "stride": (0, 1)}, r"stride=\(0, 1\) must be 1 or more"),
        ({"kernel": (2, 2), "pad": (0, -1)}, r"pad=\(0, -1\) 0 or more"),
        ({"kernel": (9, 1), "stride": (1, 1)}, r"kernel=\(9, 1\) does not fit into the spatial sizes \(4, 4\)"),
    ],
)
@pytest.mark.parametrize("name", ["max_pooling", "average_pooling", "sum_pooling"])
def test_errors_name_what_does_not_fit(name, args, message) -> None:
    with pytest.raises(RuntimeError, match=f"{name}: .*{message}"):
        getattr(F, name)(nn.Variable((3, 4, 4)), **args)


def test_half_precision_is_near() -> None:
    values = np.random.RandomState(0).randn(2, 3, 4, 4)
    with nn.context_scope(nn.ext_utils.get_extension_context("cpu", type_config="half")):
        for function, expect in ((F.max_pooling, MAX), (F.average_pooling, AVERAGE)):
            y = function(nn.Variable.from_numpy_array(values), (2, 2))
            y.forward()
            assert y.d.dtype == np.float16
            np.testing.assert_allclose(y.d, expect(values, (2, 2)), atol=0.1)


def test_nan_and_infinity_pass() -> None:
    y = F.max_pooling(nn.Variable.from_numpy_array([[-np.inf, -np.inf, np.inf, 1.0]]), (2,))
    y.forward()
    np.testing.assert_array_equal(y.d, [[-np.inf, np.inf]])
