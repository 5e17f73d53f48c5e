"""Read and write files of parameters in the formats that plugins bring."""

from __future__ import annotations

import errno
import io
import logging
import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from nnabla.plugins import ParameterFormat, ParameterRecord, plugins
from nnabla.plugins.kinds import KNOWN_FORMATS

__all__ = [
    "ParameterFileError",
    "UnsupportedParameterFormatError",
    "read_parameters",
    "write_parameters",
]

_logger = logging.getLogger("nnabla")


class ParameterFileError(RuntimeError, ValueError, OSError):
    """A file of parameters cannot be written or is damaged."""


class UnsupportedParameterFormatError(RuntimeError, AssertionError, ValueError):
    """No format has the suffix that was asked for."""


def write_parameters(
    path_or_file: str | os.PathLike[str] | BinaryIO,
    records: Iterable[ParameterRecord],
    extension: str | None = None,
) -> None:
    """Write parameters.

    A path is written atomically: into a temporary file in the same folder, flushed to the disk,
    then renamed. Whoever reads the path, also after a crash, finds the old file or the new one. A
    file object is written at its position and left there, so that it can be read at once.

    Args:
        path_or_file: Path, or binary file object open for writing.
        records: The parameters, in the order to be kept.
        extension: Format by its suffix (``".h5"``); None takes it from the path.

    Raises:
        UnsupportedParameterFormatError: There is no such format.
        PluginError: The format's plugin is missing or broken.
        ParameterFileError: The format cannot hold these parameters.
        OSError: The file cannot be written; nothing is left behind.
    """
    target = _describe(path_or_file)
    if not isinstance(path_or_file, str | os.PathLike) and not hasattr(path_or_file, "write"):
        raise ParameterFileError(f"parameters cannot be saved to {target}: expected a path or a binary file object")
    suffix = _suffix(path_or_file, extension)
    file_format = _find_format(suffix)
    if file_format is None:
        raise UnsupportedParameterFormatError(f"parameters cannot be saved to {target}: {_unsupported(suffix)}")
    records = list(records)
    if not isinstance(path_or_file, str | os.PathLike):
        _write_object(path_or_file, target, file_format, records)
        return
    path = Path(os.path.realpath(path_or_file))
    if path.exists() and not (path.is_file() or path.is_dir()):  # a device or a pipe
        try:
            with path.open("wb") as file:
                _write_object(file, target, file_format, records)
        except OSError as error:
            if error.errno is None:  # a ParameterFileError
                raise
            raise _named(error, path) from error
        return
    _write_atomically(path, target, file_format, records)


def read_parameters(
    path_or_file: str | os.PathLike[str] | BinaryIO, extension: str | None = None
) -> list[ParameterRecord] | None:
    """Read parameters.

    Args:
        path_or_file: Path, or binary file object, read from its position (from its start if
            nothing follows).
        extension: Format by its suffix (``".h5"``); None takes it from the path.

    Returns:
        The parameters in their order; None, after a warning, if no format has that suffix.

    Raises:
        FileNotFoundError: There is no such file.
        ParameterFileError: The file is damaged, cut off or of another format.
        PluginError: The format's plugin is missing or broken.
    """
    target = _describe(path_or_file)
    if not isinstance(path_or_file, str | os.PathLike) and not hasattr(path_or_file, "read"):
        raise ParameterFileError(f"parameters cannot be loaded from {target}: expected a path or a binary file object")
    suffix = _suffix(path_or_file, extension)
    file_format = _find_format(suffix)
    if file_format is None:
        _logger.warning("%s is omitted. (%s)", target, _unsupported(suffix))
        return None
    if isinstance(path_or_file, str | os.PathLike):
        with open(path_or_file, "rb") as file:
            return _load(file, target, file_format)
    return _load(_readable(path_or_file, target), target, file_format)


def _find_format(suffix: str) -> ParameterFormat | None:
    """The format of ``suffix``; None if nobody knows of one."""
    name = suffix.removeprefix(".")
    if name not in plugins.names("parameter_formats") and name not in KNOWN_FORMATS:
        return None
    found: ParameterFormat = plugins.get("parameter_formats", name)
    return found


def _write_atomically(path: Path, target: str, file_format: ParameterFormat, records: list[ParameterRecord]) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "parameters cannot be saved, this is a folder", str(path))
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        # Not tempfile: the new file gets the permissions that any other new file would get.
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
        try:
            with open(descriptor, "w+b") as file:
                if path.exists():
                    os.chmod(temporary, stat.S_IMODE(path.stat().st_mode))
                _save(file, target, file_format, records)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        if error.errno is None:  # a ParameterFileError
            raise
        raise _named(error, path) from error
    _sync_folder(path.parent)


def _named(error: OSError, path: Path) -> OSError:
    """Return an error of the disk with the file's name."""
    return OSError(error.errno, f"parameters cannot be saved ({error.strerror})", str(path))


def _write_object(file: Any, target: str, file_format: ParameterFormat, records: list[ParameterRecord]) -> None:
    if isinstance(file, io.TextIOBase):
        raise ParameterFileError(f"parameters cannot be saved to {target}: expected a path or a binary file object")
    buffer = io.BytesIO()
    _save(buffer, target, file_format, records)
    start = file.tell() if _seekable(file) else None
    file.write(buffer.getbuffer())
    if start is not None:
        file.seek(start)


def _save(file: BinaryIO, target: str, file_format: ParameterFormat, records: Sequence[ParameterRecord]) -> None:
    try:
        file_format.save(file, records)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not the format's
            raise
        raise ParameterFileError(f"parameters cannot be saved to {target}: {error}") from error


def _load(file: BinaryIO, target: str, file_format: ParameterFormat) -> list[ParameterRecord]:
    try:
        return list(file_format.load(file))
    except Exception as error:
        raise ParameterFileError(
            f"parameters cannot be loaded from {target}: damaged, cut off or not a "
            f"{'/'.join(file_format.suffixes)} file ({type(error).__name__}: {error})"
        ) from error


def _readable(file: Any, target: str) -> BinaryIO:
    """A seekable binary file with the content of ``file``."""
    if not isinstance(content := file.read(), bytes):
        raise ParameterFileError(f"parameters cannot be loaded from {target}: expected a path or a binary file object")
    if not content and _seekable(file):
        file.seek(0)
        content = file.read()
    return io.BytesIO(content)


def _seekable(file: Any) -> bool:
    return bool(getattr(file, "seekable", lambda: hasattr(file, "seek"))())


def _suffix(path_or_file: Any, extension: str | None) -> str:
    if extension is not None or not isinstance(path_or_file, str | os.PathLike):
        return extension or ""
    return os.path.splitext(path_or_file)[1]


def _describe(path_or_file: Any) -> str:
    if isinstance(path_or_file, str | os.PathLike):
        return os.fspath(path_or_file)
    name = getattr(path_or_file, "name", None)
    return name if isinstance(name, str) else f"a {type(path_or_file).__name__} object"


def _unsupported(suffix: str) -> str:
    installed = ", ".join("." + name for name in plugins.names("parameter_formats")) or "none"
    asked = f"extension {suffix!r} is unknown" if suffix else "no extension was given"
    return f"{asked}; installed parameter formats: {installed}"


def _sync_folder(folder: Path) -> None:
    """Make the rename durable, where a folder can be opened (not on Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems cannot; the rename itself is done
    finally:
        os.close(descriptor)


_O_BINARY = getattr(os, "O_BINARY", 0)
