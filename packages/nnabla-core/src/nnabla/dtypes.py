"""NumPy's number types and the integer codes that files and function arguments use for them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["int_to_np_dtype", "np_dtpye_to_int"]

int_to_np_dtype: dict[int, type[Any]] = {
    0: bool,
    1: np.int8,
    2: np.uint8,
    3: np.int16,
    4: np.uint16,
    5: np.int32,
    6: np.uint32,
    9: np.int64,
    10: np.uint64,
    11: np.float32,
    12: np.float64,
    13: np.longdouble,
}

# The public name is spelt like this.
np_dtpye_to_int: dict[type[Any], int] = {
    **{dtype: code for code, dtype in int_to_np_dtype.items()},
    np.bool_: 0,
    np.longlong: 9,
    np.ulonglong: 10,
}
