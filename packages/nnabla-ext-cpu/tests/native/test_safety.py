"""What goes wrong in the middle: an interrupt, a hook that raises, no memory, arguments that fit nothing.

Each is a Python exception, after which the process and the graph compute what they computed before.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import nnabla as nn
import nnabla.functions as F
from nnabla_ext.cpu import native

if native.module is None:
    pytest.skip("the native module is not built", allow_module_level=True)

PRELUDE = """
import os, signal, sys, threading, time
import numpy as np
import nnabla as nn
import nnabla.functions as F
from nnabla_ext.cpu import native

native.module.set_thread_count(3)
rng = np.random.default_rng(0)

def given(*shape):
    return nn.Variable.from_numpy_array(rng.standard_normal(shape).astype(np.float32), need_grad=True)

def network():
    x = given(8, 16, 20, 20)
    h = F.relu(F.convolution(x, given(24, 16, 3, 3), given(24), pad=(1, 1)))
    h = F.max_pooling(h, (2, 2))
    return x, F.sum(F.tanh(F.affine(h, given(2400, 50), given(50))) ** 2)

def run(x, y):
    x.grad.zero()
    y.forward()
    y.backward()
    return float(y.d), x.g.copy()

def same(found, expected):
    return found[0] == expected[0] and np.array_equal(found[1], expected[1])
"""


def python(code: str) -> str:
    """Run code in a process of its own, which must come to an end."""
    command = [sys.executable, "-W", "ignore", "-X", "faulthandler", "-c", PRELUDE + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=480)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_interrupt_during_a_long_run_leaves_the_graph_usable() -> None:
    told = python("""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells' background jobs ignore it
        x, y = network()
        first = run(x, y)
        interrupted = 0
        for delay in np.linspace(0.02, 0.2, 10):
            timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
            timer.start()
            try:
                for _ in range(100000):
                    run(x, y)
            except KeyboardInterrupt:
                interrupted += 1
            timer.join()
            assert same(run(x, y), first)
        print(interrupted)
    """)
    assert int(told) == 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit on memory is Linux's")
def test_a_graph_that_runs_out_of_memory_runs_where_there_is_enough() -> None:
    told = python("""
        import resource
        x = given(4000, 100)
        y = F.sum(F.tanh(F.affine(F.relu(x * 2), given(100, 4000))) ** 2)
        first = run(x, y)
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        failed = 0
        for more in range(0, 240, 40):
            y.forward(clear_buffer=True)
            native.module.release_memory()
            resource.setrlimit(resource.RLIMIT_AS, (used + (more - 160) * 2**20, resource.RLIM_INFINITY))
            try:
                y.forward()
                y.backward()
            except MemoryError:
                failed += 1
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
            assert same(run(x, y), first)
        print(failed)
    """)
    assert int(told) > 0


def test_idle_threads_sleep() -> None:
    """A second of waiting after work costs next to no processor time, where threads that spin would take seconds."""
    python("""
        run(*network())
        time.sleep(0.2)
        before = time.process_time()
        time.sleep(1)
        assert time.process_time() - before < 0.3, time.process_time() - before
    """)


class Stop(Exception):
    """What a hook raises."""


@pytest.mark.parametrize("when", ["pre_hook", "post_hook"])
def test_a_hook_that_raises_in_the_middle_leaves_the_graph_usable(when: str) -> None:
    rng = np.random.default_rng(1)
    x = nn.Variable.from_numpy_array(rng.standard_normal((4, 8, 10, 10)).astype(np.float32), need_grad=True)
    w = nn.Variable.from_numpy_array(rng.standard_normal((8, 8, 3, 3)).astype(np.float32), need_grad=True)
    beta, gamma, mean, var = (nn.Variable.from_numpy_array(np.full((1, 8, 1, 1), v, np.float32)) for v in (0, 1, 0, 1))
    h = F.convolution(x, w, pad=(1, 1))
    y = F.sum(F.relu(F.batch_normalization(h, beta, gamma, mean, var, batch_stat=True)) ** 2)

    def run() -> tuple[Any, ...]:
        x.grad.zero()
        w.grad.zero()
        y.forward()
        y.backward()
        return y.d.copy(), x.g.copy(), w.g.copy()

    def stop_at(number: int) -> dict[str, Any]:
        left = [number]

        def hook(_: Any) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stop

        return {f"function_{when}": hook}

    first = run()
    for number in range(5):
        for which in (y.forward, y.backward):
            with pytest.raises(Stop):
                which(**stop_at(number))
            for found, expected in zip(run(), first):
                np.testing.assert_array_equal(found, expected)


def test_arguments_that_fit_nothing_are_errors() -> None:
    """Every function of the module with arrays, numbers and None of all kinds: exceptions or results, never the end."""
    told = python("""
        import re
        limit = {"bool": [False, True], "int": [-1, 0, 1, 2, 3], "SupportsInt": [-1, 0, 1, 2, 3],
                 "float": [-1.0, 0.0, 0.5, np.nan], "SupportsFloat": [-1.0, 0.0, 0.5, np.nan], "str": ["", "tanh"]}
        shapes = [(), (0,), (1,), (3,), (2, 3), (3, 2), (0, 4), (2, 3, 4), (2, 3, 4, 5), (1, 1, 1, 1), (2, 0, 3, 3),
                  (2, 3, 3, 3, 3), (1,) * 12]
        dtypes = [np.float32, np.float32, np.float32, np.float64, np.int32, np.int64, np.bool_, np.float16, object]

        def array():
            x = np.ones(shapes[rng.integers(len(shapes))], dtypes[rng.integers(len(dtypes))])
            if rng.integers(4) == 0:
                x = x.T
            elif rng.integers(4) == 0:
                x = x[..., ::2] if x.ndim else x
            return x

        def argument(kind):
            if rng.integers(12) == 0:
                return None
            if re.match("list|tuple|.*Sequence", kind, re.I):
                if "array" in kind:
                    return [array() for _ in range(rng.integers(4))]
                return [int(rng.integers(-1, 4)) for _ in range(rng.integers(5))]
            for name, values in limit.items():
                if name in kind:
                    return values[rng.integers(len(values))]
            return array() if rng.integers(5) else [None, 1, "x", [array()], (2, 3)][rng.integers(5)]

        leave = {"set_thread_count", "use_target", "enable_winograd"}
        refused = done = 0
        for name, function in sorted(vars(native.module).items()):
            if not getattr(function, "__doc__", None) or name.startswith("_") or name in leave:
                continue
            if ") ->" not in function.__doc__:
                continue
            inside = function.__doc__[function.__doc__.index("(") + 1 : function.__doc__.rindex(") ->")]
            kinds = re.findall(r"(?:^|, )[a-z_][a-z_0-9]*: ((?:[^,\\\\[]|\\\\[[^\\\\]]*\\\\])*)", inside)
            for _ in range(60):
                arguments = [argument(kind) for kind in kinds]
                try:
                    function(*arguments)
                    done += 1
                except (TypeError, ValueError, IndexError, KeyError, RuntimeError, MemoryError):
                    refused += 1
        print(done, refused)
    """)
    done, refused = map(int, told.split())
    assert done > 0 and refused > 0
