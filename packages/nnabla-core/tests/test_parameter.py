import io

import numpy as np
import pytest

from nnabla import parameter as P
from nnabla.initializer import BaseInitializer, ConstantInitializer
from nnabla.variable import Variable


@pytest.fixture(autouse=True)
def no_parameters():
    P.clear_parameters()
    yield
    P.clear_parameters()


def create(*names):
    for name in names:
        P.get_parameter_or_create(name, (1,))


def names():
    return list(P.get_parameters(grad_only=False))


# Scopes


def test_order_is_that_of_creation_within_scopes_in_their_order():
    for name in "ab":
        with P.parameter_scope("z"):
            create(name)
        with P.parameter_scope("y"):
            create(name)
    create("r")
    assert names() == ["z/a", "z/b", "y/a", "y/b", "r"]


@pytest.mark.parametrize("path", ["a/b", "/a/b", "a/b/", "a//b"])
def test_a_path_means_nested_scopes(path):
    with P.parameter_scope("a"), P.parameter_scope("b"):
        create("first")
    with P.parameter_scope(path):
        create("second")
    assert names() == ["a/b/first", "a/b/second"]


def test_a_name_with_slashes_is_below_scopes():
    create("a/b/w")
    with P.parameter_scope("a"):
        assert names() == ["b/w"]
        assert P.get_parameter("b/w") is not None


def test_the_empty_name_stays_in_the_scope():
    with P.parameter_scope("a"), P.parameter_scope("") as scope:
        create("w")
        assert scope is P.get_current_parameter_scope()
    assert names() == ["a/w"]


def test_an_exception_leaves_the_scope():
    root = P.get_current_parameter_scope()
    with pytest.raises(KeyError), P.parameter_scope("a"):
        raise KeyError
    assert P.get_current_parameter_scope() is root


def test_a_dictionary_serves_as_the_root():
    mine = {}
    with P.parameter_scope("", mine) as scope:
        assert scope is mine
        create("a")
        with P.parameter_scope("q"):
            create("b")
    with P.parameter_scope("n", mine):
        create("c")
    assert list(mine) == ["a", "q", "n"]
    assert list(mine["q"]) == ["b"]
    assert list(mine["n"]) == ["c"]
    assert names() == []


def test_the_yielded_scope_is_the_live_dictionary():
    with P.parameter_scope("a") as scope:
        scope["mine"] = Variable((3,))
    assert names() == ["a/mine"]


def test_clear_removes_the_current_scope_and_those_below():
    create("p/a", "p/q/b", "r")
    with P.parameter_scope("p"):
        P.clear_parameters()
        assert names() == []
        create("again")
    assert names() == ["p/again", "r"]


@pytest.mark.parametrize("name", [None, 3, b"a"])
def test_a_scope_name_must_be_text(name):
    expected = pytest.raises(TypeError, match="parameter_scope: a scope's name must be a str")
    with expected, P.parameter_scope(name):
        pass


def test_a_parameter_cannot_be_entered_as_a_scope():
    create("a/w")
    expected = pytest.raises(ValueError, match="'w' of 'a/w' is a parameter")
    with expected, P.parameter_scope("a/w"):
        pass
    with pytest.raises(RuntimeError, match="'w' of 'a/w' is a parameter"):
        create("a/w/b")


# get_parameter_or_create


def test_a_new_parameter_is_zero_and_needs_a_gradient():
    w = P.get_parameter_or_create("s/w", (2, 3))
    np.testing.assert_array_equal(w.d, np.zeros((2, 3)))
    assert w.need_grad
    assert w.name == "w"
    assert P.get_parameter("s/w").name == "w"


def test_every_call_gives_a_view_of_the_stored_parameter():
    first = P.get_parameter_or_create("w", (2,))
    second = P.get_parameter_or_create("w", (2,))
    stored = P.get_parameter("w")
    assert first == second == stored
    first.d = 5
    assert (stored.d == 5).all()


def test_an_array_gives_shape_values_and_dtype():
    values = np.arange(3)
    w = P.get_parameter_or_create("w", initializer=values)
    np.testing.assert_array_equal(w.d, values)
    assert w.d.dtype == np.int64
    values[:] = 9
    assert w.d[0] == 0


def test_an_initializer_is_called_with_the_shape_once():
    class Counting(BaseInitializer):
        calls = ()

        def __call__(self, shape):
            self.calls += (shape,)
            return np.full(shape, 2.5)

    initializer = Counting()
    for _ in range(2):
        w = P.get_parameter_or_create("w", [2, 4 / 2], initializer)
    assert initializer.calls == ((2, 2),)
    assert (w.d == 2.5).all()


@pytest.mark.parametrize("shape", [(2, 3), [2, 3], np.array([2, 3]), (2, 6 / 2), None])
def test_a_present_parameter_is_found_by_an_equal_shape(shape):
    w = P.get_parameter_or_create("w", (2, 3))
    assert P.get_parameter_or_create("w", shape) == w


def test_another_shape_names_the_parameter_and_the_way_out():
    P.get_parameter_or_create("s/w", (2, 3))
    with pytest.raises(ValueError, match="s/w") as caught:
        P.get_parameter_or_create("s/w", (3, 3))
    for part in ("(2, 3)", "(3, 3)", "nn.clear_parameters()"):
        assert part in str(caught.value)
    assert isinstance(caught.value, RuntimeError)
    with pytest.raises(ValueError, match="existing parameter"):
        P.get_parameter_or_create("s/w", None, np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("shape", "initializer", "error", "text"),
    [
        (None, None, AssertionError, "needs a shape"),
        (None, ConstantInitializer(1), AssertionError, "needs a shape"),
        ((2,), np.zeros(3), AssertionError, r"\(2,\).*\(3,\)"),
        ((2,), [1, 2], ValueError, "initializer of parameter 'w'.*list"),
        ((2,), 5.0, TypeError, "initializer of parameter 'w'.*float"),
        ((2,), len, ValueError, "initializer of parameter 'w'"),
        ((2, 3.5), None, ValueError, r"shape of parameter 'w'.*3\.5"),
        ((2, -1), None, ValueError, "shape of parameter 'w'"),
        (3, None, ValueError, "shape of parameter 'w'"),
        ("ab", None, ValueError, "shape of parameter 'w'"),
    ],
)
def test_bad_arguments_create_nothing(shape, initializer, error, text):
    with pytest.raises(error, match=text) as caught:
        P.get_parameter_or_create("w", shape, initializer)
    assert isinstance(caught.value, RuntimeError)
    assert names() == []


@pytest.mark.parametrize("name", [None, 3])
def test_a_parameter_name_must_be_text(name):
    for call in (P.get_parameter, P.pop_parameter, lambda n: P.get_parameter_or_create(n, (1,))):
        with pytest.raises(TypeError, match="name must be a str"):
            call(name)


def test_need_grad_of_a_present_parameter_is_updated():
    P.get_parameter_or_create("w", (2,))
    assert not P.get_parameter_or_create("w", (2,), need_grad=False).need_grad
    assert not P.get_parameter("w").need_grad
    assert P.get_parameter_or_create("w", (2,)).need_grad
    assert P.get_parameter("w").need_grad


@pytest.mark.parametrize("need_grad", [True, False])
@pytest.mark.parametrize("as_need_grad", [True, False])
def test_as_need_grad_is_that_of_the_view_alone(need_grad, as_need_grad):
    view = P.get_parameter_or_create("w", (2,), need_grad=need_grad, as_need_grad=as_need_grad)
    assert view.need_grad is as_need_grad
    assert P.get_parameter("w").need_grad is need_grad
    assert view.name == "w"


def test_no_grad_gives_views_without_gradient_and_nests():
    with P.no_grad():
        view = P.get_parameter_or_create("w", (2,), as_need_grad=True)
        assert not view.need_grad
        assert P.get_parameter("w").need_grad
        with P.no_grad(False):
            assert P.get_parameter_or_create("w", (2,)).need_grad
        assert not P.get_parameter_or_create("w", (2,)).need_grad
    assert P.get_parameter_or_create("w", (2,)).need_grad


def test_no_grad_ends_with_an_exception():
    with pytest.raises(KeyError), P.no_grad():
        raise KeyError
    assert P.get_parameter_or_create("w", (2,)).need_grad


# get, set, pop


def test_get_parameter_of_an_unknown_name_is_none():
    create("a/w")
    assert P.get_parameter("nope") is None
    assert P.get_parameter("x/y/nope") is None
    assert P.get_parameter("a/w/z") is None
    assert names() == ["a/w"]
    assert list(P.get_current_parameter_scope()) == ["a"]


def test_get_parameter_of_a_scope_is_refused():
    create("a/w")
    for call in (P.get_parameter, P.pop_parameter, lambda n: P.get_parameter_or_create(n, (1,))):
        with pytest.raises(RuntimeError, match="'a' is a scope"):
            call("a")


def test_set_parameter_stores_the_very_object():
    x = Variable((2,))
    P.set_parameter("s/t", x)
    assert P.get_parameter("s/t") is x
    assert names() == ["s/t"]
    y = Variable((5,))
    P.set_parameter("s/t", y)
    assert P.get_parameter("s/t") is y


def test_set_parameter_refuses_what_is_no_variable_and_scopes():
    with pytest.raises(TypeError, match="'k' must be set to a Variable, got int"):
        P.set_parameter("k", 3)
    create("a/w")
    with pytest.raises(AssertionError, match="'a' is a scope"):
        P.set_parameter("a", Variable((1,)))
    assert names() == ["a/w"]


def test_pop_parameter_returns_the_object_and_removes_it():
    create("a/w", "a/v")
    w = P.get_parameter("a/w")
    assert P.pop_parameter("a/w") is w
    assert P.pop_parameter("a/w") is None
    assert P.pop_parameter("never/was") is None
    assert names() == ["a/v"]


# get_parameters


def test_grad_only_leaves_out_what_is_not_trained():
    P.get_parameter_or_create("w", (1,))
    P.get_parameter_or_create("mean", (1,), need_grad=False)
    assert list(P.get_parameters()) == ["w"]
    assert names() == ["w", "mean"]


def test_names_are_relative_to_the_scope_and_below_path():
    create("a/b/w")
    with P.parameter_scope("a"):
        assert list(P.get_parameters()) == ["b/w"]
        assert list(P.get_parameters(path="p/q")) == ["p/q/b/w"]


def test_the_result_is_a_copy_and_params_is_added_to():
    create("w")
    copy = P.get_parameters()
    copy["new"] = None
    assert names() == ["w"]
    mine = {"old": 1}
    assert P.get_parameters(mine) is mine
    assert list(mine) == ["old", "w"]
    assert mine["w"] is P.get_parameter("w")


# Files (the format comes from a plugin, as any other)

h5py = pytest.importorskip("h5py")


@pytest.fixture
def saved(tmp_path):
    P.get_parameter_or_create("a/w", None, np.arange(6, dtype=np.float32).reshape(2, 3))
    P.get_parameter_or_create("a/mean", None, np.ones(2, np.float32), need_grad=False)
    path = tmp_path / "p.h5"
    P.save_parameters(str(path))
    return path


def test_saved_parameters_come_back_with_values_flags_and_order(saved):
    P.clear_parameters()
    P.load_parameters(str(saved))
    assert names() == ["a/w", "a/mean"]
    w = P.get_parameter("a/w")
    np.testing.assert_array_equal(w.d, np.arange(6).reshape(2, 3))
    assert (w.need_grad, w.name) == (True, "w")
    assert not P.get_parameter("a/mean").need_grad


def test_a_present_parameter_keeps_its_variable(saved):
    w = P.get_parameter("a/w")
    w.d = 7
    w.need_grad = False
    P.load_parameters(saved)
    assert P.get_parameter("a/w") is w
    np.testing.assert_array_equal(w.d, np.arange(6).reshape(2, 3))
    assert w.need_grad


def test_loading_within_a_scope_puts_it_in_front(saved):
    P.clear_parameters()
    with P.parameter_scope("net"):
        P.load_parameters(saved)
    assert names() == ["net/a/w", "net/a/mean"]


def test_saving_within_a_scope_or_a_dictionary_writes_that_alone(tmp_path):
    create("a/w", "b/w")
    with P.parameter_scope("a"):
        P.save_parameters(tmp_path / "scope.h5")
    P.save_parameters(tmp_path / "mine.h5", {"q": Variable((2,))})
    P.clear_parameters()
    P.load_parameters(tmp_path / "scope.h5")
    P.load_parameters(tmp_path / "mine.h5")
    assert names() == ["w", "q"]


def test_file_objects_need_an_extension(saved):
    file = io.BytesIO()
    P.save_parameters(file, extension=".h5")
    P.clear_parameters()
    P.load_parameters(file, extension=".h5")
    assert names() == ["a/w", "a/mean"]


def test_a_shape_that_does_not_fit_leaves_everything_as_it_was(saved):
    P.clear_parameters()
    P.get_parameter_or_create("a/w", (2, 3))
    P.get_parameter_or_create("a/mean", (5,))
    with pytest.raises(ValueError, match=r"load_parameters.*a/mean.*\(5,\).*\(2,\)"):
        P.load_parameters(saved)
    np.testing.assert_array_equal(P.get_parameter("a/w").d, 0)


def test_unknown_formats(tmp_path):
    with pytest.raises(AssertionError):
        P.save_parameters(str(tmp_path / "p.foo"), {})
    proto = object()
    (tmp_path / "p.foo").write_bytes(b"")
    assert P.load_parameters(str(tmp_path / "p.foo"), proto) is proto
    with pytest.raises(FileNotFoundError):
        P.load_parameters(str(tmp_path / "missing.h5"))


def test_parameters_of_a_protobuf_message():
    message = pytest.importorskip("nnabla.utils.nnabla_pb2").NNablaProtoBuf()
    parameter = message.parameter.add(variable_name="a/w", need_grad=True)
    parameter.shape.dim.extend([2, 3])
    parameter.data.extend(range(6))
    P.set_parameter_from_proto(message)
    np.testing.assert_array_equal(P.get_parameter("a/w").d, np.arange(6).reshape(2, 3))
    assert P.get_parameter("a/w").d.dtype == np.float32
