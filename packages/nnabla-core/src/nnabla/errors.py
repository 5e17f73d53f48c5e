"""Exceptions of the core.

Users of NNabla catch RuntimeError for nearly everything, so each class below is a RuntimeError and, besides,
the built-in exception that fits what went wrong.
"""

from __future__ import annotations

__all__ = ["ArgumentError", "ArgumentTypeError", "AxisError", "NotConnectedError", "ShapeError", "StateError"]


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


class NotConnectedError(RuntimeError, AssertionError):
    """Something that must be a Variable or NdArray is not one."""
