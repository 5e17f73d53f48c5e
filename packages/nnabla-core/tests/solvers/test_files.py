import os
import sys

import numpy as np
import pytest

import nnabla as nn
import nnabla.solvers as S

pytest.importorskip("nnabla_io")

SUFFIXES = [".h5", ".protobuf"]
SHAPES = {"conv/W": (2, 3), "conv/b": (3,), "scale": ()}


def solver_after(name, steps=3):
    solver = getattr(S, name)()
    rng = np.random.default_rng(5)
    parameters = {key: nn.Variable(shape, need_grad=True) for key, shape in SHAPES.items()}
    solver.set_parameters(parameters)
    for v in parameters.values():
        v.d = np.asarray(rng.standard_normal(v.shape))
    for _ in range(steps):
        for v in parameters.values():
            v.g = np.asarray(rng.standard_normal(v.shape), np.float32)
        solver.update()
    return solver


def fresh(name):
    solver = getattr(S, name)()
    solver.set_parameters({key: nn.Variable(shape) for key, shape in SHAPES.items()})
    return solver


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", [n for n in S.__all__ if not n.startswith("Solver")])
def test_what_was_saved_loads_exactly(tmp_path, name, suffix):
    solver = solver_after(name)
    path = tmp_path / f"states{suffix}"
    solver.save_states(str(path))
    other = fresh(name)
    other.load_states(path)
    assert list(other.get_states()) == list(SHAPES)
    for key, state in solver.get_states().items():
        loaded = other.get_states()[key]
        assert loaded.t == state.t == 3
        assert list(loaded.pstate) == list(state.pstate)
        for part, v in state.pstate.items():
            assert loaded.pstate[part].data.dtype == np.float32
            np.testing.assert_array_equal(loaded.pstate[part].d, v.d)
    assert os.listdir(tmp_path) == [path.name]


def test_h5_keeps_double(tmp_path):
    with nn.context_scope(nn.Context(["cpu:double"])):
        solver = solver_after("Momentum")
        solver.save_states(tmp_path / "s.h5")
        other = fresh("Momentum")
        other.load_states(tmp_path / "s.h5")
        found = other.get_states()["conv/W"].pstate["m"]
        assert found.data.dtype == np.float64
        np.testing.assert_array_equal(found.d, solver.get_states()["conv/W"].pstate["m"].d)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_parameters_that_a_file_lacks_keep_their_state(tmp_path, suffix):
    solver_after("Adam").save_states(tmp_path / f"s{suffix}")
    other = fresh("Adam")
    other.set_parameters({"more": nn.Variable((2,))}, reset=False)
    other.load_states(tmp_path / f"s{suffix}")
    assert [state.t for state in other.get_states().values()] == [3, 3, 3, 0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_states_that_do_not_fit_are_refused(tmp_path, suffix):
    path = tmp_path / f"s{suffix}"
    solver_after("Adam").save_states(path)
    with pytest.raises(RuntimeError, match="comes from another solver"):
        fresh("Momentum").load_states(path)
    other = fresh("Adam")
    other.remove_parameters(["scale"])
    with pytest.raises(RuntimeError, match="'scale' is not a parameter"):
        other.load_states(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_missing_file_is_not_found(tmp_path, suffix):
    with pytest.raises(FileNotFoundError):
        fresh("Adam").load_states(tmp_path / f"none{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"hello", b"\x80"])
def test_a_damaged_file_is_named(tmp_path, suffix, content):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=f"loaded from .*bad{suffix}"):
        fresh("Adam").load_states(path)


@pytest.mark.parametrize("name", ["s.txt", "s"])
def test_other_suffixes_are_refused_for_saving(tmp_path, name):
    with pytest.raises(AssertionError, match=r"\.h5 or \.protobuf"):
        solver_after("Adam").save_states(tmp_path / name)
    assert not os.listdir(tmp_path)


def test_other_suffixes_are_left_out_for_loading(tmp_path, caplog):
    solver = fresh("Adam")
    solver.load_states(tmp_path / "s.txt")
    assert [state.t for state in solver.get_states().values()] == [0, 0, 0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_does_not_exist_is_named(tmp_path, suffix):
    path = tmp_path / "none" / f"s{suffix}"
    with pytest.raises(FileNotFoundError, match="solver states cannot be saved") as info:
        solver_after("Adam").save_states(path)
    assert info.value.filename == str(path)


def test_a_name_that_hdf5_cannot_hold_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "s.h5"
    path.write_bytes(b"before")
    solver = S.Adam()
    solver.set_parameters({"a//b": nn.Variable((2,))})
    with pytest.raises(RuntimeError, match="'a//b'"):
        solver.save_states(path)
    assert path.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["s.h5"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_nnabla_io_the_message_says_what_to_install(tmp_path, monkeypatch, suffix):
    for module in list(sys.modules):
        if module.partition(".")[0] == "nnabla_io":
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "nnabla_io", None)
    with pytest.raises(ModuleNotFoundError, match="pip install nnabla-io"):
        solver_after("Adam").save_states(tmp_path / f"s{suffix}")
    (tmp_path / f"t{suffix}").write_bytes(b"")
    with pytest.raises(ModuleNotFoundError, match="pip install nnabla-io"):
        fresh("Adam").load_states(tmp_path / f"t{suffix}")
