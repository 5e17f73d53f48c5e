"""Records what forward and backward cleared, for tests of memory behaviour."""

from __future__ import annotations

from typing import Any

__all__ = ["ClearCalledRecorder", "active"]

Flags = list[list[tuple[bool, bool]]]

#: The recorder in use, or None.
active: ClearCalledRecorder | None = None


class ClearCalledRecorder:
    """One entry per executed function: ``(data cleared, grad cleared)`` of each input, and of each output."""

    def __init__(self) -> None:
        self.inputs: Flags = []
        self.outputs: Flags = []

    def forward(self, function: Any, cleared: Any = None) -> None:
        """Note the state after a function's own clearing; ``cleared`` overrides the grads of the outputs."""
        self.inputs.append([_flags(n) for n in function.input_nodes])
        outputs = [_flags(n) for n in (r() for r in function.output_refs) if n is not None]
        if cleared is not None:
            outputs = [(data, cleared) for data, _ in outputs]
        self.outputs.append(outputs)


def _flags(node: Any) -> tuple[bool, bool]:
    content = node.content
    return content.data._storage.cleared, content.grad._storage.cleared
