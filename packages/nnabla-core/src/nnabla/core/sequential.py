"""Sequential: modules one after the other."""

from __future__ import annotations

from typing import Any

from nnabla.core.module import Module
from nnabla.errors import ArgumentTypeError

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules of which each is called with what the one before it gave.

    Args:
        *args: Modules, or pairs of a name and a module. Modules without a name are ``sub_0``, ``sub_1``, ...
        **kwargs: Further modules by name.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        named = [a if isinstance(a, tuple) else (f"sub_{i}", a) for i, a in enumerate(args)]
        for name, module in [*named, *kwargs.items()]:
            if not isinstance(module, Module):
                raise ArgumentTypeError(
                    f"Sequential: {name!r} must be an nn.Module, not {type(module).__name__}; wrap a function in "
                    "a Module that calls it"
                )
            setattr(self, name, module)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the modules in turn; the first takes the arguments."""
        modules = list(self.submodules.values())
        if not modules:
            return args[0] if len(args) == 1 else args
        result = modules[0](*args, **kwargs)
        for module in modules[1:]:
            result = module(*result) if isinstance(result, tuple) else module(result)
        return result
