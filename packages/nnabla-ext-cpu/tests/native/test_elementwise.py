"""Native arithmetic and activations against NumPy, SciPy and formulas written out here, on every target."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nnabla_ext.cpu.native import module

if module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

from nnabla_ext.cpu.native.elementwise import BACKWARD_KERNELS, FORWARD_KERNELS

special = pytest.importorskip("scipy.special")

Array = np.ndarray
#: Lengths below, at and above those of vectors, of chunks and of the work of one thread.
SIZES = [0, 1, 7, 16, 67, 4099, 70001]


@pytest.fixture(params=module.targets())
def target(request: pytest.FixtureRequest) -> Iterator[str]:
    before = module.target()
    module.use_target(request.param)
    yield request.param
    module.use_target(before)


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = module.thread_count()
    module.set_thread_count(request.param)
    yield request.param
    module.set_thread_count(before)


def forward(name: str, *inputs: Array, **args: Any) -> Array:
    return FORWARD_KERNELS[name](np, inputs, (None,), args)


def backward(name: str, value: Array, dy: Array, **args: Any) -> Array:
    return BACKWARD_KERNELS[name].compute(np, (value,), (dy,), (True,), args)[0]


def close(found: Array, wanted: Array, dtype: Any, ulps: float = 8) -> None:
    assert found.dtype == dtype
    limit = ulps * np.finfo(dtype).eps
    np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=limit, atol=limit / 8)


def sigmoid(x: Array) -> Array:
    return special.expit(x)


def gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


UNARY: dict[str, tuple[Callable[[Array], Array], dict[str, float], tuple[float, float]]] = {
    "ReLU": (lambda x: np.maximum(x, 0), {}, (-5, 5)),
    "LeakyReLU": (lambda x: np.where(x > 0, x, 0.25 * x), {"alpha": 0.25}, (-5, 5)),
    "ReLU6": (lambda x: np.clip(x, 0, 6), {}, (-5, 9)),
    "ELU": (lambda x: np.where(x >= 0, x, 1.5 * np.expm1(x)), {"alpha": 1.5}, (-100, 5)),
    "SELU": (lambda x: 1.25 * np.where(x >= 0, x, 1.5 * np.expm1(x)), {"scale": 1.25, "alpha": 1.5}, (-9, 5)),
    "Sigmoid": (sigmoid, {}, (-80, 80)),
    "LogSigmoid": (special.log_expit, {}, (-200, 200)),
    "SoftPlus": (lambda x: np.logaddexp(0, 2 * x) / 2, {"beta": 2.0}, (-40, 40)),
    "Swish": (lambda x: x * sigmoid(x), {}, (-20, 20)),
    "Mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), {}, (-20, 60)),
    "GELU": (gelu, {}, (-4, 20)),
    "Tanh": (np.tanh, {}, (-15, 15)),
    "TanhShrink": (lambda x: x - np.tanh(x), {}, (-5, 5)),
    "SoftSign": (lambda x: x / (1 + abs(x)), {}, (-5, 5)),
    "HardTanh": (lambda x: np.clip(x, -1, 1), {}, (-3, 3)),
    "HardSigmoid": (lambda x: np.clip(0.2 * x + 0.5, 0, 1), {}, (-4, 4)),
    "Abs": (np.abs, {}, (-4, 4)),
    "Exp": (np.exp, {}, (-30, 30)),
    "Expm1": (np.expm1, {}, (-80, 80)),
    "Log": (np.log, {}, (1e-3, 50)),
    "Log1p": (np.log1p, {}, (-0.9, 50)),
    "Sqrt": (np.sqrt, {}, (0, 50)),
    "Floor": (np.floor, {}, (-9, 9)),
    "Ceil": (np.ceil, {}, (-9, 9)),
    "Round": (lambda x: np.sign(x) * np.floor(np.abs(x) + 0.5), {}, (-9, 9)),
    "Sign": (np.sign, {"alpha": 0.0}, (-9, 9)),
    "Sin": (np.sin, {}, (-3, 9000)),
    "Cos": (np.cos, {}, (-3, 9000)),
    "Tan": (np.tan, {}, (-1.5, 1.5)),
    "ASin": (np.arcsin, {}, (-1, 1)),
    "ACos": (np.arccos, {}, (-1, 1)),
    "ATan": (np.arctan, {}, (-10, 10)),
    "Sinh": (np.sinh, {}, (-40, 40)),
    "Cosh": (np.cosh, {}, (-40, 40)),
    "ASinh": (np.arcsinh, {}, (-500, 500)),
    "ACosh": (np.arccosh, {}, (1, 500)),
    "ATanh": (np.arctanh, {}, (-0.99, 0.99)),
    "Erf": (special.erf, {}, (-7, 7)),
    "AddScalar": (lambda x: x + 1.25, {"val": 1.25}, (-3, 3)),
    "MulScalar": (lambda x: x * 1.25, {"val": 1.25}, (-3, 3)),
    "RSubScalar": (lambda x: 1.25 - x, {"val": 1.25}, (-3, 3)),
    "RDivScalar": (lambda x: 1.25 / x, {"val": 1.25}, (0.5, 3)),
    "RPowScalar": (lambda x: 1.25**x, {"val": 1.25}, (-9, 9)),
    "MaximumScalar": (lambda x: np.maximum(x, 0.5), {"val": 0.5}, (-3, 3)),
    "MinimumScalar": (lambda x: np.minimum(x, 0.5), {"val": 0.5}, (-3, 3)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_array(name: str, dtype: Any, target: str) -> None:
    function, args, (low, high) = UNARY[name]
    for size in SIZES:
        x = np.linspace(low, high, size).astype(dtype)
        wanted = function(x.astype(np.float64))
        # What is computed from the rounded exponential of x has x times its error.
        steep = 4 if name in ("Sinh", "Cosh", "Exp", "Expm1", "GELU", "Tan", "Mish", "Swish", "RPowScalar") else 1
        close(forward(name, x, **args), wanted, dtype, 16 * steep)


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 2.3, -3.7, 5, 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_with_a_number(exponent: float, dtype: Any, target: str) -> None:
    x = np.linspace(0.1, 5, 1003).astype(dtype)
    wide, dy = x.astype(np.float64), np.full_like(x, 2)
    close(forward("PowScalar", x, val=exponent), wide**exponent, dtype, 16)
    close(backward("PowScalar", x, dy, val=exponent), 2 * exponent * wide ** (exponent - 1), dtype, 16)


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -3.0, math.inf, -math.inf, math.nan]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_of_special_values_are_those_of_the_c_library(dtype: Any, target: str) -> None:
    x, y = (part.ravel().astype(dtype) for part in np.meshgrid(SPECIAL, [*SPECIAL, 1.5, -1.5, 3.0, -4.0, 1e20]))
    # NumPy's own vectors of doubles differ from the C library, which computes long doubles.
    wanted = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
    with np.errstate(over="ignore"):
        wanted = wanted.astype(dtype)
    found = forward("Pow2", x, y)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found[wanted == 0]), np.signbit(wanted[wanted == 0]))
    for exponent in (-2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4):
        values = np.array(SPECIAL, dtype)
        with np.errstate(all="ignore"):
            wanted = np.power(values.astype(np.longdouble), exponent)
        np.testing.assert_allclose(forward("PowScalar", values, val=exponent), wanted, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "name, function",
    [
        ("Exp", np.exp),
        ("Log", np.log),
        ("Log1p", np.log1p),
        ("Expm1", np.expm1),
        ("Tanh", np.tanh),
        ("Sigmoid", sigmoid),
        ("Sqrt", np.sqrt),
        ("Sin", np.sin),
        ("ATan", np.arctan),
        ("ASin", np.arcsin),
        ("ACos", np.arccos),
        ("Sinh", np.sinh),
        ("Cosh", np.cosh),
        ("ASinh", np.arcsinh),
        ("ACosh", np.arccosh),
        ("ATanh", np.arctanh),
        ("Erf", special.erf),
        ("ReLU", lambda x: np.maximum(x, 0)),
    ],
)
def test_infinity_nan_and_large_values(name: str, function: Any, dtype: Any, target: str) -> None:
    values = [0.0, 1.0, 1e30, 1e5, 12345678.0, 1e-30, 1e-40, math.inf]
    x = np.array([*values, *(-value for value in values), math.nan], dtype)
    with np.errstate(over="ignore"):
        wanted = function(x.astype(np.float64)).astype(dtype)
    np.testing.assert_allclose(forward(name, x), wanted, rtol=16 * np.finfo(dtype).eps, atol=1e-37)


BACKWARD: dict[str, tuple[str, dict[str, float]]] = {
    **{name: ("x", UNARY[name][1]) for name in UNARY if name in BACKWARD_KERNELS},
    "LeakyReLU": ("y", UNARY["LeakyReLU"][1]),
    **dict.fromkeys(("ReLU", "Sigmoid", "Tanh", "Sqrt", "Expm1"), ("y", {})),
}


@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_are_slopes(name: str, target: str) -> None:
    read, args = BACKWARD[name]
    assert BACKWARD_KERNELS[name].reads == (read,)
    function, _, (low, high) = UNARY[name]
    low, high = max(low, -6), min(high, 6)
    # Irrational distances keep clear of corners; the ends are where some slopes have no bound.
    x = np.linspace(low, high, 301)[3:-3] + 1e-4 * math.sqrt(2)
    step = 1e-5
    slope = (function(x + step) - function(x - step)) / (2 * step)
    dy = np.linspace(-1, 2, x.size)
    value = x if read == "x" else function(x)
    np.testing.assert_allclose(backward(name, value, dy, **args), slope * dy, rtol=1e-5, atol=1e-7)
    single = backward(name, value.astype(np.float32), dy.astype(np.float32), **args)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, slope * dy, rtol=1e-4, atol=1e-5)


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "Add2": np.add,
    "Sub2": np.subtract,
    "Mul2": np.multiply,
    "Div2": np.divide,
    "Maximum2": np.maximum,
    "Minimum2": np.minimum,
    "Pow2": np.power,
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
}
SHAPES = [
    ((5,), (5,)),
    ((), (3, 4)),
    ((300, 7), (7,)),
    ((300, 200), (200,)),
    ((300, 7), (300, 1)),
    ((30, 200), (30, 1)),
    ((3, 5, 17, 9), (1, 5, 1, 1)),
    ((3, 5, 17, 9), (3, 1, 17, 1)),
    ((40, 1), (1, 50)),
    ((2, 1, 80), (3, 1)),
    ((1,), (1, 1)),
    ((0, 4), (4,)),
    ((130, 1, 70), (130, 90, 70)),
]


def values(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any) -> Array:
    """Few different values, so that some are equal."""
    return np.asarray(rng.integers(1, 8, shape) / 4, dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BINARY)
def test_two_arrays_broadcast(name: str, dtype: Any, target: str, threads: int) -> None:
    rng = np.random.default_rng(0)
    for shapes in SHAPES:
        a, b = (values(rng, s, dtype) for s in shapes)
        for x, y in ((a, b), (b, a)):
            wanted, found = BINARY[name](x, y), forward(name, x, y)
            assert found.shape == wanted.shape and found.dtype == wanted.dtype
            np.testing.assert_allclose(found, wanted, rtol=8 * np.finfo(dtype).eps)


def layouts(x: Array) -> Iterator[Array]:
    """Arrays equal to x that lie differently in memory."""
    yield x
    axes = (0, *range(2, x.ndim), 1)
    back = tuple(np.argsort(axes))
    yield np.ascontiguousarray(x.transpose(axes)).transpose(back)
    yield np.asfortranarray(x)
    wide = np.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    yield wide[..., ::2]
    yield x[:, ::-1].copy()[:, ::-1]
    bytes_ = np.zeros(x.nbytes + 1, np.int8)
    odd = bytes_[1:].view(x.dtype).reshape(x.shape)
    odd[...] = x
    yield odd
    yield x.astype(x.dtype.newbyteorder())


def test_any_layout_and_the_order_in_memory_stays(target: str) -> None:
    rng = np.random.default_rng(1)
    a, b, bias = (values(rng, s, np.float32) for s in ((3, 5, 7, 9), (3, 5, 7, 9), (1, 5, 1, 1)))
    for x in layouts(a):
        np.testing.assert_array_equal(forward("Abs", x), a)
        np.testing.assert_array_equal(forward("Add2", x, bias), a + bias)
        for y in layouts(b):
            np.testing.assert_array_equal(forward("Sub2", x, y), a - b)
            np.testing.assert_array_equal(forward("Greater", x, y), a > b)
    last = a.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    for found in (forward("ReLU", last), forward("Add2", last, bias), forward("Add2", bias, last)):
        assert found.strides == last.strides
    spread = np.broadcast_to(bias, a.shape)
    np.testing.assert_array_equal(forward("Sub2", spread, a), spread - a)


def test_results_are_memory_of_their_own() -> None:
    x = np.zeros((0, 3), np.float32)
    assert forward("ReLU", x) is not x
    y = np.ones((200, 300), np.float32)
    assert not np.shares_memory(forward("ReLU", y), y)


def test_comparisons_take_other_dtypes_and_logic_truth_values(target: str) -> None:
    a, b = np.arange(200) % 7, np.arange(200) % 5
    np.testing.assert_array_equal(forward("Less", a, b), a < b)
    p, q = a > 2, b > 2
    for name, function in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)):
        found = forward(f"Logical{name}", p, q)
        assert found.dtype == bool
        np.testing.assert_array_equal(found, function(p, q))
    np.testing.assert_array_equal(forward("LogicalNot", p), ~p)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_logic_as_numbers(dtype: Any, target: str, threads: int) -> None:
    rng = np.random.default_rng(3)
    args = {"dtype": np.dtype(dtype)}
    for shape in ((), (3,), (40, 5), (300, 200)):
        p, q = rng.random((2, *shape)) < 0.5
        for name, function in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)):
            pairs = [(forward(f"Logical{name}.float", p, q, **args), function(p, q))]
            for val in (True, False, 3.0, 0.0):
                found = forward(f"Logical{name}Scalar.float", p, val=val, **args)
                pairs.append((found, function(p, bool(val))))
            for found, wanted in pairs:
                assert found.dtype == dtype
                np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(forward("LogicalNot.float", p, **args), ~p)
    p, q = rng.random((20, 1, 7)) < 0.5, rng.random((30, 1)) < 0.5
    np.testing.assert_array_equal(forward("LogicalXor.float", p, q, **args), p ^ q)


def test_where_takes_a_condition_of_the_first_dimensions(target: str) -> None:
    rng = np.random.default_rng(2)
    condition, a, b = rng.random((30, 40)) > 0.5, rng.random((30, 40, 5)), rng.random((30, 40, 5))
    np.testing.assert_array_equal(forward("Where", condition, a, b), np.where(condition[..., None], a, b))
    zero = np.zeros(())
    np.testing.assert_array_equal(forward("Where", condition, zero, a[..., 0]), np.where(condition, 0, a[..., 0]))
    np.testing.assert_array_equal(forward("Where", condition, a[..., 0], zero), np.where(condition, a[..., 0], 0))


def test_numbers_in_the_place_of_nan_and_infinity(target: str) -> None:
    x = np.array([1, math.nan, math.inf, -math.inf, -2] * 9, np.float32)
    np.testing.assert_array_equal(forward("IsNaN", x), np.isnan(x))
    np.testing.assert_array_equal(forward("IsInf", x), np.isinf(x))
    np.testing.assert_array_equal(forward("ResetNaN", x, val=3.0), np.where(np.isnan(x), np.float32(3), x))
    np.testing.assert_array_equal(forward("ResetInf", x, val=3.0), np.where(np.isinf(x), np.float32(3), x))


def test_what_does_not_go_together_is_told() -> None:
    with pytest.raises(ValueError, match=r"\(3\) and \(4\) do not go together"):
        forward("Add2", np.zeros(3), np.zeros(4))
    with pytest.raises(TypeError, match="one dtype"):
        forward("Add2", np.zeros(3), np.zeros(3, np.float32))
    with pytest.raises(TypeError, match="float32 and float64"):
        forward("Exp", np.zeros(3, np.int32))
    with pytest.raises(KeyError):
        forward("ELU", np.zeros(3))
