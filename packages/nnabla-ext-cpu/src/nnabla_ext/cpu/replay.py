"""Segments of a plan as native programs: what their steps make the native module do, done again in one call.

The first runs of a segment are interpreted. Then one is recorded: each native kernel puts down its work (addresses and
sizes) as it does it, and arrays take memory of the program's own arena, which hands that of arrays that went to later
ones. From then on a run is one call, without Python, without the GIL where that pays, and without asking for memory.
Steps that do anything else (Python functions, NumPy) are interpreted in between.

A program starts from the very arrays and states that it was recorded from (its guards: memory that it reads, gradients
that are to be replaced or added to, NumPy arrays that users hold) and leaves those that the recorded run left (its
effects). Where something is otherwise, the steps are interpreted, and recorded anew if that goes on.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from nnabla.array.library import HOST
from nnabla.array.storage import Storage
from nnabla.array.warnings import no_warnings
from nnabla_ext.cpu.native import module

__all__ = ["MOST_BYTES", "Part", "Replay"]

#: Recordings that are tried before steps are interpreted for good.
_MOST_RECORDINGS = 32
#: Runs in a row in which a program does not fit what it finds, before it is recorded anew; each time as many more.
_PATIENCE = 2
#: Segments whose results take as many bytes have unused memory given back before they are recorded.
_MUCH = 32 << 20
#: Runs for which a backward waits for its forward to be recorded.
_MOST_WAITS = 8
#: Segments whose results take more bytes than this are interpreted: the memory of a program stays with it.
MOST_BYTES = 1 << 30

#: What of a storage a program finds and leaves.
_STATE = ("array", "library", "dtype", "fill_value", "zeroing", "cleared", "exported", "modified")
_State = tuple[Any, ...]

#: Functions whose forward was interpreted last: what it keeps for backward is elsewhere in each run.
_interpreted: weakref.WeakSet[Any] = weakref.WeakSet()
#: Functions whose forward may still be recorded: a backward from what they leave now would not fit that.
_undecided: weakref.WeakSet[Any] = weakref.WeakSet()


class Part(Protocol):
    """What is run and recorded in one piece."""

    @property
    def functions(self) -> Sequence[Any]:
        """The functions whose steps it consists of."""

    def run(self) -> None:
        """Run it; within ``no_warnings()``."""

    def touched(self) -> tuple[list[Any], list[Any]]:
        """Return the NdArrays that are read as they were before, and those that are written or cleared."""

    def adds_in_place(self) -> bool:
        """Whether NumPy may add to arrays where they are."""

    def ready(self) -> bool:
        """Whether the next run does what those after it are going to do."""

    def constants(self) -> list[Storage]:
        """Return the storages that must not have been written at all since it was recorded."""


class Replay:
    """Runs parts, as native programs where it can.

    Args:
        parts: What is to be run, in order.
        holders: (object, attribute) of all that must go on having the same NdArray.
        forward: Whether the parts are those of a forward.
    """

    def __init__(self, parts: Sequence[Part], holders: Sequence[tuple[Any, str]], forward: bool) -> None:
        self._parts = parts
        self._holders = holders
        self._forward = forward
        self._settled = False
        self._pieces: list[_Program | Part] | None = None
        #: What is everything, if that is one program that takes its inputs where they are.
        self._whole: _Program | None = None
        self._recordings = 0
        self._misfits = 0
        self._bad: set[int] = set()
        self._moving: set[int] = set()
        self._waits = 0
        if forward:
            _undecided.update(f for part in parts for f in part.functions)

    def run(self) -> None:
        """Run all parts."""
        whole = self._whole
        if whole is not None:
            fits = whole.native.run()
            if not fits:
                whole.interpret()
        elif self._pieces is None:
            with no_warnings():
                if self._settled and self._recordings < _MOST_RECORDINGS and self._ready():
                    self._record()
                else:
                    self._settled = True
                    for part in self._parts:
                        part.run()
            return
        else:
            fits = True
            for piece in self._pieces:
                if type(piece) is _Program:
                    fits &= piece.run()
                else:
                    with no_warnings():
                        piece.run()
        if fits:
            self._misfits = 0
            return
        self._misfits += 1
        if self._misfits >= _PATIENCE * self._recordings:
            for program in self.programs:
                self._moving.update(program.moved())
            self._misfits, self._pieces, self._whole = 0, None, None

    @property
    def programs(self) -> list[_Program]:
        """The programs that there are."""
        return [piece for piece in self._pieces or () if isinstance(piece, _Program)]

    @property
    def interpreted(self) -> list[Any]:
        """The functions that are interpreted."""
        pieces = self._parts if self._pieces is None else self._pieces
        return [f for piece in pieces if not isinstance(piece, _Program) for f in piece.functions]

    def _ready(self) -> bool:
        """Whether the next run does what those after it are going to do."""
        self._waits += 1
        waits = not self._forward and self._waits <= _MOST_WAITS
        if waits and any(function in _undecided for part in self._parts for function in part.functions):
            return False
        return all(part.ready() for part in self._parts)

    def _decide(self) -> None:
        """Let backward know that forward goes on as it does now."""
        if self._forward:
            _undecided.difference_update(f for part in self._parts for f in part.functions)

    def _record(self) -> None:
        """Run all parts and put down what can be; what turns out not to is known the next time."""
        self._recordings += 1
        size = sum(array.size for part in self._parts for array in part.touched()[1]) * 4
        if size > MOST_BYTES:
            self._recordings = _MOST_RECORDINGS
            self._decide()
            self.run()
            return
        if self._recordings == 1 and size >= _MUCH:
            # What runs before left is as much as what the program takes.
            module.release_memory()
        pieces: list[_Program | Part] = []
        writing: _Writing | None = None
        complete = True
        moving = set(self._moving)
        for at, part in enumerate(self._parts):
            if at in self._bad or part.adds_in_place() or not all(map(self._may_be_recorded, part.functions)):
                if writing is not None:
                    complete &= writing.finish(self._holders, pieces)
                    writing = None
                part.run()
                moving.update(id(array._storage) for array in part.touched()[1])
                if self._forward:
                    _interpreted.update(part.functions)
                pieces.append(part)
                continue
            if writing is None:
                writing = _Writing(moving, self._forward)
            if self._forward:
                _interpreted.difference_update(part.functions)
            if not writing.add(part):
                self._bad.add(at)
                complete = False
                writing = None
        if writing is not None:
            complete &= writing.finish(self._holders, pieces)
        if complete:
            self._pieces = pieces
            only = pieces[0] if len(pieces) == 1 else None
            if type(only) is _Program and not only.inputs:
                self._whole = only
            if not self.programs:
                self._recordings, self._pieces = _MOST_RECORDINGS, None
        if complete or self._recordings == _MOST_RECORDINGS:
            self._decide()

    def _may_be_recorded(self, function: Any) -> bool:
        """Whether what a function does is the same from run to run but for the values in arrays."""
        prepared = getattr(function, "prepared", None)
        if prepared is None or getattr(function, "op", None) is None or prepared.place.library is not HOST:
            return False
        if function.op.data_dependent or function.keeps_inputs or function.mask is not None:
            return False
        if not self._forward:
            return function not in _interpreted or not (function.saved or function.kept)
        if prepared.updates and any(n.recompute for n in (r() for r in function.output_refs) if n is not None):
            return False
        return not function.recompute_ready


class _Program:
    """Parts that are one native program."""

    def __init__(
        self, parts: list[Part], native: Any, inputs: list[tuple[Storage, np.ndarray]], prepared: list[Any]
    ) -> None:
        self.functions = [f for part in parts for f in part.functions]
        self.native = native
        self._parts = parts
        self.inputs = inputs
        self._prepared = prepared

    def run(self) -> bool:
        """Run the program, or interpret the parts and return False where it doesn't fit."""
        for storage, private in self.inputs:
            _move_in(storage, private)
        fits = bool(self.native.run())
        if not fits:
            self.interpret()
        return fits

    def interpret(self) -> None:
        """Run the parts as they are."""
        with no_warnings():
            for part in self._parts:
                part.run()

    def moved(self) -> list[int]:
        """Return the storages whose memory is another than it was, by id."""
        return [id(found) for found, name in self.native.differences() if name == "array" and type(found) is Storage]


def _move_in(storage: Storage, private: np.ndarray) -> None:
    """Let a storage have the memory that a program reads, if nobody else has the one that it has now."""
    array = storage.array
    if (
        array is not private
        and array is not None
        and not storage.exported
        and storage.library is HOST
        and array.dtype == private.dtype
        and array.shape == private.shape
    ):
        storage.array = HOST.assign(private, array)


class _Writing:
    """A program that is being recorded.

    Args:
        moving: Storages, by id, whose memory is another in each run.
        forward: Whether it is that of a forward: functions that draw random numbers draw new ones.
    """

    def __init__(self, moving: set[int], forward: bool) -> None:
        self._moving = moving
        self._forward = forward
        self._parts: list[Part] = []
        self._recorder = module.Recorder()
        #: By id: the storage, its state and version before the first part that touches it.
        self._before: dict[int, tuple[Storage, _State, int]] = {}
        self._read: set[int] = set()
        self._written: set[int] = set()
        self._constants: set[int] = set()
        self._inputs: list[tuple[Storage, np.ndarray]] = []
        self._kept: dict[int, tuple[Any, Any]] = {}
        #: What was run: constants in it are read where they are.
        self._prepared: list[Any] = []

    def add(self, part: Part) -> bool:
        """Run a part and record it. False if not all that it did is recorded: then nothing of this is to be used."""
        read, written = part.touched()
        storages = [array._storage for array in (*read, *written)]
        if any(type(s) is not Storage or s.library not in (None, HOST) for s in storages):
            part.run()
            return False
        fresh = {id(array._storage) for array in read} - self._written
        for storage in storages:
            if id(storage) not in self._before:
                storage.converted = None  # what was converted before would be missing here
                if id(storage) in fresh and id(storage) in self._moving:
                    self._move(storage)
                self._before[id(storage)] = storage, _state(storage), storage.version
        for function in part.functions:
            self._kept.setdefault(id(function), (function, function.kept))
        drawing = [f for f in part.functions if f.prepared.random] if self._forward else []
        self._recorder.start(*drawing)
        try:
            part.run()
        finally:
            complete = self._recorder.stop()
        self._read |= fresh
        self._written.update(id(array._storage) for array in written)
        self._constants.update(id(storage) for storage in part.constants())
        self._parts.append(part)
        self._prepared += [function.prepared for function in part.functions]
        # Values that a function saves for the first time are not among those looked at before.
        return complete and all(id(array._storage) in self._before for array in part.touched()[1])

    def _move(self, storage: Storage) -> None:
        if storage.array is None or storage.exported:
            return
        private = np.empty_like(storage.array)
        _move_in(storage, private)
        if storage.array is private:
            self._inputs.append((storage, private))

    def finish(self, holders: Sequence[tuple[Any, str]], pieces: list[Any]) -> bool:
        """Add the program to pieces; False if there can be none."""
        guards: list[tuple[Any, str, Any]] = []
        effects: list[tuple[Any, str, Any]] = []
        counts: list[tuple[Any, str, Any]] = []
        for holder, name in holders:
            array = getattr(holder, name)
            if id(array._storage) in self._before:
                guards += [(holder, name, array), (array, "_storage", array._storage)]
        carried: list[tuple[Storage, np.ndarray]] = []
        for key, (storage, before, version) in self._before.items():
            state = dict(zip(_STATE, before))
            array = state["array"]
            guards.append((storage, "exported", state["exported"]))
            read = key in self._read
            if read or (state["exported"] and array is not None):
                guards.append((storage, "array", array))
            if read:
                guards += [(storage, name, state[name]) for name in ("fill_value", "zeroing", "dtype")]
                if array is not None and storage.array is not None and storage.array is not array:
                    carried.append((storage, array))
            if key in self._constants:
                guards.append((storage, "version", version))
        if carried and not self._carry(carried):
            return False
        for storage, before, version in self._before.values():
            after = _state(storage)
            if storage.version != version:
                counts.append((storage, "version", storage.version - version))
            elif all(a is b for a, b in zip(after, before)):
                continue
            effects += [(storage, name, value) for name, value in zip(_STATE, after)]
            effects.append((storage, "converted", None))
        for function, kept in self._kept.values():
            if function.kept is kept:
                guards.append((function, "kept", kept))
            else:
                effects.append((function, "kept", function.kept))
        native = self._recorder.finish(guards, effects, counts, self._sources())
        pieces.append(_Program(self._parts, native, self._inputs, self._prepared))
        return True

    def _sources(self) -> list[tuple[Storage, np.ndarray]]:
        """Return the memory that is only read, and that nobody changes without its storage's knowing it."""
        found = []
        for key in self._read - self._written:
            storage, before, _ = self._before[key]
            state = dict(zip(_STATE, before))
            if state["array"] is not None and not state["exported"]:
                found.append((storage, state["array"]))
        return found

    def _carry(self, carried: list[tuple[Storage, np.ndarray]]) -> bool:
        """Write what replaces values that were read to where these were, for the next run to read."""
        self._recorder.start()
        try:
            for storage, array in carried:
                HOST.assign(array, storage.array.reshape(array.shape))
        finally:
            complete = self._recorder.stop()
        for storage, array in carried:
            storage.array = array
        return bool(complete)


def _state(storage: Storage) -> _State:
    return tuple([getattr(storage, name) for name in _STATE])
