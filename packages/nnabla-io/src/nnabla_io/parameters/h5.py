"""The ``.h5`` format of parameters.

An HDF5 file with one dataset a parameter, at the parameter's path, of the parameter's own number
type, with two attributes: ``index``, its place in the order, and ``need_grad``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, BinaryIO

import h5py
import numpy as np

from nnabla.plugins import Check, ParameterFormat, ParameterRecord, hookimpl

__all__ = ["H5ParameterFormat", "nnabla_contract_version", "nnabla_doctor", "nnabla_parameter_format"]


class H5ParameterFormat(ParameterFormat):
    """Reads and writes ``.h5`` parameter files."""

    suffixes = (".h5",)

    def save(self, file: BinaryIO, records: Sequence[ParameterRecord]) -> None:
        """Write ``records``.

        Raises:
            ValueError: A name cannot be a path in an HDF5 file, or one parameter's name is a
                scope of another's.
            TypeError: A value has no number type.
        """
        _check_names([record.name for record in records])
        # Into memory first: when a write fails, on a full disk for example, HDF5 cannot close the
        # file either, and ends the process with it (seen with 1.14.2).
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as h5:
            for index, record in enumerate(records):
                array = np.asarray(record.array)
                if array.dtype.kind not in "biufc":
                    raise TypeError(f"parameter {record.name!r} has dtype {array.dtype}, no number")
                dataset = h5.create_dataset(record.name, data=array)
                dataset.attrs["index"] = np.int64(index)
                dataset.attrs["need_grad"] = np.bool_(record.need_grad)
        file.write(buffer.getbuffer())

    def load(self, file: BinaryIO) -> list[ParameterRecord]:
        """Read all parameters, ordered by ``index``; those without one come last, by name.

        Raises:
            OSError: HDF5 finds the file damaged.
            ValueError: A dataset has no number type, or fewer values than its shape says.
        """
        found: list[tuple[Any, ParameterRecord]] = []

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                index = item.attrs.get("index")
                order = (1, 0, name) if index is None else (0, int(index), name)
                need_grad = bool(item.attrs.get("need_grad", True))
                found.append((order, ParameterRecord(name, _read(name, item), need_grad)))

        with h5py.File(file, "r") as h5:
            h5.visititems(visit)
        return [record for _, record in sorted(found, key=lambda pair: pair[0])]


def _read(name: str, dataset: Any) -> np.ndarray[Any, Any]:
    dtype = dataset.dtype
    if dtype.kind not in "biufc" or dataset.shape is None:
        raise ValueError(f"dataset {name!r} has type {dtype}, expected numbers")
    # HDF5 fills what was never written, however large; only filters may store less than the size.
    expected = dataset.size * dtype.itemsize
    if dataset.compression is None and dataset.id.get_storage_size() < expected:
        raise ValueError(f"dataset {name!r} has fewer than the {expected} bytes of its shape")
    array = np.empty(dataset.shape, dtype.newbyteorder("="))
    if array.size:
        dataset.read_direct(array)
    return array


def _check_names(names: list[str]) -> None:
    taken = set(names)
    if len(taken) != len(names):
        raise ValueError("two parameters have the same name")
    for name in names:
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".") for part in parts):
            raise ValueError(f"parameter name {name!r} cannot be a path in an HDF5 file")
        for end in range(1, len(parts)):
            if (scope := "/".join(parts[:end])) in taken:
                raise ValueError(f"{scope!r} is the name of a parameter and the scope of {name!r}")


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_parameter_format() -> ParameterFormat:
    return H5ParameterFormat()


@hookimpl
def nnabla_doctor() -> list[Check]:
    return [Check("HDF5", "ok", f"{h5py.version.hdf5_version} through h5py {h5py.__version__}")]
