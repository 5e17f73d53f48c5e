"""Records which inputs' and outputs' memory had been cleared right after each function ran."""

from __future__ import annotations

from nnabla.graph import recorder
from nnabla.graph.recorder import ClearCalledRecorder, Flags

__all__ = [
    "activate_clear_called_flag_recorder",
    "deactivate_clear_called_flag_recorder",
    "get_input_clear_called_flags",
    "get_output_clear_called_flags",
]


def activate_clear_called_flag_recorder() -> None:
    """Start recording; what was recorded before is dropped."""
    recorder.active = ClearCalledRecorder()


def deactivate_clear_called_flag_recorder() -> None:
    """Stop recording and drop what was recorded."""
    recorder.active = None


def get_input_clear_called_flags() -> Flags:
    """Return, per executed function, ``(data cleared, grad cleared)`` of each input; empty if not recording."""
    return [] if recorder.active is None else recorder.active.inputs


def get_output_clear_called_flags() -> Flags:
    """Return, per executed function, ``(data cleared, grad cleared)`` of each output; empty if not recording."""
    return [] if recorder.active is None else recorder.active.outputs
