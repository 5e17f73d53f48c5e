"""Module: an object whose parameters are the Variables among its attributes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nnabla import parameter
from nnabla.errors import ArgumentError, ShapeError
from nnabla.graph.variable import Variable
from nnabla.initializer import BaseInitializer
from nnabla.parameter_files import read_parameters

__all__ = ["Initial", "Module", "new_parameter"]

Initial = BaseInitializer | np.ndarray[Any, Any]


def new_parameter(
    name: str,
    shape: tuple[int, ...],
    init: Initial | None,
    default: Callable[[], Initial],
    need_grad: bool = True,
) -> Variable:
    """Return a parameter that is in no scope.

    Args:
        name: Its name, for errors and `Variable.name`.
        shape: Its shape.
        init: Its initial values.
        default: Makes the initial values where ``init`` is None.
        need_grad: Whether it is trained.

    Raises:
        ParameterShapeError: ``init`` is an array of another shape.
        InitializerError: ``init`` is neither an array nor an initializer.
    """
    scope: OrderedDict[str, Any] = OrderedDict()
    with parameter.parameter_scope("", scope):
        parameter.get_parameter_or_create(name, shape, default() if init is None else init, need_grad)
    made: Variable = scope[name]
    return made


class Module:
    """A part of a network. Its parameters are the Variables among its attributes, and those of Modules among them.

    Subclasses define what they compute, as ``__call__`` or a method of any name.

    Example:
        >>> import nnabla as nn
        >>> import nnabla.experimental.parametric_function_classes as PFC
        >>> class Net(PFC.Module):
        ...     def __init__(self):
        ...         self.conv = PFC.Conv2d(3, 8, (3, 3))
        ...         self.fc = PFC.Affine(8 * 6 * 6, 10)
        ...     def __call__(self, x):
        ...         return self.fc(self.conv(x))
        >>> net = Net()
        >>> net(nn.Variable((2, 3, 8, 8))).shape
        (2, 10)
        >>> list(net.get_parameters())
        ['conv/W', 'conv/b', 'fc/W', 'fc/b']
    """

    def __init__(self) -> None:
        pass

    def get_modules(self, memo: set[Module] | None = None, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Give this module and all below it, each once, with its path: ``''``, ``'block'``, ``'block/conv'``.

        Args:
            memo: Modules to leave out; those given are added.
            prefix: Path of this module.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield from value.get_modules(memo, f"{prefix}/{name}" if prefix else name)

    def get_parameters(self, grad_only: bool = True) -> OrderedDict[str, Variable]:
        """Return the parameters by path and name, ``'block/conv/W'``; this module's own are called ``'/W'``.

        Args:
            grad_only: Leave out those with ``need_grad=False``.
        """
        return OrderedDict(
            (f"{path}/{name}", value)
            for path, module in self.get_modules()
            for name, value in vars(module).items()
            if isinstance(value, Variable) and (value.need_grad or not grad_only)
        )

    def save_parameters(self, path: str, grad_only: bool = False) -> None:
        """Write the parameters to a file, whose suffix tells the format.

        Args:
            path: The file.
            grad_only: Leave out those with ``need_grad=False``.
        """
        found = self.get_parameters(grad_only)
        parameter.save_parameters(path, {key.lstrip("/"): value for key, value in found.items()})

    def load_parameters(self, path: str) -> None:
        """Read the values of all parameters from a file; what else is in it is left out.

        Raises:
            ArgumentError: The file lacks a parameter. Nothing is loaded then.
            ShapeError: The file has a parameter of another shape. Nothing is loaded then.
        """
        records = read_parameters(path)
        if records is None:  # no such format, which was logged
            return
        stored = {record.name.lstrip("/"): record.array for record in records}
        loaded = []
        for key, value in self.get_parameters(grad_only=False).items():
            array = stored.get(key.lstrip("/"))
            if array is None:
                raise ArgumentError(
                    f"{type(self).__name__}.load_parameters: {path} has no parameter {key.lstrip('/')!r}; it has "
                    f"{', '.join(stored) or 'none'}"
                )
            if array.shape != value.shape:
                raise ShapeError(
                    f"{type(self).__name__}.load_parameters: {key.lstrip('/')!r} has the shape {value.shape}, and "
                    f"{array.shape} in {path}; load it into a module of the same sizes"
                )
            loaded.append((value, array))
        for value, array in loaded:
            value.d = array
