import importlib

import pytest

from nnabla import parameter

random = importlib.import_module("nnabla.random")


@pytest.fixture(autouse=True)
def no_parameters():
    parameter.clear_parameters()
    yield
    parameter.clear_parameters()
    random.seed(313)
