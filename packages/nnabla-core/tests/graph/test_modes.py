"""Every way of running gives the same: static, dynamic, imperative, recomputed, cleared, set up again, in half.

One or two operators for each feature of the contract: several inputs, optional ones, updates, saved values, aliases,
shapes from data, scattered gradients, draws, straight-through gradients, several outputs, kept inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.ext_utils import get_extension_context


@dataclass(frozen=True)
class Subject:
    """An operator in use: ``apply(*inputs)`` on inputs of these shapes; ``other`` has shapes to set up again on."""

    name: str
    apply: Callable[..., Any]
    shapes: Sequence[tuple[int, ...]]
    other: Sequence[tuple[int, ...]]
    fixed: Sequence[int] = ()  # inputs that need no gradient
    make: Callable[[np.random.RandomState, int, tuple[int, ...]], np.ndarray] | None = None
    squared: bool = False  # the shape of the output is unknown when the graph is built

    def __str__(self) -> str:
        return self.name

    def arrays(self, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        rng = np.random.RandomState(3)
        make = self.make or (lambda r, i, s: r.randn(*s))
        return [np.asarray(make(rng, i, s), np.float32) for i, s in enumerate(shapes)]


def labels_last(rng: np.random.RandomState, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return rng.randint(0, 3, shape) if i == 1 else rng.randn(*shape)


def positive_variance(rng: np.random.RandomState, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return rng.uniform(0.5, 2.0, shape) if i == 4 else rng.randn(*shape)


def table_indices(rng: np.random.RandomState, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return rng.randint(0, 4, shape) if i == 0 else rng.randn(*shape)


def mask_last(rng: np.random.RandomState, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return (rng.rand(*shape) > 0.4) if i == 1 else rng.randn(*shape)


CHANNELS = [(1, 3, 1, 1)] * 4
SUBJECTS = [
    Subject("affine", F.affine, [(4, 3), (3, 2), (2,)], [(5, 3), (3, 2), (2,)]),
    Subject("affine without bias", F.affine, [(4, 3), (3, 2)], [(5, 3), (3, 2)]),
    Subject(
        "convolution",
        lambda x, w, b: F.convolution(x, w, b, pad=(1, 1), stride=(2, 1)),
        [(2, 3, 5, 4), (4, 3, 3, 3), (4,)],
        [(1, 3, 6, 7), (4, 3, 3, 3), (4,)],
    ),
    Subject(
        "batch_normalization",
        lambda x, b, g, m, v: F.batch_normalization(x, b, g, m, v),
        [(4, 3, 2, 2), *CHANNELS],
        [(2, 3, 3, 2), *CHANNELS],
        fixed=(3, 4),
        make=positive_variance,
    ),
    Subject("max_pooling", lambda x: F.max_pooling(x, (2, 2)), [(2, 2, 4, 4)], [(1, 2, 6, 4)]),
    Subject("reshape", lambda x: F.reshape(F.tanh(x), (-1, 2)), [(4, 3)], [(2, 5)]),
    Subject("slice", lambda x: x[1:3, ::-1], [(4, 3)], [(5, 2)]),
    Subject("embed", F.embed, [(2, 3), (4, 5)], [(7,), (4, 5)], fixed=(0,), make=table_indices),
    Subject("bool_gather", F.bool_gather, [(6,), (6,)], [(9,), (9,)], fixed=(1,), make=mask_last, squared=True),
    Subject("dropout", lambda x: F.dropout(x, 0.4, seed=5), [(8, 9)], [(3, 20)]),
    Subject("binary_sigmoid", F.binary_sigmoid, [(4, 3)], [(2, 5)]),
    Subject("max with index", lambda x: F.max(x, axis=1, with_index=True)[0], [(4, 3)], [(2, 5)]),
    Subject(
        "softmax_cross_entropy",
        F.softmax_cross_entropy,
        [(4, 3), (4, 1)],
        [(6, 3), (6, 1)],
        fixed=(1,),
        make=labels_last,
    ),
    Subject("layer_normalization", lambda x: F.layer_normalization(x, None, None), [(4, 6)], [(2, 3, 5)]),
    Subject(
        "lstm",
        lambda x, h, c, w: F.lstm(x, h, c, w)[0],
        [(3, 2, 4), (1, 1, 2, 5), (1, 1, 2, 5), (1, 4, 5, 9)],
        [(5, 2, 4), (1, 1, 2, 5), (1, 1, 2, 5), (1, 4, 5, 9)],
    ),
    Subject("used twice", lambda x: x * x * F.tanh(x), [(4, 3)], [(5, 2)]),
]


def variables(subject: Subject, arrays: Sequence[np.ndarray]) -> list[nn.Variable]:
    return [nn.Variable.from_numpy_array(a.copy(), need_grad=i not in subject.fixed) for i, a in enumerate(arrays)]


def loss_of(subject: Subject, y: nn.Variable) -> nn.Variable:
    if subject.squared:
        return F.sum(y * y)
    weights = np.random.RandomState(1).randn(*y.shape).astype(np.float32)
    return F.sum(y * nn.Variable.from_numpy_array(weights))


def results(subject: Subject, inputs: Sequence[nn.Variable], y: np.ndarray) -> list[np.ndarray]:
    return [y, *(v.g.copy() for i, v in enumerate(inputs) if i not in subject.fixed)]


def static(subject: Subject, arrays: Sequence[np.ndarray], recompute: bool = False, **flags: bool) -> list[np.ndarray]:
    inputs = variables(subject, arrays)
    # Identities in front let what the operator reads be intermediates, which may be cleared and recomputed.
    with nn.recompute(recompute):
        fronts = [v if i in subject.fixed else F.identity(v) for i, v in enumerate(inputs)]
        y = F.identity(subject.apply(*fronts))
    y.persistent = True
    loss = loss_of(subject, y)
    for v in inputs:
        v.grad.zero()
    loss.forward(clear_no_need_grad=flags.get("clear", False))
    loss.backward(clear_buffer=flags.get("clear", False))
    return results(subject, inputs, y.d.copy())


def compare(
    found: Sequence[np.ndarray], expected: Sequence[np.ndarray], rtol: float = 1e-6, atol: float = 1e-6
) -> None:
    assert len(found) == len(expected)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol, atol)


@pytest.fixture(params=SUBJECTS, ids=str)
def subject(request: pytest.FixtureRequest) -> Subject:
    return request.param


def test_auto_forward(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    inputs = variables(subject, arrays)
    with nn.auto_forward():
        y = subject.apply(*inputs)
        loss = loss_of(subject, y)
    for v in inputs:
        v.grad.zero()
    loss.backward()
    compare(results(subject, inputs, y.d.copy()), static(subject, arrays))


def test_imperative(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    y = subject.apply(*(nn.NdArray.from_numpy_array(a) for a in arrays))
    assert isinstance(y, nn.NdArray)
    compare([y.data], static(subject, arrays)[:1])


def test_clearing(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    compare(static(subject, arrays, clear=True), static(subject, arrays))


def test_recomputation_is_exact(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    for flags in ({}, {"clear": True}):
        for a, b in zip(static(subject, arrays, recompute=True, **flags), static(subject, arrays)):
            np.testing.assert_array_equal(a, b)


def test_gradients_accumulate_over_calls(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    inputs = variables(subject, arrays)
    loss = loss_of(subject, subject.apply(*inputs))
    loss.forward()
    for i, v in enumerate(inputs):
        if i not in subject.fixed:
            v.g = 1
    loss.backward()
    once = [v.g - 1 for i, v in enumerate(inputs) if i not in subject.fixed]
    compare(once, static(subject, arrays)[1:], 1e-4, 1e-5)


def test_setting_up_again(subject: Subject) -> None:
    inputs = variables(subject, subject.arrays(subject.shapes))
    y = subject.apply(*inputs)
    y.forward()
    arrays = subject.arrays(subject.other)
    for v, a in zip(inputs, arrays):
        v.reset_shape(a.shape, True)
        v.d = a
    y.forward()
    fresh = variables(subject, arrays)
    expected = subject.apply(*fresh)
    expected.forward()
    assert y.shape == expected.shape
    if subject.name != "dropout":
        np.testing.assert_allclose(y.d, expected.d, 1e-6, 1e-6)
    for v in [*inputs, *fresh]:
        v.grad.zero()
    y.backward(1)
    assert all(v.g.shape == v.shape for v in inputs)


def test_half(subject: Subject) -> None:
    arrays = subject.arrays(subject.shapes)
    expected = static(subject, arrays)
    with nn.context_scope(get_extension_context("cpu", type_config="half")):
        inputs = variables(subject, arrays)
        y = subject.apply(*inputs)
        loss = loss_of(subject, y)
        for v in inputs:
            v.grad.zero()
        loss.forward()
        loss.backward()
        assert y.data.dtype == np.float16
        assert all(v.grad.dtype == np.float16 for i, v in enumerate(inputs) if i not in subject.fixed)
        compare([r.astype(np.float32) for r in results(subject, inputs, y.d.copy())], expected, 0.02, 0.1)
