"""The vocabulary of operator definitions: what inputs, arguments and outputs are, read from a signature.

An operator's Python signature is its schema. Inputs are annotated with a dtype class (``Float``, ``Bool``,
``Index``, ``Real``), arguments with their type in files (``Int``, ``Double``, ``Shape``, ...; a string of listed values
is a ``Literal``)::

    def elu(x: Float, alpha: Double = 1.0) -> Any: ...
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np

from nnabla.errors import ArgumentError, ArgumentTypeError, shown
from nnabla.graph.arithmetic import Arithmetic

__all__ = [
    "REQUIRED",
    "ArgumentSpec",
    "Bool",
    "Boolean",
    "Communicator",
    "Double",
    "Float",
    "FloatArg",
    "Floats",
    "Index",
    "InputSpec",
    "Int",
    "Ints",
    "Numbers",
    "OutputSpec",
    "Real",
    "Shape",
    "String",
    "per_input",
    "read_outputs",
    "read_signature",
]


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()


# -- inputs ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class DtypeClass:
    """What an input is computed in, or an output is: the framework casts, kernels never do.

    ``float`` is the context's floating type; ``index`` int64 (kept as uint64 where users see it);
    ``bool`` a truth value (kept as the context's floating type); ``int32`` and ``bits`` (uint32) what they say.
    ``any`` takes values as they come within a body, and is ``float`` where users call; an output may be
    ``same`` as the first input, or ``arg:name``, as an argument says.
    """

    name: str


_FLOAT, _BOOL, _INDEX = DtypeClass("float"), DtypeClass("bool"), DtypeClass("index")

Real = Annotated[Arithmetic, DtypeClass("any")]
Float = Annotated[Arithmetic, _FLOAT]
Bool = Annotated[Arithmetic, _BOOL]
Index = Annotated[Arithmetic, _INDEX]


@dataclass(frozen=True)
class InputSpec:
    """One input: ``kind`` is its dtype class, ``parameter`` marks what usually holds trained values."""

    name: str
    kind: str = "float"
    optional: bool = False
    variadic: bool = False
    parameter: bool = False


# -- outputs -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class OutputSpec:
    """One output; ``kind`` as for inputs."""

    name: str
    kind: str = "float"
    variadic: bool = False


def read_outputs(text: str) -> list[OutputSpec]:
    """Read output specifications: ``"y"``, ``"y, index:index"`` (with dtype classes), ``"*y"`` (any number)."""
    specs = []
    for part in text.split(","):
        name, _, kind = part.strip().partition(":")
        specs.append(OutputSpec(name.lstrip("*"), kind or "float", name.startswith("*")))
    return specs


# -- arguments ---------------------------------------------------------------------------------------------
def _number(value: Any) -> Any:
    if isinstance(value, (str, bytes)):
        raise TypeError("it is a string")
    return value


def _bool(value: Any) -> bool:
    return bool(_number(value))


def _double(value: Any) -> float:
    return float(_number(value))


def _float32(value: Any) -> float:
    value = float(_number(value))
    return struct.unpack("f", struct.pack("f", value))[0] if abs(value) < 3e38 else float(np.float32(value))


def _int(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise TypeError(f"{value} is not an integer")
    number = int(_number(value))
    if not -(2**63) <= number < 2**63:
        raise OverflowError("it has more than 64 bits")
    return number


def _ints(value: Any) -> tuple[int, ...]:
    if isinstance(value, (int, np.integer)):
        return (_int(value),)
    return tuple(_int(v) for v in _number(value))


def _floats(value: Any) -> tuple[float, ...]:
    if isinstance(value, (int, float)):
        return (_float32(value),)
    return tuple(_float32(v) for v in _number(value))


def _str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a string is expected")
    return value


@dataclass(frozen=True)
class ArgumentType:
    """An argument's type as files name it, and the conversion from what a user gives."""

    name: str
    convert: Callable[[Any], Any]
    choices: tuple[str, ...] | None = None


Int = Annotated[int, ArgumentType("int64", _int)]
Double = Annotated[float, ArgumentType("double", _double)]
FloatArg = Annotated[float, ArgumentType("float", _float32)]
Boolean = Annotated[bool, ArgumentType("bool", _bool)]
String = Annotated[str, ArgumentType("string", _str)]
Shape = Annotated[Sequence[int], ArgumentType("Shape", _ints)]
Ints = Annotated[Sequence[int], ArgumentType("repeated int64", _ints)]
Floats = Annotated[Sequence[float], ArgumentType("repeated float", _floats)]
# For constants that bodies compute: kept as they are, in full precision.
Numbers = Annotated[Sequence[float], ArgumentType("repeated number", tuple)]
Communicator = Annotated[Any, ArgumentType("Communicator", lambda value: value)]


@dataclass(frozen=True)
class PerInput:
    """A default that depends on the inputs; ``rule`` gets their shapes, in order."""

    rule: Callable[..., Any]


def per_input(rule: Callable[..., Any]) -> Any:
    """Return a default computed from the input shapes: ``axis: Int = per_input(lambda x: len(x) - 1)``."""
    return PerInput(rule)


@dataclass(frozen=True)
class ArgumentSpec:
    """One argument. ``default`` is a value, ``REQUIRED``, or a rule over the input shapes (``PerInput``)."""

    name: str
    type: ArgumentType
    default: Any = REQUIRED

    @property
    def type_name(self) -> str:
        """The type as NNabla's files name it, for instance ``repeated int64``."""
        return self.type.name

    @property
    def choices(self) -> tuple[str, ...] | None:
        """The values a string may have, or None."""
        return self.type.choices

    def convert(self, operator: str, value: Any) -> Any:
        """Return ``value`` as the canonical Python value, or raise an error that names operator and argument."""
        try:
            result = self.type.convert(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentTypeError(
                f"{operator}: argument {self.name}={shown(value)} can't be taken as {self.type.name} ({error})"
            ) from None
        if self.type.choices is not None and result not in self.type.choices:
            raise ArgumentError(
                f"{operator}: argument {self.name}={value!r} is not known; choose one of "
                + ", ".join(repr(c) for c in self.type.choices)
            )
        return result


# -- reading a signature -----------------------------------------------------------------------------------
@dataclass
class Schema:
    """What a definition's signature says."""

    inputs: list[InputSpec] = field(default_factory=list)
    arguments: list[ArgumentSpec] = field(default_factory=list)


def _marker(annotation: Any, kind: type) -> Any:
    """Find a marker in ``Annotated[...]``, also within ``... | None``."""
    options = [annotation]
    if get_origin(annotation) is not Annotated:
        options = [a for a in get_args(annotation) if a is not type(None)]
    for option in options:
        for extra in getattr(option, "__metadata__", ()):
            if isinstance(extra, kind):
                return extra
    return None


def read_signature(function: Callable[..., Any], parameters: Sequence[str] = ()) -> Schema:
    """Read inputs and arguments from a definition's signature."""
    schema = Schema()
    signature = inspect.signature(function, eval_str=True)
    for name, parameter in signature.parameters.items():
        if (dtype := _marker(parameter.annotation, DtypeClass)) is not None:
            schema.inputs.append(
                InputSpec(
                    name,
                    dtype.name,
                    optional=parameter.default is None,
                    variadic=parameter.kind is inspect.Parameter.VAR_POSITIONAL,
                    parameter=name in parameters,
                )
            )
        elif get_origin(parameter.annotation) is Literal:
            kind = ArgumentType("string", _str, get_args(parameter.annotation))
            default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
            schema.arguments.append(ArgumentSpec(name, kind, default))
        elif (argument := _marker(parameter.annotation, ArgumentType)) is not None:
            default = REQUIRED if parameter.default is inspect.Parameter.empty else parameter.default
            schema.arguments.append(ArgumentSpec(name, argument, default))
        else:
            raise TypeError(f"{function.__name__}: parameter {name} has no annotation of nnabla.ops.spec")
    return schema
