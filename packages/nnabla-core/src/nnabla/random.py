"""Random state: one generator for initial values of parameters, streams for random operators.

`prng` draws parameters' initial values. Random operators do not share a generator: each instance
has a stream (64 bits, the key of a counter-based generator). An operator with an explicit seed uses
it as its stream; one with seed -1 takes the next stream of the global generator here, and
`nn.seed` hands new streams to all instances alive, in the order of their creation.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Protocol

import numpy as np

from nnabla.errors import ArgumentError

__all__ = [
    "SeedError",
    "next_function_stream",
    "prng",
    "pseed",
    "register_function_stream",
    "seed",
    "set_function_seed",
    "set_parameter_seed",
]

_INITIAL_SEED = 313
_MASK64 = (1 << 64) - 1


class SeedError(ArgumentError, AssertionError):
    """A seed is not an integer in the range of 32 bits."""


class FunctionStream(Protocol):
    """A live random operator whose stream `nn.seed` replaces."""

    def restart(self, stream: int) -> None:
        """Draw from the start of ``stream`` from now on."""


pseed = _INITIAL_SEED
prng = np.random.RandomState(pseed)

_function_seed = _INITIAL_SEED
_stream_index = itertools.count()
# Creation order is the order of insertion; an entry goes when its operator does.
_registration = itertools.count()
_live: dict[int, weakref.ref[FunctionStream]] = {}


def seed(seed_value: int, set_function_seed: bool = True, set_parameter_seed: bool = True) -> None:
    """Restart the random state of the process.

    Args:
        seed_value: 0 to 2**32 - 1.
        set_function_seed: Restart the operators that were made without a seed of their own.
        set_parameter_seed: Restart the generator of initial values.

    Raises:
        SeedError: ``seed_value`` is not an integer in that range.
    """
    checked = _check_seed("seed", seed_value)
    if set_function_seed:
        _restart_functions(checked)
    if set_parameter_seed:
        _restart_parameters(checked)


def set_function_seed(seed_value: int) -> None:
    """Restart only the random operators that were made without a seed of their own."""
    _restart_functions(_check_seed("set_function_seed", seed_value))


def set_parameter_seed(seed_value: int) -> None:
    """Replace only `prng`, the generator of initial values; `pseed` tells the seed afterwards."""
    _restart_parameters(_check_seed("set_parameter_seed", seed_value))


def _check_seed(caller: str, value: object) -> int:
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or not 0 <= int(value) < 1 << 32:  # type: ignore[call-overload]
        raise SeedError(f"{caller}: the seed must be an integer from 0 to 2**32 - 1, got {value!r}")
    return int(value)  # type: ignore[call-overload]


def _restart_parameters(value: int) -> None:
    global pseed, prng
    pseed = value
    prng = np.random.RandomState(value)


def _restart_functions(value: int) -> None:
    global _function_seed, _stream_index
    _function_seed = value
    _stream_index = itertools.count()
    for reference in list(_live.values()):
        stream = reference()
        if stream is not None:
            stream.restart(next_function_stream())


def next_function_stream() -> int:
    """The next stream of the global generator, 0 to 2**64 - 1.

    It depends on the seed and on how many streams were handed out since then. The top bit is set,
    so that it never meets an explicit 32-bit seed.
    """
    mixed = _mix64((_function_seed << 32 ^ next(_stream_index)) & _MASK64)
    return mixed | 1 << 63


def _mix64(value: int) -> int:
    """Scramble 64 bits one to one (the finalizer of SplitMix64, Steele, Lea, Flood 2014)."""
    value = (value + 0x9E3779B97F4A7C15) & _MASK64
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _MASK64
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK64
    return value ^ value >> 31


def register_function_stream(stream: FunctionStream) -> None:
    """Have `nn.seed` call ``stream.restart(next stream)``; only a weak reference is kept."""
    number = next(_registration)
    _live[number] = weakref.ref(stream, lambda _: _live.pop(number, None))
