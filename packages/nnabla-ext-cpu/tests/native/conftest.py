"""Each target in turn, and a number of threads for one test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nnabla_ext.cpu import native

TARGETS = native.module.targets() if native.module is not None else []


@pytest.fixture(params=TARGETS)
def each_target(request: pytest.FixtureRequest) -> Iterator[str]:
    """A target that kernels run on during the test."""
    before = native.module.target()
    assert native.module.use_target(request.param)
    yield request.param
    native.module.use_target(before)


@pytest.fixture(params=[1, 3])
def each_count(request: pytest.FixtureRequest) -> Iterator[int]:
    """A number of threads that kernels run on during the test."""
    before = native.module.thread_count()
    native.module.set_thread_count(request.param)
    yield request.param
    native.module.set_thread_count(before)
