"""Recurrent layers of any cell: forwards, and back through time.

The products of a layer's input with its weights are one matrix product over all steps, and so are the weights'
gradients; what remains per step is the product with the previous output.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nnabla import ops
from nnabla.errors import ArgumentError, ShapeError, StateError
from nnabla.ops.definition import Result, operator
from nnabla.ops.internal import cast, zeros
from nnabla.ops.randomness import random_uniform
from nnabla.ops.recurrent_cells import Cell, bias_rows, columns, side_by_side
from nnabla.ops.slicing import part
from nnabla.ops.spec import Float, String

__all__ = ["backward", "check", "forward"]


@operator("Refuse", internal=True, differentiable=False)
def refuse(x: Float, why: String) -> Any:
    """Raise a RuntimeError that says ``why`` as soon as the result is wanted."""


@refuse.shape
def _(x: Any, why: str) -> Any:
    return x


@refuse.reference
def _(xp: Any, x: Any, why: str) -> Any:
    raise StateError(why)


# -- pieces ------------------------------------------------------------------------------------------------------
def _item(x: Any, *at: int) -> Any:
    """Return ``x[at]``."""
    for i in at:
        x = ops.reshape(part(x, 0, i, i + 1), x.shape[1:], False)
    return x


def _stack(items: list[Any]) -> Any:
    return ops.stack(*items, axis=0)


class _Layers:
    """Sizes, weights and inputs of all layers.

    Attributes:
        steps, batch, layers, directions, size: T, B, L, D and H.
    """

    def __init__(self, cell: Cell, x: Any, h: Any, w0: Any, w: Any, dropout: float) -> None:
        self.cell, self.x, self.h, self.w0, self.w, self.dropout = cell, x, h, w0, w, dropout
        self.steps, self.batch = x.shape[:2]
        self.layers, self.directions, _, self.size = h.shape

    def weights(self, layer: int, direction: int) -> tuple[Any, Any]:
        """Return the matrices (blocks * H, features) and (blocks * H, H), blocks in the cell's order."""
        w = _item(self.w0, direction) if layer == 0 else _item(self.w, layer - 1, direction)
        blocks, size = self.cell.blocks, self.size
        features = w.shape[-1] - size
        rows = ops.reshape(w, (blocks * size, features + size), False)
        if self.cell.order != tuple(range(blocks)):
            rows = ops.concatenate(*(part(rows, 0, k * size, (k + 1) * size) for k in self.cell.order), axis=0)
        return part(rows, 1, 0, features), part(rows, 1, features, features + size)

    def as_weight(self, dwx: Any, dwh: Any, like: tuple[int, ...]) -> Any:
        """The inverse of :meth:`weights`, in the shape of files."""
        rows, size = side_by_side(dwx, dwh), self.size
        if self.cell.order != tuple(range(self.cell.blocks)):
            back = sorted(range(self.cell.blocks), key=lambda k: self.cell.order[k])
            rows = ops.concatenate(*(part(rows, 0, k * size, (k + 1) * size) for k in back), axis=0)
        return ops.reshape(rows, like, False)

    def time(self, direction: int) -> range:
        """Return the steps in the order in which a direction goes over them."""
        return range(self.steps) if direction == 0 else range(self.steps - 1, -1, -1)

    def flat(self, sequence: Any) -> Any:
        """Return (T, B, n) as (T * B, n)."""
        return ops.reshape(sequence, (self.steps * self.batch, sequence.shape[-1]), False)

    def joined(self, outputs: list[Any], mask: Any, layer: int) -> Any:
        """Return a layer's output from those of its directions, with dropout before the next layer."""
        y = outputs[0] if len(outputs) == 1 else ops.concatenate(*outputs, axis=2)
        return self.dropped(y, mask, layer)

    def dropped(self, y: Any, mask: Any, layer: int) -> Any:
        """Apply dropout to a layer's output (or to its gradient)."""
        if mask is None or layer == self.layers - 1:
            return y
        return y * cast(_item(mask, layer), "float") * (1.0 / (1.0 - self.dropout))


# -- forward -----------------------------------------------------------------------------------------------------
def forward(cell: Cell, x: Any, h: Any, c: Any, w0: Any, w: Any, bias: Any, dropout: float, training: bool) -> Result:
    """Run all layers; see the operators below."""
    net = _Layers(cell, x, h, w0, w, dropout)
    mask = None
    if training and dropout > 0 and net.layers > 1:
        mask = random_uniform((net.layers - 1, net.steps, net.batch, net.directions * net.size)) > dropout
    last: list[Any] = []
    states: list[Any] = []
    kept: dict[str, list[Any]] = {"gates": [], "hidden": [], "cells": []}
    sequence = x
    for layer in range(net.layers):
        outputs = []
        for direction in range(net.directions):
            wx, wh = net.weights(layer, direction)
            zx, row = ops.batch_matmul(net.flat(sequence), wx, False, True), None
            if bias is not None:
                blocks = ops.reshape(_item(bias, layer, direction), (cell.biases, net.size), False)
                first, row = bias_rows(cell, blocks)
                zx = zx + first
            zx = ops.reshape(zx, (net.steps, net.batch, cell.blocks * net.size), False)
            now, state = _item(h, layer, direction), None if c is None else _item(c, layer, direction)
            steps: list[Any] = [None] * net.steps
            for t in net.time(direction):
                zh = ops.batch_matmul(now, wh, False, True)
                now, state, gates = cell.step(_item(zx, t), zh if row is None else zh + row, now, state)
                steps[t] = (now, gates, state)
            outputs.append(_stack([s[0] for s in steps]))
            kept["hidden"].append(outputs[-1])
            kept["gates"].append(_stack([s[1] for s in steps]))
            if cell.state:
                kept["cells"].append(_stack([s[2] for s in steps]))
                states.append(state)
            last.append(now)
        sequence = net.joined(outputs, mask, layer)
    results = [sequence, ops.reshape(_stack(last), h.shape, False)]
    if cell.state:
        results.append(ops.reshape(_stack(states), h.shape, False))
    saved = {name: _stack(values) for name, values in kept.items() if values} if training else {}
    if mask is not None:
        saved["mask"] = mask
    return Result(results, saved=saved)


# -- backward ----------------------------------------------------------------------------------------------------
def backward(
    cell: Cell,
    x: Any,
    h: Any,
    c: Any,
    w0: Any,
    w: Any,
    bias_shape: Any,
    dropout: float,
    gates: Any,
    hidden: Any,
    cells: Any,
    mask: Any,
    dy: Any,
    dh_n: Any,
    dc_n: Any,
) -> list[Any]:
    """Return the gradients of x, h, c (if there is one), both weights and the bias."""
    if gates is None:
        why = "recurrent layers: backward needs a forward run with training=True, but training=False was given"
        return [refuse(zeros(v.shape), why) for v in (x, h, *([c] if cell.state else []), w0)]
    net = _Layers(cell, x, h, w0, w, dropout)
    dweights: dict[tuple[int, int], Any] = {}
    dbias: dict[tuple[int, int], Any] = {}
    dfirst: dict[tuple[int, int], Any] = {}
    dstate: dict[tuple[int, int], Any] = {}
    for layer in range(net.layers - 1, -1, -1):
        sequence = x
        if layer > 0:
            below = [_item(hidden, (layer - 1) * net.directions + d) for d in range(net.directions)]
            sequence = net.joined(below, mask, layer - 1)
        dsequence = None
        for direction in range(net.directions):
            at = (layer, direction)
            number = layer * net.directions + direction
            wx, wh = net.weights(layer, direction)
            h0, hs = _item(h, *at), _item(hidden, number)
            dzx, dzh, dfirst[at], dstate[at] = _through_time(
                net,
                direction,
                wh,
                hs,
                _item(gates, number),
                h0,
                (_item(cells, number), _item(c, *at), _item(dc_n, *at)) if cell.state else None,
                part(dy, 2, direction * net.size, (direction + 1) * net.size),
                _item(dh_n, *at),
            )
            before = _shifted(hs, h0, direction, net.steps)
            dwx = ops.batch_matmul(dzx, net.flat(sequence), True, False)
            dwh = ops.batch_matmul(dzh, net.flat(before), True, False)
            dweights[at] = net.as_weight(dwx, dwh, w0.shape[1:] if layer == 0 else w.shape[2:])
            if bias_shape is not None:
                dbias[at] = ops.reshape(_bias_gradient(cell, dzx, dzh, net.size), bias_shape[2:], False)
            more = ops.reshape(ops.batch_matmul(dzx, wx, False, False), sequence.shape, False)
            dsequence = more if dsequence is None else dsequence + more
        dy = dsequence if layer == 0 else net.dropped(dsequence, mask, layer - 1)
    pairs = [(layer, d) for layer in range(net.layers) for d in range(net.directions)]

    def gathered(values: dict[tuple[int, int], Any], chosen: Iterable[tuple[int, int]], shape: Any) -> Any:
        return ops.reshape(_stack([values[p] for p in chosen]), shape, False)

    first = [p for p in pairs if p[0] == 0]
    grads = [dy, gathered(dfirst, pairs, h.shape)]
    if cell.state:
        grads.append(gathered(dstate, pairs, h.shape))
    grads.append(gathered(dweights, first, w0.shape))
    grads.append(None if w is None else gathered(dweights, [p for p in pairs if p[0]], w.shape))
    grads.append(None if bias_shape is None else gathered(dbias, pairs, bias_shape))
    return grads


def _through_time(
    net: _Layers, direction: int, wh: Any, hs: Any, gates: Any, h0: Any, state: Any, dys: Any, dh: Any
) -> tuple[Any, Any, Any, Any]:
    """Return the gradients of both products (T * B, blocks * H), of the first output and of the first state."""
    order = list(net.time(direction))
    cs, c0, dc = state if state is not None else (None, None, None)
    inputs: list[Any] = [None] * net.steps
    outputs: list[Any] = [None] * net.steps
    for n in range(net.steps - 1, -1, -1):
        t = order[n]
        h_before = _item(hs, order[n - 1]) if n else h0
        c_before = (_item(cs, order[n - 1]) if n else c0) if state is not None else None
        c_now = _item(cs, t) if state is not None else None
        dh = dh + _item(dys, t)
        dzx, dzh, rest, dc = net.cell.back(dh, dc, _item(gates, t), h_before, c_before, c_now)
        inputs[t], outputs[t] = dzx, dzh
        dh = ops.batch_matmul(dzh, wh, False, False)
        dh = dh if rest is None else dh + rest
    dx = net.flat(_stack(inputs))
    same = all(a is b for a, b in zip(inputs, outputs))
    return dx, dx if same else net.flat(_stack(outputs)), dh, dc


def _shifted(hs: Any, h0: Any, direction: int, steps: int) -> Any:
    """Return the output before each step."""
    first = ops.reshape(h0, (1, *h0.shape), False)
    if steps == 1:
        return first
    if direction == 0:
        return ops.concatenate(first, part(hs, 0, 0, steps - 1), axis=0)
    return ops.concatenate(part(hs, 0, 1, steps), first, axis=0)


def _bias_gradient(cell: Cell, dzx: Any, dzh: Any, size: int) -> Any:
    """Return the gradient of the bias blocks, side by side, in the order of files."""
    total = ops.sum(dzx, (0,), True)
    back = sorted(range(cell.blocks), key=lambda k: cell.order[k])
    rows = [columns(total, size, k) for k in back]
    if cell.biases > cell.blocks:
        rows.append(columns(ops.sum(dzh, (0,), True), size, 2))
    return side_by_side(*rows) if len(rows) > 1 else rows[0]


# -- checks ------------------------------------------------------------------------------------------------------
def check(
    name: str,
    cell: Cell,
    x: Any,
    h: Any,
    c: Any,
    w0: Any,
    w: Any,
    bias: Any,
    layers: int,
    bidirectional: bool,
    dropout: float,
    gate_axis: bool = True,
) -> None:
    """Raise unless all shapes fit; ``gate_axis`` says whether weights have a dimension of blocks."""
    directions = 2 if bidirectional else 1
    if len(x) != 3 or not x[0]:
        raise ShapeError(f"{name}: x {tuple(x)} must be (T, B, I): steps, batch and features, with a step or more")
    if layers < 1:
        raise ArgumentError(f"{name}: num_layers={layers} must be 1 or more")
    if not 0 <= dropout < 1:
        raise ArgumentError(f"{name}: dropout={dropout} must be a probability from 0 to below 1")
    if len(h) != 4 or tuple(h[:3]) != (layers, directions, x[1]):
        raise ShapeError(
            f"{name}: h {tuple(h)} must be ({layers}, {directions}, {x[1]}, H): num_layers={layers}, "
            f"bidirectional={bidirectional} and the batch of x {tuple(x)}"
        )
    size = h[3]

    def expect(what: str, found: Any, wanted: tuple[int, ...]) -> None:
        if tuple(found) != wanted:
            raise ShapeError(f"{name}: {what} {tuple(found)} must be {wanted} with x {tuple(x)} and h {tuple(h)}")

    if c is not None:
        expect("c", c, tuple(h))
    blocks = (cell.blocks,) if gate_axis else ()
    expect("weight_l0", w0, (directions, *blocks, size, x[2] + size))
    if layers > 1:
        if w is None:
            raise ShapeError(f"{name}: num_layers={layers} needs weight, the weights of the layers after the first")
        expect("weight", w, (layers - 1, directions, *blocks, size, directions * size + size))
    if bias is not None:
        expect("bias", bias, (layers, directions, *((cell.biases,) if gate_axis else ()), size))
