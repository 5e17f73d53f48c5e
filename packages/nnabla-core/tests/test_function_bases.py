"""The operators under their names, and the decorator that gives functions the current context."""

from __future__ import annotations

import inspect

import nnabla as nn
import nnabla.function_bases as FB
import nnabla.functions as F
from nnabla.ops.definition import all_operators


def test_every_operator_is_there_under_its_name() -> None:
    assert set(FB.__all__) == {"function_api", *(op.snake_name for op in all_operators().values() if not op.internal)}
    assert all(getattr(FB, name) is not None for name in FB.__all__)


def test_a_decorated_function_gets_the_current_context_first() -> None:
    @F.function_api
    def f(ctx, x, y=1, n_outputs=-1):
        """What it does."""
        return ctx, x, y, n_outputs

    assert str(inspect.signature(f)) == "(x, y=1, n_outputs=-1)"
    assert f.__doc__ == "What it does."
    context = nn.Context(["cpu:half", "cpu:float"])
    with nn.context_scope(context):
        assert f(2, y=3) == (context, 2, 3, -1)
