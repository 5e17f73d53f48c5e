"""Contexts and the extensions that give them."""

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla import ext_utils


def test_the_default_context():
    context = nn.Context()
    assert (context.backend, context.array_class, context.device_id) == (["cpu:float"], "", "0")


def test_arguments_and_attributes_of_a_context():
    context = nn.Context(["cpu:float"], "CpuArray", "2")
    assert (context.backend, context.array_class, context.device_id) == (
        ["cpu:float"], "CpuArray", "2",
    )  # fmt: skip
    context.backend = ["cpu:half"]
    context.array_class = "CpuCachedArray"
    context.device_id = "7"
    assert str(context) == ("Context(backend=['cpu:half'], array_class='CpuCachedArray', device_id='7')")


@pytest.mark.parametrize(
    "other",
    [
        nn.Context(["cpu:half"], "CpuArray", "0"),
        nn.Context(["cpu:float"], "CpuCachedArray", "0"),
        nn.Context(["cpu:float"], "CpuArray", "1"),
    ],
)
def test_contexts_differ_as_strings_iff_a_field_differs(other):
    context = nn.Context(["cpu:float"], "CpuArray", "0")
    assert str(context) == str(nn.Context(["cpu:float"], "CpuArray", "0"))
    assert str(context) != str(other)


@pytest.mark.parametrize(
    "options, backend",
    [
        ({}, ["cpu:float"]),
        ({"type_config": "float"}, ["cpu:float"]),
        ({"type_config": "half"}, ["cpu:half", "cpu:float"]),
        ({"dtype": "float"}, ["cpu:float"]),
        ({"device_id": "3"}, ["cpu:float"]),
        ({"device_id": 3}, ["cpu:float"]),
    ],
)
def test_the_cpu_extension_gives_contexts(options, backend):
    context = ext_utils.get_extension_context("cpu", **options)
    assert (context.backend, context.array_class, context.device_id) == (
        backend, "CpuCachedArray", "",
    )  # fmt: skip


# The context of double precision is an addition.
@pytest.mark.ours_only
def test_the_double_context_computes_in_float64():
    with nn.context_scope(ext_utils.get_extension_context("cpu", type_config="double")):
        x = nn.Variable.from_numpy_array(np.array([1.0, 2.0]), need_grad=True)
        y = F.sin(x)
        y.forward()
        y.backward()
    assert y.data.dtype == x.grad.dtype == np.float64
    np.testing.assert_allclose(y.d, np.sin(x.d), rtol=1e-15)


def test_an_unknown_type_config_is_a_value_error():
    with pytest.raises(ValueError, match="nonsense"):
        ext_utils.get_extension_context("cpu", type_config="nonsense")


def test_every_listed_extension_gives_a_context():
    names = ext_utils.list_extensions()
    assert "cpu" in names
    for name in names:
        assert isinstance(ext_utils.import_extension_module(name).context(), nn.Context)
        assert isinstance(ext_utils.get_extension_context(name), nn.Context)


@pytest.mark.parametrize("ask", [ext_utils.import_extension_module, ext_utils.get_extension_context])
def test_an_unknown_extension_is_a_module_not_found_error(ask):
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        ask("nonsense")


def test_a_scope_changes_the_current_context_and_restores_it():
    before = str(nn.get_current_context())
    context = nn.Context(["cpu:float"], "CpuArray", "0")
    with pytest.raises(KeyError), nn.context_scope(context):
        assert str(nn.get_current_context()) == str(context)
        raise KeyError
    assert str(nn.get_current_context()) == before


def test_the_default_context_is_replaced():
    nn.set_default_context(nn.Context(["cpu:float"], "CpuArray", "0"))
    assert nn.get_current_context().array_class == "CpuArray"
    assert F.sin(nn.Variable((2,))).parent.context.array_class == "CpuArray"


def test_the_empty_array_class_executes_graphs_only():
    array = nn.NdArray((2,))
    with nn.context_scope(nn.Context()):
        assert (F.sin(array)).data.dtype == np.float32
        y = F.sin(nn.Variable((2,)))
        y.forward()
        np.testing.assert_array_equal(y.d, [0, 0])
    with pytest.raises(RuntimeError):
        array.cast(np.float32, nn.Context())
    with pytest.raises(RuntimeError):
        array.data_ptr(np.float32, nn.Context())
    context = ext_utils.get_extension_context("cpu")
    assert array.data_ptr(np.float32, context) == array.data.ctypes.data


def test_the_empty_array_class_has_no_dlpack():
    from nnabla.utils.dlpack import from_dlpack, to_dlpack

    array = nn.NdArray.from_numpy_array(np.array([1, 2], np.float32))
    with pytest.raises(RuntimeError):
        to_dlpack(array, ctx=nn.Context())
    capsule = to_dlpack(array, ctx=ext_utils.get_extension_context("cpu"))
    shared = from_dlpack(capsule)
    array.data[0] = 5
    np.testing.assert_array_equal(shared.data, [5, 2])


def test_an_unknown_backend_is_a_runtime_error():
    context = nn.Context(["nonsense:float"])
    with nn.context_scope(context), pytest.raises(RuntimeError, match="nonsense"):
        F.sin(nn.Variable((2,))).forward()


def test_half_computes_and_stores_float16():
    with nn.context_scope(ext_utils.get_extension_context("cpu", type_config="half")):
        x = nn.Variable.from_numpy_array(np.array([1, 2], np.float32), need_grad=True)
        y = F.sin(x)
        y.forward()
        y.backward()
    assert y.data.dtype == x.grad.dtype == np.float16
    np.testing.assert_allclose(y.d, np.sin([1, 2]), atol=1e-3)


def test_float_computes_in_float32_whatever_is_stored():
    x = nn.Variable.from_numpy_array(np.array([1, 2], np.float64), need_grad=True)
    y = F.sin(x)
    y.forward()
    y.backward()
    assert y.data.dtype == x.grad.dtype == np.float32
