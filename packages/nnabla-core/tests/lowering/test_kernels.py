"""Kernels of a backend without an array namespace: what they are told, and that nothing else computes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import array_api_compat.numpy
import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.array.library import HOST, ArrayLibrary
from nnabla.lowering.forward import prepare_forward
from nnabla.ops.definition import Operator, all_operators, find_operator
from nnabla.plugins import Backend, plugins


class KernelBackend(Backend):
    """Has each primitive's reference kernel as a kernel, and notes the arguments that it got."""

    name = "bare"
    distribution = "tests"
    array_classes = ("BareArray",)

    def __init__(self) -> None:
        self.got: dict[str, dict[str, Any]] = {}
        self.kernels = {op.name: self.noting(op) for op in all_operators().values() if op.primitive and not op.random}

    def noting(self, op: Operator) -> Callable[..., Any]:
        reference: Any = op.reference_kernel
        taken = inspect.signature(reference).parameters

        def kernel(xp: Any, inputs: Any, out: Any, args: dict[str, Any]) -> Any:
            assert xp is None
            self.got[op.name] = args
            return reference(array_api_compat.numpy, *inputs, **{k: v for k, v in args.items() if k in taken})

        return kernel

    def library(self, device_id: str) -> ArrayLibrary:
        return HOST

    def devices(self) -> list[str]:
        return ["0"]


@pytest.fixture
def backend() -> Iterator[KernelBackend]:
    made = KernelBackend()
    plugins.register("backends", made.name, made)
    yield made
    plugins.unregister("backends", made.name)


def run(backend: KernelBackend, name: str, raw: tuple[Any, ...], *arrays: np.ndarray) -> Any:
    """Run an operator in ``double`` and return its first output."""
    setup = find_operator(name).setup(tuple(a.shape for a in arrays), raw)
    return prepare_forward(setup, backend.context(type_config="double"), False).run(*arrays)[0]


@pytest.mark.parametrize(
    ("name", "raw", "shapes", "dtype"),
    [
        ("Cast", ("float",), [(2, 3)], np.float64),
        ("Cast", ("index",), [(2, 3)], np.int64),
        ("Cast", ("bool",), [(2, 3)], np.bool_),
        ("Full", (2.0, (2,), "float"), [], np.float64),
        ("Full", (2.0, (2,), "bits"), [], np.uint32),
        ("Iota", (3, "index", 0), [], np.int64),
        ("Literal", ((1.0, 2.0), "float"), [], np.float64),
        ("ArgMax", (0,), [(2, 3)], np.int64),
        ("ArgSort", (0, False), [(2, 3)], np.int64),
    ],
)
def test_they_are_told_the_dtype_that_inputs_and_arguments_do_not_tell(
    backend: KernelBackend, name: str, raw: tuple[Any, ...], shapes: list[Any], dtype: Any
) -> None:
    result = run(backend, name, raw, *(np.ones(shape) for shape in shapes))
    assert backend.got[name]["dtype"] == dtype
    assert result.dtype == dtype


@pytest.mark.parametrize(("name", "raw"), [("Tanh", ()), ("Sum", ((0,), True))])
def test_others_get_their_arguments_alone(backend: KernelBackend, name: str, raw: tuple[Any, ...]) -> None:
    run(backend, name, raw, np.ones((2, 3)))
    names = [spec.name for spec in find_operator(name).arguments]
    assert backend.got[name] == dict(zip(names, raw))


def test_gradients_of_a_few_rows_accumulate_by_its_kernel(backend: KernelBackend) -> None:
    table = nn.Variable.from_numpy_array(np.arange(12.0).reshape(4, 3), need_grad=True)
    rows = nn.Variable.from_numpy_array(np.array([1, 3, 1]))
    with nn.context_scope(backend.context()):
        y = F.sum(F.embed(rows, table)) + F.sum(F.embed(rows, table) * 10.0) + F.sum(table[2:3])
        table.grad.zero()
        y.forward()
        y.backward()
    assert "AddRows" in backend.got and "Place" in backend.got
    np.testing.assert_array_equal(table.g, np.array([[0], [22], [1], [11]]) * np.ones((4, 3)))
