"""Module: a part of a network with parameters and submodules of its own."""

from __future__ import annotations

import functools
import os
import re
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from nnabla import parameter
from nnabla.errors import ArgumentError, ArgumentTypeError
from nnabla.graph.variable import Variable
from nnabla.parameter_files import read_parameters

__all__ = ["MetaClass", "Module", "ParamMemo", "insert_parent_name"]

Parameters = OrderedDict[str, Variable]


class ParamMemo:
    """Remembers parameters, so that one which several modules share is listed once."""

    def __init__(self) -> None:
        self._seen: set[Variable] = set()

    def filter_and_update(self, params: Mapping[str, Variable]) -> Parameters:
        """Return those of ``params`` that were not seen before, and remember them."""
        fresh: Parameters = OrderedDict()
        for key, value in params.items():
            if value not in self._seen:
                self._seen.add(value)
                fresh[key] = value
        return fresh


def insert_parent_name(name: str, params: Mapping[str, Variable]) -> Parameters:
    """Return parameters of a submodule under the names that they have in its parent: ``@name/...``."""
    return OrderedDict((f"@{name}/{key}", value) for key, value in params.items())


# These get no module, or run before its scope can be found.
_UNSCOPED = frozenset({"__class_getitem__", "__getattribute__", "__init_subclass__", "__new__"})


class MetaClass(type):
    """Lets every method of a module run in the module's parameter scope."""

    def __new__(mcs, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> MetaClass:
        # Module's own methods steer scopes and need none.
        if bases:
            for key, value in members.items():
                if isinstance(value, types.FunctionType) and key not in _UNSCOPED:
                    members[key] = mcs.method_wrapper(value)
        return super().__new__(mcs, name, bases, members)

    @staticmethod
    def method_wrapper(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``method``, to be run in the parameter scope of the module it is called on."""

        @functools.wraps(method)
        def scoped(self: Module, *args: Any, **kwargs: Any) -> Any:
            with parameter.parameter_scope("", self.parameter_scope):
                return method(self, *args, **kwargs)

        return scoped


def class_name(module: Module) -> str:
    """The name of a module's class in lower case, with ``_`` before each capital letter but the first."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(module).__name__).lower()


class Module(metaclass=MetaClass):
    """A part of a network. A subclass defines ``call``; its instances are called.

    Parametric functions that run in a module's methods keep their parameters in the module. Modules among the
    attributes are its submodules; their parameters are listed under ``@attribute/``. A module that is made while
    ``call`` runs, and is no attribute, loses its parameters with it.

    Example:
        >>> import nnabla as nn
        >>> import nnabla.parametric_functions as PF
        >>> class Layer(nn.Module):
        ...     def __init__(self, maps):
        ...         self.maps = maps
        ...     def call(self, x):
        ...         return PF.affine(x, self.maps)
        >>> layer = Layer(3)
        >>> layer(nn.Variable((2, 5))).shape
        (2, 3)
        >>> list(layer.get_parameters())
        ['affine/W', 'affine/b']
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self.submodules[name] = value
            value.__dict__.update(_name=name, _parent=weakref.ref(self))
        else:
            self.submodules.pop(name, None)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        self.submodules.pop(name, None)
        super().__delattr__(name)

    def __getstate__(self) -> dict[str, Any]:
        # A copy belongs to nobody; its submodules are found again in __setstate__.
        state = {**self.__dict__, "_submodules": OrderedDict(self.submodules)}
        state.pop("_parent", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for child in self.submodules.values():
            child.__dict__.setdefault("_parent", weakref.ref(self))

    def __repr__(self) -> str:
        return type(self).__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's outputs; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__}.call: define it to say what the module computes")

    # -- the tree ------------------------------------------------------------------------------------------
    @property
    def submodules(self) -> OrderedDict[str, Module]:
        """The modules among the attributes, by name."""
        return self.__dict__.setdefault("_submodules", OrderedDict())

    @property
    def parent(self) -> Module | None:
        """The module whose attribute this one became last, or None."""
        ref = self.__dict__.get("_parent")
        return None if ref is None else ref()

    @property
    def name(self) -> str:
        """Name of the attribute in the parent; for a root that of its class, ``my_net`` for ``MyNet``."""
        return self.__dict__.get("_name") or class_name(self)

    def is_root(self) -> bool:
        """Whether this module is nobody's attribute."""
        return self.parent is None

    def get_scope_name(self) -> str:
        """Return the scope of this module's parameters in its parent: ``@name``, empty for a root."""
        return "" if self.is_root() else f"@{self.name}"

    def get_path_name(self) -> str:
        """Return the names from the root down to this module: ``@net/@conv``."""
        parent = self.parent
        own = f"@{self.name}"
        return own if parent is None else f"{parent.get_path_name()}/{own}"

    @property
    def training(self) -> bool:
        """Whether the module trains; setting it sets that of all submodules. True at first."""
        return self.__dict__.get("_training", True)

    @training.setter
    def training(self, value: bool) -> None:
        self.__dict__["_training"] = bool(value)
        for child in self.submodules.values():
            child.training = value

    # -- parameters ----------------------------------------------------------------------------------------
    @property
    def parameter_scope(self) -> OrderedDict[str, Any]:
        """The scope that holds this module's own parameters, for ``nn.parameter_scope("", ...)``."""
        return self.__dict__.setdefault("_scope", OrderedDict())

    def get_parameters(
        self, recursive: bool = True, grad_only: bool = False, memo: ParamMemo | None = None
    ) -> Parameters:
        """Return the parameters by name.

        Args:
            recursive: Also those of submodules, under ``@name/``; they come first.
            grad_only: Leave out those with ``need_grad=False``.
            memo: What was listed already is left out.
        """
        memo = memo or ParamMemo()
        found: Parameters = OrderedDict()
        if recursive:
            for name, child in self.submodules.items():
                found.update(insert_parent_name(name, child.get_parameters(True, grad_only, memo)))
        with parameter.parameter_scope("", self.parameter_scope):
            own = parameter.get_parameters(grad_only=grad_only)
        found.update(memo.filter_and_update(own))
        return found

    def set_parameter(self, key: str, param: Variable, raise_if_missing: bool = False) -> None:
        """Store a parameter (the very object) under a name as :meth:`get_parameters` gives it.

        Raises:
            ValueError: There is no such submodule, and ``raise_if_missing``; without it the parameter is left out.
        """
        if not isinstance(param, Variable):
            raise ArgumentTypeError(f"Module.set_parameter: {key!r} must be a Variable, not {type(param).__name__}")
        head, _, rest = key.partition("/")
        if not head.startswith("@"):
            with parameter.parameter_scope("", self.parameter_scope):
                parameter.set_parameter(key, param)
            return
        child = self.submodules.get(head[1:])
        if child is not None:
            child.set_parameter(rest, param, raise_if_missing)
        elif raise_if_missing:
            raise ArgumentError(
                f"Module.set_parameter: {type(self).__name__} has no submodule {head[1:]!r} for parameter {key!r}; "
                f"it has {', '.join(self.submodules) or 'none'}"
            )

    def set_parameters(self, params: Mapping[str, Variable], raise_if_missing: bool = False) -> None:
        """Store parameters by name, for example those of another module, to share them."""
        for key, param in params.items():
            self.set_parameter(key, param, raise_if_missing)

    def update_parameter(self) -> None:
        """Give submodules what was loaded into ``parameter_scope`` under their names (``@name/...``)."""
        scope = self.parameter_scope
        for name in [n for n in scope if n.startswith("@")]:
            part = scope.pop(name)
            with parameter.parameter_scope("", part):
                loaded = parameter.get_parameters(grad_only=False)
            self.set_parameters(insert_parent_name(name[1:], loaded))

    def zero_grad(self) -> None:
        """Set the gradients of all parameters, those with ``need_grad=False`` too, to 0, lazily."""
        for param in self.get_parameters().values():
            param.grad.zero()

    def save_parameters(self, path: Any, extension: str = ".h5") -> None:
        """Write all parameters, those with ``need_grad=False`` too, to a file.

        Args:
            path: Where to, or a binary file object.
            extension: Format of a file object.
        """
        parameter.save_parameters(path, self.get_parameters(), _of_object(path, extension))

    def load_parameters(self, path: Any, extension: str = ".h5", raise_if_missing: bool = True) -> None:
        """Read parameters from a file; those that exist keep their Variable and take the values.

        Args:
            path: The file, or a binary file object.
            extension: Format of a file object.
            raise_if_missing: Raise a ValueError for parameters of submodules that do not exist.
        """
        present = self.get_parameters()
        for record in read_parameters(path, _of_object(path, extension)) or []:
            held = present.get(record.name)
            if held is not None and held.shape == record.array.shape:
                held.d = record.array
                held.need_grad = record.need_grad
            else:
                loaded = Variable.from_numpy_array(record.array, need_grad=record.need_grad)
                self.set_parameter(record.name, loaded, raise_if_missing)


def _of_object(path: Any, extension: str) -> str | None:
    """The format of a file object; a path tells its own."""
    return None if isinstance(path, str | os.PathLike) else extension
