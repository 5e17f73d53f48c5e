"""Testing: comparing arrays, and the conformance kit that operators and backends are held against.

The kit itself (``nnabla.testing.cases``, ``nnabla.testing.conformance``) needs the extra ``nnabla-core[testing]``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["assert_allclose"]


def assert_allclose(
    actual: npt.ArrayLike,
    desired: npt.ArrayLike,
    rtol: float = 1e-5,
    atol: float = 1e-6,
    equal_nan: bool = True,
    err_msg: str = "",
    verbose: bool = True,
) -> None:
    """Raise AssertionError unless two arrays agree to ``atol + rtol * |desired|``; NumPy's with other defaults."""
    np.testing.assert_allclose(np.asarray(actual), np.asarray(desired), rtol, atol, equal_nan, err_msg, verbose)


def __getattr__(name: str) -> Any:
    if name == "clear_called_flag_recorder":
        import importlib

        return importlib.import_module("nnabla.testing.clear_called_flag_recorder")
    raise AttributeError(f"module 'nnabla.testing' has no attribute {name!r}")
