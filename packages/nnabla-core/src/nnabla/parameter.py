"""The registry of parameters: Variables by name, in nested scopes, in the order of creation.

A scope is an ordered dictionary whose values are parameters or further scopes; names of nested
scopes are joined by ``/``.
"""

from __future__ import annotations

import functools
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np

from nnabla.errors import ArgumentError, ArgumentTypeError, OutOfMemoryError, ShapeError
from nnabla.initializer import BaseInitializer

if TYPE_CHECKING:
    from nnabla.variable import Variable

__all__ = [
    "InitializerError",
    "ParameterNameError",
    "ParameterShapeError",
    "call_in_scope",
    "clear_parameters",
    "get_current_parameter_scope",
    "get_parameter",
    "get_parameter_or_create",
    "get_parameters",
    "load_parameters",
    "no_grad",
    "parameter_scope",
    "pop_parameter",
    "save_parameters",
    "set_parameter",
    "set_parameter_from_proto",
]

Scope = MutableMapping[str, Any]
Initializer = Any  # a numpy array or a BaseInitializer
Result = TypeVar("Result")


class ParameterShapeError(ShapeError, AssertionError):
    """A parameter's shape is missing, or differs from that of a present one or of its values."""


class ParameterNameError(ArgumentError, AssertionError):
    """A name is that of a scope where a parameter is meant, or the other way round."""


class InitializerError(ArgumentTypeError, ArgumentError):
    """A parameter's initializer is of a type that gives no values."""


_root: Scope = OrderedDict()
_current: Scope = _root
_no_grad = False


# Scopes


def get_current_parameter_scope() -> Scope:
    """The scope that names are looked up in now: the live dictionary, not a copy."""
    return _current


@contextmanager
def parameter_scope(name: str, scope: Scope | None = None) -> Iterator[Scope]:
    """Look up and create parameters below ``name`` within a ``with`` block.

    Args:
        name: One or more names joined by ``/``; empty for the starting scope itself.
        scope: Start from this dictionary instead of the current scope.

    Yields:
        The scope entered.

    Example:
        >>> import nnabla as nn
        >>> from nnabla.parameter import get_parameter_or_create
        >>> with nn.parameter_scope('encoder'):
        ...     with nn.parameter_scope('first'):
        ...         w = get_parameter_or_create('W', (2, 3))
        >>> 'encoder/first/W' in nn.get_parameters()
        True
    """
    global _current
    before = _current
    _current = _descend("parameter_scope", before if scope is None else scope, name)
    try:
        yield _current
    finally:
        _current = before


def call_in_scope(
    path: str | None,
    name: str,
    function: Callable[..., Result],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Result:
    """``function(*args, **kwargs)`` within the scope ``name`` below ``path``, which may be None.

    The same as two nested `parameter_scope` blocks, at a third of their cost: dynamic graphs enter
    one for each layer and step.
    """
    global _current
    before = _current
    scope = before if path is None else _descend("parameter_scope", before, path)
    _current = _descend("parameter_scope", scope, name)
    try:
        return function(*args, **kwargs)
    finally:
        _current = before


@contextmanager
def no_grad(no_grad_: bool = True) -> Iterator[None]:
    """Have `get_parameter_or_create` give views that need no gradient within a ``with`` block.

    Graphs of parametric functions built there need no gradient; the parameters stay as they are.
    """
    global _no_grad
    before = _no_grad
    _no_grad = bool(no_grad_)
    try:
        yield
    finally:
        _no_grad = before


def clear_parameters() -> None:
    """Remove all parameters of the current scope and the scopes below it."""
    _current.clear()


def _descend(caller: str, scope: Scope, path: str) -> Scope:
    """The scope at ``path`` below ``scope``, made where it is missing."""
    if path.__class__ is str:
        # One name of a scope that is there: what a layer of a dynamic graph enters.
        below = scope.get(path)
        if below.__class__ is OrderedDict:
            return below
    if not isinstance(path, str):
        raise ArgumentTypeError(f"{caller}: a scope's name must be a str, got {type(path).__name__} ({path!r})")
    for name in path.split("/"):
        if name:
            below = scope.get(name)
            if below is None:
                below = scope[name] = OrderedDict()
            elif not _is_scope(below):
                raise ParameterNameError(
                    f"{caller}: {name!r} of {path!r} is a parameter of shape {below.shape}, "
                    f"not a scope; use another name or nnabla.clear_parameters()"
                )
            scope = below
    return scope


def _is_scope(entry: Any) -> bool:
    return _are_scopes(entry.__class__)


@functools.cache
def _are_scopes(kind: Any) -> bool:
    # The check against an abstract class takes a while, and all parameters are asked in each step.
    return issubclass(kind, MutableMapping)


def _split(caller: str, key: str) -> tuple[str, str]:
    """The path of the scope and the last component of a parameter's name."""
    if not isinstance(key, str):
        raise ArgumentTypeError(f"{caller}: a parameter's name must be a str, got {type(key).__name__} ({key!r})")
    path, _, name = key.rpartition("/")
    return path, name


def _find_scope(path: str) -> Scope | None:
    """The scope at ``path`` below the current one, or None where there is none."""
    scope: Any = _current
    for name in path.split("/"):
        if name:
            scope = scope.get(name)
            if not _is_scope(scope):
                return None
    return scope


# Single parameters


def get_parameter(key: str) -> Variable | None:
    """The parameter of that name in the current scope, the very object stored, or None.

    Raises:
        ParameterNameError: ``key`` names a scope.
    """
    path, name = _split("get_parameter", key)
    scope = _find_scope(path)
    found = None if scope is None else scope.get(name)
    if found is not None and _is_scope(found):
        raise ParameterNameError(f"get_parameter: {key!r} is a scope, not a parameter")
    return found


def set_parameter(key: str, param: Variable) -> None:
    """Store ``param`` itself under ``key`` of the current scope, replacing what was there.

    Raises:
        ArgumentTypeError: ``param`` is not a Variable.
        ParameterNameError: ``key`` names a scope, or a part of it names a parameter.
    """
    from nnabla.variable import Variable

    if not isinstance(param, Variable):
        raise ArgumentTypeError(
            f"set_parameter: {key!r} must be set to a Variable, got "
            f"{type(param).__name__} ({param!r}); make one with Variable.from_numpy_array"
        )
    path, name = _split("set_parameter", key)
    scope = _descend("set_parameter", _current, path)
    if _is_scope(scope.get(name)):
        raise ParameterNameError(f"set_parameter: {key!r} is a scope; remove its parameters or use another name")
    scope[name] = param


def pop_parameter(key: str) -> Variable | None:
    """Remove a parameter from the current scope and return it; None if there is none."""
    found = get_parameter(key)
    if found is not None:
        path, name = _split("pop_parameter", key)
        del _descend("pop_parameter", _current, path)[name]
    return found


def get_parameter_or_create(
    name: str,
    shape: tuple[int, ...] | None = None,
    initializer: Initializer = None,
    need_grad: bool = True,
    as_need_grad: bool | None = None,
) -> Variable:
    """A view of the parameter ``name`` of the current scope, which is created if it is missing.

    Args:
        name: Name in the current scope; ``/`` separates scopes.
        shape: Its shape; may be left out where the parameter exists or ``initializer`` is an array.
        initializer: Initial values: an array (kept with its dtype) or a `BaseInitializer`; zeros by
            default. Not used where the parameter exists.
        need_grad: Whether the parameter is trained; also updates that of a present parameter.
        as_need_grad: ``need_grad`` of the view returned, if it is to differ from the parameter's.

    Returns:
        A Variable that shares data and gradient with the one stored and has its name. Within
        `no_grad` it needs no gradient, whatever was asked for.

    Raises:
        ParameterShapeError: ``shape`` differs from the present parameter's or from the array's, or
            is missing.
        InitializerError: ``initializer`` is neither an array nor a `BaseInitializer`.
    """
    scope = _current
    key = name
    if not isinstance(name, str) or "/" in name:
        path, key = _split("get_parameter_or_create", name)
        scope = _descend("get_parameter_or_create", scope, path)
    param = scope.get(key)
    if param is None:
        param = _create(name, shape, initializer, need_grad)
        param.name = key
        scope[key] = param
    else:
        if param.__class__ is OrderedDict:
            raise ParameterNameError(f"get_parameter_or_create: {name!r} is a scope, not a parameter; use another name")
        node = param._node
        if shape.__class__ is not tuple or shape != node.content.data.shape:
            _check_present("get_parameter_or_create", name, param, shape, initializer)
        if node.need_grad != need_grad:
            param.need_grad = need_grad
    if _no_grad:
        as_need_grad = False
    elif as_need_grad is None:
        as_need_grad = need_grad
    view = param.get_unlinked_variable(need_grad=as_need_grad)
    view._node.name = key
    return view


def _create(name: str, shape: tuple[int, ...] | None, initializer: Initializer, need_grad: bool) -> Variable:
    from nnabla.variable import Variable

    if isinstance(initializer, np.ndarray):
        values = initializer
        if shape is not None and tuple(shape) != values.shape:
            raise ParameterShapeError(
                f"get_parameter_or_create: the shape {tuple(shape)} of parameter {name!r} differs "
                f"from the shape {values.shape} of the array that initializes it"
            )
        return Variable.from_numpy_array(values, need_grad=need_grad)
    if shape is None:
        raise ParameterShapeError(
            f"get_parameter_or_create: there is no parameter {name!r} in the current scope, and "
            f"creating one needs a shape; pass shape= or an array as initializer"
        )
    sizes = _whole_numbers(name, shape)
    if initializer is None:
        param = Variable(sizes, need_grad=need_grad)
        param.data.zero()
        return param
    if not isinstance(initializer, BaseInitializer):
        raise InitializerError(
            f"get_parameter_or_create: the initializer of parameter {name!r} must be a "
            f"numpy.ndarray or a nnabla.initializer.BaseInitializer, got "
            f"{type(initializer).__name__} ({initializer!r})"
        )
    param = Variable(sizes, need_grad=need_grad)
    try:
        param.d = initializer(shape=sizes)
    except MemoryError as error:
        raise OutOfMemoryError(
            f"get_parameter_or_create: there is not enough memory for parameter {name!r} of shape {sizes}"
        ) from error
    return param


def _whole_numbers(name: str, shape: Any) -> tuple[int, ...]:
    """``shape`` as integers; ``outmaps / 2`` gives floats that mean one."""
    try:
        sizes = tuple(int(size) for size in shape)
        whole = all(size == given and size >= 0 for size, given in zip(sizes, shape, strict=True))
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise ParameterShapeError(
            f"get_parameter_or_create: the shape of parameter {name!r} must be a sequence of "
            f"integers of 0 or more, got {shape!r}"
        )
    return sizes


def _check_present(caller: str, name: str, param: Variable, shape: Any, initializer: Initializer) -> None:
    if shape is None:
        if not isinstance(initializer, np.ndarray):
            return
        shape = initializer.shape
    try:
        same = tuple(shape) == param.shape
    except TypeError:
        same = False
    if not same:
        raise ParameterShapeError(
            f'{caller}: the existing parameter "{name}" has the shape '
            f"{param.shape}, which differs from the shape {shape} given now. Use another name or "
            f"scope, or call nn.clear_parameters() to remove all parameters"
        )


# All parameters


def get_parameters(
    params: MutableMapping[str, Variable] | None = None, path: str = "", grad_only: bool = True
) -> MutableMapping[str, Variable]:
    """The parameters of the current scope and the scopes below it, by full name.

    Args:
        params: Dictionary to add them to; a new OrderedDict by default.
        path: Put in front of each name, with a ``/``.
        grad_only: Leave out those with ``need_grad=False``.

    Returns:
        ``params``; changing it changes no scope.
    """
    if params is None:
        params = OrderedDict()
    _collect(_current, f"{path}/" if path else "", grad_only, params)
    return params


def _collect(scope: Scope, prefix: str, grad_only: bool, params: MutableMapping[str, Variable]) -> None:
    for name, entry in scope.items():
        if _is_scope(entry):
            _collect(entry, f"{prefix}{name}/", grad_only, params)
        elif entry._node.need_grad or not grad_only:
            params[prefix + name] = entry


# Files


def save_parameters(
    path: str | os.PathLike[str] | BinaryIO,
    params: MutableMapping[str, Variable] | None = None,
    extension: str | None = None,
) -> None:
    """Write parameters to a file.

    Args:
        path: File name, or a binary file object together with ``extension``.
        params: What to write, by name; all parameters of the current scope by default.
        extension: Format such as ``'.h5'``, where the file name does not tell it.
    """
    from nnabla.parameter_files import write_parameters
    from nnabla.plugins.parameter_format import ParameterRecord

    if params is None:
        params = get_parameters(grad_only=False)
    records = [ParameterRecord(name, param.data.get_data("r"), param.need_grad) for name, param in params.items()]
    write_parameters(path, records, extension)


def load_parameters(
    path: str | os.PathLike[str] | BinaryIO,
    proto: Any = None,
    needs_proto: bool = False,
    extension: str = ".nntxt",
) -> Any:
    """Read parameters from a file into the current scope.

    A parameter that exists keeps its Variable and gets the values; others are created.

    Args:
        path: File name, or a binary file object together with ``extension``.
        proto: A protobuf message of a network to go on with, returned as it is.
        needs_proto: Kept for formats that hold more than parameters.
        extension: Format of a file object.

    Returns:
        ``proto``.

    Raises:
        ParameterShapeError: A present parameter has another shape than the file's. Nothing is
            loaded then.
    """
    from nnabla.parameter_files import read_parameters

    given = None if isinstance(path, str | os.PathLike) else extension
    records = read_parameters(path, given) or ()
    _load_all([(r.name, np.asarray(r.array), r.need_grad) for r in records])
    return proto


def set_parameter_from_proto(proto: Any) -> None:
    """Take over the parameters of a ``NNablaProtoBuf`` message into the current scope."""
    _load_all(
        [(p.variable_name, np.asarray(p.data, np.float32).reshape(p.shape.dim), p.need_grad) for p in proto.parameter]
    )


def _load_all(records: list[tuple[str, np.ndarray[Any, Any], bool]]) -> None:
    """Set or create each ``(name, values, need_grad)``, once all of them are known to fit."""
    present = [get_parameter(name) for name, _, _ in records]
    for (name, values, _), param in zip(records, present, strict=True):
        if param is not None:
            _check_present("load_parameters", name, param, values.shape, None)
    for (name, values, need_grad), param in zip(records, present, strict=True):
        if param is None:
            get_parameter_or_create(name, values.shape, values, need_grad)
        else:
            param.data.data = values
            param.need_grad = need_grad
