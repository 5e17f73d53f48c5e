import pytest

from nnabla.plugins import plugins


@pytest.fixture
def without_kernels(monkeypatch):
    """Let every solver run by its rule, also where the backend has a kernel."""
    backend = plugins.get("backends", "cpu")
    monkeypatch.setattr(backend, "solver_kernels", {})
    monkeypatch.setattr(backend, "gradient_kernels", {})


@pytest.fixture(params=["kernels", "rules"])
def way(request):
    """Run a test by the backend's kernels, then by rules."""
    if request.param == "rules":
        request.getfixturevalue("without_kernels")
    return request.param
