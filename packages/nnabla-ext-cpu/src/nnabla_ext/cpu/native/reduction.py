"""Reductions by native kernels, and the gradients of arithmetic, which sum over what broadcasting added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nnabla.plugins.backend import BackwardKernel, ForwardKernel
from nnabla_ext.cpu.kernels import reduction as numpy_kernels
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

Array = np.ndarray

FORWARD_KERNELS: dict[str, ForwardKernel] = {}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {}


def _norm_kernel() -> ForwardKernel:
    kernels = {1: module.reduction("norm 1"), 2: module.reduction("norm 2")}
    size, power = module.forward_map("Abs"), module.forward_map("PowScalar", ("val",))
    sum_, largest = module.reduction("Sum"), module.reduction("AMax")

    def norm(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
        p = args["p"]
        if p in kernels:
            return kernels[p](xp, inputs, out, args)
        sizes = size(xp, inputs, out, args)
        if np.isinf(p):
            return largest(xp, (sizes,), out, args)
        total = sum_(xp, (power(xp, (sizes,), out, {"val": p}),), out, args)
        return power(xp, (total,), out, {"val": 1.0 / p})

    return norm


def _arg_max(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> Array:
    x, axis = inputs[0], args["axis"]
    if axis in (-1, x.ndim - 1):
        found = module.arg_max(np.ascontiguousarray(x))
        if found is not None:
            return found
    return np.argmax(x, axis=axis, keepdims=True)


def _added_axes(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes that broadcasting from one shape to another added or lengthened."""
    lead = len(shape) - len(to)
    return (*range(lead), *(lead + i for i, n in enumerate(to) if n == 1 and shape[lead + i] != 1))


def _gradient_kernel(first: Callable[..., Any] | None, second: Callable[..., Any] | None) -> Callable[..., Any]:
    """Return a kernel of the gradients of an operator on two arrays.

    Args:
        first, second: Maps that give a gradient in the shape of the result from (x0, x1, dy); None for the
            gradients of a product.
    """
    sum_, sum_products, multiply = (
        module.reduction("Sum"),
        module.reduction("sum of products"),
        module.forward_map("Mul2"),
    )

    def product(x: Array, dy: Array, shape: tuple[int, ...]) -> Array:
        """``x * dy``, summed to a shape."""
        if shape == dy.shape:
            return multiply(None, (dy, x), None, None)
        axes = {"axes": _added_axes(dy.shape, shape), "keep_dims": False}
        if x.shape == dy.shape and x.strides == dy.strides and dy.flags.forc:
            return sum_products(None, (dy, x), None, axes).reshape(shape)
        return sum_(None, (multiply(None, (dy, x), None, None),), None, axes).reshape(shape)

    def mapped(apply: Callable[..., Any], x0: Array, x1: Array, dy: Array, shape: tuple[int, ...]) -> Array:
        value = apply(None, (x0, x1, dy), None, None)
        if shape == value.shape:
            return value
        axes = {"axes": _added_axes(value.shape, shape), "keep_dims": False}
        return sum_(None, (value,), None, axes).reshape(shape)

    def backward(
        xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
    ) -> Sequence[Any]:
        (x0, x1), (dy,) = values, grads
        d0 = d1 = None
        if need[0]:
            d0 = product(x1, dy, x0.shape) if first is None else mapped(first, x0, x1, dy, x0.shape)
        if need[1]:
            d1 = product(x0, dy, x1.shape) if second is None else mapped(second, x0, x1, dy, x1.shape)
        return d0, d1

    return backward


def _prod_kernel() -> Callable[..., Any]:
    """Return a kernel of the gradient of products: the product by the element, where none is 0 or too large."""
    product, divide = module.reduction("Prod"), module.forward_map("Div2")

    def backward(
        xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
    ) -> Sequence[Any]:
        (x,), (dy,) = values, grads
        y = product(xp, (x,), (None,), {"axes": args["axes"], "keep_dims": True})
        size = np.abs(y)
        if not x.size or size.min() < np.finfo(x.dtype).tiny or size.max() == np.inf:
            return numpy_kernels.BACKWARD_KERNELS["Prod"].compute(xp, values, grads, need, args)
        return (divide(xp, (dy.reshape(y.shape) * y, x), (None,), args),)

    return backward


if module is not None:
    BACKWARD_KERNELS["Prod"] = BackwardKernel(_prod_kernel(), ("x",))
    FORWARD_KERNELS.update({name: module.reduction(name) for name in ("Sum", "Mean", "AMax", "Prod")})
    FORWARD_KERNELS["Norm"] = _norm_kernel()
    FORWARD_KERNELS["ArgMax"] = _arg_max
    _divide = module.forward_map("Div2")
    _gradients: dict[str, tuple[Callable[..., Any] | None, Callable[..., Any] | None]] = {
        "Div2": (lambda xp, v, out, args: _divide(xp, (v[2], v[1]), out, args), module.forward_map("Div2'1")),
        **{name: tuple(module.forward_map(f"{name}'{i}") for i in (0, 1)) for name in ("Pow2", "Maximum2", "Minimum2")},
    }
    for _name, (_first, _second) in _gradients.items():
        BACKWARD_KERNELS[_name] = BackwardKernel(_gradient_kernel(_first, _second), ("x0", "x1"))
    BACKWARD_KERNELS["Mul2"] = BackwardKernel(_gradient_kernel(None, None), ("x0", "x1"))
