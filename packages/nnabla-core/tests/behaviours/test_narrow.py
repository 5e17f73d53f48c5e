"""Narrowed NdArrays: views of a range of rows."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F


@pytest.fixture(autouse=True, params=["CpuCachedArray", "CpuArray"])
def array_class(request):
    with nn.context_scope(nn.Context(["cpu:float"], request.param, "0")):
        yield request.param


def rows(count=5):
    return nn.NdArray.from_numpy_array(np.arange(2 * count, dtype=np.float32).reshape(count, 2))


def test_memory_is_shared_in_both_directions():
    parent = rows()
    child = parent.narrow(0, 1, 3)
    assert child.shape == (3, 2)
    np.testing.assert_array_equal(child.data, [[2, 3], [4, 5], [6, 7]])
    child.data[0, 0] = 50
    parent.data[2] = 7
    np.testing.assert_array_equal(parent.data[1:3], [[50, 3], [7, 7]])
    np.testing.assert_array_equal(child.data, [[50, 3], [7, 7], [6, 7]])


def test_a_narrow_of_a_narrow_shares_with_the_root():
    parent = rows()
    grandchild = parent.narrow(0, 1, 3).narrow(0, 1, 1)
    grandchild.data = 99
    np.testing.assert_array_equal(parent.data[2], [99, 99])
    np.testing.assert_array_equal(parent.data[[1, 3]], [[2, 3], [6, 7]])


def test_lazy_fills_apply_in_program_order():
    parent = rows()
    child = parent.narrow(0, 1, 3)
    grandchild = child.narrow(0, 1, 1)
    child.fill(3)
    parent.zero()
    child.fill(4)
    grandchild.zero()
    np.testing.assert_array_equal(parent.data[:, 0], [0, 4, 0, 4, 0])
    np.testing.assert_array_equal(grandchild.data, [[0, 0]])


@pytest.mark.parametrize("first", ["parent", "child"])
def test_the_later_of_two_lazy_fills_wins(first):
    parent = nn.NdArray((4,))
    child = parent.narrow(0, 1, 2)
    order = [lambda: parent.fill(1), lambda: child.fill(2)]
    for fill in order if first == "parent" else order[::-1]:
        fill()
    expected = [1, 2, 2, 1] if first == "parent" else [1, 1, 1, 1]
    np.testing.assert_array_equal(parent.data, expected)


@pytest.mark.parametrize(
    "args",
    [(1, 0, 1), (0, 0, -1), (0, 3, 3), (0, -1, 1), (0, 6, 1), (0, 0, 6), (-1, 0, 1)],
    ids=["dim", "negative-length", "end", "negative-start", "start", "length", "negative-dim"],
)
def test_a_range_outside_the_rows_is_refused(args):
    with pytest.raises(RuntimeError):
        rows().narrow(*args)


def test_an_empty_range_is_legal():
    assert rows().narrow(0, 2, 0).shape == (0, 2)


# The reference ends the process.
@pytest.mark.ours_only
def test_a_scalar_cannot_be_narrowed():
    with pytest.raises(RuntimeError):
        nn.NdArray(()).narrow(0, 0, 1)


def test_live_narrows_of_one_parent_do_not_overlap(no_collector):
    parent = rows()
    child = parent.narrow(0, 0, 2)
    for start, length in [(1, 2), (0, 2), (0, 1)]:
        with pytest.raises(RuntimeError):
            parent.narrow(0, start, length)
    assert parent.narrow(0, 2, 2).shape == (2, 2)
    del child
    assert parent.narrow(0, 1, 2).shape == (2, 2)


@pytest.mark.parametrize(
    "action",
    [
        lambda child: child.clear(),
        lambda child: child.cast(np.int32),
        lambda child: child.get_data("rw", np.int32),
        lambda child: child.get_data("w", np.int32),
        lambda child: setattr(child, "data", np.ones((2, 2), np.float64)),
    ],
    ids=["clear", "cast", "rw", "w", "assign"],
)
def test_what_would_part_a_child_from_its_parent_is_refused(action):
    parent = rows()
    child = parent.narrow(0, 0, 2)
    with pytest.raises(RuntimeError):
        action(child)
    child.fill(3)
    np.testing.assert_array_equal(parent.data[:3], [[3, 3], [3, 3], [4, 5]])


def test_an_operator_that_would_cast_a_child_is_refused():
    parent = nn.NdArray.from_numpy_array(np.arange(4, dtype=np.float64))
    child = parent.narrow(0, 0, 2)
    with pytest.raises(RuntimeError):
        child += 1
    np.testing.assert_array_equal(parent.data, [0, 1, 2, 3])


def test_typed_reads_of_a_child_follow_every_write():
    parent = rows()
    child = parent.narrow(0, 0, 2)
    child.fill(3)
    np.testing.assert_array_equal(child.get_data("r", np.int32), np.full((2, 2), 3))
    child.data = 5
    np.testing.assert_array_equal(child.get_data("r", np.int32), np.full((2, 2), 5))
    parent.fill(8)
    np.testing.assert_array_equal(child.get_data("r", np.int32), np.full((2, 2), 8))
    parent.data[:] = 1
    np.testing.assert_array_equal(child.get_data("r", np.int32), np.full((2, 2), 1))


def test_a_child_may_be_cast_to_its_own_dtype():
    parent = rows()
    child = parent.narrow(0, 0, 2)
    child.cast(np.float32)[0, 0] = 42
    assert parent.data[0, 0] == 42


def test_casting_the_parent_takes_the_children_along():
    parent = rows()
    child = parent.narrow(0, 1, 2)
    parent.cast(np.float64)[1] = 4
    assert child.dtype == np.float64
    np.testing.assert_array_equal(child.data, [[4, 4], [4, 5]])
    child.data[1] = 6
    np.testing.assert_array_equal(parent.data[1:3], [[4, 4], [6, 6]])


def double_in_place(child):
    child *= 2
    child += 8


@pytest.mark.parametrize(
    "write",
    [
        lambda child: child.copy_from(nn.NdArray.from_numpy_array(np.full((2, 2), 10, "f4"))),
        lambda child: child.copy_from(
            nn.NdArray.from_numpy_array(np.full((2, 2), 10, "f4")), use_current_context=False
        ),
        lambda child: F.add_scalar(nn.NdArray.from_numpy_array(np.ones((2, 2), "f4")), 9, outputs=[child]),
        lambda child: setattr(child, "data", np.full((2, 2), 10, np.float32)),
        lambda child: setattr(child, "data", 10),
        lambda child: child.fill(10),
    ],
    ids=["copy_from", "copy_from-raw", "outputs", "assign", "scalar", "fill"],
)
def test_every_way_of_writing_a_child_writes_the_parent(write):
    parent = rows()
    child = parent.narrow(0, 1, 2)
    write(child)
    np.testing.assert_array_equal(parent.data, [[0, 1], [10, 10], [10, 10], [6, 7], [8, 9]])


def test_augmented_assignment_writes_through_a_child():
    parent = rows()
    child = parent.narrow(0, 1, 2)
    double_in_place(child)
    np.testing.assert_array_equal(parent.data[1:3], [[12, 14], [16, 18]])
    np.testing.assert_array_equal(parent.data[[0, 3]], [[0, 1], [6, 7]])


def test_rows_never_written_read_as_zero():
    parent = nn.NdArray((4, 3))
    child = parent.narrow(0, 1, 2)
    child.fill(2)
    expected = np.zeros((4, 3))
    expected[1:3] = 2
    np.testing.assert_array_equal(parent.data, expected)
    np.testing.assert_array_equal(nn.NdArray((3,)).narrow(0, 0, 2).data, [0, 0])


def test_the_graph_reads_and_writes_narrowed_storage():
    parent = nn.NdArray.from_numpy_array(np.ones((4, 2), np.float32))
    x = nn.Variable((2, 2))
    x.data = parent.narrow(0, 1, 2)
    x.d = 5
    np.testing.assert_array_equal(parent.data[:, 0], [1, 5, 5, 1])
    y = F.add_scalar(x, 1)
    y.data = x.data
    y.forward()
    np.testing.assert_array_equal(parent.data[:, 0], [1, 6, 6, 1])


@pytest.mark.parametrize(
    "cached, names",
    [
        (True, ["CpuCachedArray", "CpuArray", "CpuDlpackArray"]),
        (False, ["CpuArray", "CpuDlpackArray", "CpuCachedArray"]),
    ],
)
def test_array_classes_are_ordered_by_preference(cached, names):
    nn.prefer_cached_array(cached)
    assert nn.array_classes() == names


def test_resetting_the_preference_lists_all_classes():
    nn.prefer_cached_array(False)
    nn.reset_array_preference()
    assert sorted(nn.array_classes()) == ["CpuArray", "CpuCachedArray", "CpuDlpackArray"]
