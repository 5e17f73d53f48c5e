"""The ``.h5`` format of solvers' states.

An HDF5 file with one group a parameter, at the parameter's path, with attribute ``index``, its place in the
order. In it are one dataset a state, with attribute ``index`` likewise, and the scalar dataset ``t`` (int64),
the number of the parameter's updates.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO

import h5py
import numpy as np

from nnabla_io.parameters.h5 import _read

__all__ = ["read_h5", "write_h5"]

State = tuple[int, Mapping[str, np.ndarray[Any, Any]]]


def write_h5(file: BinaryIO, states: Mapping[str, State]) -> None:
    """Write states.

    Args:
        file: Binary file, open for writing.
        states: By parameter's name, the number of updates and the arrays by the states' names.

    Raises:
        ValueError: A name cannot be a path in an HDF5 file, or is a path within another's group.
    """
    buffer = io.BytesIO()  # a write that fails within HDF5 could end the process
    with h5py.File(buffer, "w") as h5:
        for index, (name, (t, arrays)) in enumerate(states.items()):
            if "\0" in name or any(part in ("", ".") for part in name.split("/")):
                raise ValueError(f"parameter name {name!r} cannot be a path in an HDF5 file")
            group = h5.require_group(name)
            group.attrs["index"] = np.int64(index)
            for place, (state, array) in enumerate(arrays.items()):
                dataset = group.create_dataset(state, data=array)
                dataset.attrs["index"] = np.int64(place)
            group.create_dataset("t", data=np.int64(t))
    file.write(buffer.getbuffer())


def read_h5(file: BinaryIO) -> dict[str, State]:
    """Read states, in the order of ``index``.

    Args:
        file: Binary file, open for reading.

    Raises:
        OSError: HDF5 finds the file damaged.
        ValueError: A dataset has no number type, or fewer values than its shape says.
    """
    found: list[tuple[Any, str, State]] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and isinstance(t := item.get("t"), h5py.Dataset):
            datasets = [d for key, d in item.items() if key != "t" and isinstance(d, h5py.Dataset)]
            datasets.sort(key=_index)
            arrays = {d.name.rpartition("/")[2]: _read(d.name, d) for d in datasets}
            found.append((_index(item), name, (int(t[()]), arrays)))

    with h5py.File(file, "r") as h5:
        h5.visititems(visit)
    return {name: state for _, name, state in sorted(found, key=lambda entry: entry[0])}


def _index(item: Any) -> tuple[bool, int, str]:
    """Sort key: by attribute ``index``; those without one last, by name."""
    index = item.attrs.get("index")
    return index is None, 0 if index is None else int(index), item.name
