"""The backend ``sample_kernels``: ``get_extension_context("sample_kernels")``."""

from __future__ import annotations

from typing import Any

__all__ = ["context"]


def context(device_id: str = "", type_config: str = "float", **options: Any) -> Any:
    """Return a context that computes on this backend."""
    from nnabla_ext.sample_kernels.backend import BACKEND

    return BACKEND.context(device_id=device_id, type_config=type_config, **options)
