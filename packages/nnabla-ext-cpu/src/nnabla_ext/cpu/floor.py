"""The least time that work can take on this machine: from its operations and the memory that it moves."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from nnabla_ext.cpu.native import module

__all__ = ["Machine", "measure"]


@dataclass(frozen=True)
class Machine:
    """What all threads together do in a second.

    Attributes:
        multiplications: Multiplications with additions of float32, in a product of matrices of 768 rows and columns.
        bytes: Bytes read and written, in a copy of 64 MiB.
    """

    multiplications: float
    bytes: float

    def least(self, step: Any, shape: tuple[int, ...]) -> float:
        """Return the least seconds for a step of a plan whose result has a shape.

        What Winograd's convolutions save is not counted: they may take less.
        """
        item = 4
        moved = item * (prod(shape) + sum(content.data.size for content in step.ins))
        return max(_multiplications(step, shape) / self.multiplications, moved / self.bytes)


def _multiplications(step: Any, shape: tuple[int, ...]) -> int:
    """Return how many multiplications with additions a step makes, as far as they matter."""
    shapes = [content.data.shape for content in step.ins]
    name = step.function.name
    if name == "Convolution":
        return prod(shape) * prod(shapes[1][1:])
    if name == "Deconvolution":
        return prod(shapes[0]) * prod(shapes[1][1:])
    if name == "Affine":
        return prod(shape) * shapes[1][0]
    if name == "BatchMatmul":
        return prod(shape) * shapes[0][-2 if step.function.arguments["transpose_a"] else -1]
    return 0


@functools.lru_cache(1)
def measure() -> Machine:
    """Return what this machine does, measured once; it takes some ten milliseconds."""
    a = np.ones((768, 768), np.float32)
    x, y = np.ones(1 << 24, np.float32), np.empty(1 << 24, np.float32)
    multiply: Callable[[], Any] = (lambda: a @ a) if module is None else (lambda: module.matmul(a, a))
    copy: Callable[[], Any] = (lambda: np.copyto(y, x)) if module is None else (lambda: module.assign(y, x))
    return Machine(768**3 / _best(multiply), 2 * x.nbytes / _best(copy))


def _best(run: Callable[[], Any]) -> float:
    times = []
    for _ in range(4):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)
