"""Indexing and slicing of Variable and NdArray, reading and writing."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F

SHAPE = (4, 5, 6)
VALUES = np.arange(np.prod(SHAPE), dtype=np.float32).reshape(SHAPE) + 1
MASK = VALUES % 3 == 0

BASIC_KEYS = [
    np.s_[0],
    np.s_[-1],
    np.s_[1, 2],
    np.s_[1, 2, 3],
    np.s_[-1, -2, -3],
    np.s_[:],
    np.s_[1:3],
    np.s_[:, 1:],
    np.s_[::2, :, ::3],
    np.s_[::-1],
    np.s_[:, ::-2],
    np.s_[3:0:-1, 1],
    np.s_[-3:-1],
    np.s_[:100],
    np.s_[...],
    np.s_[..., 0],
    np.s_[..., 1:3],
    np.s_[0, ..., 0],
    np.s_[:, ..., ::2],
    np.s_[None],
    np.s_[..., None],
]
ADVANCED_KEYS = [
    [0, 2],
    np.array([3, 0, 3]),
    np.array([[0, 1], [2, 3]]),
    np.array([-1, -4]),
    np.s_[[0, 1], [2, 3]],
    np.s_[[0, 1], [2, 3], [4, 5]],
    np.s_[[0, 1], None],
    MASK,
    np.array([True, False, True, False]),
    MASK[:, :, 0],
]


def ours(key):
    return pytest.param(key, marks=pytest.mark.ours_only)


# The reference refuses or crashes on these, which NumPy takes.
NUMPY_BASIC_KEYS = [ours(key) for key in (np.s_[-100:2], np.s_[:, None], np.s_[None, 0], np.s_[0, None, 1:3, None])]
NUMPY_ADVANCED_KEYS = [
    ours(key)
    for key in (
        np.s_[:, [0, 4]],
        np.s_[..., [0, 5]],
        np.s_[[0, 1], :, [2, 3]],
        np.s_[[0, 1], 1:3],
        np.s_[1:3, [0, 4, 2]],
        np.s_[1, [0, 4, 2]],
        np.s_[[0, 1], ...],
    )
]
BASIC_KEYS += NUMPY_BASIC_KEYS
KEYS = BASIC_KEYS + ADVANCED_KEYS + NUMPY_ADVANCED_KEYS
OUT_OF_RANGE = [np.s_[4], np.s_[-5], np.s_[0, 5], np.s_[0, 0, 0, 0], np.s_[..., 6]]
INVALID = ["x", 1.5, ours((0, "x"))]


def ids(key):
    return repr(key).replace(" ", "").replace("\n", "")[:60]


def ndarray():
    return nn.NdArray.from_numpy_array(VALUES)


def variable(need_grad=False):
    x = nn.Variable.from_numpy_array(VALUES, need_grad=need_grad)
    x.grad.zero()
    return x


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_a_variable_is_indexed_as_numpy_does(key):
    y = variable()[key]
    y.forward()
    assert y.shape == VALUES[key].shape
    np.testing.assert_array_equal(y.d, VALUES[key])


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_an_ndarray_is_indexed_as_numpy_does(key):
    y = ndarray()[key]
    assert isinstance(y, nn.NdArray)
    assert y.shape == VALUES[key].shape
    np.testing.assert_array_equal(y.data, VALUES[key])


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_the_gradient_of_indexing_adds_up_where_it_came_from(key):
    x = variable(need_grad=True)
    y = x[key]
    y.forward()
    grad = np.asarray(np.random.RandomState(0).randn(*y.shape), np.float32)
    y.backward(grad)
    expected = np.zeros(SHAPE, np.float32)
    np.add.at(expected, key, grad)
    np.testing.assert_allclose(x.g, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "key, names",
    [
        (np.s_[1:3], ["Slice"]),
        (np.s_[:, ::-1], ["Slice"]),
        (np.s_[0], ["Slice", "Reshape"]),
        (np.s_[..., None], ["Slice", "Reshape"]),
        ([0, 2], ["GatherNd"]),
    ],
    ids=ids,
)
def test_the_graph_shows_slices_reshapes_and_gathers(key, names, type_names):
    assert type_names(variable()[key]) == names


@pytest.mark.parametrize("key", [np.s_[:, :5], np.s_[..., :5], np.s_[0:, 0:5:1]], ids=ids)
def test_a_slice_stores_the_arguments_of_the_slice_function(key):
    x = nn.Variable((10, 10))
    arguments = {"start": [0, 0], "stop": [10, 5], "step": [1, 1]}
    assert F.slice(x, (0, 0), (10, 5), (1, 1)).parent.info.args == arguments
    assert x[key].parent.info.args == arguments
    assert x[key].parent.arguments == arguments


@pytest.mark.parametrize(
    "key, start, stop, step",
    [
        (np.s_[-3:-1], [-3, 0], [-1, 10], [1, 1]),
        (np.s_[:100], [0, 0], [100, 10], [1, 1]),
        (np.s_[-1], [9, 0], [10, 10], [1, 1]),
        (np.s_[:, ::-1], [0, -1], [10, -11], [1, -1]),
    ],
    ids=ids,
)
def test_a_slice_keeps_the_bounds_that_were_given(key, start, stop, step):
    y = nn.Variable((10, 10))[key]
    if y.ndim == 1:
        y = y.parent.inputs[0]
    assert y.parent.info.args == {"start": start, "stop": stop, "step": step}


@pytest.mark.parametrize("make", [variable, ndarray])
@pytest.mark.parametrize("key", OUT_OF_RANGE, ids=ids)
def test_an_index_out_of_range_is_an_index_error(make, key):
    with pytest.raises(IndexError):
        make()[key]
    with pytest.raises(IndexError):
        make()[key] = 0


@pytest.mark.parametrize("make", [variable, ndarray])
@pytest.mark.parametrize("key", INVALID, ids=ids)
def test_a_key_of_another_kind_is_a_type_error(make, key):
    with pytest.raises(TypeError, match="invalid index"):
        make()[key]


def test_index_variables_are_read_at_every_forward():
    x = variable(need_grad=True)
    index = nn.Variable.from_numpy_array(np.array([0, 2]))
    y = x[index]
    for rows in ([0, 2], [3, 3]):
        index.d = rows
        y.forward()
        np.testing.assert_array_equal(y.d, VALUES[rows])
    y.backward()
    expected = np.zeros(SHAPE)
    expected[3] = 2
    np.testing.assert_array_equal(x.g, expected)


def test_a_mask_variable_selects():
    mask = nn.Variable.from_numpy_array(MASK)
    y = variable()[mask]
    y.forward()
    np.testing.assert_array_equal(y.d, VALUES[MASK])


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_assigning_to_an_ndarray_is_immediate(key):
    for value in (-1.0, -VALUES[key] - 1):
        x = ndarray()
        x[key] = value if np.isscalar(value) else nn.NdArray.from_numpy_array(value)
        expected = VALUES.copy()
        expected[key] = value
        np.testing.assert_array_equal(x.data, expected)


@pytest.mark.parametrize("key", KEYS, ids=ids)
def test_assigning_to_an_intermediate_rebinds_the_same_object(key):
    x = variable(need_grad=True)
    value = nn.Variable.from_numpy_array(-VALUES[key] - 1, need_grad=True)
    value.grad.zero()
    h = F.identity(x)
    same = h
    h[key] = value
    assert h is same and h.parent.info.type_name == "ScatterNd"
    y = F.mul_scalar(h, 1.0)
    y.forward()
    expected = VALUES.copy()
    expected[key] = value.d
    np.testing.assert_array_equal(y.d, expected)
    grad = np.random.RandomState(0).randn(*SHAPE).astype(np.float32)
    y.backward(grad)
    untouched = np.ones(SHAPE)
    untouched[key] = 0
    np.testing.assert_array_equal(x.g, grad * untouched)


@pytest.mark.parametrize("key", BASIC_KEYS, ids=ids)
def test_the_gradient_flows_to_the_assigned_value(key):
    value = nn.Variable.from_numpy_array(-VALUES[key] - 1, need_grad=True)
    value.grad.zero()
    h = F.identity(variable(need_grad=True))
    h[key] = value
    grad = np.random.RandomState(0).randn(*SHAPE).astype(np.float32)
    h.forward()
    h.backward(grad)
    np.testing.assert_array_equal(value.g, grad[key])


@pytest.mark.parametrize("value", [7.0, np.full((5, 6), 7.0)], ids=["scalar", "array"])
def test_values_of_other_kinds_are_assigned_to_an_intermediate(value):
    h = F.identity(variable(need_grad=True))
    h[1] = value
    h.forward()
    expected = VALUES.copy()
    expected[1] = 7
    np.testing.assert_array_equal(h.d, expected)


def test_assigning_to_a_leaf_writes_when_a_consumer_runs():
    x = variable()
    x[1] = 7.0
    np.testing.assert_array_equal(x.d, VALUES)
    y = F.mul_scalar(x, 2.0)
    y.forward()
    expected = VALUES.copy()
    expected[1] = 7
    np.testing.assert_array_equal(y.d, 2 * expected)
    np.testing.assert_array_equal(x.d, expected)


def test_assigning_to_a_leaf_is_immediate_with_auto_forward():
    x = variable()
    with nn.auto_forward():
        x[1] = 7.0
    expected = VALUES.copy()
    expected[1] = 7
    np.testing.assert_array_equal(x.d, expected)


def test_assigned_values_broadcast():
    x = ndarray()
    x[1:3] = nn.NdArray.from_numpy_array(np.arange(6, dtype=np.float32))
    expected = VALUES.copy()
    expected[1:3] = np.arange(6)
    np.testing.assert_array_equal(x.data, expected)
