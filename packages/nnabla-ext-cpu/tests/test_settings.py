"""Threads, targets and Winograd: chosen by functions and by environment variables, with and without native code."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import nnabla_ext.cpu as cpu
from nnabla_ext.cpu import native

VARIABLES = ("NNABLA_CPU_TARGET", "NNABLA_CPU_NUM_THREADS", "NNABLA_CPU_WINOGRAD", "OMP_NUM_THREADS")
needs_native = pytest.mark.skipif(native.module is None, reason="the native module is not built")

TANH = "import nnabla as nn, nnabla.functions as F, numpy as np; y = F.tanh(nn.NdArray.from_numpy_array(np.ones(3)));"
HIDE = "import sys; sys.modules['nnabla_ext.cpu._native'] = None;"


def python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES} | variables
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)


def printed(expression: str, **variables: str) -> str:
    done = python(f"import nnabla_ext.cpu as cpu; print({expression})", **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def no_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "module", None)
    monkeypatch.setattr(native, "missing", "it was taken away")


@needs_native
def test_threads_are_set_for_the_process_and_0_is_the_default() -> None:
    before = cpu.num_threads()
    try:
        cpu.set_num_threads(3)
        assert cpu.num_threads() == 3
        cpu.set_num_threads(0)
        assert cpu.num_threads() >= 1
    finally:
        cpu.set_num_threads(before)


@needs_native
@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"NNABLA_CPU_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "2"}, "2"),
        ({"NNABLA_CPU_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}, "1"),
    ],
)
def test_threads_by_the_environment(variables: dict[str, str], threads: str) -> None:
    assert printed("cpu.num_threads()", **variables) == threads


@needs_native
def test_each_target_can_be_chosen_by_the_environment() -> None:
    for name in cpu.targets():
        assert printed("cpu.target()", NNABLA_CPU_TARGET=name) == name
    assert printed("cpu.target()") == cpu.targets()[0]


@needs_native
def test_winograd_can_be_forbidden() -> None:
    assert printed("cpu.winograd_enabled()") == "True"
    assert printed("cpu.winograd_enabled()", NNABLA_CPU_WINOGRAD="0") == "False"
    before = cpu.winograd_enabled()
    cpu.enable_winograd(not before)
    assert cpu.winograd_enabled() is not before
    cpu.enable_winograd(before)


@needs_native
def test_memory_that_is_kept_is_given_back() -> None:
    ones = np.ones((300, 300), np.float32)
    native.module.matmul(ones, ones)  # the result goes at once
    assert cpu.release_memory() >= ones.nbytes
    assert native.module.memory()[1] == 0
    assert cpu.release_memory() == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cpu.set_num_threads(-1), "n is -1, but must be 1 to 1024"),
        (lambda: cpu.set_num_threads(1025), "n is 1025, but must be 1 to 1024"),
        (lambda: cpu.set_num_threads(1.5), "n is 1.5, but must be an integer"),  # type: ignore[arg-type]
        (lambda: cpu.enable_winograd("no"), "enabled is 'no', but must be True or False"),  # type: ignore[arg-type]
    ],
)
def test_arguments_out_of_range_are_named(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "value", "choices"),
    [
        ("NNABLA_CPU_TARGET", "sse9", " or ".join(cpu.targets())),
        ("NNABLA_CPU_NUM_THREADS", "many", "1 to 1024"),
        ("NNABLA_CPU_NUM_THREADS", "0", "1 to 1024"),
        ("NNABLA_CPU_WINOGRAD", "off", "0 or 1"),
    ],
)
def test_a_variable_of_no_meaning_is_refused_by_name_value_and_choices(name: str, value: str, choices: str) -> None:
    done = python(TANH, **{name: value})
    assert done.returncode != 0
    assert f"{name} is {value!r}" in done.stderr
    assert choices in done.stderr


def test_without_native_code_everything_is_told_and_nothing_breaks(no_native: None) -> None:
    assert cpu.targets() == ["numpy"]
    assert cpu.target() == "numpy"
    assert cpu.winograd_enabled() is False
    assert cpu.release_memory() == 0
    for call in (cpu.num_threads, lambda: cpu.set_num_threads(2), lambda: cpu.enable_winograd(True)):
        with pytest.raises(RuntimeError, match=r"no native code here \(it was taken away\)"):
            call()


def test_missing_native_code_is_logged_once_and_computes() -> None:
    done = python(HIDE + TANH + "F.exp(y); print(y.data[0])")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(np.tanh(1))
    assert done.stderr.count("there is no native code") == 1


def test_numpy_by_choice_is_not_logged() -> None:
    done = python(TANH + "print(y.data[0])", NNABLA_CPU_TARGET="numpy")
    assert done.returncode == 0, done.stderr
    assert "native" not in done.stderr
