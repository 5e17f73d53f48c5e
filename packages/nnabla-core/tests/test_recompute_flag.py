import importlib

import pytest

# `nnabla.recompute` is the context manager; the module is reached by its import path.
flag = importlib.import_module("nnabla.recompute")


@pytest.fixture(autouse=True)
def off():
    flag.set_global_recompute(False)
    yield
    flag.set_global_recompute(False)


def test_blocks_nest_and_restore():
    assert flag.get_global_recompute() is False
    with flag.recompute():
        with flag.recompute(False):
            assert flag.get_global_recompute() is False
        assert flag.get_global_recompute() is True
    assert flag.get_global_recompute() is False


def test_an_exception_restores_the_flag():
    with pytest.raises(KeyError), flag.recompute():
        raise KeyError
    assert flag.get_global_recompute() is False


def test_the_global_flag_holds_until_it_is_changed():
    flag.set_global_recompute(True)
    assert flag.get_global_recompute() is True


@pytest.mark.parametrize("wanted", [True, False])
def test_a_decorated_function_runs_with_the_flag(wanted):
    @flag.recompute_fn(wanted)
    def observe(a, b=0):
        """What it does."""
        return flag.get_global_recompute(), a + b

    flag.set_global_recompute(not wanted)
    assert observe(1, b=2) == (wanted, 3)
    assert flag.get_global_recompute() is not wanted
    assert (observe.__name__, observe.__doc__) == ("observe", "What it does.")


def test_variables_take_the_flag_when_they_are_made():
    from nnabla.variable import Variable

    before = Variable((1,))
    with flag.recompute():
        within = Variable((1,))
    assert (before.recompute, within.recompute, Variable((1,)).recompute) == (False, True, False)
