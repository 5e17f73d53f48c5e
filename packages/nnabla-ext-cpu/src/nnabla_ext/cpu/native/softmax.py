"""Softmax, its losses and what counts right classes, by native kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nnabla.ops.loss import TINY
from nnabla.plugins.backend import BackwardKernel
from nnabla_ext.cpu.native import module

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]


def _softmax(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    return module.softmax(inputs[0], args["axis"], False)


def _log_softmax(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    return module.softmax(inputs[0], args["axis"], True)


def _softmax_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return (module.softmax_backward(values[0], grads[0], args["axis"], False),)


def _log_softmax_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return (module.softmax_backward(values[0], grads[0], args["axis"], True),)


def _softmax_cross_entropy(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    return module.softmax_cross_entropy(inputs[0], inputs[1], args["axis"])


def _softmax_cross_entropy_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    target, log_p = values
    return module.softmax_cross_entropy_backward(log_p, target, grads[0], args["axis"]) if need[0] else None, None


def _categorical_cross_entropy(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    return module.categorical_cross_entropy(inputs[0], inputs[1], args["axis"], TINY)


def _categorical_cross_entropy_backward(
    xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]
) -> Sequence[Any]:
    x, target = values
    if not need[0]:
        return None, None
    return module.categorical_cross_entropy_backward(x, target, grads[0], args["axis"], TINY), None


def _sigmoid_cross_entropy(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
    return module.sigmoid_cross_entropy(inputs[0], inputs[1], None)


def _sigmoid_cross_entropy_backward(xp: Any, values: Any, grads: Any, need: Any, args: dict[str, Any]) -> Sequence[Any]:
    return module.sigmoid_cross_entropy(values[0], values[1], grads[0]) if need[0] else None, None


FORWARD_KERNELS: dict[str, Callable[..., Any]] = {
    "CategoricalCrossEntropy": _categorical_cross_entropy,
    "LogSoftmax": _log_softmax,
    "SigmoidCrossEntropy": _sigmoid_cross_entropy,
    "Softmax": _softmax,
    "SoftmaxCrossEntropy": _softmax_cross_entropy,
}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {
    "CategoricalCrossEntropy": BackwardKernel(_categorical_cross_entropy_backward, ("x", "target")),
    "LogSoftmax": BackwardKernel(_log_softmax_backward, ("y",)),
    "SigmoidCrossEntropy": BackwardKernel(_sigmoid_cross_entropy_backward, ("x", "target")),
    "Softmax": BackwardKernel(_softmax_backward, ("y",)),
    "SoftmaxCrossEntropy": BackwardKernel(_softmax_cross_entropy_backward, ("target", "log_p")),
}
