"""Reading and writing parameter files, with a format that needs no plugin distribution."""

import errno
import io
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnabla.parameter_files import (
    ParameterFileError,
    UnsupportedParameterFormatError,
    read_parameters,
    write_parameters,
)
from nnabla.plugins import ParameterFormat, ParameterRecord, PluginNotFoundError, plugins


class NumpyFormat(ParameterFormat):
    """One ``np.save`` a parameter; the name and need_grad before it."""

    suffixes = (".npytest",)

    def save(self, file, records):
        for record in records:
            np.save(file, np.array([record.name, str(int(record.need_grad))]))
            np.save(file, record.array)

    def load(self, file):
        records = []
        while head := file.read(1):
            file.seek(-len(head), io.SEEK_CUR)
            name, need_grad = np.load(file)
            records.append(ParameterRecord(str(name), np.load(file), need_grad == "1"))
        return records


@pytest.fixture(autouse=True)
def npytest():
    plugins.register("parameter_formats", "npytest", NumpyFormat())
    yield
    plugins.unregister("parameter_formats", "npytest")


RECORDS = [ParameterRecord("b/W", np.ones((2, 3))), ParameterRecord("a", np.float32(2), False)]


def assert_same(found, expected=RECORDS):
    assert [(r.name, r.need_grad) for r in found] == [(r.name, r.need_grad) for r in expected]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.array, b.array)


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_written_and_read_by_its_suffix(tmp_path, kind):
    path = kind(tmp_path / "x.npytest")
    write_parameters(path, iter(RECORDS))
    assert_same(read_parameters(path))
    assert os.listdir(tmp_path) == ["x.npytest"]


def test_an_extension_that_is_given_goes_before_the_paths(tmp_path):
    write_parameters(tmp_path / "x.bin", RECORDS, ".npytest")
    assert_same(read_parameters(tmp_path / "x.bin", ".npytest"))


def test_a_buffer_can_be_read_right_after_it_was_written():
    file = io.BytesIO()
    write_parameters(file, RECORDS, ".npytest")
    assert file.tell() == 0
    assert_same(read_parameters(file, ".npytest"))
    assert_same(read_parameters(file, ".npytest"))  # at its end now: read from the start again


def test_a_file_object_is_written_at_its_position(tmp_path):
    with open(tmp_path / "x", "w+b") as file:
        file.write(b"head")
        write_parameters(file, RECORDS, ".npytest")
        assert file.tell() == 4
        assert_same(read_parameters(file, ".npytest"))


def test_a_pipe_can_be_written_and_read():
    receiver, sender = os.pipe()
    with open(sender, "wb") as file:
        write_parameters(file, RECORDS, ".npytest")
    with open(receiver, "rb") as file:
        assert_same(read_parameters(file, ".npytest"))


@pytest.mark.parametrize("file", [io.StringIO(), 3, None])
def test_what_is_no_binary_file_is_refused(file):
    for call in (
        lambda: write_parameters(file, [], ".npytest"),
        lambda: read_parameters(file, ".npytest"),
    ):
        with pytest.raises(ParameterFileError, match="expected a path or a binary file object"):
            call()


def test_saving_with_an_unknown_extension_is_refused_with_those_there_are(tmp_path):
    for name, what in [("x.foo", "extension '.foo' is unknown"), ("x", "no extension was given")]:
        with pytest.raises(UnsupportedParameterFormatError, match=f"{name}: {what}.*.npytest") as e:
            write_parameters(tmp_path / name, RECORDS)
        assert isinstance(e.value, AssertionError)
        assert isinstance(e.value, RuntimeError)
    assert os.listdir(tmp_path) == []


def test_loading_an_unknown_extension_warns_and_gives_nothing(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "nnabla"):
        logging.getLogger("nnabla").propagate = True
        assert read_parameters(tmp_path / "x.foo") is None
    assert f"{tmp_path / 'x.foo'} is omitted." in caplog.text


@pytest.mark.parametrize("call", [lambda p: write_parameters(p, RECORDS), read_parameters])
def test_one_of_nnablas_formats_that_is_missing_is_asked_for(call, tmp_path, monkeypatch):
    monkeypatch.setattr(plugins, "names", lambda kind: ())
    with pytest.raises(PluginNotFoundError, match=r"'prototxt' is not installed.*nnabla-io"):
        call(tmp_path / "x.prototxt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"x\.npytest"):
        read_parameters(tmp_path / "x.npytest")


def test_a_damaged_file_is_named_with_what_the_format_says(tmp_path):
    path = tmp_path / "x.npytest"
    path.write_bytes(b"nothing that NumPy saved")
    with pytest.raises(ParameterFileError, match=r"x\.npytest: damaged, cut off or not a") as e:
        read_parameters(path)
    assert isinstance(e.value, RuntimeError) and isinstance(e.value, ValueError)
    assert isinstance(e.value.__cause__, Exception)


class Failing(NumpyFormat):
    suffixes = (".failing",)

    def save(self, file, records):
        file.write(b"half")
        raise KeyError("what the format says")


@pytest.fixture
def failing():
    plugins.register("parameter_formats", "failing", Failing())
    yield
    plugins.unregister("parameter_formats", "failing")


def test_a_format_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, failing):
    path = tmp_path / "x.failing"
    path.write_bytes(b"old")
    try:
        raise FileNotFoundError(errno.ENOENT, "the caller's own")
    except FileNotFoundError:  # must not be taken for the cause
        with pytest.raises(ParameterFileError, match=r"x\.failing: 'what the format says'"):
            write_parameters(path, RECORDS)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.failing"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    path = tmp_path / "none" / "x.npytest"
    with pytest.raises(FileNotFoundError, match="parameters cannot be saved") as e:
        write_parameters(path, RECORDS)
    assert e.value.filename == str(path)


def test_a_path_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "x.npytest").mkdir()
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        write_parameters(tmp_path / "x.npytest", RECORDS)
    with pytest.raises(IsADirectoryError):
        read_parameters(tmp_path / "x.npytest")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="parameters cannot be saved"):
        write_parameters(tmp_path / "x.npytest", RECORDS)
    assert os.listdir(tmp_path) == []


def test_an_error_of_the_disk_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"cannot be saved.*No space left") as e:
        write_parameters(tmp_path / "x.npytest", RECORDS)
    assert e.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_a_device_is_written_to_and_not_replaced():
    write_parameters("/dev/null", RECORDS, ".npytest")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(OSError, match="No space left"):
        write_parameters("/dev/full", RECORDS, ".npytest")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_permissions_and_links_stay(tmp_path):
    old_mask = os.umask(0o027)
    try:
        write_parameters(tmp_path / "new.npytest", RECORDS)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((tmp_path / "new.npytest").stat().st_mode) == 0o640
    (tmp_path / "new.npytest").chmod(0o604)
    (tmp_path / "link.npytest").symlink_to("new.npytest")
    write_parameters(tmp_path / "link.npytest", RECORDS[:1])
    assert (tmp_path / "link.npytest").is_symlink()
    assert stat.S_IMODE((tmp_path / "new.npytest").stat().st_mode) == 0o604
    assert_same(read_parameters(tmp_path / "new.npytest"), RECORDS[:1])


KILLED = """
import io, os, signal, sys
from nnabla.parameter_files import write_parameters
from nnabla.plugins import ParameterFormat, plugins

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

class Format(ParameterFormat):
    suffixes = (".killed",)
    def load(self, file): return []
    def save(self, file, records):
        file.write(b"ne")
        if sys.argv[2] == "while writing": die()
        file.write(b"w")

plugins.register("parameter_formats", "killed", Format())
if sys.argv[2] == "before it is on the disk": os.fsync = die
if sys.argv[2] == "before it is renamed": os.replace = die
replace = os.replace
if sys.argv[2] == "after it is renamed": os.replace = lambda a, b: (replace(a, b), die())
write_parameters(sys.argv[1], [])
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize(
    ("moment", "left"),
    [
        ("while writing", b"old"),
        ("before it is on the disk", b"old"),
        ("before it is renamed", b"old"),
        ("after it is renamed", b"new"),
    ],
)
def test_a_killed_process_leaves_the_old_file_or_the_new_one(tmp_path, moment, left):
    path = tmp_path / "x.killed"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, path, moment], capture_output=True)
    assert done.returncode == -9, done.stderr
    assert path.read_bytes() == left
