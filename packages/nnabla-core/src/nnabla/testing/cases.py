"""Cases: an operator, inputs, arguments, and what an independent computation expects.

From a case follow the checks of :mod:`nnabla.testing.conformance`. Adding an operator's test is a few lines::

    CASES = [
        *cases(F.elu, [normal(2, 3)], dict(alpha=[1.0, 0.5]),
               expect=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x))),
    ]
    test_elu = conformance(CASES)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Case", "Maker", "cases", "choice", "given", "integers", "normal", "uniform"]

Maker = Callable[[np.random.RandomState], np.ndarray]


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Maker:
    """Return a maker of normal values."""
    return lambda rng: rng.randn(*shape) * scale + shift


def uniform(low: float, high: float, *shape: int) -> Maker:
    """Return a maker of values between ``low`` and ``high``."""
    return lambda rng: rng.uniform(low, high, shape)


def integers(low: int, high: int, *shape: int) -> Maker:
    """Return a maker of int64 values from ``low`` to ``high - 1``; such inputs get no gradient check."""
    return lambda rng: rng.randint(low, high, shape).astype(np.int64)


def choice(options: Sequence[float], *shape: int) -> Maker:
    """Return a maker of values drawn from ``options``."""
    return lambda rng: rng.choice(np.asarray(options, np.float64), shape)


def given(values: npt.ArrayLike | Sequence[Any]) -> Maker:
    """Return a maker of these values."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
    return lambda rng: array.copy()


@dataclass(frozen=True)
class Case:
    """One use of an operator.

    Attributes:
        function: What is called: ``function(*variables, **args)``.
        inputs: A maker per input, None for omitted ones.
        args: Keyword arguments.
        expect: ``expect(*arrays, **args)`` returns the output, or a tuple of outputs, computed independently in
            float64 (a None entry is not compared); None where other tests tell what to expect.
        grad: Which inputs' gradients are checked: True for all floating ones, False for none, or indices.
        double: Whether gradients of gradients are checked.
        rtol, atol: Tolerance of the forward comparison in float32.
        backends: Which of the backends that the kit brings are compared besides.
        seed: Seed of the makers.
        label: Shown in the test's id.
    """

    function: Callable[..., Any]
    inputs: Sequence[Maker | None]
    args: Mapping[str, Any] = field(default_factory=dict)
    expect: Callable[..., Any] | None = None
    grad: bool | Sequence[int] = True
    double: bool = True
    rtol: float = 1e-5
    atol: float = 2e-6
    backends: Sequence[str] = ("plain", "opaque")
    seed: int = 313
    label: str = ""

    def __str__(self) -> str:
        name = getattr(self.function, "__name__", "function")
        args = ",".join(f"{k}={v}" for k, v in self.args.items())
        return "-".join(part.replace(" ", "") for part in (name, self.label, args) if part)

    def arrays(self) -> list[np.ndarray | None]:
        """Return the inputs' values, float64 or int64; the same at each call."""
        rng = np.random.RandomState(self.seed)
        return [None if make is None else np.asarray(make(rng)) for make in self.inputs]

    def differentiated(self, arrays: Sequence[np.ndarray | None]) -> list[int]:
        """Return the numbers of the inputs whose gradients are checked."""
        floats = [i for i, a in enumerate(arrays) if a is not None and a.dtype.kind == "f"]
        if self.grad is True:
            return floats
        return [] if self.grad is False else [i for i in self.grad if i in floats]


def cases(
    function: Callable[..., Any],
    inputs: Sequence[Maker | None],
    args: Mapping[str, Any] | None = None,
    **rest: Any,
) -> list[Case]:
    """Return a case for every combination of arguments: a list among the values of ``args`` lists alternatives.

    Give sequences that are one value as tuples. Other keywords are those of :class:`Case`.
    """
    table = {k: v if isinstance(v, list) else [v] for k, v in (args or {}).items()}
    return [Case(function, inputs, dict(zip(table, values)), **rest) for values in itertools.product(*table.values())]
