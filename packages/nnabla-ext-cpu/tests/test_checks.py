"""What the CPU backend says to ``nnabla_cli doctor``."""

import os

import pytest

from nnabla.plugins import plugins
from nnabla_ext.cpu import checks, native, target


def found():
    return {check.name: check for check in plugins.checks("backends", "cpu")}


def test_processor_native_code_threads_blas_and_kernels_are_told():
    assert set(found()) == {"CPU features", "native code", "threads", "BLAS", "kernels"}
    assert all(check.state == "ok" or check.name in ("BLAS", "native code") for check in found().values())


@pytest.mark.skipif(native.module is None, reason="the native module is not built")
def test_native_code_is_told_with_targets_and_winograd():
    said = found()["native code"]
    assert said.state == "ok"
    assert said.found.startswith(f"uses {target()} (others here: ")
    assert "Winograd" in said.found
    assert "native kernels use" in found()["threads"].found


def test_missing_native_code_is_told_with_the_reason(monkeypatch):
    monkeypatch.setattr(native, "module", None)
    monkeypatch.setattr(native, "missing", "it was taken away")
    said = found()["native code"]
    assert said.state == "missing"
    assert "it was taken away" in said.found
    assert said.fix.startswith("pip install")
    monkeypatch.setattr(native, "missing", "NNABLA_CPU_TARGET=numpy")
    assert found()["native code"].fix == ""


def test_threads_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = found()["threads"].found
    assert said.startswith(f"{usable} of {os.cpu_count()} processors")
    assert "OMP_NUM_THREADS=3" in said


def test_a_numpy_without_blas_is_named_as_slow():
    assert checks._blas({}).state == "missing"
    assert checks._blas({"found": True, "name": "accelerate"}).found == "accelerate through NumPy"
