"""How the CPU runs segments of a plan: convolutions arranged for inference, and all of it as native programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nnabla.array.storage import Storage
from nnabla_ext.cpu.inference import actions
from nnabla_ext.cpu.native import module
from nnabla_ext.cpu.replay import Part, Replay

__all__ = ["compile_segment"]


def compile_segment(segment: Any) -> Callable[[], None] | None:
    """Return what runs a segment (``nnabla.graph.program.Segment``), or None without native code."""
    if module is None:
        return None
    forward = segment.direction == "forward"
    parts: Sequence[Part] = (
        actions(segment) if forward else [_BackwardStep(segment, at) for at in range(len(segment.steps))]
    )
    contents = {id(c): c for step in segment.steps for c in (*step.ins, *step.outs) if c is not None}
    names = ("data",) if forward else ("data", "grad")
    return Replay(parts, [(content, name) for content in contents.values() for name in names], forward).run


class _BackwardStep:
    """One step of a backward."""

    def __init__(self, segment: Any, at: int) -> None:
        self.functions = [segment.steps[at].function]
        self._segment, self._at = segment, at

    def run(self) -> None:
        """Run it."""
        self._segment.run_step(self._at)

    def touched(self) -> tuple[list[Any], list[Any]]:
        """Return the NdArrays that are read, and those that are written or cleared."""
        found: tuple[list[Any], list[Any]] = self._segment.touched(self._at)
        return found

    def adds_in_place(self) -> bool:
        """Whether scattered gradients are added to what is there."""
        step = self._segment.steps[self._at]
        prepared = step.function.prepared
        gradient = None if prepared is None else prepared.gradients.get(step.need)
        if gradient is None:
            return True
        positions = step.function.setting.positions
        return any(not step.overwrite[positions[i]] for i in gradient.adds)

    def ready(self) -> bool:
        """Say yes: nothing is arranged for a backward."""
        return True

    def constants(self) -> list[Storage]:
        """Return nothing: a backward depends on arrays alone."""
        return []
