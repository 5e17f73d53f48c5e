"""The checks of a parameter format: round trips, files cut off or damaged, sizes that a file merely declares."""

from __future__ import annotations

import errno
import functools
import io
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnabla.parameter_files import read_parameters, write_parameters
from nnabla.plugins import ParameterFormat, ParameterRecord, plugins

__all__ = ["format_checks"]

_MOST_MEMORY = 64 << 20  # bytes that a damaged file of a few kilobytes may take
_PLACES = 100  # at most as many places of a file are damaged
_HUGE = (b"\xff" * 8, b"\xff" * 7 + b"\x7f", b"\xff\xff\xff\x7f", b"\x7f\xff\xff\xff\xff\xff\xff\xff")


def _records() -> list[ParameterRecord]:
    rng = np.random.RandomState(0)
    values: dict[str, Any] = {
        "conv1/conv/W": rng.randn(2, 3, 3, 3).astype(np.float32),
        "conv1/conv/b": np.array([0.1, -np.inf, np.nan, 1e-300]),
        "half": np.array([1, 2, 65504], np.float16),
        "steps": np.array(7, np.int64),
        "scalar": np.float32(3.5),
        "a/very/deep/name": np.array([[1, 2]], np.int32),
        "empty": np.zeros((0, 4), np.float32),
        "swapped": np.array([1.5, -2.5], ">f8"),
        "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "bits": np.array([True, False]),
        "bytes": np.arange(5, dtype=np.uint8),
        "ünïcode 変数": np.array([2.0], np.float32),
    }
    return [ParameterRecord(name, value, name not in ("steps", "bits")) for name, value in values.items()]


def _written(file_format: ParameterFormat, records: Sequence[ParameterRecord]) -> bytes:
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "file", "w+b") as file:
        file_format.save(file, records)
        assert not file.closed, "save() closed the file"
        file.flush()
        return (Path(folder) / "file").read_bytes()


def _read(file_format: ParameterFormat, content: bytes) -> list[ParameterRecord]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "file").write_bytes(content)
        with open(Path(folder) / "file", "rb") as file:
            return list(file_format.load(file))


def _same(records: Sequence[ParameterRecord], wanted: Sequence[ParameterRecord]) -> None:
    assert [r.name for r in records] == [r.name for r in wanted], f"names {[r.name for r in records]}"
    for record, expected in zip(records, wanted):
        array, values = np.asarray(record.array), np.asarray(expected.array)
        assert array.dtype.newbyteorder("=") == values.dtype.newbyteorder("="), (
            f"{record.name}: dtype {array.dtype}, expected {values.dtype}"
        )
        assert array.shape == values.shape, f"{record.name}: shape {array.shape}, expected {values.shape}"
        np.testing.assert_array_equal(array, values, err_msg=record.name)
        assert bool(record.need_grad) == expected.need_grad, f"{record.name}: need_grad is {record.need_grad}"


# -- checks ----------------------------------------------------------------------------------------------------
def _suffix(name: str, file_format: ParameterFormat) -> None:
    """Its name is among its suffixes"""
    assert f".{name}" in file_format.suffixes, f"{file_format.suffixes} lacks .{name}"


def _round_trip(name: str, file_format: ParameterFormat) -> None:
    """Names, order, values, dtypes, shapes and need_grad come back"""
    _same(_read(file_format, _written(file_format, _records())), _records())


def _nothing(name: str, file_format: ParameterFormat) -> None:
    """A file without parameters comes back"""
    assert _read(file_format, _written(file_format, [])) == []


def _large(name: str, file_format: ParameterFormat) -> None:
    """A megabyte, and a hundred parameters, come back"""
    rng = np.random.RandomState(1)
    records = [ParameterRecord(f"n{i}/W", rng.randn(i, 3)) for i in range(100)]
    records.append(ParameterRecord("large", rng.randn(512, 512).astype(np.float32)))
    _same(_read(file_format, _written(file_format, records)), records)


def _unchanged(name: str, file_format: ParameterFormat) -> None:
    """Saving changes no array, and loaded arrays are their own"""
    records = _records()
    content = _written(file_format, records)
    _same(records, [ParameterRecord(r.name, np.asarray(r.array), r.need_grad) for r in _records()])
    for record in _read(file_format, content):
        array = np.asarray(record.array)
        array = array if array.flags.writeable else array.copy()
        array[...] = 0
    _same(_read(file_format, content), _records())


def _by_path(name: str, file_format: ParameterFormat) -> None:
    """Saved by path, nothing but the file is left; a file object is read where it stands"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net.{name}"
        write_parameters(path, _records())
        left = sorted(p.name for p in Path(folder).iterdir())
        assert left == [path.name], f"the folder holds {left}"
        _same(read_parameters(path) or [], _records())
    file = io.BytesIO(b"before")
    file.seek(6)
    write_parameters(file, _records(), f".{name}")
    _same(read_parameters(file, f".{name}") or [], _records())


class _Full(io.BytesIO):
    """A disk with room for ``room`` bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def _full_disk(name: str, file_format: ParameterFormat) -> None:
    """A disk that is full while it writes is an error, wherever that happens"""
    size = len(_written(file_format, _records()))
    for room in (0, size // 4, size // 2, size - 1):
        try:
            file_format.save(_Full(room), _records())
        except Exception:
            continue
        raise AssertionError(f"the disk was full after {room} of {size} bytes, and save() returned")


def _refused(name: str, file_format: ParameterFormat) -> None:
    """What it cannot hold is an error that leaves the old file as it was"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net.{name}"
        write_parameters(path, _records())
        before = path.read_bytes()
        for wrong in (np.array(["text"]), np.array([object()])):
            try:
                write_parameters(path, [*_records(), ParameterRecord("wrong", wrong)])
            except Exception:
                assert path.read_bytes() == before, "a run that failed changed the file"
                assert len(list(Path(folder).iterdir())) == 1, "a run that failed left files"
            else:
                raise AssertionError(f"an array of dtype {wrong.dtype} was written")


def _other_files(name: str, file_format: ParameterFormat) -> None:
    """An empty file, text and random bytes are refused"""
    for content in (b"", b"\0", b"no parameters\n" * 9, np.random.RandomState(2).bytes(4096)):
        _refuses(file_format, content, f"{len(content)} bytes that are no .{name} file")


def _refuses(file_format: ParameterFormat, content: bytes, what: str) -> None:
    try:
        _read(file_format, content)
    except MemoryError:
        raise AssertionError(f"{what}: took all memory") from None
    except Exception:
        return
    raise AssertionError(f"{what}: was read as a file of parameters")


def _places(content: bytes) -> list[int]:
    """Positions all over a file, and each one at its start."""
    step = max(len(content) * 2 // _PLACES, 1)
    return sorted({*range(min(_PLACES // 2, len(content))), *range(0, len(content), step)})


def _cut_off(name: str, file_format: ParameterFormat) -> None:
    """A file cut off anywhere is refused"""
    content = _written(file_format, _records())
    for place in [*_places(content), len(content) - 1]:
        _refuses(file_format, content[:place], f"cut off at {place} of {len(content)} bytes")


def _damaged(name: str, file_format: ParameterFormat) -> None:
    """A damaged byte is refused, or gives arrays of numbers"""
    content = _written(file_format, _records())
    for place in _places(content):
        for change in (0x01, 0xFF):
            _bears(file_format, content[:place] + bytes([content[place] ^ change]) + content[place + 1 :], place)


def _huge(name: str, file_format: ParameterFormat) -> None:
    """A size that a file merely declares takes no memory"""
    content = _written(file_format, _records())
    for place in _places(content):
        for size in _HUGE:
            _bears(file_format, content[:place] + size + content[place + len(size) :], place)
    for place in _places(content):
        if content[place : place + 1].isdigit():  # a size in decimal digits
            _bears(file_format, content[:place] + b"9" * 12 + content[place + 1 :], place)


def _bears(file_format: ParameterFormat, content: bytes, place: int) -> None:
    """Read a damaged file: an exception, or records of numbers, and little memory."""
    tracemalloc.start()
    try:
        for record in _read(file_format, content):
            assert isinstance(record, ParameterRecord), f"damage at {place}: load() gave {type(record).__name__}"
            kind = np.asarray(record.array).dtype.kind
            assert kind in "fiubc", f"damage at {place}: load() gave an array of kind {kind!r}"
    except AssertionError:
        raise
    except MemoryError:
        raise AssertionError(f"damage at {place}: load() asked for more memory than there is") from None
    except Exception:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < _MOST_MEMORY, f"damage at {place}: load() took {peak:,} bytes for a file of {len(content):,}"


_CHECKS: dict[str, tuple[Callable[[str, ParameterFormat], None], ...]] = {
    "round trip": (_suffix, _round_trip, _nothing, _large, _unchanged),
    "atomic write": (_by_path, _full_disk, _refused),
    "damaged input": (_other_files, _cut_off, _damaged, _huge),
}


def format_checks(name: str) -> Iterator[Any]:
    """Give the checks of a parameter format.

    Args:
        name: Its suffix without the dot.

    Raises:
        PluginError: The format is not installed, or does not load.
    """
    from nnabla.testing.kit.report import Check

    file_format = plugins.get("parameter_formats", name)
    for group, checks in _CHECKS.items():
        for check in checks:
            yield Check(group, "", check.__doc__ or "", functools.partial(check, name, file_format))
