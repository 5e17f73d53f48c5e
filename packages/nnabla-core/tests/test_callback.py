import pytest

from nnabla import callback

KINDS = ["function_pre", "function_post", "solver_pre", "solver_post"]


def parts(kind):
    setter = getattr(callback, f"set_{kind}_hook")
    unsetter = getattr(callback, f"unset_{kind}_hook")
    return setter, unsetter, getattr(callback, f"{kind}_hooks")


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_come_in_the_order_in_which_they_were_set(kind):
    setter, unsetter, hooks = parts(kind)
    assert hooks() == ()
    setter("a", print)
    setter("b", repr)
    setter("a", len)
    assert hooks() == (len, repr)
    unsetter("a")
    assert hooks() == (repr,)
    unsetter("b")
    assert hooks() == ()


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_of_other_kinds_are_untouched(kind):
    setter, unsetter, _ = parts(kind)
    setter("a", print)
    try:
        assert [bool(parts(other)[2]()) for other in KINDS] == [other == kind for other in KINDS]
    finally:
        unsetter("a")


@pytest.mark.parametrize("kind", KINDS)
def test_removing_an_unknown_key_does_nothing(kind):
    parts(kind)[1]("never set")


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_types_are_refused(kind):
    setter, unsetter, hooks = parts(kind)
    with pytest.raises(TypeError, match=f"set_{kind}_hook: key"):
        setter(3, print)
    with pytest.raises(TypeError, match=f"set_{kind}_hook: the hook"):
        setter("a", "no function")
    with pytest.raises(TypeError, match=f"unset_{kind}_hook: key"):
        unsetter(3)
    assert hooks() == ()
