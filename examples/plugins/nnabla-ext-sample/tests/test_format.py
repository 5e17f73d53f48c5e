"""Parameter files ``.npz``: what goes in comes out, and what is damaged is noticed."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

import nnabla as nn
import nnabla.parametric_functions as PF
from nnabla.plugins import ParameterRecord, plugins
from nnabla_sample.npz import NpzFormat

RECORDS = [
    ParameterRecord("conv1/conv/W", np.arange(12, dtype=np.float32).reshape(2, 3, 2) - 0.5),
    ParameterRecord("bn/mean", np.ones((1, 3), np.float16), False),
    ParameterRecord("état", np.array(3, np.int64)),
    ParameterRecord("empty", np.zeros((0, 4))),
    ParameterRecord("swapped", np.arange(3, dtype=">f4")),
    ParameterRecord("transposed", np.arange(6.0).reshape(2, 3).T),
]


def written(records=RECORDS):
    file = io.BytesIO()
    NpzFormat().save(file, records)
    return file.getvalue()


def read(content):
    return NpzFormat().load(io.BytesIO(content))


def same(ours, theirs):
    return [(r.name, r.need_grad, r.array.shape, r.array.tolist()) for r in ours] == [
        (r.name, r.need_grad, r.array.shape, r.array.tolist()) for r in theirs
    ]


def test_everything_comes_back_as_it_was():
    records = read(written())
    assert same(records, RECORDS)
    assert [r.array.dtype for r in records] == [r.array.dtype.newbyteorder("=") for r in RECORDS]
    assert all(r.array.flags.writeable for r in records)
    assert read(written([])) == []


def test_nnabla_saves_and_loads_it_by_its_suffix(tmp_path):
    assert "npz" in plugins.names("parameter_formats")
    path = str(tmp_path / "net.npz")
    with nn.parameter_scope("", {}):
        PF.affine(nn.Variable((2, 3)), 4, name="hidden")
        before = {name: p.d.copy() for name, p in nn.get_parameters().items()}
        nn.save_parameters(path)
    with nn.parameter_scope("", {}):
        nn.load_parameters(path)
        after = {name: p.d.copy() for name, p in nn.get_parameters().items()}
    assert list(after) == list(before)
    assert all((after[name] == before[name]).all() for name in before)
    with np.load(path) as archive:  # as anybody reads it
        np.testing.assert_array_equal(archive["hidden/affine/W"], before["hidden/affine/W"])
    assert list(tmp_path.iterdir()) == [tmp_path / "net.npz"]


def test_a_file_that_is_cut_off_is_an_error():
    content = written()
    for size in range(len(content)):
        with pytest.raises(Exception):  # noqa: B017  (whichever fits)
            read(content[:size])


def test_damage_is_an_error_or_harmless():
    content = written()
    noticed = 0
    for at in range(len(content)):
        damaged = bytearray(content)
        damaged[at] ^= 0x55
        try:
            found = read(bytes(damaged))
        except Exception:
            noticed += 1
        else:  # a date, for instance
            assert same(found, RECORDS), at
    assert noticed > 0.8 * len(content)


def test_nnabla_names_the_file_that_is_damaged(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(written()[:-9])
    with nn.parameter_scope("", {}), pytest.raises(RuntimeError, match=r"net\.npz.*damaged"):
        nn.load_parameters(str(path))


def archive(members, compression=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


LISTED = '{"version": 1, "parameters": [["a", true]]}'


def npy(shape, values=b"", dtype="<f4"):
    head = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + values


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"nnabla.json": LISTED, "a.npy": npy((10**12,))}, "cannot be"),
        ({"nnabla.json": LISTED, "a.npy": npy((-1, -1), b"1234")}, "cannot be"),
        ({"nnabla.json": LISTED, "a.npy": npy((1,), b"12345678", "|O")}, "cannot be|[Oo]bject"),
        ({"nnabla.json": LISTED, "a.npy": npy((), b"1234"), "b.npy": b""}, "what it lists is not what it has"),
        ({"nnabla.json": LISTED}, "what it lists is not what it has"),
        ({"nnabla.json": LISTED.replace("1", "2")}, "version 2"),
        ({"a.npy": npy((), b"1234")}, "nnabla.json"),
    ],
)
def test_a_file_that_cannot_be_is_an_error_and_takes_no_memory(members, message):
    with pytest.raises(Exception, match=message):
        read(archive(members))


def test_compressed_files_are_refused_since_they_may_be_bombs():
    content = archive({"nnabla.json": LISTED, "a.npy": npy((1 << 20,), bytes(4 << 20))}, zipfile.ZIP_DEFLATED)
    assert len(content) < 10_000
    with pytest.raises(ValueError, match="compressed"):
        read(content)


def test_a_declared_size_takes_no_memory(tmp_path):
    content = archive({"nnabla.json": LISTED, "a.npy": npy((1,), b"1234")})
    size = len(npy((1,), b"1234")).to_bytes(4, "little")
    assert content.count(size * 2) == 2  # once at the member, once in the directory
    (tmp_path / "net.npz").write_bytes(content.replace(size * 2, (1 << 30).to_bytes(4, "little") * 2))
    tracemalloc.start()
    with open(tmp_path / "net.npz", "rb") as file, pytest.raises(Exception):  # noqa: B017  (zipfile's)
        NpzFormat().load(file)
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("record", "error"),
    [
        (ParameterRecord("a", np.array(["text"])), TypeError),
        (ParameterRecord("a", np.array([None])), TypeError),
        (ParameterRecord("a\0b", np.ones(2)), ValueError),
        (ParameterRecord("a\\b", np.ones(2)), ValueError),
        (ParameterRecord("bn/mean", np.ones(2)), ValueError),
    ],
)
def test_what_it_cannot_hold_is_refused(record, error):
    with pytest.raises(error):
        written([*RECORDS, record])
