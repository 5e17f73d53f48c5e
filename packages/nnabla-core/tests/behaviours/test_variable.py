"""Variable: identity, gradient flags, aliases, shapes, graph links."""

import logging

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF


def test_equality_and_hash_are_those_of_the_storage():
    x = nn.Variable((2, 3), need_grad=True)
    alias = x.get_unlinked_variable()
    frozen = x.get_unlinked_variable(need_grad=False)
    assert x == alias and x == frozen and (x != alias) is False
    assert hash(x) == hash(alias) == hash(frozen)
    assert len({x, alias, frozen}) == 1
    assert {x: "value"}[frozen] == "value"


def test_two_variables_differ():
    x, y = nn.Variable((2,)), nn.Variable((2,))
    assert x != y and (x == y) is False
    assert len({x, y}) == 2


def test_a_function_knows_its_inputs_and_outputs_by_equality():
    x = nn.Variable((2,))
    y = F.sin(x)
    assert y.parent.inputs[0] == x
    assert y.parent.outputs[0] == y


@pytest.mark.parametrize("other", [3, "x", [1], np.ones(2), nn.NdArray((2,))])
def test_comparing_with_anything_but_a_variable_is_a_type_error(other):
    x = nn.Variable((2,))
    with pytest.raises(TypeError):
        _ = x == other
    with pytest.raises(TypeError):
        _ = x != other


@pytest.mark.parametrize("args", [(), (None,), (False,)])
def test_leaves_need_no_gradient_unless_asked(args):
    assert nn.Variable((2,), *args).need_grad is False
    assert nn.Variable((2,), need_grad=True).need_grad is True


@pytest.mark.parametrize("flags", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_an_output_needs_gradient_if_any_input_does(flags):
    inputs = [nn.Variable((2,), need_grad=bool(flag)) for flag in flags]
    y = F.add2(*inputs)
    assert y.need_grad is any(flags)
    assert F.sin(y).need_grad is any(flags)


def test_clearing_need_grad_of_an_intermediate_stops_the_gradient(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    h.need_grad = False
    y = F.add2(F.sin(h), x)
    y.forward()
    y.backward()
    np.testing.assert_array_equal(x.g, [1, 1])
    assert F.sin(h).need_grad is False


def test_clearing_need_grad_works_after_the_graph_is_built(leaf):
    x = leaf([1, 2])
    h = F.sin(x)
    y = F.sin(h)
    h.need_grad = False
    x.grad.fill(5)
    y.forward()
    y.backward()
    np.testing.assert_array_equal(x.g, [5, 5])


@pytest.mark.parametrize("argument, flag", [(None, True), (True, True), (False, False)])
def test_an_unlinked_variable_shares_memory_and_has_no_parent(leaf, argument, flag):
    h = F.sin(leaf([1, 2]))
    alias = h.get_unlinked_variable(need_grad=argument)
    assert alias.parent is None and h.parent is not None
    assert alias.need_grad is flag and h.need_grad is True
    alias.d = 3
    h.g = 4
    np.testing.assert_array_equal(h.d, [3, 3])
    np.testing.assert_array_equal(alias.g, [4, 4])


def test_unlinked_is_the_old_name_and_warns():
    records = []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("nnabla").addHandler(handler)
    try:
        h = F.sin(nn.Variable((2,), need_grad=True))
        alias = h.unlinked()
    finally:
        logging.getLogger("nnabla").removeHandler(handler)
    assert alias.parent is None and alias == h
    assert [record.levelname for record in records] == ["WARNING"]
    assert "get_unlinked_variable" in records[0].getMessage()


def test_reshape_is_a_function_of_the_graph(leaf):
    x = leaf([[1, 2, 3], [4, 5, 6]])
    h = F.sin(x)
    y = h.reshape((3, 2))
    assert y.parent.info.type_name == "Reshape"
    y.forward()
    np.testing.assert_allclose(y.d, np.sin(x.d).reshape(3, 2), rtol=1e-6)
    y.backward()
    np.testing.assert_allclose(x.g, np.cos(x.d), rtol=1e-6)


def test_reshape_unlinked_is_an_alias_of_the_memory(leaf):
    h = F.sin(leaf([1, 2]))
    alias = h.reshape((2, 1), unlink=True)
    assert alias.parent is None and alias.shape == (2, 1)
    alias.d = 8
    alias.g = 9
    np.testing.assert_array_equal(h.d, [8, 8])
    np.testing.assert_array_equal(h.g, [9, 9])


def test_reshape_infers_one_dimension_in_the_graph():
    assert nn.Variable((3, 4)).reshape((-1, 2)).shape == (6, 2)


@pytest.mark.parametrize("unlink", [True, False])
def test_reshape_to_another_size_is_refused(unlink):
    with pytest.raises(RuntimeError):
        nn.Variable((2, 3)).reshape((4, 2), unlink=unlink)


def test_reset_shape_changes_the_shape_in_place():
    x = nn.Variable((2, 3))
    x.d = np.arange(6).reshape(2, 3)
    x.reset_shape((3, 2))
    assert x.shape == (3, 2) and x.g.shape == (3, 2)
    np.testing.assert_array_equal(x.d, np.arange(6).reshape(3, 2))


def test_reset_shape_to_another_size_wants_force():
    x = nn.Variable((2, 3))
    with pytest.raises(RuntimeError):
        x.reset_shape((4,))
    assert x.shape == (2, 3)
    x.reset_shape((4, 5), force=True)
    assert x.d.shape == x.g.shape == (4, 5)


def test_apply_sets_attributes_and_returns_the_variable():
    x = nn.Variable((2,))
    assert x.apply(d=3, need_grad=True, name="q", persistent=True) is x
    np.testing.assert_array_equal(x.d, [3, 3])
    assert (x.need_grad, x.name, x.persistent) == (True, "q", True)


def test_apply_refuses_unknown_attributes():
    with pytest.raises(AttributeError, match="nonsense"):
        nn.Variable((2,)).apply(nonsense=3)


@pytest.mark.parametrize("attribute", ["data", "grad"])
def test_data_and_grad_are_bound_to_an_ndarray(attribute):
    x, array = nn.Variable((2,)), nn.NdArray((2,))
    setattr(x, attribute, array)
    array.fill(4)
    np.testing.assert_array_equal(getattr(x, attribute).data, [4, 4])
    getattr(x, attribute).data[0] = 7
    np.testing.assert_array_equal(array.data, [7, 4])


@pytest.mark.parametrize("attribute", ["data", "grad"])
def test_data_and_grad_of_another_shape_are_refused(attribute):
    with pytest.raises(RuntimeError):
        setattr(nn.Variable((2,)), attribute, nn.NdArray((3,)))


def test_defaults_of_a_new_variable():
    x = nn.Variable((2, 3))
    assert (x.name, x.info, x.parent, x.rank, x.persistent, x.recompute) == (
        "", None, None, 0, False, False,
    )  # fmt: skip
    assert (x.ndim, x.size) == (2, 6)
    assert [x.size_from_axis(), x.size_from_axis(1)] == [6, 3]
    assert nn.Variable().shape == nn.Variable([]).shape == ()


def test_a_name_survives_forward_and_backward(leaf):
    h = F.sin(leaf([1, 2]))
    h.name = "hidden"
    y = F.cos(h)
    y.forward(clear_no_need_grad=True)
    y.backward(clear_buffer=True)
    assert h.name == "hidden"
    with pytest.raises(TypeError):
        h.name = 3


def test_rank_is_the_longest_distance_from_a_leaf():
    a = nn.Variable((2,), need_grad=True)
    s = F.sin(a)
    y = F.add2(a, F.cos(s))
    assert [v.rank for v in (a, s, y)] == [0, 1, 3]
    assert s.parent.rank == 0 and y.parent.rank == 2


def diamond():
    a = nn.Variable((2,), need_grad=True)
    return a, F.add2(F.sin(a), F.cos(a))


def test_visit_goes_in_forward_order_once_each(type_names):
    a, y = diamond()
    assert type_names(y) == ["Sin", "Cos", "Add2"]
    shared = F.sin(a)
    assert type_names(F.mul2(F.cos(shared), shared)) == ["Sin", "Cos", "Mul2"]
    assert type_names(a) == []


def test_visit_check_stops_at_the_first_true():
    a, y = diamond()
    seen = []
    assert y.visit_check(lambda f: seen.append(f.info.type_name) or f.info.type_name == "Sin")
    assert seen == ["Sin"]
    assert not y.visit_check(lambda f: False)
    assert a.visit_check(lambda f: True) is False


def test_function_references_are_the_live_consumers(no_collector):
    a, y = diamond()
    assert sorted(f.info.type_name for f in a.function_references) == ["Cos", "Sin"]
    twice = F.mul2(a, a)
    assert sorted(f.info.type_name for f in a.function_references) == ["Cos", "Mul2", "Sin"]
    del y
    assert [f.info.type_name for f in a.function_references] == ["Mul2"]
    del twice
    assert a.function_references == []


def test_clear_all_graph_links_cuts_everything_upstream(leaf):
    h = F.sin(leaf([1, 2]))
    y = F.cos(F.sin(h))
    y.forward()
    before = y.d.copy()
    y.clear_all_graph_links()
    assert y.parent is None and h.parent is None
    np.testing.assert_array_equal(y.d, before)


def test_clear_all_graph_links_cuts_states_held_elsewhere():
    cell = PF.LSTMCell(2, 3)
    x = nn.Variable((2, 4))
    y = F.sum(cell(x))
    assert cell.h.parent is not None and cell.c.parent is not None
    y.clear_all_graph_links()
    assert cell.h.parent is None and cell.c.parent is None


def test_rewire_on_moves_a_leaf_to_the_end_of_another_graph(type_names):
    xa = nn.Variable((2, 8), need_grad=True)
    ya = F.tanh(PF.affine(xa, 10, name="a"))
    xb = nn.Variable((2, 16), need_grad=True)
    yb = F.tanh(PF.affine(xb, 8, name="b"))
    xa.rewire_on(yb)
    assert xa == yb and yb.parent is None
    assert xa.parent.info.type_name == "Tanh"
    assert type_names(ya) == ["Affine", "Tanh", "Affine", "Tanh"]
    xb.d = np.linspace(-1, 1, 32).reshape(2, 16)
    xb.grad.zero()
    ya.forward()
    ya.backward()
    p = {key: value.d for key, value in nn.get_parameters().items()}
    hidden = np.tanh(xb.d @ p["b/affine/W"] + p["b/affine/b"])
    out = np.tanh(hidden @ p["a/affine/W"] + p["a/affine/b"])
    np.testing.assert_allclose(ya.d, out, rtol=1e-5, atol=1e-6)
    grad = (1 - out**2) @ p["a/affine/W"].T * (1 - hidden**2) @ p["b/affine/W"].T
    np.testing.assert_allclose(xb.g, grad, rtol=1e-4, atol=1e-6)


def test_rewire_on_keeps_in_place_chains_correct(leaf, cleared_memory_is_gone):
    xa = nn.Variable((3,))
    ya = F.sin(F.reshape(xa, (1, 3), inplace=True))
    xb = leaf([1, 2, 3])
    yb = F.reshape(F.exp(xb), (3,), inplace=True)
    xa.rewire_on(yb)
    ya.forward(clear_no_need_grad=True)
    ya.backward(clear_buffer=True)
    np.testing.assert_allclose(xb.g, np.cos(np.exp(xb.d)) * np.exp(xb.d), rtol=1e-4)


@pytest.mark.parametrize("case", ["not a leaf", "shape"])
def test_rewire_on_refuses_what_does_not_fit(case):
    x = nn.Variable((2,))
    with pytest.raises(RuntimeError):
        if case == "not a leaf":
            F.sin(x).rewire_on(nn.Variable((2,)))
        else:
            x.rewire_on(nn.Variable((3,)))


def test_no_grad_copies_the_graph_without_gradients(leaf):
    x = leaf([[1, 2]], need_grad=False)
    y = F.sin(PF.affine(x, 3))
    copy = y.no_grad()
    flags = []
    copy.visit(lambda f: flags.extend(v.need_grad for v in f.inputs + f.outputs))
    assert flags == [False] * 6
    assert y.need_grad is True and nn.get_parameters()["affine/W"].need_grad is True
    nn.forward_all([y, copy])
    np.testing.assert_array_equal(copy.d, y.d)


class TestNumberOfReferences:
    def test_handles_and_views_do_not_count(self, no_collector):
        x = nn.Variable((2,))
        handle, view = x.data, x.d
        assert x.get_number_of_references == 1
        assert handle.shape == view.shape

    def test_an_unlinked_variable_counts_on_every_sharer(self, no_collector):
        x = nn.Variable((2,))
        alias = x.get_unlinked_variable()
        assert (x.get_number_of_references, alias.get_number_of_references) == (2, 2)
        del alias
        assert x.get_number_of_references == 1

    def test_binding_data_counts(self, no_collector):
        x, y = nn.Variable((2,)), nn.Variable((2,))
        y.data = x.data
        assert (x.get_number_of_references, y.get_number_of_references) == (2, 2)
        del y
        assert x.get_number_of_references == 1

    def test_an_in_place_output_counts(self, no_collector):
        x = nn.Variable((2,))
        y = F.reshape(x, (2, 1), inplace=True)
        assert (x.get_number_of_references, y.get_number_of_references) == (2, 2)
        del y
        assert x.get_number_of_references == 1

    def test_an_output_of_its_own_does_not_count(self, no_collector):
        x = nn.Variable((2,))
        y = F.sin(x)
        assert (x.get_number_of_references, y.get_number_of_references) == (1, 1)

    def test_rewire_on_counts(self, no_collector):
        x, y = nn.Variable((2,)), F.sin(nn.Variable((2,)))
        x.rewire_on(y)
        assert (x.get_number_of_references, y.get_number_of_references) == (2, 2)

    def test_leaving_a_scope_subtracts(self, no_collector):
        x = nn.Variable((2,))

        def scope():
            aliases = [x.get_unlinked_variable() for _ in range(3)]
            return x.get_number_of_references, len(aliases)

        assert scope() == (4, 3)
        assert x.get_number_of_references == 1
