"""Arithmetic and activations by native kernels.

Most kernels are functions of the compiled module themselves: they take what a backend's kernels take.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

#: Operators that are one map over their inputs, and the arguments that are its parameters.
_FORWARD: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            *("ReLU", "ReLU6", "Sigmoid", "LogSigmoid", "Swish", "Mish", "GELU", "Tanh", "TanhShrink", "SoftSign"),
            *("HardTanh", "HardSigmoid", "Abs", "Exp", "Expm1", "Log", "Log1p", "Sqrt", "Floor", "Ceil", "Round"),
            *("Sin", "Cos", "Tan", "ASin", "ACos", "ATan", "Sinh", "Cosh", "ASinh", "ACosh", "ATanh", "Erf"),
            *("Add2", "Sub2", "Mul2", "Div2", "Pow2", "Maximum2", "Minimum2"),
            *("BinarySigmoid", "BinaryTanh", "BinaryError"),
            *("IsNaN", "IsInf", "LogicalAnd", "LogicalOr", "LogicalXor", "LogicalNot"),
        ),
        (),
    ),
    **dict.fromkeys(("LeakyReLU", "ELU", "Sign"), ("alpha",)),
    **dict.fromkeys(("AddScalar", "MulScalar", "RSubScalar", "RDivScalar", "RPowScalar"), ("val",)),
    **dict.fromkeys(("MaximumScalar", "MinimumScalar", "ResetNaN", "ResetInf"), ("val",)),
    **dict.fromkeys(("EqualScalar", "NotEqualScalar", "GreaterScalar", "GreaterEqualScalar"), ("val",)),
    **dict.fromkeys(("LessScalar", "LessEqualScalar"), ("val",)),
    "SELU": ("scale", "alpha"),
    "SoftPlus": ("beta",),
}

#: Comparisons, which take values of other dtypes too: those NumPy compares.
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "Equal": np.equal,
    "NotEqual": np.not_equal,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
}

#: Gradients that are one map over what they read and the gradient of the result: what they read, and parameters.
_BACKWARD: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **dict.fromkeys(("ReLU", "Sigmoid", "Tanh", "Sqrt", "Expm1"), (("y",), ())),
    **dict.fromkeys(
        (
            *("ReLU6", "LogSigmoid", "Swish", "Mish", "GELU", "TanhShrink", "SoftSign", "HardTanh", "HardSigmoid"),
            *("Abs", "Log1p", "Sin", "Cos", "Tan", "ASin", "ACos", "ATan"),
            *("Sinh", "Cosh", "ASinh", "ACosh", "ATanh", "Erf"),
            *("BinarySigmoid", "BinaryTanh"),
        ),
        (("x",), ()),
    ),
    "LeakyReLU": (("y",), ("alpha",)),
    "ELU": (("x",), ("alpha",)),
    "SELU": (("x",), ("scale", "alpha")),
    "SoftPlus": (("x",), ("beta",)),
    **dict.fromkeys(("RDivScalar", "MaximumScalar", "MinimumScalar"), (("x",), ("val",))),
}

FORWARD_KERNELS: dict[str, ForwardKernel] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}


def _power_kernels() -> tuple[ForwardKernel, Callable[..., Any]]:
    """Return the kernels of powers with a number as exponent, which some exponents have of their own."""
    exponents = (-2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4)
    simple = {e: module.forward_map(f"power {e}") for e in exponents}
    simple_backward = {e: module.backward_map(f"power {e}'", numbers=[e]) for e in exponents if e != 1}
    general = module.forward_map("PowScalar", ("val",))
    general_backward = module.backward_map("PowScalar'", ("val",))

    def forward(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
        return simple.get(args["val"], general)(xp, inputs, out, args)

    def backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Any:
        if args["val"] in (0, 1):
            return (grads[0] * args["val"],)  # these do not read x, which may be gone
        return simple_backward.get(args["val"], general_backward)(xp, values, grads, need, args)

    return forward, backward


def _fixed_point_kernels() -> tuple[ForwardKernel, Callable[..., Any]]:
    """Return the kernels of quantization with a fixed step, whose parameters follow from the arguments."""

    @functools.lru_cache(256)
    def maps(sign: bool, n: int, delta: float) -> tuple[ForwardKernel, Callable[..., Any]]:
        high = (2 ** (n - 1) - 1 if sign else 2**n - 1) * delta
        round_ = module.forward_map("fixed point" if sign else "fixed point from 0", numbers=[high, delta])
        return round_, module.backward_map("within'", numbers=[-high if sign else 0.0, high])

    def forward(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
        return maps(args["sign"], args["n"], args["delta"])[0](xp, inputs, out, args)

    def backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Any:
        if not args["ste_fine_grained"]:
            return (np.array(grads[0]),)
        return maps(args["sign"], args["n"], args["delta"])[1](xp, values, grads, need, args)

    return forward, backward


def _numbers(name: str, values: Sequence[float] = ()) -> ForwardKernel:
    """Return a kernel that makes numbers, in the dtype that is asked for, of truth values alone."""
    single, double = (module.forward_map(name, numbers=list(values), twice=twice) for twice in (False, True))

    def kernel(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
        return (double if args["dtype"] == np.float64 else single)(xp, inputs, out, args)

    return kernel


def _numbers_with_scalar(of_false: ForwardKernel, of_true: ForwardKernel) -> ForwardKernel:
    def kernel(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Any:
        return (of_true if args["val"] else of_false)(xp, inputs, out, args)

    return kernel


def _logic_as_numbers() -> dict[str, ForwardKernel]:
    """Return the kernels of logic whose results are kept as numbers."""
    zeros, same, inverse, ones = (_numbers("chosen", pair) for pair in ((0, 0), (0, 1), (1, 0), (1, 1)))
    return {
        **{f"{name}.float": _numbers(f"{name}.float") for name in ("LogicalAnd", "LogicalOr", "LogicalXor")},
        "LogicalNot.float": inverse,
        "LogicalAndScalar.float": _numbers_with_scalar(zeros, same),
        "LogicalOrScalar.float": _numbers_with_scalar(same, ones),
        "LogicalXorScalar.float": _numbers_with_scalar(same, inverse),
    }


if module is not None:
    FORWARD_KERNELS.update({name: module.forward_map(name, parameters) for name, parameters in _FORWARD.items()})
    BACKWARD_KERNELS.update(
        {
            name: BackwardKernel(module.backward_map(f"{name}'", parameters), reads)
            for name, (reads, parameters) in _BACKWARD.items()
        }
    )
    for _name, _compare in _COMPARISONS.items():
        FORWARD_KERNELS[_name] = module.forward_map(
            _name, otherwise=lambda xp, inputs, out, args, compare=_compare: compare(*inputs)
        )
        FORWARD_KERNELS[f"{_name}.float"] = module.forward_map(f"{_name}.float")
        FORWARD_KERNELS[f"{_name}Scalar.float"] = module.forward_map(f"{_name}Scalar.float", ("val",))
    FORWARD_KERNELS.update({f"{name}.float": module.forward_map(f"{name}.float") for name in ("IsNaN", "IsInf")})
    FORWARD_KERNELS.update(_logic_as_numbers())
    FORWARD_KERNELS["FixedPointQuantize"], _fixed_point_backward = _fixed_point_kernels()
    BACKWARD_KERNELS["FixedPointQuantize"] = BackwardKernel(_fixed_point_backward, ("x",))
    FORWARD_KERNELS["PowScalar"], _power_backward = _power_kernels()
    BACKWARD_KERNELS["PowScalar"] = BackwardKernel(_power_backward, ("x",))
    # A condition of fewer dimensions than the values has the first of theirs.
    FORWARD_KERNELS["Where"] = module.forward_map("Where", leading=True)
