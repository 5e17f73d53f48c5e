"""Recurrent layers by native kernels: all layers and directions in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nnabla_ext.cpu.native as native
from nnabla.errors import StateError
from nnabla.plugins.backend import BackwardKernel, ForwardKernel

__all__ = ["BACKWARD_KERNELS", "FORWARD_KERNELS"]

_native = native.module
_greater: Any = None if _native is None else _native.forward_map("GreaterScalar", ("val",))


def _cell(name: str, args: dict[str, Any]) -> str:
    return str(args["nonlinearity"]) if name == "RNN" else name.lower()


def _scale(args: dict[str, Any]) -> float:
    return 1.0 / (1.0 - args["dropout"])


def _mask(x: Any, h: Any, args: dict[str, Any]) -> Any:
    """Return which outputs between layers stay, as drawn by the operator's body, or None without dropout."""
    layers, directions, batch, size = h.shape
    if not args["training"] or args["dropout"] <= 0 or layers == 1:
        return None
    shape = (layers - 1, len(x), batch, directions * size)
    drawn = _native.random_uniform(shape, x.dtype, args["state"], args["lane"])
    return _greater(None, (drawn,), (None,), {"val": args["dropout"]})


def _forward(name: str) -> ForwardKernel:
    state = name == "LSTM"

    def kernel(xp: Any, inputs: tuple[Any, ...], out: tuple[Any, ...], args: dict[str, Any]) -> tuple[Any, ...]:
        x, h, c, w0, w, bias = inputs if state else (*inputs[:2], None, *inputs[2:])
        mask = _mask(x, h, args)
        results = _native.recurrent_forward(
            _cell(name, args), x, h, c, w0, w, bias, mask, _scale(args), args["training"]
        )
        if mask is not None:
            results.insert(3 if state else 2, mask)
        return tuple(results)

    return kernel


def _backward(name: str) -> BackwardKernel:
    state = name == "LSTM"

    def compute(
        xp: Any, values: Sequence[Any], grads: Sequence[Any], need: Sequence[bool], args: dict[str, Any]
    ) -> Sequence[Any]:
        x, h, c, w0, w, gates, hidden, cells, mask = (
            values if state else (*values[:2], None, *values[2:6], None, values[6])
        )
        if gates is None:
            raise StateError(
                "recurrent layers: backward needs a forward run with training=True, but training=False was given"
            )
        dy, dh, dc = grads if state else (*grads, None)
        wanted = (need[0], *need[-3:])
        results = _native.recurrent_backward(
            _cell(name, args), x, h, c, w0, w, mask, _scale(args), gates, hidden, cells, dy, dh, dc, wanted
        )
        if not state:
            del results[2]
        return results

    reads = ("x", "h", *(("c",) if state else ()), "weight_l0", "weight", "gates", "hidden")
    return BackwardKernel(compute, (*reads, *(("cells",) if state else ()), "mask"))


_NAMES = ("GRU", "LSTM", "RNN")

FORWARD_KERNELS: dict[str, ForwardKernel] = {name: _forward(name) for name in _NAMES}

BACKWARD_KERNELS: dict[str, BackwardKernel] = {name: _backward(name) for name in _NAMES}
