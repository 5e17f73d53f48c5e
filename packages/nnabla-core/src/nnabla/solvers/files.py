"""Files of solvers' states, which ``nnabla-io`` reads and writes."""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from nnabla.logger import logger
from nnabla.parameter_files import (
    ParameterFileError,
    UnsupportedParameterFormatError,
    _write_atomically,
)
from nnabla.plugins import ParameterFormat
from nnabla.plugins.errors import PluginNotFoundError

if TYPE_CHECKING:
    from nnabla.solvers.base import Solver

__all__ = ["load_states", "save_states"]

_SUFFIXES = (".h5", ".protobuf")


def save_states(path: str | os.PathLike[str], solver: Solver) -> None:
    """Write the states of ``solver``; an existing file is replaced in one step.

    Raises:
        UnsupportedParameterFormatError: The suffix is none of ``.h5`` and ``.protobuf``.
        ParameterFileError: The format cannot hold a parameter's name.
        OSError: The file cannot be written; nothing is left behind.
        PluginNotFoundError: ``nnabla-io`` is not installed.
    """
    suffix = Path(path).suffix
    if suffix not in _SUFFIXES:
        raise UnsupportedParameterFormatError(
            f"Solver.save_states: {os.fspath(path)!r} has suffix {suffix!r}; states are saved as "
            + " or ".join(_SUFFIXES)
        )
    content = _h5_of(solver, path) if suffix == ".h5" else _protobuf_of(solver)
    try:
        _write_atomically(Path(os.path.realpath(path)), os.fspath(path), _Content(content), [])
    except OSError as error:
        if error.errno is None:
            raise
        reason = f"solver states cannot be saved ({os.strerror(error.errno)})"
        raise OSError(error.errno, reason, os.fspath(path)) from error.__cause__


def load_states(path: str | os.PathLike[str], solver: Solver) -> None:
    """Set the states of ``solver`` from a file; one of another suffix is left out with a warning.

    Raises:
        FileNotFoundError: There is no such file.
        ParameterFileError: It is damaged, cut off or of another format.
        RuntimeError: The states do not fit the solver's parameters.
        PluginNotFoundError: ``nnabla-io`` is not installed.
    """
    suffix = Path(path).suffix
    if suffix not in _SUFFIXES:
        logger.warning("%s is omitted. (Solver.load_states reads %s)", path, " and ".join(_SUFFIXES))
        return
    with open(path, "rb") as file:
        try:
            if suffix == ".h5":
                states = _io("solver_states").read_h5(file)
            else:
                optimizer = _io("messages").Optimizer()
                optimizer.ParseFromString(file.read())
                states = None
        except PluginNotFoundError:
            raise
        except Exception as error:
            raise ParameterFileError(
                f"solver states cannot be loaded from {os.fspath(path)}: damaged, cut off or not a "
                f"{suffix} file ({type(error).__name__}: {error})"
            ) from error
    if states is None:
        solver.set_states_from_protobuf(optimizer)
    else:
        solver._set_arrays(states)


def _h5_of(solver: Solver, path: str | os.PathLike[str]) -> bytes:
    states = {
        key: (state.t, {name: np.asarray(v.data.get_data("r")) for name, v in state.pstate.items()})
        for key, state in solver.get_states().items()
    }
    buffer = io.BytesIO()
    try:
        _io("solver_states").write_h5(buffer, states)
    except ValueError as error:
        raise ParameterFileError(f"solver states cannot be saved to {os.fspath(path)}: {error}") from error
    return buffer.getvalue()


def _protobuf_of(solver: Solver) -> bytes:
    optimizer = _io("messages").Optimizer()
    solver.set_states_to_protobuf(optimizer)
    content: bytes = optimizer.SerializeToString(deterministic=True)
    return content


class _Content(ParameterFormat):
    """A finished file's content, in the place of a format and its records."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def save(self, file: BinaryIO, records: Sequence[Any]) -> None:
        file.write(self.content)

    def load(self, file: BinaryIO) -> list[Any]:
        raise NotImplementedError


def _io(module: str) -> Any:
    target = "nnabla_io." + module
    try:
        return importlib.import_module(target)
    except ModuleNotFoundError as error:
        if not f"{target}.".startswith(f"{error.name}."):
            raise  # something that nnabla-io needs
        raise PluginNotFoundError(
            "files of solver states need the distribution nnabla-io, which is not installed (or "
            "too old); `pip install nnabla-io`",
            target,
        ) from error
