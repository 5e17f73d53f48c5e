"""Exceptions of the core.

Users of NNabla catch RuntimeError for nearly everything, so each class below is a RuntimeError and, besides,
the built-in exception that fits what went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "AxisError",
    "KernelError",
    "NoKernelError",
    "NotConnectedError",
    "OutOfMemoryError",
    "ShapeError",
    "StateError",
    "explain",
    "refuse",
    "shown",
]


class StateError(RuntimeError):
    """Something was asked of an object whose present state does not allow it."""


class ArgumentError(RuntimeError, ValueError):
    """An argument's value is outside what an operator or method takes."""


class ArgumentTypeError(RuntimeError, TypeError):
    """An argument has a type that an operator or method does not take."""


class ShapeError(ArgumentError):
    """Shapes do not fit together."""


class AxisError(ArgumentError, IndexError):
    """An axis is outside an array's dimensions."""


class KernelError(RuntimeError):
    """A kernel failed on arrays whose shapes were right: a singular matrix, say."""


class OutOfMemoryError(RuntimeError, MemoryError):
    """There is not enough memory for an array."""


class NoKernelError(StateError):
    """No backend of the context computes an operator."""


class NotConnectedError(RuntimeError, AssertionError):
    """Something that must be a Variable or NdArray is not one."""


def shown(value: Any) -> str:
    """Return ``repr(value)`` for a message, cut where it is long."""
    try:
        text = repr(value)
    except Exception as error:  # an int of thousands of digits, an object with a broken __repr__
        return f"<{type(value).__name__} that cannot be shown: {error}>"
    return text if len(text) <= 200 else f"{text[:160]}...{text[-20:]}"


def explain(name: str, error: Exception, shapes: Sequence[Any], args: Mapping[str, Any]) -> RuntimeError:
    """Return an error that names the operator in which another one was raised.

    Args:
        name: The operator.
        error: What was raised. Errors of this module keep their class, others become one that fits.
        shapes: Shapes of the inputs, None for those left out.
        args: The arguments.
    """
    if isinstance(error, RuntimeError):
        if name in str(error) or type(error).__module__ != __name__:
            return error
        return type(error)(f"{name}: {error}")
    where = f"inputs {', '.join('none' if s is None else str(tuple(s)) for s in shapes) or 'none'}"
    if args:
        where += f", arguments {', '.join(f'{k}={shown(v)}' for k, v in args.items())}"
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"{name}: there is not enough memory ({where}): {error}")
    return KernelError(f"{name}: failed on {where}: {type(error).__name__}: {error}")


def refuse(name: str, error: Exception, shapes: Sequence[Any], args: Mapping[str, Any]) -> RuntimeError:
    """Return an error for a use of an operator that could not be set up; as :func:`explain`."""
    found = explain(name, error, shapes, args)
    if isinstance(found, KernelError):
        return ShapeError(str(found).replace("failed on", "does not take", 1))
    return found
