"""The ``.h5`` format as the core uses it: found by its suffix, written atomically."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnabla.parameter_files import ParameterFileError, read_parameters, write_parameters
from nnabla.plugins import ParameterRecord, plugins

GOLDEN = Path(__file__).parents[1] / "data" / "parameters.h5"


def test_the_format_is_a_plugin_of_this_distribution():
    assert "h5" in plugins.names("parameter_formats")
    (status,) = [s for s in plugins.statuses(load=True) if s.name == "h5"]
    assert (status.distribution, status.state) == ("nnabla-io", "loaded")


def test_a_golden_file_is_copied_unchanged(tmp_path):
    write_parameters(tmp_path / "copy.h5", read_parameters(GOLDEN))
    copy = read_parameters(tmp_path / "copy.h5")
    for a, b in zip(read_parameters(GOLDEN), copy, strict=True):
        assert (a.name, a.need_grad) == (b.name, b.need_grad)
        np.testing.assert_array_equal(a.array, b.array, strict=True)


@pytest.mark.parametrize("length", [0, 100, 5000, -1])
def test_a_truncated_file_is_named(tmp_path, length):
    path = tmp_path / "cut.h5"
    path.write_bytes(GOLDEN.read_bytes()[:length])
    with pytest.raises(ParameterFileError, match=r"cut\.h5: damaged, cut off or not a \.h5 file"):
        read_parameters(path)


def test_a_name_that_cannot_be_kept_is_named_with_the_file(tmp_path):
    with pytest.raises(ParameterFileError, match=r"x\.h5: parameter name 'a//b' cannot"):
        write_parameters(tmp_path / "x.h5", [ParameterRecord("a//b", np.ones(1))])
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name == "nt", reason="needs a limit on file sizes")
@pytest.mark.parametrize("limit", [100, 3000, 100_000])
def test_a_full_disk_is_reported_as_such_and_leaves_the_old_file(tmp_path, limit):
    code = """
import resource, sys
import numpy as np
from nnabla.parameter_files import write_parameters
from nnabla.plugins import ParameterRecord, plugins
plugins.get("parameter_formats", "h5")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    write_parameters(sys.argv[1], [ParameterRecord(f"p{i}", np.ones(500)) for i in range(50)])
except OSError as error:
    print(error.errno is not None, error.filename == sys.argv[1])
"""
    path = tmp_path / "x.h5"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, path, str(limit)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.h5"]
