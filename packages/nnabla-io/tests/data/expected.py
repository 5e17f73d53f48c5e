"""What the golden parameter files hold: name, shape, number type and need_grad, in order."""

import numpy as np

PARAMETERS = [
    ("conv1/conv/W", (2, 1, 3, 3), "float32", True),
    ("conv1/conv/b", (2,), "float32", True),
    ("conv1/bn/beta", (1, 2, 1, 1), "float32", True),
    ("conv1/bn/mean", (1, 2, 1, 1), "float32", False),
    ("deep/er/and/deeper/W", (3, 2), "float32", True),
    ("affine/W", (4, 3), "float64", True),
    ("affine/b", (3,), "float16", False),
    ("a scalar", (), "float32", False),
    ("empty", (0, 3), "float32", True),
    ("integers", (5,), "int32", False),
]
MANY = [(f"layer{i // 20}/p{119 - i:03}", (2,), "float32", i % 3 != 0) for i in range(120)]


def values(index, shape, dtype):
    """The values of the parameter at ``index``; every one exact in half precision."""
    return (np.arange(int(np.prod(shape))).reshape(shape) % 64 * 0.25 + index % 32).astype(dtype)
