"""What holds for all tests of the repository."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def without_cycle_collector():
    """Memory must go when its last handle goes, so nothing may rely on the cycle collector.

    What tests themselves leave in cycles, tracebacks above all, goes between modules.
    """
    gc.collect()
    gc.disable()
    yield
    gc.enable()
