"""State that every behaviour test starts from and leaves behind.

The tests in this folder use the public API alone, so they run against any implementation of it.
``ours_only`` marks what this implementation does on purpose where NNabla 1.39 crashes, refuses or
swallows an error; ``-m "not ours_only"`` leaves the tests that NNabla 1.39.0 passes as well.
"""

import gc

import numpy as np
import pytest

import nnabla as nn


def pytest_configure(config):
    config.addinivalue_line("markers", "ours_only: deliberately better than NNabla 1.39.0")


@pytest.fixture(autouse=True)
def fresh_state():
    context = nn.get_current_context()
    nn.clear_parameters()
    nn.set_auto_forward(False)
    nn.prefer_cached_array(True)
    yield
    nn.set_default_context(context)
    nn.set_auto_forward(False)
    nn.prefer_cached_array(True)
    nn.clear_parameters()


@pytest.fixture
def no_collector():
    """The cycle collector is off: memory goes with the last reference or not at all."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    yield
    if enabled:
        gc.enable()


@pytest.fixture
def cleared_memory_is_gone():
    """Without cached arrays a buffer that was cleared cannot be read by luck."""
    nn.prefer_cached_array(False)
    with nn.context_scope(nn.Context(["cpu:float"], "CpuArray", "0")):
        yield
    nn.prefer_cached_array(True)


@pytest.fixture
def leaf():
    """Make a leaf Variable that needs its gradient, from an array-like."""

    def make(values, need_grad=True):
        variable = nn.Variable.from_numpy_array(np.asarray(values, np.float32), need_grad=need_grad)
        variable.grad.zero()
        return variable

    return make


@pytest.fixture
def type_names():
    """List the type names of all functions under a Variable, in the order of ``visit``."""

    def visit(variable):
        names = []
        variable.visit(lambda function: names.append(function.info.type_name))
        return names

    return visit


@pytest.fixture
def recording():
    """Run a callable with a new recorder; return its input and output flags."""
    from nnabla.testing import clear_called_flag_recorder as flags

    def run(action):
        flags.activate_clear_called_flag_recorder()
        try:
            action()
            return flags.get_input_clear_called_flags(), flags.get_output_clear_called_flags()
        finally:
            flags.deactivate_clear_called_flag_recorder()

    return run
