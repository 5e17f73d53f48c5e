"""Both backends: found, computing what the CPU backend computes, alone and together with it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from network import cnn, train

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
from nnabla.ext_utils import get_extension_context, import_extension_module, list_extensions
from nnabla.graph.program import explain
from nnabla.ops.definition import find_operator
from nnabla.plugins import plugins

# What each backend leaves to others.
LACKS = {
    "sample": ("Unique", lambda x: F.sum(F.tile(F.unique(F.reshape(x, (9,))), (2,)))),
    "sample_kernels": ("BatchDet", lambda x: F.sum(F.batch_det(x))),
}


def variable(*shape, need_grad=True):
    values = np.random.RandomState(1).randn(*shape)
    return nn.Variable.from_numpy_array(values, need_grad=need_grad)


def mixed(name):
    """The context of a backend that leaves to the CPU backend what it lacks."""
    alone = get_extension_context(name)
    return nn.Context([*alone.backend, "cpu:float"], alone.array_class, alone.device_id)


def test_it_is_found_by_its_name(backend_name):
    assert backend_name in list_extensions()
    assert import_extension_module(backend_name).context().backend == [f"{backend_name}:float"]
    assert plugins.get("backends", backend_name).devices() == ["0"]


def test_the_demos_network_gets_the_losses_of_the_cpu_backend(backend_name):
    losses = train(get_extension_context(backend_name))
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, train(get_extension_context("cpu")), rtol=2e-5)


TRAIN_ALONE = """
import json, sys
from network import train
from nnabla.ext_utils import get_extension_context
from nnabla.plugins import plugins

losses = train(get_extension_context(sys.argv[1]), steps=2)
states = {status.name: status.state for status in plugins.statuses() if status.kind == "backends"}
print(json.dumps([losses, states, [name for name in sys.modules if name.startswith("nnabla_ext.cpu")]]))
"""


def test_no_cpu_kernel_runs_in_training_since_none_is_even_imported(backend_name):
    command = [sys.executable, "-c", TRAIN_ALONE, backend_name]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    losses, states, cpu_modules = json.loads(done.stdout)
    assert len(losses) == 2
    assert (states[backend_name], states["cpu"]) == ("loaded", "not loaded")
    assert cpu_modules == []


def test_every_step_of_the_demos_network_runs_here(backend_name):
    with nn.context_scope(get_extension_context(backend_name)), nn.parameter_scope("", {}):
        y = cnn(variable(4, 1, 8, 8, need_grad=False))
        steps = [line for line in explain(y) if not line.startswith("transfer")]
    assert len(steps) == 10
    assert all(line.startswith(f"{backend_name}: ") for line in steps)


def test_its_arrays_are_what_the_contract_says(backend_name):
    library = plugins.get("backends", backend_name).library("")
    outside = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    array = library.from_numpy(outside)
    copied = library.copy(array)
    outside[:] = 0  # what was taken in is nobody else's
    np.testing.assert_array_equal(library.to_numpy(array), [[1, 2], [3, 4]])
    assert library.dtype(array) == np.float32 and library.dtype(library.cast(array, np.dtype(np.int64))) == np.int64
    np.testing.assert_array_equal(library.to_numpy(library.reshape(array, (4,))), [1, 2, 3, 4])
    assert library.add(array, library.full((2, 2), 10, np.dtype(np.float64))) is array
    np.testing.assert_array_equal(library.to_numpy(array), [[11, 12], [13, 14]])
    assert library.assign(array, library.full((2, 2), 5, np.dtype(np.int64))) is array
    np.testing.assert_array_equal(library.to_numpy(array), [[5, 5], [5, 5]])
    np.testing.assert_array_equal(library.to_numpy(copied), [[1, 2], [3, 4]])


def test_gradients_accumulate_over_uses_rows_and_calls(backend_name):
    table = nn.Variable.from_numpy_array(np.arange(12.0).reshape(4, 3), need_grad=True)
    rows = nn.Variable.from_numpy_array(np.array([1, 3, 1]))
    with nn.context_scope(get_extension_context(backend_name)):
        y = F.sum(F.embed(rows, table)) + F.sum(table * 2.0) + F.sum(table[2:3])
        table.grad.zero()
        for _ in range(2):
            y.forward()
            y.backward()
    np.testing.assert_array_equal(table.g, 2 * np.array([[2], [4], [3], [3]]) * np.ones((4, 3)))


@pytest.mark.parametrize(("type_config", "dtype"), [("float", np.float32), ("half", np.float16), ("double", float)])
def test_results_have_the_dtype_of_the_context(backend_name, type_config, dtype):
    with nn.context_scope(get_extension_context(backend_name, type_config=type_config)):
        x = variable(2, 3)
        y = F.tanh(x)
        y.forward()
    assert y.data.dtype == dtype
    np.testing.assert_allclose(y.d, np.tanh(x.d), atol=1e-3)


def test_random_numbers_are_those_of_every_backend():
    pytest.importorskip("torch", reason="the backend 'sample' computes with PyTorch, which is not installed")
    drawn = []
    for name in ("sample", "cpu"):
        with nn.context_scope(get_extension_context(name)):
            y = F.randn(shape=(3, 4), seed=7)
            y.forward()
            drawn.append(y.d.copy())
    np.testing.assert_allclose(*drawn, rtol=1e-5)


def test_what_it_lacks_is_an_error_that_says_what_helps(backend_name):
    name, graph = LACKS[backend_name]
    message = f"{backend_name} .no kernel for {name}.*'cpu:float'"
    with nn.context_scope(get_extension_context(backend_name)), pytest.raises(RuntimeError, match=message):
        graph(variable(1, 3, 3, need_grad=False)).forward()


def test_the_next_backend_of_the_context_runs_what_it_lacks(backend_name):
    name, graph = LACKS[backend_name]
    with nn.context_scope(mixed(backend_name)):
        y = graph(F.tanh(variable(1, 3, 3, need_grad=False)))
        steps = explain(y)
        y.forward()
    at = next(i for i, line in enumerate(steps) if f": {name} " in line)
    arrays = plugins.get("backends", backend_name).library("").name
    assert steps[at].startswith("cpu: ")
    assert steps[at - 1].startswith("transfer ") and steps[at - 1].endswith(f"{arrays} -> numpy")
    assert steps[at + 1].startswith("transfer ") and steps[at + 1].endswith(f"numpy -> {arrays}")
    with nn.context_scope(get_extension_context("cpu")):
        expected = graph(F.tanh(variable(1, 3, 3, need_grad=False)))
        expected.forward()
    np.testing.assert_allclose(y.d, expected.d, rtol=1e-5)


def halves(first, second):
    """A network whose halves run in two contexts; its output, and the gradient of its input."""
    x = variable(4, 1, 6, 6)
    with nn.parameter_scope("", {}):
        with nn.context_scope(first):
            h = F.relu(PF.convolution(x, 3, (3, 3), rng=np.random.RandomState(2)))
        with nn.context_scope(second):
            y = F.mean(PF.affine(h, 2, rng=np.random.RandomState(3)) ** 2)
    steps = explain(y)
    x.grad.zero()
    y.forward()
    y.backward()
    return steps, y.d.copy(), x.g.copy()


def test_halves_of_a_graph_run_on_two_backends(backend_name):
    cpu, own = get_extension_context("cpu"), get_extension_context(backend_name)
    steps, *values = halves(own, cpu)
    assert [line.partition(" ")[0] for line in steps if not line.startswith("transfer")] == [
        f"{backend_name}:",
        f"{backend_name}:",
        "cpu:",
        "cpu:",
        "cpu:",
    ]
    for ours, theirs in zip(values, halves(cpu, cpu)[1:]):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_arrays_move_when_the_plan_says_so_and_not_otherwise(backend_name, monkeypatch):
    library = plugins.get("backends", backend_name).library("")
    moved = []
    for method in ("from_numpy", "to_numpy"):
        original = getattr(library, method)
        monkeypatch.setattr(library, method, lambda a, f=original, m=method: moved.append((m, tuple(a.shape))) or f(a))
    with nn.context_scope(get_extension_context(backend_name)):
        h = F.tanh(variable(2, 3, need_grad=False))
    with nn.context_scope(get_extension_context("cpu")):
        y = F.sum(h * 2.0)
    assert explain(y) == [
        f"transfer (2, 3): numpy -> {library.name}",
        f"{backend_name}: Tanh (2, 3)",
        f"transfer (2, 3): {library.name} -> numpy",
        "cpu: MulScalar (2, 3)",
        "cpu: Sum (2, 3)",
    ]
    assert moved == []
    y.forward()
    assert moved == [("from_numpy", (2, 3)), ("to_numpy", (2, 3))]


def test_the_kernels_are_of_primitives_and_none_is_for_backward():
    backend = plugins.get("backends", "sample_kernels")
    assert backend.namespace is None
    assert not backend.backward_kernels
    assert [name for name in backend.kernels if not find_operator(name).primitive] == []


def test_the_backend_over_a_namespace_is_under_a_hundred_lines():
    from nnabla_ext.sample import backend

    assert len(Path(backend.__file__).read_text().splitlines()) < 100


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
def test_running_sums_are_those_of_numpy(exclusive, reverse):
    x = variable(2, 4, need_grad=False)
    with nn.context_scope(get_extension_context("sample_kernels")):
        y = F.cumsum(x, axis=1, exclusive=exclusive, reverse=reverse)
        y.forward()
    values = x.d[:, ::-1] if reverse else x.d
    expected = np.cumsum(values, 1) - (values if exclusive else 0)
    np.testing.assert_allclose(y.d, expected[:, ::-1] if reverse else expected, rtol=1e-5, atol=1e-6)
