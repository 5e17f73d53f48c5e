"""Indexing means what it means in NumPy, for keys drawn at random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.definition import Setup, operator
from nnabla.ops.spec import Float


@st.composite
def slices(draw, n):
    bound = st.none() | st.integers(-n - 2, n + 2)
    return slice(draw(bound), draw(bound), draw(st.none() | st.sampled_from([-3, -2, -1, 1, 2, 3])))


@st.composite
def keys(draw, arrays=True):
    """A shape and a key that NumPy takes for it: ints, slices, '...', None, and arrays or a mask."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=4)))
    used = draw(st.integers(0, len(shape)))
    common = draw(st.sampled_from([(), (2,), (1,), (3, 2)]))
    parts = []
    dots = draw(st.none() | st.integers(0, used))
    for axis in range(used):
        # After an ellipsis the parts are those of the last dimensions.
        n = shape[axis if dots is None or axis < dots else len(shape) - used + axis]
        kind = draw(st.sampled_from(["int", "slice", "slice", "array"] if arrays else ["int", "slice"]))
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            parts.append(draw(slices(n)))
        else:
            size = tuple(draw(st.sampled_from([1, m])) for m in common)
            count = int(np.prod(size))
            values = draw(st.lists(st.integers(-n, n - 1), min_size=count, max_size=count))
            parts.append(np.array(values, np.int64).reshape(size))
    if dots is not None:
        parts.insert(dots, Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return shape, tuple(parts) if len(parts) != 1 or draw(st.booleans()) else parts[0]


@st.composite
def masks(draw):
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    inner = shape[: draw(st.integers(1, len(shape)))]
    chosen = draw(st.lists(st.booleans(), min_size=int(np.prod(inner)), max_size=int(np.prod(inner))))
    return shape, np.array(chosen).reshape(inner)


def values_of(shape):
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


@settings(max_examples=200, deadline=None)
@given(keys() | masks())
def test_reading_and_its_gradient(case):
    shape, key = case
    values = values_of(shape)
    x = nn.Variable.from_numpy_array(values, need_grad=True)
    x.grad.zero()
    y = x[key]
    assert y.shape == values[key].shape
    y.forward()
    np.testing.assert_array_equal(y.d, values[key])
    grad = np.random.RandomState(0).randint(1, 9, y.shape).astype(np.float32)
    y.backward(grad)
    expected = np.zeros(shape, np.float32)
    np.add.at(expected, key, grad)
    np.testing.assert_array_equal(x.g, expected)
    np.testing.assert_array_equal(nn.NdArray.from_numpy_array(values)[key].data, values[key])


@settings(max_examples=200, deadline=None)
@given(keys() | masks(), st.sampled_from(["scalar", "full", "row"]))
def test_writing_and_its_gradient(case, kind):
    shape, key = case
    values = values_of(shape)
    chosen = values[key].shape
    size = {"scalar": (), "full": chosen, "row": chosen[-1:]}[kind]
    value = -np.arange(1, np.prod(size) + 1, dtype=np.float32).reshape(size)
    expected = values.copy()
    expected[key] = value

    array = nn.NdArray.from_numpy_array(values)
    array[key] = value
    np.testing.assert_array_equal(array.data, expected)

    x = nn.Variable.from_numpy_array(values, need_grad=True)
    v = nn.Variable.from_numpy_array(value, need_grad=True)
    for leaf in (x, v):
        leaf.grad.zero()
    h = F.identity(x)
    h[key] = v
    h.forward()
    np.testing.assert_array_equal(h.d, expected)
    np.testing.assert_array_equal(x.d, values)
    # Which element of the value, if any, came to each place.
    grad = np.random.RandomState(0).randint(1, 9, shape).astype(np.float32)
    h.backward(grad)
    source = np.full(shape, -1)
    source[key] = np.arange(np.prod(size)).reshape(size)
    np.testing.assert_array_equal(x.g, np.where(source < 0, grad, 0))
    wanted = np.zeros(int(np.prod(size)), np.float32)
    np.add.at(wanted, source[source >= 0], grad[source >= 0])
    np.testing.assert_array_equal(v.g, wanted.reshape(size))


@settings(max_examples=100, deadline=None)
@given(keys(arrays=False))
def test_second_derivatives_of_reading(case):
    shape, key = case
    x = nn.Variable.from_numpy_array(values_of(shape), need_grad=True)
    x.grad.zero()
    y = x[key] ** 2.0
    (gx,) = nn.grad([F.sum(y)], [x])
    gx.forward()
    total = F.sum(gx)
    total.forward()
    total.backward()
    expected = np.zeros(shape)
    np.add.at(expected, key, 2.0)
    np.testing.assert_allclose(x.g, expected)


@pytest.mark.parametrize(
    "key, error",
    [
        (3, IndexError),
        ((0, 0, 0), IndexError),
        ((..., ...), IndexError),
        ([0, 3], IndexError),
        (np.array([-4]), IndexError),
        ("a", TypeError),
        (1.5, TypeError),
        ([0.5], TypeError),
        (True, TypeError),
        (slice(0.5, None), TypeError),
        (slice(None, None, 0), ValueError),
        (object(), TypeError),
    ],
)
@pytest.mark.parametrize("make", [nn.Variable, nn.NdArray])
def test_keys_that_mean_nothing(make, key, error):
    x = make((3, 2))
    with pytest.raises(error):
        x[key]
    with pytest.raises(error):
        x[key] = 1.0


@pytest.mark.parametrize("shape", [(3, 2), (4,), (3, 3)])
def test_a_mask_of_another_shape_is_an_index_error(shape):
    mask = np.ones(shape, bool)
    x = nn.Variable((3,))
    if shape == (4,):
        with pytest.raises(IndexError):
            x[mask]
    else:
        with pytest.raises(IndexError, match="too many indices"):
            x[mask]


def test_index_variables_may_stand_among_other_keys():
    values = values_of((3, 4, 2))
    rows = nn.Variable.from_numpy_array(np.array([2, 0]))
    y = nn.Variable.from_numpy_array(values)[1:, rows]
    y.forward()
    np.testing.assert_array_equal(y.d, values[1:, [2, 0]])
    rows.d = [3, 1]
    y.forward()
    np.testing.assert_array_equal(y.d, values[1:, [3, 1]])


def test_assigning_by_index_variables_reads_them_at_every_forward():
    values = values_of((3, 2))
    rows = nn.Variable.from_numpy_array(np.array([2, 0]))
    h = F.identity(nn.Variable.from_numpy_array(values))
    h[rows] = -1.0
    for chosen in ([2, 0], [1, 1]):
        rows.d = chosen
        h.forward()
        expected = values.copy()
        expected[chosen] = -1
        np.testing.assert_array_equal(h.d, expected)
    with pytest.raises(TypeError, match="assigning by index Variables"):
        h[:, rows] = 0.0


def test_a_mask_variable_is_read_at_every_forward():
    values = values_of((3, 2))
    mask = nn.Variable.from_numpy_array(np.array([True, False, True]))
    y = nn.Variable.from_numpy_array(values)[mask]
    for chosen in ([True, False, True], [False, True, False]):
        mask.data.cast(bool)[...] = chosen
        y.forward()
        np.testing.assert_array_equal(y.d, values[np.array(chosen)])


def test_assigning_to_a_parameter_leaves_the_registry_with_the_leaf():
    with nn.parameter_scope("test_assigning"):
        w = nn.parameter.get_parameter_or_create("w", (3,), initializer=np.array([1.0, 2.0, 3.0]))
        w[0] = 9.0
        y = w * 2.0
        y.forward()
        held = nn.get_parameters()["w"]
        assert held.parent is None
        np.testing.assert_array_equal(held.d, [9, 2, 3])
    nn.clear_parameters()


def test_assigning_twice_to_a_leaf():
    x = nn.Variable.from_numpy_array(values_of((3, 2)))
    x[0] = 7.0
    x[1, 1] = 8.0
    y = x * 1.0
    y.forward()
    np.testing.assert_array_equal(y.d, [[7, 7], [3, 8], [5, 6]])
    np.testing.assert_array_equal(x.d, y.d)


@pytest.mark.parametrize("mask", [nn.Variable.from_numpy_array, nn.NdArray.from_numpy_array, np.asarray])
def test_filling_by_a_mask(mask):
    x = nn.Variable.from_numpy_array(values_of((2, 2)), need_grad=True)
    x.grad.zero()
    h = F.identity(x)
    same = h.bool_fill_(mask(np.array([1, 0])), -5.0)
    assert same is h
    h.forward()
    h.backward()
    np.testing.assert_array_equal(h.d, [[-5, 2], [-5, 4]])
    np.testing.assert_array_equal(x.g, [[0, 1], [0, 1]])


def test_iterating_over_a_variable_gives_its_rows():
    values = values_of((3, 2))
    rows = list(nn.Variable.from_numpy_array(values))
    nn.forward_all(rows)
    np.testing.assert_array_equal([r.d for r in rows], values)


def test_bodies_index_traced_values():
    def body(x: Float) -> object:
        return x[1:, None, ::-1][..., 0] * 2.0

    op = operator("IndexedInABody", internal=True)(body)
    setup: Setup = op.setup(((3, 2),), ())
    assert setup.out_shapes == ((2, 1),)
    values = values_of((3, 2))
    y = op(nn.NdArray.from_numpy_array(values))
    np.testing.assert_array_equal(y.data, 2 * values[1:, None, ::-1][..., 0])


def test_assigning_in_a_dynamic_graph_gives_memory_back_and_gradients():
    with nn.auto_forward():
        x = nn.Variable.from_numpy_array(values_of((3, 2)), need_grad=True)
        x.grad.zero()
        h = x * 2.0
        before = h.data
        for t in range(2):
            h[t] = x[t + 1] * 3.0
            np.testing.assert_array_equal(h.d[t], 3 * x.d[t + 1])
        assert before.clear_called
        h.backward()
    np.testing.assert_array_equal(x.g, [[0, 0], [3, 3], [5, 5]])


@pytest.mark.parametrize(
    "value", [-5.0, np.array([[-5.0]]), np.array([-1.0, -2.0, -3.0])], ids=["number", "one", "each"]
)
def test_a_comparison_is_a_mask_that_is_read_at_every_forward(value):
    values = values_of((2, 3))
    x = nn.Variable.from_numpy_array(values, need_grad=True)
    x.grad.zero()
    h = x * 1.0
    mask = F.greater_scalar(x, 3.0)
    chosen = h[mask]
    h[mask] = value
    for shift in (0, 0) if np.size(value) > 1 else (0, 2):
        x.d = values + shift
        nn.forward_all([chosen, h])
        expected = values + shift
        np.testing.assert_array_equal(chosen.d, expected[expected > 3])
        expected[expected > 3] = value if np.ndim(value) < 2 else value.item()
        np.testing.assert_array_equal(h.d, expected)
    x.grad.zero()
    h.backward()
    np.testing.assert_array_equal(x.g, x.d <= 3)


def test_a_mask_over_rows():
    values = values_of((3, 2))
    h = F.identity(nn.Variable.from_numpy_array(values))
    h[nn.Variable.from_numpy_array(np.array([True, False, True]))] = nn.NdArray.from_numpy_array(np.array(7.0))
    h.forward()
    np.testing.assert_array_equal(h.d, [[7, 7], [3, 4], [7, 7]])


def test_a_mask_among_other_keys_must_be_known():
    x = nn.Variable.from_numpy_array(values_of((2, 3)))
    row = nn.Variable.from_numpy_array(np.array([True, False, True]))
    y = x[:, row]
    y.forward()
    np.testing.assert_array_equal(y.d, x.d[:, [0, 2]])
    with pytest.raises(TypeError, match="nobody computed them"):
        x[:, F.greater_scalar(x[0], 1.0)]


@pytest.mark.parametrize("make", [nn.NdArray.from_numpy_array, nn.Variable.from_numpy_array])
def test_ndarrays_are_indexed_by_whatever_holds_indices(make):
    values = values_of((3, 2))
    x = nn.NdArray.from_numpy_array(values)
    for key in (np.array([2, 0]), np.array([True, False, True])):
        np.testing.assert_array_equal(x[make(key)].data, values[key])
        y = nn.NdArray.from_numpy_array(values)
        y[make(key)] = -1.0
        expected = values.copy()
        expected[key] = -1
        np.testing.assert_array_equal(y.data, expected)
    np.testing.assert_array_equal(x[:, make(np.array([1, 0]))].data, values[:, [1, 0]])


def test_an_empty_list_chooses_nothing():
    assert nn.Variable((3, 2))[[]].shape == (0, 2)


def test_bodies_are_not_indexed_by_arrays():
    def body(x: Float) -> object:
        return x[np.array([0, 1])]

    op = operator("IndexedByAnArray", internal=True)(body)
    with pytest.raises(TypeError, match="in an operator's body"):
        op.setup(((3, 2),), ())
