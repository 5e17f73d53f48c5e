"""The backends of this distribution; what needs PyTorch says so where it is skipped."""

import importlib.util

import pytest

WITHOUT_TORCH = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None,
    reason="the backend 'sample' computes with PyTorch, which is not installed: pip install 'nnabla-ext-sample[torch]'",
)


@pytest.fixture(params=[pytest.param("sample", marks=WITHOUT_TORCH), "sample_kernels"])
def backend_name(request):
    return request.param
