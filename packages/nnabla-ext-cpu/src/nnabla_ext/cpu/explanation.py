"""What running a graph does on the CPU, and what each part of it takes: where a network is slow, and why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from nnabla.array.library import HOST
from nnabla.graph.program import CLEAR_BUFFER, CLEAR_NO_NEED_GRAD, forward_program
from nnabla_ext.cpu.backend import BACKEND
from nnabla_ext.cpu.floor import Machine, measure
from nnabla_ext.cpu.inference import Action, actions
from nnabla_ext.cpu.kernels import FORWARD_KERNELS
from nnabla_ext.cpu.native import module

__all__ = ["explain"]

#: Runs until there are native programs.
_UNTIL_RECORDED = 5


def explain(variable: Any, clear_buffer: bool = True, runs: int = 5) -> str:
    """Run ``forward`` of a variable some times and return what it does, as a table.

    A line is what runs in one go: one function, or a convolution with what is done along with it (``+``). It tells the
    kind of kernel (native, NumPy, the operator's reference, or composed of other operators), the algorithm of a
    convolution, the result's shape and order of axes in memory, its size in KiB, the least time that the work could
    take here (``floor``: multiplications at the speed of a large product of matrices, everything else at that of a
    copy), and the time of the function by itself, the median over the runs, with its share. Below it stands what the
    functions are together: the native programs, with the calls that they consist of and their memory.

    Args:
        variable: The output of a graph; all that it is computed from needs data.
        clear_buffer: Run as ``forward(clear_buffer=True)`` does, in inference; else as with
            ``clear_no_need_grad=True``, in training.
        runs: Number of runs that count, 1 or more; two more come before them.

    Raises:
        RuntimeError: The variable has no parent function, or one of the functions fails.
    """
    if variable.parent is None:
        variable.forward()  # for its error
    program = forward_program([variable._node])
    mode = CLEAR_BUFFER if clear_buffer else CLEAR_NO_NEED_GRAD
    parts = [action for segment in program.segments(mode) for action in actions(segment)]
    times: list[list[float]] = [[] for _ in parts]
    lines: list[tuple[str, ...]] = [()] * len(parts)
    machine = measure()
    with np.errstate(all="ignore"):
        for run in range(runs + 2):
            for at, part in enumerate(parts):
                inputs = [content.data._storage.array for content in part.steps[0].ins]
                taken = _timed(part.run)
                if run >= 2:
                    times[at].append(taken)
                lines[at] = _line(part, inputs, machine)
        table = _table(lines, [sorted(values)[len(values) // 2] for values in times])
        for _ in range(_UNTIL_RECORDED):
            program.run(mode)
        start = time.perf_counter()
        program.run(mode)
        taken = time.perf_counter() - start
    return "\n".join([table, *_programs(program.segments(mode)), f"all in one run: {taken * 1e6:.1f} us"])


def _programs(segments: list[Any]) -> list[str]:
    """Return lines for each native program with what is done together in it, and one for what is interpreted."""
    replays = [s.compiled.__self__ for s in segments if s.compiled is not None]
    found = []
    for program in (program for replay in replays for program in replay.programs):
        pieces, size = program.native.pieces(), program.native.bytes / 1024
        found.append(f"native program: {len(program.functions)} functions in {len(pieces)} calls, {size:.0f} KiB")
        together = Counter(
            " + ".join(["kernel"] * kernel + names) for kernel, names in pieces if kernel + len(names) > 1
        )
        found += [f"in one call, {count} times: {each}" for each, count in together.items()]
    interpreted = [f.name for replay in replays for f in replay.interpreted]
    return found + ([f"interpreted: {', '.join(interpreted)}"] if interpreted else [])


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _line(part: Action, inputs: list[Any], machine: Machine) -> tuple[str, ...]:
    step = part.steps[0]
    names = (" + " if part.together else ", ").join(s.function.name for s in part.steps)
    content = part.steps[-1].outs[0]
    if content is None:
        return names, _kernel(step.function, inputs), "-", "-", "-", "-"
    storage = content.data._storage
    array = storage.array if storage.library is HOST else None
    size = "-" if array is None else f"{array.nbytes / 1024:.0f}"
    floor = machine.least(step, content.data.shape)
    return names, _kernel(step.function, inputs), str(content.data.shape), _order(array), size, f"{floor * 1e6:.1f}"


def _kernel(function: Any, inputs: list[Any]) -> str:
    """Return the kind of kernel that computes a function."""
    op = getattr(function, "op", None)
    if op is None:
        return "Python"
    kernel = BACKEND.kernels.get(op.name)
    if kernel is None:
        return "reference" if op.reference_kernel is not None else "composed"
    if kernel is FORWARD_KERNELS.get(op.name):
        return "NumPy"
    if op.name == "Convolution" and all(array is not None for array in inputs[:2]):
        args = function.setting.args
        sizes = args["pad"], args["stride"], args["dilation"], args["group"], args["channel_last"]
        x, weight = inputs[0].astype(inputs[1].dtype, copy=False), inputs[1]
        return f"native, {module.convolution_algorithm(x, weight, args['base_axis'] % x.ndim, *sizes)}"
    return "native"


def _order(array: Any) -> str:
    """Return how an array lies in memory: C order, or its axes from the slowest to the fastest."""
    if array is None:
        return "-"
    if array.flags.c_contiguous:
        return "C"
    return ",".join(map(str, sorted(range(array.ndim), key=lambda axis: -array.strides[axis])))


def _table(lines: list[tuple[str, ...]], times: list[float]) -> str:
    total = sum(times) or 1.0
    rows: list[tuple[str, ...]] = [("function", "kernel", "result", "order", "KiB", "floor", "us", "%")]
    rows += [(*line, f"{t * 1e6:.1f}", f"{100 * t / total:.1f}") for line, t in zip(lines, times)]
    rows.append(("all", "", "", "", "", "", f"{sum(times) * 1e6:.1f}", "100"))
    widths = [max(len(row[i]) for row in rows) for i in range(8)]
    left = 4
    return "\n".join(
        "  ".join(cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))).rstrip()
        for row in rows
    )
