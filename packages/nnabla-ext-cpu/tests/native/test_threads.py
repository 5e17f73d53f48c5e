"""Threads of the process and of the native code together, forks, failures: results stay right, nothing hangs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla.errors import OutOfMemoryError
from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

_native = native.module


@pytest.fixture(autouse=True)
def three_threads() -> Iterator[None]:
    before = _native.thread_count()
    _native.set_thread_count(3)
    yield
    _native.set_thread_count(before)


def network(seed: int) -> tuple[nn.Variable, nn.Variable]:
    """A small network over images that needs kernels of several families; its input and output."""
    rng = np.random.default_rng(seed)

    def given(*shape: int) -> nn.Variable:
        return nn.Variable.from_numpy_array(rng.standard_normal(shape).astype(np.float32), need_grad=True)

    x = given(8, 16, 20, 20)
    h = F.relu(F.convolution(x, given(24, 16, 3, 3), given(24), pad=(1, 1)))
    h = F.max_pooling(h, (2, 2))
    return x, F.sum(F.tanh(F.affine(h, given(2400, 50), given(50))) ** 2)


def run(x: nn.Variable, y: nn.Variable) -> tuple[float, np.ndarray]:
    x.grad.zero()
    y.forward()
    y.backward()
    return float(y.d), x.g.copy()


def assert_same(found: tuple[float, np.ndarray], expected: tuple[float, np.ndarray]) -> None:
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


def test_the_same_bits_run_after_run() -> None:
    x, y = network(0)
    first = run(x, y)
    for _ in range(5):
        assert_same(run(x, y), first)


def test_python_threads_run_graphs_of_their_own() -> None:
    alone = [run(*network(seed)) for seed in range(4)]
    start = threading.Barrier(4)

    def repeat(seed: int) -> list[tuple[float, np.ndarray]]:
        x, y = network(seed)
        start.wait()
        return [run(x, y) for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        for expected, results in zip(alone, pool.map(repeat, range(4))):
            for found in results:
                assert_same(found, expected)


def test_python_threads_run_one_graph_in_turn() -> None:
    x, y = network(1)
    first = run(x, y)
    turn = threading.Lock()

    def once(_: Any) -> None:
        with turn:
            assert_same(run(x, y), first)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(once, range(9)))


def test_an_error_in_a_kernel_leaves_the_next_ones_right() -> None:
    x, y = network(2)
    first = run(x, y)
    for _ in range(3):
        with pytest.raises(ValueError):
            _native.matmul(np.ones((300, 300), np.float32), np.ones((200, 300), np.float32))
        assert_same(run(x, y), first)


def test_a_result_larger_than_any_memory_is_refused() -> None:
    a = nn.NdArray.from_numpy_array(np.ones((2**23, 1), np.float32))
    with pytest.raises(OutOfMemoryError):
        F.batch_matmul(a, a, transpose_b=True)
    np.testing.assert_array_equal(F.tanh(nn.NdArray.from_numpy_array(np.zeros(3))).data, 0)


PRELUDE = """
import os, resource, sys, threading
import numpy as np
from nnabla_ext.cpu import native

_native = native.module
_native.set_thread_count(3)
rng = np.random.default_rng(0)
a = rng.standard_normal((300, 300))
expected = a @ a

def right():
    return np.allclose(_native.matmul(a, a), expected)

assert right()
"""


def python(code: str) -> str:
    """Run code in a process of its own, which must come to an end."""
    command = [sys.executable, "-W", "ignore", "-c", PRELUDE + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")


@needs_fork
def test_children_of_a_fork_compute_and_fork_again() -> None:
    python("""
        def fork(work):
            child = os.fork()
            if child == 0:
                os._exit(0 if work() else 1)
            return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

        assert [fork(right) for _ in range(3)] == [0, 0, 0]
        assert fork(lambda: right() and fork(right) == 0 and right()) == 0
        assert right()
    """)


@needs_fork
def test_a_fork_while_other_threads_compute_does_not_hang() -> None:
    python("""
        stop = threading.Event()
        def work():
            while not stop.is_set():
                _native.matmul(a, a)
        others = [threading.Thread(target=work) for _ in range(2)]
        for other in others:
            other.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                y = _native.matmul(a, a)  # compared without NumPy's BLAS, whose threads stayed in the parent
                os._exit(0 if np.abs(y - expected).max() < 1e-9 else 1)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for other in others:
            other.join()
        assert right()
    """)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit on memory is Linux's")
def test_memory_that_runs_out_in_any_thread_is_an_error_and_not_the_end() -> None:
    """Limits go down step by step: each product comes out right or raises MemoryError."""
    told = python("""
        b = rng.standard_normal((1200, 1200))
        product = b @ b
        _native.matmul(b, b)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        failed = 0
        for more in range(30, -12, -1):
            _native.release_memory()
            resource.setrlimit(resource.RLIMIT_AS, (used + more * 2**20, resource.RLIM_INFINITY))
            try:
                y = _native.matmul(b, b)
            except MemoryError:
                failed += 1
                continue
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            assert np.allclose(y, product)
            del y
        assert right()
        print(failed)
    """)
    assert 0 < int(told) < 42
