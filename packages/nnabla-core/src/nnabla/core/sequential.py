"""Sequential: modules one after the other."""

from __future__ import annotations

from typing import Any

from nnabla.core.module import Module, class_name
from nnabla.errors import ArgumentError, ArgumentTypeError
from nnabla.logger import logger

__all__ = ["Sequential"]


class Sequential(Module):
    """Modules of which each is called with what the one before it gave.

    Args:
        *args: Modules, or pairs of a name and a module. A module without a name is called after its class and its
            place: ``conv_bn_0``.
        **kwargs: Left out, with a warning; names are given by pairs.

    Raises:
        ArgumentTypeError: An argument is neither a module nor such a pair.
        ArgumentError: A name is used twice, or by Sequential itself.

    Example:
        >>> import nnabla as nn
        >>> from nnabla.core.modules import ConvBn
        >>> net = nn.Sequential(ConvBn(4), ('last', ConvBn(2)))
        >>> net(nn.Variable((1, 3, 8, 8))).shape
        (1, 2, 8, 8)
        >>> list(net.submodules)
        ['conv_bn_0', 'last']
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs:
            logger.warning(
                f"Sequential: {', '.join(kwargs)} left out; give modules as arguments, with a name as ('name', module)"
            )
        for i, arg in enumerate(args):
            name, module = arg if isinstance(arg, tuple) and len(arg) == 2 else (None, arg)
            if not isinstance(module, Module) or not isinstance(name, str | None):
                raise ArgumentTypeError(
                    f"Sequential: argument {i} must be an nn.Module or a pair of a name and an nn.Module, not {arg!r}; "
                    "wrap a function in a Module that calls it"
                )
            name = f"{class_name(module)}_{i}" if name is None else name
            if name in self.submodules or hasattr(type(self), name):
                raise ArgumentError(
                    f"Sequential: argument {i} cannot be named {name!r}, which another module or an attribute of "
                    f"{type(self).__name__} is named; use another name"
                )
            setattr(self, name, module)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Call the modules in turn.

        Args:
            *args: For the first module. The others get what the one before gave, the elements of a tuple one by one.
            **kwargs: For every module.
        """
        result: Any = args
        for module in self.submodules.values():
            result = module(*result, **kwargs) if isinstance(result, tuple) else module(result, **kwargs)
        if not self.submodules and len(args) == 1:
            return args[0]
        return result
