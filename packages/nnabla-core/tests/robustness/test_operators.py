"""Whatever an operator is given, it computes or raises an error that names it."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import nnabla as nn
from nnabla.ops.definition import Operator, all_operators

WILD: dict[str, list[Any]] = {
    "int64": [-100, -2, -1, 0, 1, 2, 3, 7, 10**6, None, "x", 2.5],
    "double": [0.0, -1.0, 1.0, 0.5, 1e30, float("nan"), float("inf"), "a", None],
    "float": [0.0, -1.0, 1.0, 0.5, 1e30, float("nan"), "a", None],
    "bool": [True, False, None, "x"],
    "string": ["", "zz", "constant", "reflect", 3, None],
    "Shape": [(), (0,), (1,), (2, 2), (-1,), (-3,), (2, 3, 4), "x", 3, None, (1.5,)],
    "repeated int64": [(), (0,), (1,), (-1,), (5,), (0, 0), (2, 3, 4), (1, 0), "x", 3, None],
    "repeated float": [(), (0.0,), (1.0, 2.0), "x", None],
    "Communicator": [None],
}
TRIALS = 20
LARGEST = 10**6  # elements of outputs that are computed


def draw_shape(rng: random.Random) -> tuple[int, ...]:
    return tuple(rng.randint(0, 4) for _ in range(rng.randint(0, 5)))


def draw_input(rng: random.Random, shape: tuple[int, ...]) -> Any:
    kind = rng.random()
    if kind > 0.95:
        return None
    if kind > 0.92:
        return rng.choice([3, "x", np.ones(2), [1]])
    values = np.random.RandomState(rng.randint(0, 9999)).randn(*shape) * rng.choice([1, 1, 1, 100, 0])
    values = np.asarray(values, np.float32)
    if rng.random() < 0.05 and values.size:
        values.flat[0] = np.nan
    return nn.Variable.from_numpy_array(values, need_grad=True)


def draw_call(op: Operator, rng: random.Random) -> tuple[list[Any], dict[str, Any]]:
    common = draw_shape(rng)
    count = len(op.inputs) + (rng.randint(0, 2) if op.variadic else 0)
    inputs = [draw_input(rng, common if rng.random() < 0.5 else draw_shape(rng)) for _ in range(count)]
    args = {a.name: rng.choice([*WILD[a.type_name], *(a.choices or ())]) for a in op.arguments if rng.random() < 0.5}
    return inputs, args


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("op", [o for o in all_operators().values() if not o.internal], ids=lambda o: o.name)
def test_it_computes_or_raises_an_error_that_names_it(op: Operator) -> None:
    rng = random.Random(op.name)
    for _ in range(TRIALS):
        inputs, args = draw_call(op, rng)
        try:
            result = op(*inputs, **args)
            outputs = result if isinstance(result, tuple) else (result,)
            if sum(v.size for v in outputs) < LARGEST:
                nn.forward_all([v for v in outputs if v.parent is not None])
                outputs[0].backward()
        except RuntimeError as error:
            shapes = [getattr(v, "shape", v) for v in inputs]
            assert op.snake_name in str(error) or op.name in str(error), (str(error), shapes, args)
