"""Operators of Python on Variable and NdArray."""

import operator

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F

SCALAR_OPERATORS = [
    (lambda v: v + 3, "AddScalar", 3.0),
    (lambda v: 3 + v, "AddScalar", 3.0),
    (lambda v: v - 1, "AddScalar", -1.0),
    (lambda v: 3 - v, "RSubScalar", 3.0),
    (lambda v: v * 3, "MulScalar", 3.0),
    (lambda v: 3 * v, "MulScalar", 3.0),
    (lambda v: v / 2, "MulScalar", 0.5),
    (lambda v: 3 / v, "RDivScalar", 3.0),
    (lambda v: v**2, "PowScalar", 2.0),
    (lambda v: 2**v, "RPowScalar", 2.0),
    (lambda v: -v, "MulScalar", -1.0),
]
VALUES = np.array([[0.5, 1.0], [2.0, 4.0]], np.float32)
OTHERS = np.array([[3.0, 0.25], [1.5, 2.0]], np.float32)
BINARY = [
    (operator.add, "Add2"),
    (operator.sub, "Sub2"),
    (operator.mul, "Mul2"),
    (operator.truediv, "Div2"),
    (operator.pow, "Pow2"),
]
AUGMENTED = [
    (operator.iadd, operator.add),
    (operator.isub, operator.sub),
    (operator.imul, operator.mul),
    (operator.itruediv, operator.truediv),
    (operator.ipow, operator.pow),
]


def variable(values=VALUES):
    return nn.Variable.from_numpy_array(values)


def ndarray(values=VALUES):
    return nn.NdArray.from_numpy_array(values)


@pytest.mark.parametrize("apply, type_name, value", SCALAR_OPERATORS)
def test_a_variable_and_a_scalar_make_a_scalar_function(apply, type_name, value):
    y = apply(variable())
    assert y.parent.info.type_name == type_name
    assert y.parent.info.args["val"] == value
    y.forward()
    np.testing.assert_allclose(y.d, apply(VALUES), rtol=1e-6)


@pytest.mark.parametrize("apply, type_name, value", SCALAR_OPERATORS)
def test_an_ndarray_and_a_scalar_are_computed_at_once(apply, type_name, value):
    y = apply(ndarray())
    assert isinstance(y, nn.NdArray)
    np.testing.assert_allclose(y.data, apply(VALUES), rtol=1e-6)


def test_unary_plus_gives_the_variable_itself():
    x = variable()
    assert +x is x


@pytest.mark.parametrize("apply, type_name", BINARY)
def test_two_variables_make_a_binary_function(apply, type_name):
    y = apply(variable(), variable(OTHERS))
    assert y.parent.info.type_name == type_name
    y.forward()
    np.testing.assert_allclose(y.d, apply(VALUES, OTHERS), rtol=1e-6)


@pytest.mark.parametrize("apply, type_name", BINARY)
@pytest.mark.parametrize("left, right", [(ndarray, ndarray), (ndarray, variable), (variable, ndarray)])
def test_any_ndarray_makes_it_imperative(apply, type_name, left, right):
    y = apply(left(VALUES), right(OTHERS))
    assert isinstance(y, nn.NdArray)
    np.testing.assert_allclose(y.data, apply(VALUES, OTHERS), rtol=1e-6)


@pytest.mark.parametrize("apply, type_name", BINARY)
def test_operands_broadcast(apply, type_name):
    row = OTHERS[:1]
    y = apply(variable(), variable(row))
    y.forward()
    np.testing.assert_allclose(y.d, apply(VALUES, row), rtol=1e-6)


@pytest.mark.parametrize("augment, plain", AUGMENTED)
@pytest.mark.parametrize("other", [2.0, OTHERS], ids=["scalar", "array"])
def test_augmented_assignment_to_a_variable_makes_a_new_one(augment, plain, other):
    x = variable()
    y = augment(x, other if np.isscalar(other) else variable(other))
    assert y is not x and y != x
    y.forward()
    np.testing.assert_allclose(y.d, plain(VALUES, other), rtol=1e-6)
    np.testing.assert_array_equal(x.d, VALUES)


@pytest.mark.parametrize(
    "augment, plain, other, same",
    [
        (operator.iadd, operator.add, 2.0, True),
        (operator.iadd, operator.add, OTHERS, True),
        (operator.isub, operator.sub, 2.0, True),
        (operator.isub, operator.sub, OTHERS, True),
        (operator.imul, operator.mul, 2.0, True),
        (operator.imul, operator.mul, OTHERS, False),
        (operator.itruediv, operator.truediv, 2.0, True),
        (operator.itruediv, operator.truediv, OTHERS, False),
        (operator.ipow, operator.pow, OTHERS, False),
    ],
)
def test_augmented_assignment_to_an_ndarray(augment, plain, other, same):
    x = ndarray()
    y = augment(x, other if np.isscalar(other) else ndarray(other))
    assert (y is x) is same
    np.testing.assert_allclose(y.data, plain(VALUES, other), rtol=1e-6)
    np.testing.assert_allclose(x.data, plain(VALUES, other) if same else VALUES, rtol=1e-6)


@pytest.mark.parametrize("apply, type_name", BINARY)
@pytest.mark.parametrize("make", [ndarray, variable])
def test_numpy_operands_are_a_type_error(apply, type_name, make):
    with pytest.raises(TypeError):
        apply(make(), OTHERS)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_arrays_are_legal(shape):
    empty = nn.NdArray.from_numpy_array(np.zeros(shape, np.float32))
    assert (empty + 1).shape == shape
    assert (empty * empty).data.shape == shape
    x = nn.Variable(shape, need_grad=True)
    y = F.sin(x) * x
    y.forward()
    y.backward()
    assert y.d.shape == x.g.shape == shape


@pytest.mark.parametrize("make", [ndarray, variable])
@pytest.mark.parametrize(
    "left, right",
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
     ((5, 2, 3), (5, 3, 4)), ((1, 5, 2, 3), (6, 1, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,))],
)  # fmt: skip
def test_matmul_follows_numpy(make, left, right):
    rng = np.random.RandomState(0)
    a, b = (rng.randn(*shape).astype(np.float32) for shape in (left, right))
    y = make(a) @ make(b)
    if isinstance(y, nn.Variable):
        y.forward()
        y = y.data
    assert y.shape == (a @ b).shape
    np.testing.assert_allclose(y.data, a @ b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", [ndarray, variable])
@pytest.mark.parametrize("position", ["1st", "2nd"])
def test_matmul_with_a_scalar_is_an_assertion_error(make, position):
    operands = [make(VALUES), make(np.asarray(2, np.float32))]
    left, right = operands if position == "2nd" else operands[::-1]
    with pytest.raises(AssertionError, match=r"0 dimension.*does not have enough dimensions"):
        left @ right


@pytest.mark.parametrize("make", [ndarray, variable])
@pytest.mark.parametrize("other", [2.0, np.float32(2), np.array(2.0)])
def test_matmul_with_a_bare_number_is_an_assertion_error(make, other):
    with pytest.raises(AssertionError):
        make() @ other


@pytest.mark.parametrize("make", [ndarray, variable, lambda a: a])
@pytest.mark.parametrize(
    "left, right",
    [((3,), (3,)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((), (2, 3)), ((2, 3), ()), ((), ()),
     ((5, 2, 3), (3, 4)), ((5, 2, 3), (6, 3, 4)), ((2, 3), (4, 3, 2))],
)  # fmt: skip
def test_dot_follows_numpy(make, left, right):
    rng = np.random.RandomState(0)
    a, b = (rng.randn(*shape) for shape in (left, right))
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    y = F.dot(make(a), make(b))
    if isinstance(y, nn.Variable):
        y.forward()
        y = y.d
    elif isinstance(y, nn.NdArray):
        y = y.data
    assert y.shape == np.dot(a, b).shape
    np.testing.assert_allclose(y, np.dot(a, b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "left, right, kind",
    [
        (ndarray, variable, nn.NdArray),
        (variable, ndarray, nn.NdArray),
        (np.asarray, np.asarray, np.ndarray),
        (ndarray, lambda _: 2.0, nn.NdArray),
        (lambda _: 2.0, ndarray, nn.NdArray),
        (variable, lambda _: 2.0, nn.Variable),
        # The reference gives an object array of 2 x 2 arrays here.
        pytest.param(ndarray, np.asarray, nn.NdArray, marks=pytest.mark.ours_only),
        pytest.param(np.asarray, ndarray, nn.NdArray, marks=pytest.mark.ours_only),
        pytest.param(variable, np.asarray, nn.Variable, marks=pytest.mark.ours_only),
    ],
)
def test_dot_of_mixed_kinds(left, right, kind):
    a, b = left(VALUES), right(OTHERS)
    y = F.dot(a, b)
    assert isinstance(y, kind)
    if kind is nn.Variable:
        y.forward()
    y = {nn.NdArray: lambda: y.data, nn.Variable: lambda: y.d}.get(kind, lambda: y)()
    expected = np.dot(*(o if isinstance(o, float) else v for o, v in [(a, VALUES), (b, OTHERS)]))
    np.testing.assert_allclose(y, expected, rtol=1e-6)


def test_dot_writes_into_out():
    out = ndarray(np.zeros((2, 2), np.float32))
    F.dot(ndarray(), ndarray(OTHERS), out=out)
    np.testing.assert_allclose(out.data, VALUES @ OTHERS, rtol=1e-6)


# The reference leaves the array as it was.
@pytest.mark.ours_only
def test_dot_of_numpy_arrays_writes_into_out():
    out = np.zeros((2, 2), np.float32)
    F.dot(VALUES, OTHERS, out=out)
    np.testing.assert_allclose(out, VALUES @ OTHERS, rtol=1e-6)


def float64_out():
    out = nn.NdArray((2, 2))
    out.cast(np.float64)
    return out


@pytest.mark.parametrize(
    "out",
    [lambda: nn.NdArray.from_numpy_array(np.zeros((3, 2), "f4")), lambda: "out", float64_out],
    ids=["shape", "type", "dtype"],
)
def test_dot_refuses_an_out_that_does_not_fit(out):
    with pytest.raises(ValueError):
        F.dot(ndarray(), ndarray(OTHERS), out=out())
