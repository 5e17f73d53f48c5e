import inspect

import pytest

from nnabla import parameter as P
from nnabla.parametric_functions import parametric_function_api
from nnabla.parametric_functions.api import axis_of, sizes_of


def names():
    return list(P.get_parameters())


@parametric_function_api("scope", [("W", "The weights", "(k,)", True)])
def layer(inp, k=2, flag=False):
    """First line.

    More of it.
    """
    return inp, k, flag, P.get_parameter_or_create("W", (k,))


def test_signature_gets_a_trailing_name():
    assert str(inspect.signature(layer)) == "(inp, k=2, flag=False, name=None)"
    assert layer.__name__ == "layer"


def test_docstring_keeps_its_text_and_lists_parameters():
    lines = layer.__doc__.splitlines()
    assert lines[0] == "First line."
    assert "More of it." in layer.__doc__
    assert "* W (``need_grad=True``): The weights, shape ``(k,)``." in lines
    assert "``x/scope``" in layer.__doc__


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: layer(1), "scope/W"),
        (lambda: layer(1, name="n"), "n/scope/W"),
        (lambda: layer(1, 2, True, "n"), "n/scope/W"),
        (lambda: layer(1, name="a/b"), "a/b/scope/W"),
        (lambda: layer(1, name=""), "scope/W"),
        (lambda: layer(inp=1, k=2, name=None), "scope/W"),
    ],
)
def test_name_is_a_scope_around_the_functions_own(call, expected):
    call()
    assert names() == [expected]


def test_name_and_scope_are_the_same():
    with P.parameter_scope("n"):
        inside = layer(1)[-1]
    assert layer(1, name="n")[-1] == inside


def test_arguments_and_result_pass_through():
    assert layer(1, 3, flag=True)[:3] == (1, 3, True)


def test_the_scope_is_left_after_an_exception():
    root = P.get_current_parameter_scope()

    @parametric_function_api("scope")
    def failing(inp):
        raise KeyError(inp)

    with pytest.raises(KeyError):
        failing(1, name="n")
    assert P.get_current_parameter_scope() is root


def test_calls_nest():
    @parametric_function_api("outer")
    def outer(inp):
        return layer(inp, name="inner")

    outer(1, name="n")
    assert names() == ["n/outer/inner/scope/W"]


def test_the_scope_is_the_functions_name_by_default():
    @parametric_function_api()
    def mine(inp):
        P.get_parameter_or_create("W", (1,))

    mine(1, "n")
    assert names() == ["n/mine/W"]
    assert mine.__doc__.startswith("mine")


def test_name_is_keyword_only_after_open_arguments():
    @parametric_function_api("scope")
    def collect(*args, **kwargs):
        P.get_parameter_or_create("W", (1,))
        return args, kwargs

    assert str(inspect.signature(collect)).startswith("(*args, name")
    assert collect(1, 2, 3, name="n", other=4) == ((1, 2, 3), {"other": 4})
    assert names() == ["n/scope/W"]


def test_name_comes_before_keyword_arguments_of_any_name():
    @parametric_function_api("scope")
    def collect(inp, **kwargs):
        return inp, kwargs

    assert list(inspect.signature(collect).parameters) == ["inp", "name", "kwargs"]
    assert collect(1, "n", other=2) == (1, {"other": 2})


def test_too_many_arguments_are_refused():
    with pytest.raises(TypeError, match="layer: takes 3 positional arguments and a name, got 5"):
        layer(1, 2, True, "n", "more")
    with pytest.raises(TypeError, match="got 4 and a name"):
        layer(1, 2, True, "n", name="m")
    assert names() == []


def test_a_function_with_a_name_argument_is_refused():
    with pytest.raises(ValueError, match="'name' already"):

        @parametric_function_api("scope")
        def mine(inp, name):
            pass


@pytest.mark.parametrize(("axis", "expected"), [(0, 0), (2, 2), (-1, 2), (-3, 0)])
def test_axis_is_counted_from_the_front(axis, expected):
    assert axis_of("f", "axis", axis, 3) == expected


@pytest.mark.parametrize("axis", [3, -4])
def test_axis_outside_is_named(axis):
    with pytest.raises(IndexError, match=f"f: axis={axis} is outside the input's 3 dimensions"):
        axis_of("f", "axis", axis, 3)


def test_sizes_must_be_a_sequence():
    assert sizes_of("f", "kernel", [3, 2]) == (3, 2)
    with pytest.raises(TypeError, match=r"f: kernel must be a sequence.*got 3"):
        sizes_of("f", "kernel", 3)
