"""Parameter files ``.npz``: NumPy's archives, which ``numpy.load`` reads without NNabla.

An archive is a zip file without compression. It has ``name.npy`` for each parameter, in NumPy's format, and
``nnabla.json``, which lists names in their order and says which parameters are trained.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from nnabla.plugins import ParameterFormat, ParameterRecord

__all__ = ["NpzFormat"]

LIST = "nnabla.json"
VERSION = 1
KINDS = "biufc"


class NpzFormat(ParameterFormat):
    """Reads and writes ``.npz`` files."""

    suffixes = (".npz",)

    def save(self, file: BinaryIO, records: Sequence[ParameterRecord]) -> None:
        """Write ``records``.

        Raises:
            TypeError: A value is no number.
            ValueError: The archive cannot have a name, or would have one twice.
        """
        names = [record.name for record in records]
        if len(set(names)) != len(names):
            raise ValueError("two parameters have one name")
        with zipfile.ZipFile(file, "w") as archive:
            listed = [[record.name, bool(record.need_grad)] for record in records]
            archive.writestr(LIST, json.dumps({"version": VERSION, "parameters": listed}))
            for record in records:
                archive.writestr(_member(record.name), _bytes(record))

    def load(self, file: BinaryIO) -> list[ParameterRecord]:
        """Read all records.

        Raises:
            ValueError: The file is of another format, cut off or damaged. Also zipfile.BadZipFile and KeyError.
        """
        with zipfile.ZipFile(file) as archive:
            content = json.loads(_read(archive, LIST))
            if content["version"] != VERSION:
                raise ValueError(f"its layout has version {content['version']}, only {VERSION} is known")
            if len(archive.namelist()) != 1 + len(content["parameters"]):
                raise ValueError("what it lists is not what it has")
            return [
                ParameterRecord(name, _array(_read(archive, _member(name)), name), bool(need_grad))
                for name, need_grad in content["parameters"]
            ]


def _member(name: str) -> str:
    if "\0" in name or "\\" in name:
        raise ValueError(f"parameter {name!r} has a character that names in an archive cannot have")
    return f"{name}.npy"


def _bytes(record: ParameterRecord) -> bytes:
    array = np.asarray(record.array)
    if array.dtype.kind not in KINDS:
        raise TypeError(f"parameter {record.name!r} has dtype {array.dtype}, which is no number")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member's content, which is never longer than the file, whatever sizes that declares."""
    member = archive.getinfo(name)
    if member.file_size != member.compress_size:
        raise ValueError(f"{name} is compressed, which these files are not")
    with archive.open(member) as stream:
        return b"".join(iter(lambda: stream.read(1 << 20), b""))  # read() would take the size that is declared


def _array(content: bytes, name: str) -> np.ndarray[Any, Any]:
    """The array of a member, once its head and its length agree."""
    stream = io.BytesIO(content)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"parameter {name!r} is of another version of NumPy's format")
    shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(stream)
    size = math.prod(shape) * dtype.itemsize
    if dtype.kind not in KINDS or min(shape, default=0) < 0 or size != len(content) - stream.tell():
        raise ValueError(f"parameter {name!r} has dtype {dtype} and shape {shape}, which cannot be")
    values = np.frombuffer(content, dtype, offset=stream.tell())
    # A copy can be written to, and has the byte order of this machine.
    return values.reshape(shape, order="F" if fortran_order else "C").astype(dtype.newbyteorder("="), order="C")
