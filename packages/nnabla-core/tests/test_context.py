import threading

import pytest

from nnabla.context import (
    Context,
    add_available_context,
    available_contexts,
    backend_names,
    context_scope,
    get_current_context,
    set_default_context,
    split_backend,
)


@pytest.fixture(autouse=True)
def same_default():
    before = get_current_context()
    yield
    set_default_context(before)


def test_default_fields():
    context = Context()
    assert (context.backend, context.array_class, context.device_id) == (["cpu:float"], "", "0")


def test_text_shows_every_field():
    context = Context(["cpu:float"], array_class="CpuCachedArray", device_id="1")
    expected = "Context(backend=['cpu:float'], array_class='CpuCachedArray', device_id='1')"
    assert str(context) == repr(context) == expected


@pytest.mark.parametrize(("field", "value"), [("backend", ["cpu:half"]), ("array_class", "A"), ("device_id", "1")])
def test_assigning_a_field_changes_text_equality_and_hash(field, value):
    context, other = Context(), Context()
    assert context == other
    assert hash(context) == hash(other)
    setattr(context, field, value)
    assert getattr(context, field) == value
    assert context != other
    assert str(context) != str(other)


def test_changing_the_returned_backend_list_does_not_change_the_context():
    context = Context()
    context.backend.append("cuda:float")
    assert context == Context()


def test_a_context_equals_no_other_type():
    assert Context() != "Context"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Context(["cpu"], device_id=0),
        lambda: Context([1]),
        lambda: Context("cpu:float"),
        lambda: Context(array_class=None),
    ],
)
def test_fields_of_a_wrong_type_are_refused(make):
    with pytest.raises(TypeError, match="Context"):
        make()


def test_scopes_nest_and_end_with_an_exception():
    outer, inner, default = Context(["a"]), Context(["b"]), get_current_context()
    with context_scope(outer):
        with pytest.raises(KeyError), context_scope(inner):
            assert get_current_context() is inner
            raise KeyError
        assert get_current_context() is outer
    assert get_current_context() is default


def test_set_default_context_holds_until_the_next():
    context = Context(["cpu:half"])
    set_default_context(context)
    assert get_current_context() is context


def test_set_default_context_within_a_scope_is_refused():
    with context_scope(Context()), pytest.raises(RuntimeError, match="context_scope") as caught:
        set_default_context(Context())
    assert isinstance(caught.value, AssertionError)


@pytest.mark.parametrize("call", [set_default_context, add_available_context])
def test_something_else_than_a_context_is_refused(call):
    with pytest.raises(TypeError, match="get_extension_context"):
        call("cpu")
    with pytest.raises(TypeError, match="get_extension_context"), context_scope("cpu"):
        pass


def test_other_threads_see_the_default_but_not_the_scope():
    default, scoped, seen = Context(["a"]), Context(["b"]), []
    set_default_context(default)
    with context_scope(scoped):
        thread = threading.Thread(target=lambda: seen.append(get_current_context()))
        thread.start()
        thread.join()
    assert seen[0] is default


def test_backends_are_split_into_name_and_type_configuration():
    assert split_backend("cpu:half") == ("cpu", "half")
    assert split_backend("cuda") == ("cuda", "float")
    context = Context(["cudnn:half", "cpu:float"])
    assert backend_names(context) == (("cudnn", "half"), ("cpu", "float"))


def test_available_contexts_are_listed_once():
    context = Context(["test:float"])
    add_available_context(context)
    add_available_context(Context(["test:float"]))
    assert available_contexts().count(context) == 1
