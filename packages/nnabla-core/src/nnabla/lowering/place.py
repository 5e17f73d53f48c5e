"""Places: the backends of a context, loaded, with their device and floating types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nnabla.array.library import ArrayLibrary
from nnabla.errors import NoKernelError, StateError
from nnabla.ops.definition import Setup, all_operators
from nnabla.plugins import plugins
from nnabla.plugins.backend import Backend, NumericTypes

__all__ = ["CannotRun", "Place", "first_able", "places"]

_FIXED = {
    "index": np.dtype(np.int64),
    "bool": np.dtype(np.bool_),
    "int32": np.dtype(np.int32),
    "bits": np.dtype(np.uint32),
}


class Place:
    """One backend of a context with its device and floating types."""

    __slots__ = ("backend", "library", "types")

    def __init__(self, backend: Backend, library: ArrayLibrary, types: NumericTypes) -> None:
        self.backend = backend
        self.library = library
        self.types = types

    def compute_dtype(self, kind: str) -> np.dtype:
        """Return the dtype that kernels use for a dtype class."""
        return _FIXED.get(kind, self.types.compute)

    def stored_dtype(self, kind: str) -> np.dtype:
        """Return the dtype in which users see an output of a dtype class."""
        if kind == "index":
            return np.dtype(np.uint64)
        if kind == "int32":
            return _FIXED[kind]
        return self.types.store


_places: dict[Any, tuple[Place, ...]] = {}


def places(ctx: Any) -> tuple[Place, ...]:
    """Return the backends of a context, loaded.

    Raises:
        RuntimeError: A backend is not installed or does not load; the message says which command helps.
    """
    found = _places.get(ctx.key)
    if found is None:
        from nnabla.context import backend_names

        listed = []
        for name, config in backend_names(ctx):
            backend = plugins.get("backends", name)
            types = backend.types.get(config)
            if types is None:
                raise StateError(
                    f"context {ctx}: backend {name!r} has no type configuration {config!r}; "
                    f"it has {', '.join(backend.types)}"
                )
            listed.append(Place(backend, backend.library(ctx.device_id), types))
        if not listed:
            raise StateError(f"context {ctx} names no backend; use Context(['cpu:float'])")
        found = _places[ctx.key] = tuple(listed)
    return found


def _forget() -> None:
    """Drop what was prepared: a backend may have come or gone."""
    _places.clear()
    for op in all_operators().values():
        op.calls.clear()
        for setup in op._setups.values():
            setup.prepared.clear()
            setup.reads.clear()


plugins.on_change(_forget)


class CannotRun(Exception):
    """A backend can't run an operator; the next backend is tried."""


def first_able(setup: Setup, ctx: Any, make: Callable[[Place], Any], first: Place | None = None) -> Any:
    """Return what ``make`` gives for the first backend of a context (``first`` before all) that runs an operator."""
    missing = []
    for place in (*(() if first is None else (first,)), *places(ctx)):
        try:
            return make(place)
        except CannotRun as lacking:
            missing.append(f"{place.backend.name} (no kernel for {lacking})")
    raise NoKernelError(
        f"{setup.op.snake_name}: no backend of the context computes it with arguments {setup.args}: "
        f"{', '.join(missing)}; add a backend that does to the context, for instance 'cpu:float'"
    )
