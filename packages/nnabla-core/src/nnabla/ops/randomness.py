"""Random numbers: the one primitive that draws, and the distributions made of it.

The generator is Philox4x32-10, a function of a key and a counter (Salmon, Moraes, Dror, Shaw 2011, "Parallel
random numbers: as easy as 1, 2, 3"). The key is an instance's stream; the counter holds the number of the block
of four words, the *lane*, which tells draws within one operator apart, and the number of the forward run. So any
draw can be repeated, and every backend gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nnabla.ops.definition import operator, prod
from nnabla.ops.internal import cast
from nnabla.ops.spec import Int, Shape, String

__all__ = ["draw_count", "philox", "random_integers", "random_normal", "random_uniform"]

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
#: Bits of a float32's fraction: uniform numbers are multiples of 2 ** -24.
_FRACTION = 24


def philox(counter: Sequence[Any], key: tuple[int, int], rounds: int = 10) -> list[Any]:
    """Return four words of 32 bits for each counter.

    Args:
        counter: Four words, each a number or an array of uint64 whose values are below 2 ** 32.
        key: Two words.
        rounds: Number of rounds.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(rounds):
        p0, p1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = (p1 >> 32) ^ (c1 ^ k0), p1 & _WORD, (p0 >> 32) ^ (c3 ^ k1), p0 & _WORD
        k0, k1 = (k0 + _KEY_STEPS[0]) & _WORD, (k1 + _KEY_STEPS[1]) & _WORD
    return [c0, c1, c2, c3]


def random_words(xp: Any, count: int, state: tuple[int, int], lane: int) -> Any:
    """Return at least ``count`` words of 32 bits as uint64, a multiple of four of them."""
    stream, draw = state
    blocks = xp.arange((count + 3) // 4, dtype=xp.uint64)
    words = philox((blocks, lane, draw & _WORD, draw >> 32), (stream & _WORD, stream >> 32))
    return xp.reshape(xp.stack(words, axis=1), (-1,))


@operator("RandomIntegers", internal=True, random=True, differentiable=False, outputs="y:arg:kind")
def random_integers(shape: Shape, span: Int, low: Int = 0, kind: String = "index") -> Any:
    """Integers drawn evenly from ``low`` to ``low + span - 1``.

    Args:
        shape: Sizes of the result.
        span: Number of values, 1 to 2 ** 32.
        low: Least value.
        kind: Dtype class of the result.
    """


@random_integers.shape
def _(shape: Any, span: int, low: int, kind: str) -> Any:
    return shape


@random_integers.reference
def _(xp: Any, state: Any, lane: int, shape: Any, span: int, low: int, dtype: Any) -> Any:
    count = prod(shape)
    words = random_words(xp, count, state, lane)[:count]
    if span != 1 << 32:
        words = (words * span) >> 32
    if low:
        words = xp.astype(words, xp.int64) + low
    return xp.reshape(xp.astype(words, dtype), shape)


@operator("RandomUniform", internal=True, random=True, differentiable=False)
def random_uniform(shape: Shape) -> Any:
    """Numbers drawn evenly from 0 to 1, multiples of 2 ** -24 with 1 left out."""
    return cast(random_integers(shape, 1 << _FRACTION, 0, "bits"), "float") * 2.0**-_FRACTION


@operator("RandomNormal", internal=True, random=True, differentiable=False)
def random_normal(shape: Shape) -> Any:
    """Numbers of the standard normal distribution, up to 6.8 in size (Box, Muller 1958)."""
    from nnabla.ops.internal import sqrt
    from nnabla.ops.mathematics import cos, log

    # Half a step above 0: the logarithm is finite.
    u = cast(random_integers(shape, 1 << 32, 0, "bits"), "float") * 2.0**-32 + 2.0**-33
    return sqrt(log(u) * -2.0) * cos(random_uniform(shape) * 6.283185307179586)


@operator("DrawCount", internal=True, random=True, differentiable=False, outputs="y:index")
def draw_count() -> Any:
    """How often the instance ran forward before this run (a scalar); recomputation does not count."""


@draw_count.shape
def _() -> Any:
    return ()


@draw_count.reference
def _(xp: Any, state: Any, lane: int, dtype: Any) -> Any:
    return xp.asarray(state[1], dtype=dtype)
