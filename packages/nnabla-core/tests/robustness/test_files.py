"""Files of parameters that cannot be read or written are errors that name them; parameters and files stay."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.parametric_functions as PF

pytest.importorskip("nnabla_io")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """A file of the present parameters, whose values have changed since."""
    with nn.parameter_scope("robust"):
        nn.clear_parameters()
        PF.affine(nn.Variable((2, 3)), 4)
        nn.save_parameters(str(tmp_path / "p.h5"))
        for parameter in nn.get_parameters().values():
            parameter.d = 7
        yield tmp_path / "p.h5"
        nn.clear_parameters()


def unchanged() -> bool:
    parameters = nn.get_parameters(grad_only=False)
    return list(parameters) == ["affine/W", "affine/b"] and all(np.all(p.d == 7) for p in parameters.values())


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "overwritten": lambda content: content[:100] + bytes(len(content) - 100),
    "of another kind": lambda content: b"PK\x03\x04" + content[4:],
    "text": lambda content: b"affine/W 1 2 3\n" * 100,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_file_that_is_damaged_is_named_and_nothing_is_loaded(damage: Any, path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(damage(content))
    with pytest.raises(RuntimeError, match=r"parameters cannot be loaded from .*p\.h5: damaged, cut off or not a \.h5"):
        nn.load_parameters(str(path))
    assert unchanged()
    path.write_bytes(content)
    nn.load_parameters(str(path))
    assert not unchanged()


def test_parameters_of_another_shape_are_named_and_nothing_is_loaded(path: Path) -> None:
    nn.parameter.pop_parameter("affine/b")
    nn.parameter.set_parameter("affine/b", nn.Variable.from_numpy_array(np.full(5, 7.0)))
    with pytest.raises(RuntimeError, match=r"affine/b.*\(4,\)"):
        nn.load_parameters(str(path))
    assert unchanged()


def test_a_file_that_is_not_there_is_named(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        nn.load_parameters(str(path.with_name("none.h5")))


@pytest.mark.parametrize("what", [None, 3, object()])
def test_what_is_no_file_is_refused(what: Any) -> None:
    with pytest.raises(RuntimeError, match="expected a path or a binary file object"):
        nn.load_parameters(what)
    with pytest.raises(RuntimeError, match="expected a path or a binary file object"):
        nn.save_parameters(what)


UNWRITABLE: dict[str, Callable[[Path], Path]] = {
    "in no folder": lambda folder: folder / "none" / "p.h5",
    "a folder": lambda folder: folder,
    "below a file": lambda folder: folder / "p.h5" / "p.h5",
    "a name too long": lambda folder: folder / ("p" * 300 + ".h5"),
}


@pytest.mark.parametrize("place", UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_place_that_cannot_be_written_is_named_and_left_clean(place: Any, path: Path) -> None:
    target = place(path.parent)
    if os.path.isdir(target):
        target = target / "d.h5"
        target.mkdir()
    before = sorted(os.listdir(path.parent)), path.read_bytes()
    with pytest.raises(OSError) as caught:
        nn.save_parameters(str(target))
    assert caught.value.filename == str(target)
    assert (sorted(os.listdir(path.parent)), path.read_bytes()) == before
    assert unchanged()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_device_that_is_full_is_named(path: Path) -> None:
    link = path.with_name("full.h5")
    link.symlink_to("/dev/full")
    with pytest.raises(OSError, match="/dev/full"):
        nn.save_parameters(str(link))


def test_hundreds_of_damaged_files_do_not_end_the_process(path: Path) -> None:
    script = """
import sys
import numpy as np
import nnabla as nn
path = sys.argv[1]
content = open(path, "rb").read()
rng = np.random.RandomState(1)
refused = 0
for _ in range(200):
    damaged = bytearray(content)
    for position in rng.randint(0, len(content), 12):
        damaged[position] = rng.randint(256)
    with open(path, "wb") as file:
        file.write(damaged[: rng.randint(1, len(damaged) + 1)] if rng.rand() < 0.3 else damaged)
    nn.clear_parameters()
    try:
        nn.load_parameters(path)
    except RuntimeError as error:
        assert path in str(error), error
        refused += 1
with open(path, "wb") as file:
    file.write(content)
nn.clear_parameters()
nn.load_parameters(path)
print(refused, *nn.get_parameters())
"""
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    refused, *names = done.stdout.split()
    assert int(refused) > 50 and names == ["affine/W", "affine/b"]
