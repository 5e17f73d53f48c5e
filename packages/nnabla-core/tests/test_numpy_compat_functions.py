import numpy as np
import pytest

import nnabla as nn
from nnabla.numpy_compat_functions import dot

rng = np.random.RandomState(0)
SHAPES = [
    ((2, 3), (3, 2)),
    ((3,), (3,)),
    ((2, 3, 4), (4,)),
    ((2, 3, 4), (2, 4, 5)),
    ((3,), (3, 2)),
    ((4,), (2, 4, 5)),
    ((2, 4), (3, 2, 4, 5)),
    ((), (2, 3)),
    ((2, 3), ()),
    ((), ()),
    ((0, 3), (3, 2)),
]
KINDS = {
    "number": lambda x: x,
    "numpy": lambda x: x,
    "variable": nn.Variable.from_numpy_array,
    "ndarray": nn.NdArray.from_numpy_array,
}


def value(x):
    if isinstance(x, nn.Variable):
        if x.parent is not None:
            x.forward()
        return x.d
    return x.data if isinstance(x, nn.NdArray) else x


def made(kind, shape):
    return KINDS[kind](rng.randn(*shape).astype(np.float32) if shape else np.float32(rng.randn()))


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("kinds", [("variable", "variable"), ("ndarray", "ndarray")])
def test_shapes_and_values_are_those_of_numpy(shapes, kinds):
    a, b = (KINDS[kind](np.asarray(rng.randn(*s), np.float32)) for kind, s in zip(kinds, shapes))
    result = dot(a, b)
    assert type(result) is type(a)
    expected = np.dot(value(a), value(b))
    assert result.shape == expected.shape
    np.testing.assert_allclose(value(result), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("numpy", "variable", nn.Variable),
        ("variable", "numpy", nn.Variable),
        ("numpy", "ndarray", nn.NdArray),
        ("ndarray", "numpy", nn.NdArray),
        ("ndarray", "variable", nn.NdArray),
        ("variable", "ndarray", nn.NdArray),
        ("numpy", "numpy", np.ndarray),
    ],
)
def test_operands_of_different_kinds(first, second, expected):
    a, b = made(first, (2, 3)), made(second, (3, 2))
    result = dot(a, b)
    assert isinstance(result, expected)
    np.testing.assert_allclose(value(result), np.dot(value(a), value(b)), rtol=1e-5)


@pytest.mark.parametrize("kind", ["variable", "ndarray"])
@pytest.mark.parametrize("number", [2, 2.5, np.float32(0.5), np.array(3.0)])
def test_numbers_multiply(kind, number):
    x = made(kind, (2, 3))
    for result in (dot(number, x), dot(x, number)):
        assert type(result) is type(x)
        np.testing.assert_allclose(value(result), value(x) * float(number), rtol=1e-6)


def test_two_numbers_are_numpys_business():
    assert dot(2, 3) == 6


def test_gradient_flows_to_both():
    a = nn.Variable.from_numpy_array(rng.randn(2, 3).astype(np.float32), need_grad=True)
    b = nn.Variable.from_numpy_array(rng.randn(4, 3, 5).astype(np.float32), need_grad=True)
    a.grad.zero()
    b.grad.zero()
    y = dot(a, b)
    y.forward()
    grad = rng.randn(*y.shape).astype(np.float32)
    y.backward(grad)
    np.testing.assert_allclose(a.g, np.einsum("ijk,jlk->il", grad, b.d), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(b.g, np.einsum("ijk,il->jlk", grad, a.d), rtol=1e-4, atol=1e-5)


def test_out_of_variables_is_put_into_the_graph():
    a, b, out = made("variable", (2, 3)), made("variable", (3, 2)), nn.Variable((2, 2))
    assert dot(a, b, out) is out
    np.testing.assert_allclose(value(out), np.dot(a.d, b.d), rtol=1e-5)


def test_out_of_arrays_is_filled():
    a, b, out = made("ndarray", (2, 3)), made("ndarray", (3, 2)), nn.NdArray((2, 2))
    assert dot(a, b, out) is out
    np.testing.assert_allclose(out.data, np.dot(a.data, b.data), rtol=1e-5)


def wrong_dtype():
    out = nn.NdArray((2, 2))
    out.cast(np.int32)
    return out


@pytest.mark.parametrize(
    ("kind", "out"),
    [
        ("variable", lambda: nn.Variable((2, 3))),
        ("variable", lambda: nn.NdArray((2, 2))),
        ("variable", lambda: np.zeros((2, 2))),
        ("ndarray", lambda: nn.NdArray((2, 3))),
        ("ndarray", lambda: nn.Variable((2, 2))),
        ("ndarray", wrong_dtype),
        ("numpy", lambda: np.zeros((2, 3), np.float32)),
    ],
)
def test_an_out_that_does_not_fit_is_refused(kind, out):
    with pytest.raises(ValueError):
        dot(made(kind, (2, 3)), made(kind, (3, 2)), out())


@pytest.mark.parametrize(("a", "b"), [((2, 3), (2, 3)), ((2, 3), (2,)), ((3,), (2, 4, 5))])
def test_sizes_that_differ_are_named(a, b):
    with pytest.raises(ValueError, match=r"dot: the last dimension of a \("):
        dot(made("variable", a), made("variable", b))
