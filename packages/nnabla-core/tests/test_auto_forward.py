import pytest

from nnabla.auto_forward import auto_forward, get_auto_forward, set_auto_forward


@pytest.fixture(autouse=True)
def off():
    set_auto_forward(False)
    yield
    set_auto_forward(False)


def test_it_is_off_until_it_is_turned_on():
    assert get_auto_forward() is False
    set_auto_forward(True)
    assert get_auto_forward() is True


def test_blocks_nest_and_restore():
    with auto_forward():
        with auto_forward(False):
            assert get_auto_forward() is False
        assert get_auto_forward() is True
    assert get_auto_forward() is False


def test_an_exception_restores_the_state():
    with pytest.raises(KeyError), auto_forward():
        raise KeyError
    assert get_auto_forward() is False


def test_any_true_value_becomes_a_bool():
    set_auto_forward(1)
    assert get_auto_forward() is True
