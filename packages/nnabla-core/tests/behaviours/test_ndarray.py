"""NdArray: construction, lazy memory, dtypes, casts, copies and counters."""

import numpy as np
import pytest

import nnabla as nn

DTYPES = [bool, np.uint8, np.int8, np.int32, np.int64, np.float16, np.float32, np.float64]


def written(dtype=np.float32):
    return nn.NdArray.from_numpy_array(np.array([1, 2], dtype))


@pytest.mark.parametrize(
    "args, shape",
    [(((2, 3),), (2, 3)), (([2, 3],), (2, 3)), ((2, 2), (2, 2)), ((3,), (3,)), ((), ())],
)
def test_constructor_takes_a_shape_in_any_spelling(args, shape):
    array = nn.NdArray(*args)
    assert array.shape == shape
    assert array.ndim == len(shape)
    assert array.size == int(np.prod(shape))


def test_strides_and_sizes_follow_the_shape():
    array = nn.NdArray((2, 3, 4))
    assert tuple(array.strides) == (12, 4, 1)
    assert [array.size_from_axis(*axis) for axis in [(), (0,), (1,), (2,), (3,)]] == [
        24, 24, 12, 4, 1,
    ]  # fmt: skip


# The reference ends the process here.
@pytest.mark.ours_only
def test_size_from_an_axis_that_does_not_exist_is_refused():
    with pytest.raises(RuntimeError):
        nn.NdArray((10, 9)).size_from_axis(3)


def test_reading_an_uninitialised_array_gives_float32_zeros():
    array = nn.NdArray((2, 3))
    data = array.data
    assert data.dtype == np.float32
    np.testing.assert_array_equal(data, np.zeros((2, 3)))
    assert array.dtype == np.float32


@pytest.mark.parametrize(
    "prepare",
    [
        lambda array: None,
        lambda array: array.zero(),
        lambda array: array.fill(3),
        lambda array: setattr(array, "data", 5),
        lambda array: setattr(array, "data", 0),
    ],
    ids=["untouched", "zero", "fill", "scalar", "scalar-zero"],
)
def test_dtype_is_unknown_until_memory_is_made(prepare):
    array = nn.NdArray((2,))
    prepare(array)
    with pytest.raises(RuntimeError, match="not initialized"):
        _ = array.dtype
    assert array.data.dtype == np.float32
    assert array.dtype == np.float32


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_assignment_adopts_the_dtype(dtype):
    array = nn.NdArray((2,))
    array.data = np.array([1, 0], dtype)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array.data, np.array([1, 0], dtype))


@pytest.mark.parametrize("value, stored", [(7, 7), (1.5, 1), (-3, -3)])
def test_scalar_assignment_keeps_a_known_dtype(value, stored):
    array = written(np.int64)
    array.data = value
    assert array.dtype == np.int64
    np.testing.assert_array_equal(array.data, [stored, stored])


def test_integers_beyond_float64_precision_become_int64():
    array = nn.NdArray((2,))
    array.data = 2**53 + 1
    assert array.dtype == np.int64
    np.testing.assert_array_equal(array.data, [2**53 + 1] * 2)
    array = nn.NdArray((2,))
    array.data = 2**53
    assert array.data.dtype == np.float32


@pytest.mark.parametrize("values", [np.ones((1, 3)), np.ones((3,)), np.ones((2, 1))])
def test_array_assignment_broadcasts(values):
    array = nn.NdArray((2, 3))
    array.data = values
    np.testing.assert_array_equal(array.data, np.ones((2, 3)))


@pytest.mark.parametrize("shape", [(4,), (2, 2, 3), (3, 2)])
def test_array_assignment_of_a_wrong_shape_is_a_value_error(shape):
    array = nn.NdArray((2, 3))
    with pytest.raises(ValueError):
        array.data = np.ones(shape)


@pytest.mark.parametrize("value", [0, 0.0, np.float32(0)])
def test_zeroing_is_set_by_a_scalar_zero(value):
    array = nn.NdArray((2,))
    assert not array.zeroing
    array.data = value
    assert array.zeroing
    variable = nn.Variable((2,))
    variable.d = value
    variable.g = value
    assert variable.data.zeroing and variable.grad.zeroing


def test_zeroing_is_set_by_zero_only():
    array = nn.NdArray((2,))
    array.zero()
    assert array.zeroing
    array.fill(0)
    assert not array.zeroing
    array.zero()
    array.data = np.zeros(2)
    assert not array.zeroing


@pytest.mark.parametrize(
    "access, zeroing",
    [
        (lambda array: array.fill(1), False),
        (lambda array: array.cast(np.float32), False),
        (lambda array: array.data, False),
        (lambda array: array.get_data("rw"), False),
        (lambda array: array.get_data("w"), False),
        (lambda array: array.get_data("r"), True),
        (lambda array: array.get_data("r", np.int32), True),
    ],
    ids=["fill", "cast", "data", "rw", "w", "r", "r-int32"],
)
def test_zeroing_ends_with_writable_access(access, zeroing):
    array = nn.NdArray((2,))
    array.zero()
    access(array)
    assert array.zeroing is zeroing


def test_clear_called_is_true_after_clear():
    array = written()
    assert array.clear_called is False
    array.clear()
    assert array.clear_called is True


@pytest.mark.parametrize(
    "access",
    [
        lambda array: array.fill(1),
        lambda array: array.zero(),
        lambda array: array.cast(np.float32),
        lambda array: array.data,
        lambda array: array.get_data("rw"),
        lambda array: array.get_data("w"),
        lambda array: array.get_data("r"),
        lambda array: setattr(array, "data", np.ones(2)),
        lambda array: setattr(array, "data", 1),
        lambda array: array.copy_from(nn.NdArray.from_numpy_array(np.ones(2))),
    ],
    ids=["fill", "zero", "cast", "data", "rw", "w", "r", "assign", "scalar", "copy_from"],
)
def test_clear_called_ends_with_any_access(access):
    array = written()
    array.clear()
    access(array)
    assert array.clear_called is False


def test_cast_returns_a_writable_view_of_converted_values():
    array = nn.NdArray.from_numpy_array(np.array([1.7, -2.7]))
    view = array.cast(np.int32)
    assert view.dtype == np.int32 and view.flags.writeable
    np.testing.assert_array_equal(view, [1, -2])
    assert array.dtype == np.int32
    view[0] = 9
    np.testing.assert_array_equal(array.data, [9, -2])


def test_cast_with_a_context_returns_nothing():
    array = nn.NdArray.from_numpy_array(np.array([1.0, 2.0]))
    context = nn.Context(["cpu:float"], "CpuCachedArray", "0")
    assert array.cast(np.int32, context) is None
    assert array.dtype == np.int32


@pytest.mark.parametrize("mode", ["rw", "w"])
def test_get_data_for_writing_changes_the_head_dtype(mode):
    array = nn.NdArray.from_numpy_array(np.array([1.7, -2.7]))
    data = array.get_data(mode, np.int32)
    assert data.dtype == np.int32 and data.flags.writeable
    assert array.dtype == np.int32
    data[:] = [5, 6]
    np.testing.assert_array_equal(array.data, [5, 6])


def test_get_data_for_reading_keeps_the_head_dtype():
    array = nn.NdArray.from_numpy_array(np.array([1.7, -2.7]))
    data = array.get_data("r", np.int32)
    assert data.dtype == np.int32 and not data.flags.writeable
    np.testing.assert_array_equal(data, [1, -2])
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array.data, [1.7, -2.7])
    with pytest.raises(ValueError):
        array.get_data("r")[0] = 3


def test_get_data_with_another_mode_is_an_assertion_error():
    with pytest.raises(AssertionError, match="x"):
        written().get_data("x")


@pytest.mark.parametrize("use_current_context", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int32])
def test_copy_from_takes_the_source_dtype(dtype, use_current_context):
    source = written(dtype)
    target = nn.NdArray((2,))
    assert target.copy_from(source, use_current_context=use_current_context) is target
    assert target.dtype == dtype
    source.data[0] = 8
    np.testing.assert_array_equal(target.data, [1, 2])


def test_copy_from_a_zeroing_source_gives_float32():
    source = written(np.float64)
    source.zero()
    target = written(np.float64)
    target.copy_from(source)
    assert target.dtype == np.float32
    np.testing.assert_array_equal(target.data, [0, 0])


@pytest.mark.parametrize("use_current_context", [True, False])
def test_copy_from_another_shape_is_refused(use_current_context):
    with pytest.raises(RuntimeError):
        nn.NdArray((3,)).copy_from(written(), use_current_context=use_current_context)


@pytest.mark.parametrize("dtype", DTYPES)
def test_from_numpy_array_copies_and_keeps_the_dtype(dtype):
    source = np.array([1, 0], dtype)
    array = nn.NdArray.from_numpy_array(source)
    source[0] = 0
    assert array.dtype == dtype
    np.testing.assert_array_equal(array.data, [1, 0])


# The reference accepts lists for Variable only.
@pytest.mark.ours_only
def test_from_numpy_array_takes_a_list():
    np.testing.assert_array_equal(nn.NdArray.from_numpy_array([[1.0, 2.0]]).data, [[1, 2]])


def test_variable_from_numpy_array_keeps_both_dtypes():
    variable = nn.Variable.from_numpy_array(np.ones(2, np.int32), np.zeros(2, np.float64), True)
    assert (variable.data.dtype, variable.grad.dtype) == (np.int32, np.float64)
    assert variable.need_grad
    variable = nn.Variable.from_numpy_array([1.0, 2.0], [3, 4])
    np.testing.assert_array_equal(variable.d, [1, 2])
    np.testing.assert_array_equal(variable.g, [3, 4])
    assert not variable.need_grad


@pytest.mark.parametrize(
    "write",
    [lambda array: array.fill(1), lambda array: setattr(array, "data", np.ones(2))],
    ids=["fill", "assign"],
)
def test_modification_count_starts_with_the_first_write(write):
    array = nn.NdArray((2,))
    assert array.modification_count == 0
    write(array)
    assert array.modification_count == 1
    array.get_data("r")
    array.get_data("r", np.int32)
    assert array.modification_count == 1
    array.clear()
    assert array.modification_count == 0


def test_repr_tells_shape_and_gradient():
    assert repr(nn.NdArray((2, 3))).startswith("<NdArray((2, 3)) at 0x")
    variable = repr(nn.Variable((2, 3), need_grad=True))
    assert variable.startswith("<Variable((2, 3), need_grad=True) at 0x")


def test_data_is_one_live_buffer():
    array = nn.NdArray((2,))
    view = array.data
    array.data[0] = 4
    view[1] = 5
    np.testing.assert_array_equal(array.data, [4, 5])
