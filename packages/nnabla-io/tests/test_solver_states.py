import io

import h5py
import numpy as np
import pytest

from nnabla_io.solver_states import read_h5, write_h5


def states():
    return {
        "z/W": (3, {"var": np.ones((2, 3), np.float32), "mean": np.zeros((2, 3), np.float64)}),
        "a": (2**31 - 1, {"m": np.float32(4)}),
        "plain": (0, {}),
    }


def written(content):
    file = io.BytesIO()
    write_h5(file, content)
    file.seek(0)
    return file


def test_layout_is_a_group_a_parameter_and_a_dataset_a_state():
    with h5py.File(written(states()), "r") as h5:
        assert h5["z/W"].attrs["index"] == 0
        assert h5["a"].attrs["index"] == 1
        assert h5["z/W/t"].dtype == np.int64
        assert h5["z/W/t"].shape == ()
        assert h5["z/W/t"][()] == 3
        assert dict(h5["z/W/t"].attrs) == {}
        assert h5["z/W/var"].attrs["index"] == 0
        assert h5["z/W/mean"].attrs["index"] == 1
        assert h5["z/W/mean"].dtype == np.float64


def test_what_is_written_is_read_in_its_order():
    found = read_h5(written(states()))
    assert list(found) == ["z/W", "a", "plain"]
    for name, (t, arrays) in states().items():
        assert found[name][0] == t
        assert list(found[name][1]) == list(arrays)
        for state, array in arrays.items():
            read = found[name][1][state]
            assert read.dtype == array.dtype
            np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("name", ["", "/a", "a//b", "a/./b", "a\0b"])
def test_names_that_are_no_path_are_refused(name):
    with pytest.raises(ValueError, match="cannot be a path"):
        write_h5(io.BytesIO(), {name: (0, {})})


def test_a_parameter_within_a_state_of_another_is_refused():
    with pytest.raises((ValueError, TypeError)):
        write_h5(io.BytesIO(), {"a": (0, {"m": np.ones(2)}), "a/m": (0, {"m": np.ones(2)})})


def test_a_parameter_below_another_is_kept():
    content = {"a": (1, {"m": np.ones(2)}), "a/b": (2, {"m": np.zeros(2)})}
    found = read_h5(written(content))
    assert {name: (t, list(arrays)) for name, (t, arrays) in found.items()} == {
        "a": (1, ["m"]),
        "a/b": (2, ["m"]),
    }


def test_an_empty_file_has_no_states():
    assert read_h5(written({})) == {}


def test_a_damaged_file_is_refused():
    content = written(states()).getvalue()
    with pytest.raises(OSError):
        read_h5(io.BytesIO(content[: len(content) // 2]))
