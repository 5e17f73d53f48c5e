"""Compiled segments: convolutions whose parameters stay as they are, as in inference.

Their weights are arranged for the kernel once rather than in each run, a batch normalization by fixed statistics that
follows goes into them, and so does a ReLU after that. What disappears in between is what forward was to clear anyway.
Parameters that change from run to run, as in training, or of which somebody holds a NumPy array and may write to it,
make a convolution run like any other function.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.storage import Storage
from nnabla_ext.cpu.native import module

__all__ = ["Action", "actions"]

_NORMALIZATION = "BatchNormalization"


class Action:
    """Steps that run in one go where they can.

    Attributes:
        steps: The steps.
        functions: Their functions.
        together: Whether the latest run did them in one go.
    """

    def __init__(self, segment: Any, first: int, end: int, chain: _Chain | None) -> None:
        self.steps = segment.steps[first:end]
        self.functions = [step.function for step in self.steps]
        self.together = False
        self._clears = segment.clears[first:end]
        self._segment, self._first, self._end = segment, first, end
        self._chain = chain

    def touched(self) -> tuple[list[Any], list[Any]]:
        """Return the NdArrays that are read as they were before, and those that are written or cleared."""
        read: list[Any] = []
        written: list[Any] = []
        for at in range(self._first, self._end):
            more, others = self._segment.touched(at)
            inside = {id(array._storage) for array in written}
            read += [array for array in more if id(array._storage) not in inside]
            written += others
        return read, written

    def adds_in_place(self) -> bool:
        """Whether anything is added to arrays where they are: no forward does."""
        return False

    def ready(self) -> bool:
        """Whether parameters that may be arranged for the kernel are."""
        return self._chain is None or self._chain.ready()

    def constants(self) -> list[Storage]:
        """Return the storages whose values are part of how it runs."""
        if self._chain is None or not self.together:
            return []
        return [content.data._storage for content in self._chain.constants]

    def run(self) -> None:
        """Run the steps, and clear what is to be cleared after them."""
        chain = self._chain
        self.together = chain is not None and chain.run()
        if self.together:
            return
        for step, clears in zip(self.steps, self._clears):
            step.function.execute(step.ins, step.outs)
            for content in clears:
                content.data._storage.clear()


def actions(segment: Any) -> list[Action]:
    """Return what running a segment consists of."""
    steps = segment.steps
    chains = {} if module is None else _chains(segment)
    found = []
    at = 0
    while at < len(steps):
        chain = chains.get(at)
        end = at + (1 if chain is None else chain.length)
        found.append(Action(segment, at, end, chain))
        at = end
    return found


def _chains(segment: Any) -> dict[int, _Chain]:
    """Return the convolutions with what follows each and can be done with it, by the number of the first step."""
    found = {}
    steps, clears = segment.steps, segment.clears
    for at, step in enumerate(steps):
        if step.function.name != "Convolution" or not _is_chain_start(step):
            continue
        length, normalization, rectify = 1, None, False
        if _continues(steps, clears, at, at + length) and _normalizes(steps[at + length].function):
            normalization = steps[at + length]
            length += 1
        last = at + length
        if _continues(steps, clears, at + length - 1, last) and steps[last].function.name == "ReLU":
            rectify = True
            length += 1
        found[at] = _Chain(step, normalization, rectify, steps[at + length - 1].outs[0], clears[at : at + length])
    return found


def _is_chain_start(step: Any) -> bool:
    """Whether a convolution's weight and bias are not computed by the graph, and its result is wanted."""
    return step.outs[0] is not None and all(node.parent is None for node in step.function.input_nodes[1:])


def _continues(steps: list[Any], clears: list[Any], at: int, following: int) -> bool:
    """Whether a step's output is read by the following one alone, and goes after that."""
    if following >= len(steps):
        return False
    output, after = steps[at].outs[0], steps[following]
    return (
        output is not None
        and after.ins[0] is output
        and all(content is not output for content in after.ins[1:])
        and any(content is output for content in clears[following])
        and after.outs[0] is not None
        and after.outs[0].data._storage is not output.data._storage
    )


def _normalizes(function: Any) -> bool:
    """Whether a function is a batch normalization over channels by fixed statistics."""
    if function.name != _NORMALIZATION or function.arguments["batch_stat"]:
        return False
    axes = function.arguments["axes"]
    return list(axes) == [1] and all(node.parent is None for node in function.input_nodes[1:])


class _Chain:
    """A convolution, and what of the steps after it is part of it."""

    def __init__(self, step: Any, normalization: Any, rectify: bool, output: Any, clears: list[Any]) -> None:
        self.step, self.normalization, self.rectify, self.output = step, normalization, rectify, output
        self.length = 1 + (normalization is not None) + rectify
        self.clears = [content for each in clears for content in each]
        self.constants = [*step.ins[1:], *(() if normalization is None else normalization.ins[1:])]
        self.seen: list[tuple[Any, int]] | None = None
        self.packed: Any = None
        self.refused = False
        self.changes = 0

    def _parameters(self) -> list[tuple[Any, int]] | None:
        """Return the parameters' arrays and how often they were written; None if somebody else may write to them."""
        now = []
        for content in self.constants:
            storage = content.data._storage
            if type(storage) is not Storage or storage.exported or storage.library is not HOST:
                return None
            now.append((storage.array, storage.version))
        return now

    def ready(self) -> bool:
        """Whether the parameters are arranged, can't be, or change from run to run."""
        now = self._parameters()
        if now is None:
            return True
        if self.seen is None or not _same(self.seen, now):
            return self.changes >= 2
        return self.packed is not None or self.refused

    def run(self) -> bool:
        """Run it with parameters arranged before; False if they are not, or not any more."""
        now = self._parameters()
        if now is None:
            return False
        if self.seen is None or not _same(self.seen, now):
            # Parameters that changed since the latest run may change again: that is for the next run to see.
            self.seen, self.packed, self.refused = now, None, False
            self.changes += 1
            return False
        self.changes = 0
        x = self._input(now[0][0])
        if x is None:
            return False
        if self.packed is None and not self.refused:
            self.packed = self._pack(x, [array for array, _ in now])
            self.refused = self.packed is None
        y = None if self.packed is None else self.packed.run(x, self.rectify)
        if y is None:
            return False
        self.output.data._storage.put(HOST, y, y.dtype)
        for content in self.clears:
            content.data._storage.clear()
        return True

    def _input(self, weight: Any) -> Any:
        data = self.step.ins[0].data
        storage = data._storage
        if weight is None or storage.library is not HOST or storage.array is None:
            return None
        return storage.read(HOST, weight.dtype, data.shape)

    def _pack(self, x: Any, arrays: list[Any]) -> Any:
        function = self.step.function
        args = function.setting.args
        count = len(self.step.ins) - 1
        weight, bias = arrays[0], arrays[1] if count > 1 else None
        dtype = x.dtype
        if any(array is None or array.dtype != dtype for array in arrays) or dtype not in (np.float32, np.float64):
            return None
        if self.normalization is not None:
            if args["channel_last"] or args["base_axis"] != 1:
                return None
            weight, bias = _folded(self.normalization.function, weight, bias, arrays[count:])
        base = args["base_axis"] % x.ndim
        if len(args["pad"]) > 3 or not x.size:
            return None
        return module.PackedConvolution(
            x,
            weight,
            bias,
            base,
            args["pad"],
            args["stride"],
            args["dilation"],
            args["group"],
            args["channel_last"],
        )


def _same(before: list[tuple[Any, int]], now: list[tuple[Any, int]]) -> bool:
    return all(a is b and m == n for (a, m), (b, n) in zip(before, now))


def _folded(function: Any, weight: Any, bias: Any, arrays: list[Any]) -> tuple[Any, Any]:
    """Return weight and bias of a convolution that normalizes as well."""
    supply = iter(arrays)
    slots = [None if shape is None else next(supply) for shape in function.setting.in_shapes[1:5]]
    beta, gamma, mean, variance = (None if s is None else s.reshape(-1).astype(np.float64) for s in slots)
    assert mean is not None and variance is not None
    scale = 1 / np.sqrt(variance + function.setting.args["eps"])
    if gamma is not None:
        scale = scale * gamma
    shift = -mean * scale if bias is None else (bias.reshape(-1) - mean) * scale
    if beta is not None:
        shift = shift + beta
    # In double precision, but not as an array of that.
    scaled = np.empty_like(weight)
    np.multiply(weight, scale.reshape(-1, *(1,) * (weight.ndim - 1)), out=scaled, casting="same_kind")
    return scaled, shift.astype(weight.dtype)
