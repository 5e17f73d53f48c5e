"""What the CPU backend says to ``nnabla_cli doctor``."""

import os

from nnabla.plugins import plugins
from nnabla_ext.cpu import checks


def found():
    return {check.name: check for check in plugins.checks("backends", "cpu")}


def test_processor_threads_blas_and_kernels_are_told():
    assert set(found()) == {"CPU features", "threads", "BLAS", "kernels"}
    assert all(check.state == "ok" or check.name == "BLAS" for check in found().values())


def test_threads_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    said = found()["threads"].found
    assert said.startswith(f"{usable} of {os.cpu_count()} processors")
    assert "OMP_NUM_THREADS=3" in said


def test_a_numpy_without_blas_is_named_as_slow():
    assert checks._blas({}).state == "missing"
    assert checks._blas({"found": True, "name": "accelerate"}).found == "accelerate through NumPy"
