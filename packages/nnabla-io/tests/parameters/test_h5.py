"""The ``.h5`` format alone, against files of nnabla 1.39.0 and h5py."""

import io
import runpy
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnabla.plugins import ParameterRecord
from nnabla_io.parameters.h5 import H5ParameterFormat

DATA = Path(__file__).parents[1] / "data"
EXPECTED = runpy.run_path(str(DATA / "expected.py"))
FORMAT = H5ParameterFormat()


def load(content):
    return FORMAT.load(io.BytesIO(content))


def save(records):
    file = io.BytesIO()
    FORMAT.save(file, records)
    return file.getvalue()


@pytest.mark.parametrize(("file_name", "table"), [("parameters.h5", "PARAMETERS"), ("many.h5", "MANY")])
def test_reads_what_the_reference_wrote(file_name, table):
    records = load((DATA / file_name).read_bytes())
    assert [r.name for r in records] == [name for name, *_ in EXPECTED[table]]
    for index, (record, (_, shape, dtype, need_grad)) in enumerate(zip(records, EXPECTED[table], strict=True)):
        assert record.array.dtype == dtype
        assert record.need_grad is need_grad
        np.testing.assert_array_equal(record.array, EXPECTED["values"](index, shape, dtype), strict=True)


def describe(file):
    found = {}

    def visit(name, item):
        attributes = {key: (value.dtype, value[()]) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            found[name] = (item.shape, item.dtype, item[()].tolist(), attributes)
        else:
            found[name] = attributes

    with h5py.File(file, "r") as h5:
        h5.visititems(visit)
    return found


@pytest.mark.parametrize("file_name", ["parameters.h5", "many.h5"])
def test_writes_the_groups_datasets_types_and_attributes_of_the_reference(file_name):
    golden = (DATA / file_name).read_bytes()
    assert describe(io.BytesIO(save(load(golden)))) == describe(io.BytesIO(golden))


names = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/."), min_size=1),
    min_size=1,
    max_size=3,
).map("/".join)
arrays = hnp.arrays(
    st.sampled_from(["<f2", "<f4", ">f4", "<f8", "i1", "u8", "?"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)


@given(st.dictionaries(st.tuples(names, st.integers(0, 9)), st.tuples(arrays, st.booleans())))
def test_whatever_is_written_is_read_back(parameters):
    # The number keeps one name from being another's scope.
    written = [
        ParameterRecord(f"{name}#{number}", array, need_grad)
        for (name, number), (array, need_grad) in parameters.items()
        if "#" not in name
    ]
    read = load(save(written))
    assert [r.name for r in read] == [r.name for r in written]
    assert [r.need_grad for r in read] == [r.need_grad for r in written]
    for a, b in zip(read, written, strict=True):
        assert a.array.dtype == b.array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(a.array, b.array)


def test_a_view_that_is_not_contiguous_is_written_as_it_reads():
    array = np.arange(12.0).reshape(3, 4)[::-1, ::2].T
    np.testing.assert_array_equal(load(save([ParameterRecord("x", array)]))[0].array, array)


def test_datasets_without_attributes_come_last_by_name_and_need_a_gradient():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["b/W"] = np.ones(2, "float32")
        h5["a"] = np.ones(2, "float32")
        h5["z"] = np.ones(2, "float32")
        h5["z"].attrs["index"] = 5
    assert [(r.name, r.need_grad) for r in load(file.getvalue())] == [
        ("z", True),
        ("a", True),
        ("b/W", True),
    ]


def test_compressed_datasets_of_other_programs_can_be_read():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5.create_dataset("x", data=np.zeros((64, 64), "float32"), compression="gzip")
    np.testing.assert_array_equal(load(file.getvalue())[0].array, np.zeros((64, 64)))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "same name"),
        (["a/b", "a"], "'a' is the name of a parameter and the scope of 'a/b'"),
        (["a//b"], "'a//b' cannot be a path"),
        (["/a"], "'/a' cannot be a path"),
        ([""], "'' cannot be a path"),
        (["./a"], "cannot be a path"),
        (["a\0b"], "cannot be a path"),
    ],
)
def test_names_that_hdf5_cannot_keep_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        save([ParameterRecord(name, np.ones(1)) for name in names])


def test_values_that_are_no_numbers_are_refused_by_name():
    with pytest.raises(TypeError, match="parameter 'x' has dtype"):
        save([ParameterRecord("x", np.array(["text"]))])


def test_datasets_that_are_no_numbers_are_refused_by_name():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["words"] = "text"
    with pytest.raises(ValueError, match="dataset 'words' has type"):
        load(file.getvalue())


def test_a_shape_without_its_data_is_refused_before_memory_is_taken():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5.create_dataset("huge", (1 << 40,), "float32")  # 4 TiB that were never written
    assert len(file.getvalue()) < 10_000
    with pytest.raises(ValueError, match="'huge' has fewer than the 4398046511104 bytes"):
        load(file.getvalue())


def test_truncated_files_are_refused():
    content = (DATA / "parameters.h5").read_bytes()
    for length in (0, 1, 7, 8, 100, len(content) // 2, len(content) - 1):
        with pytest.raises(OSError):
            load(content[:length])


def test_damaged_files_raise_and_do_not_end_the_process():
    code = """
import io, sys
import numpy as np
from nnabla_io.parameters.h5 import H5ParameterFormat
content = open(sys.argv[1], "rb").read()
rng = np.random.default_rng(313)
refused = 0
for _ in range(300):
    damaged = bytearray(content)
    for position in rng.integers(0, len(content), 20):
        damaged[position] = rng.integers(256)
    try:
        H5ParameterFormat().load(io.BytesIO(bytes(damaged)))
    except Exception:
        refused += 1
print(refused)
"""
    done = subprocess.run([sys.executable, "-c", code, DATA / "parameters.h5"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30  # what hits values alone cannot be noticed
