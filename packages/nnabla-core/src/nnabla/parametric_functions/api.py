"""What all parametric functions share: their decorator and the way they get parameters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nnabla.errors import ArgumentError, ArgumentTypeError, AxisError
from nnabla.initializer import BaseInitializer, UniformInitializer, calc_uniform_lim_glorot
from nnabla.parameter import (
    call_in_scope,
    get_current_parameter_scope,
    get_parameter_or_create,
)

if TYPE_CHECKING:
    from nnabla import NdArray, Variable

    Input: TypeAlias = Variable | NdArray

__all__ = ["parametric_function_api"]

Initial: TypeAlias = "BaseInitializer | np.ndarray[Any, Any]"
Apply: TypeAlias = "Callable[[Variable], Variable]"
ParameterDescription: TypeAlias = tuple[str, str, str, bool]


def parametric_function_api(
    scope_name: str | None = None, param_desc: Sequence[ParameterDescription] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function so that it keeps its parameters in a scope of its own.

    The function gets a last argument ``name``. Its parameters are created below ``scope_name``, or
    below ``name/scope_name`` where a name is given.

    Args:
        scope_name: Scope of the parameters; the function's own name by default.
        param_desc: ``(name, description, shape, need_grad)`` of each parameter, in words, for the
            docstring.

    Raises:
        ArgumentError: The function has an argument ``name`` already.

    Example:
        >>> import nnabla as nn
        >>> import nnabla.parametric_functions as PF
        >>> from nnabla.parameter import get_parameter_or_create
        >>> @PF.parametric_function_api('scale')
        ... def scale(x):
        ...     return x * get_parameter_or_create('factor', x.shape)
        >>> y = scale(nn.Variable((2, 3)), name='first')
        >>> 'first/scale/factor' in nn.get_parameters()
        True
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        scope = function.__name__ if scope_name is None else scope_name
        signature, positional = _signature_with_name(function)

        @functools.wraps(function)
        def parametric(*args: Any, name: str | None = None, **kwargs: Any) -> Any:
            if len(args) > positional:
                args, name = _name_from_position(function, positional, args, name)
            return call_in_scope(name, scope, function, args, kwargs)

        parametric.__signature__ = signature  # type: ignore[attr-defined]
        parametric.__doc__ = _docstring(function, scope, param_desc)
        return parametric

    return decorate


def _signature_with_name(function: Callable[..., Any]) -> tuple[inspect.Signature, int]:
    """The signature with ``name=None``, and the number of arguments that may be positional."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())
    if "name" in signature.parameters:
        raise ArgumentError(
            f"parametric_function_api: {function.__name__} has an argument 'name' already; the "
            f"decorator adds it, so leave it out"
        )
    kinds = [parameter.kind for parameter in parameters]
    open_ended = inspect.Parameter.VAR_POSITIONAL in kinds
    keyword_only = open_ended or inspect.Parameter.KEYWORD_ONLY in kinds
    name = inspect.Parameter(
        "name",
        inspect.Parameter.KEYWORD_ONLY if keyword_only else inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None,
    )
    keywords = bool(kinds) and kinds[-1] is inspect.Parameter.VAR_KEYWORD
    parameters.insert(len(parameters) - keywords, name)
    positional = sum(
        kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds
    )
    return signature.replace(parameters=parameters), 1 << 30 if open_ended else positional


def _name_from_position(
    function: Callable[..., Any], positional: int, args: tuple[Any, ...], name: str | None
) -> tuple[tuple[Any, ...], str | None]:
    if len(args) > positional + 1 or name is not None:
        raise ArgumentTypeError(
            f"{function.__name__}: takes {positional} positional arguments and a name, "
            f"got {len(args)}{' and a name' if name is not None else ''}"
        )
    return args[:positional], args[positional]


def _docstring(function: Callable[..., Any], scope: str, param_desc: Sequence[ParameterDescription] | None) -> str:
    lines = [inspect.cleandoc(function.__doc__ or function.__name__), ""]
    if param_desc:
        lines += [f"Parameters, in the scope ``{scope}``:", ""]
        lines += [
            f"* {name} (``need_grad={need_grad}``): {description}, shape ``{shape}``."
            for name, description, shape, need_grad in param_desc
        ]
        lines.append("")
    lines += [
        f"``name='x'`` puts them into the scope ``x/{scope}``, as "
        "``with nnabla.parameter_scope('x'):`` around the call does.",
        "",
    ]
    return "\n".join(lines)


def parameter(
    name: str,
    shape: tuple[int, ...],
    init: Initial | None,
    default: Callable[[], Initial],
    fix: bool = False,
) -> Variable:
    """A trained parameter of the current scope.

    Args:
        name: Its name.
        shape: Its shape.
        init: The user's initial values.
        default: Makes the initial values where there are neither ``init`` nor the parameter.
        fix: Give a view that needs no gradient.
    """
    if init is None and name not in get_current_parameter_scope():
        init = default()
    return get_parameter_or_create(name, shape, init, True, not fix)


def statistic(name: str, shape: tuple[int, ...], init: Initial | None, default: Callable[[], Initial]) -> Variable:
    """A parameter of the current scope that forward updates and no solver trains.

    Args: As those of `parameter`.
    """
    if init is None and name not in get_current_parameter_scope():
        init = default()
    return get_parameter_or_create(name, shape, init, False)


def glorot(
    inmaps: int, outmaps: int, kernel: tuple[int, ...], rng: np.random.RandomState | None
) -> Callable[[], UniformInitializer]:
    """Makes the default initializer of weights, when called."""
    return lambda: UniformInitializer(calc_uniform_lim_glorot(inmaps, outmaps, kernel), rng=rng)


def axis_of(function: str, argument: str, axis: int, ndim: int) -> int:
    """``axis`` counted from the front.

    Raises:
        AxisError: It is outside an array of ``ndim`` dimensions.
    """
    if not -ndim <= axis < ndim:
        raise AxisError(
            f"{function}: {argument}={axis} is outside the input's {ndim} dimensions; "
            f"give a value from {-ndim} to {ndim - 1}"
        )
    return axis % ndim


def sizes_of(function: str, argument: str, sizes: Sequence[int]) -> tuple[int, ...]:
    """``sizes`` as a tuple.

    Raises:
        ArgumentTypeError: It is not a sequence.
    """
    try:
        return tuple(sizes)
    except TypeError:
        raise ArgumentTypeError(
            f"{function}: {argument} must be a sequence with one size for each spatial dimension, "
            f"such as (3, 3), got {sizes!r}"
        ) from None
