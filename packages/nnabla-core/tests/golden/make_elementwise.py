"""Ask NNabla 1.39 what element-wise functions give at kinks and limits, and what their gradients read.

Run with an interpreter that has nnabla 1.39.0; it writes elementwise.npz beside itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import nnabla as nn
import nnabla.function_bases as F

INF = np.inf
POINTS = [-300, -8, -2.5, -1.5, -1, -0.5, -0.0, 0, 0.5, 1, 1.5, 2.5, 3, 6, 7, 300, -INF, INF]
UNARY: dict[str, dict[str, Any]] = {
    **{
        key: {}
        for key in [
            "abs",
            "exp",
            "log",
            "identity",
            "round",
            "ceil",
            "floor",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "asin",
            "acos",
            "atan",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "sigmoid",
            "swish",
            "tanh",
            "relu",
            "elu",
            "selu",
            "gelu",
            "mish",
            "relu6",
            "hard_sigmoid",
            "hard_tanh",
            "log_sigmoid",
            "softplus",
            "softsign",
            "tanh_shrink",
            "sinc",
            "reset_nan",
            "reset_inf",
            "isnan",
            "isinf",
            "logical_not",
            "binary_sigmoid",
            "binary_tanh",
        ]
    },
    "sign": {"alpha": 0.25},
    "leaky_relu": {"alpha": 0.25},
    "add_scalar": {"val": 2.5},
    "mul_scalar": {"val": 2.5},
    "pow_scalar": {"val": 3.0},
    "r_sub_scalar": {"val": 2.5},
    "r_div_scalar": {"val": 2.5},
    "r_pow_scalar": {"val": 2.5},
    "maximum_scalar": {"val": 1.5},
    "minimum_scalar": {"val": 1.5},
    "equal_scalar": {"val": 1.5},
    "not_equal_scalar": {"val": 1.5},
    "greater_scalar": {"val": 1.5},
    "greater_equal_scalar": {"val": 1.5},
    "less_scalar": {"val": 1.5},
    "less_equal_scalar": {"val": 1.5},
    "logical_and_scalar": {"val": True},
    "logical_or_scalar": {"val": False},
    "logical_xor_scalar": {"val": True},
}
PAIRS = [
    *((1, 1), (0, 0), (2, 1), (1, 2), (0, 1), (1, 0), (-2, 3), (2, -3), (0, 2), (-1, 0)),
    *((-2, 2), (-2, -1), (0.5, 0.5), (INF, 1), (1, INF), (-INF, 2)),
]
BINARY = [
    "add2",
    "sub2",
    "mul2",
    "div2",
    "pow2",
    "maximum2",
    "minimum2",
    "atan2",
    "equal",
    "not_equal",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "logical_and",
    "logical_or",
    "logical_xor",
    "add_n",
    "mul_n",
]
TERNARY = ("where", "clip_grad_by_value")
OTHERS: dict[str, tuple[list[tuple[int, ...]], dict[str, Any]]] = {
    "softmax": ([(2, 3)], {}),
    "log_softmax": ([(2, 3)], {}),
    "crelu": ([(2, 3)], {}),
    "celu": ([(2, 3)], {}),
    "prelu": ([(2, 3), (3,)], {}),
    "clip_grad_by_norm": ([(2, 3)], {}),
    "batch_matmul": ([(2, 2, 3), (2, 3, 2)], {}),
}


def reads(y: Any, count: int) -> np.ndarray:
    """Row i: whether the gradient of input i reads each input, and the output."""
    f = y.parent
    return np.array(
        [
            [*(f.grad_depends_input_data(i, j) for j in range(count)), f.grad_depends_output_data(i, 0)]
            for i in range(count)
        ]
    )


def main() -> None:
    kept: dict[str, np.ndarray] = {}
    columns = [[np.float32(p) for p in POINTS]], [[np.float32(p[i]) for p in PAIRS] for i in (0, 1)]
    for names, values in ((UNARY, columns[0]), ({key: {} for key in BINARY}, columns[1])):
        for name, args in names.items():
            variables = [nn.Variable.from_numpy_array(np.array(v), need_grad=True) for v in values]
            y = getattr(F, name)(*variables, **args)
            kept[f"{name}/reads"] = reads(y, len(variables))
            y.forward()
            kept[f"{name}/y"] = y.d.copy()
            for v in variables:
                v.grad.zero()
            try:
                y.backward()
            except RuntimeError:  # it has no gradient
                continue
            for i, v in enumerate(variables):
                kept[f"{name}/g{i}"] = v.g.copy()
    for name in TERNARY:
        kept[f"{name}/reads"] = reads(getattr(F, name)(*(nn.Variable((2, 3), need_grad=True) for _ in range(3))), 3)
    for name, (shapes, args) in OTHERS.items():
        y = getattr(F, name)(*(nn.Variable(s, need_grad=True) for s in shapes), **args)
        kept[f"{name}/reads"] = reads(y, len(shapes))
    np.savez_compressed(Path(__file__).with_name("elementwise.npz"), **kept)


if __name__ == "__main__":
    main()
