"""Every operator of NNabla under its name, exactly as defined."""

from __future__ import annotations

from typing import Any

from nnabla.ops.definition import all_operators as _all_operators

globals().update({op.snake_name: op for op in _all_operators().values() if not op.internal})

__all__ = sorted(op.snake_name for op in _all_operators().values() if not op.internal)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"nnabla.function_bases has no operator {name!r}; see nnabla.function_bases.__all__")
