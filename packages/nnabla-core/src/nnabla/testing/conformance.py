"""The checks that follow from a case: values, gradients, gradients of gradients, other backends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import nnabla as nn
from nnabla.testing.cases import Case
from nnabla.testing.opaque import install

__all__ = [
    "CHECKS",
    "applies",
    "build",
    "check_backend",
    "check_double_gradient",
    "check_forward",
    "check_gradient",
    "conformance",
    "outputs_of",
    "variables_of",
    "weighted",
]


#: The backends that the kit brings; a case says which of them can compute it, and all others are held to it.
KIT_BACKENDS = ("opaque", "plain")


def _context(name: str) -> Any:
    backend, _, config = name.partition(":")
    if backend in KIT_BACKENDS:
        return install()[backend].context(type_config=config)
    from nnabla.ext_utils import get_extension_context

    return get_extension_context(backend, type_config=config)


def variables_of(arrays: Sequence[np.ndarray | None], need: Sequence[int], dtype: type) -> list[Any]:
    """Return Variables of arrays, the floating ones in ``dtype`` and those of ``need`` with gradients."""
    return [
        None
        if a is None
        else nn.Variable.from_numpy_array(a.astype(dtype) if a.dtype.kind == "f" else a, need_grad=i in need)
        for i, a in enumerate(arrays)
    ]


def outputs_of(result: Any) -> list[Any]:
    """Return what a function gave as a list."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def build(case: Case, variables: Sequence[Any]) -> list[Any]:
    """Return the outputs of a case on these Variables."""
    return outputs_of(case.function(*variables, **case.args))


def _run(outputs: Sequence[Any]) -> None:
    nn.forward_all(list(outputs))


def check_forward(case: Case) -> None:
    """Compare the outputs in ``cpu:float`` with the expectation."""
    arrays = case.arrays()
    with nn.context_scope(_context("cpu:float")):
        outputs = build(case, variables_of(arrays, (), np.float32))
        _run(outputs)
    if case.expect is None:
        assert all(np.all(np.isfinite(o.d)) for o in outputs)
        return
    # The expectation sees what the operator saw: values rounded to float32.
    rounded = [
        None if a is None else a.astype(np.float32).astype(np.float64) if a.dtype.kind == "f" else a for a in arrays
    ]
    with np.errstate(all="ignore"):
        expected = case.expect(*rounded, **case.args)
    expected = list(expected) if isinstance(expected, tuple) else [expected]
    assert len(outputs) == len(expected), f"{len(outputs)} outputs, {len(expected)} expected"
    for output, values in zip(outputs, expected):
        if values is None:
            continue
        values = np.asarray(values)
        assert output.shape == values.shape, f"shape {output.shape}, expected {values.shape}"
        np.testing.assert_allclose(output.d, values, case.rtol, case.atol)


def _directional(case: Case, arrays: list[Any], need: list[int], weights: list[np.ndarray], rng: Any) -> None:
    """Compare analytic gradients with central differences along random directions, in ``cpu:double``."""

    def value(moved: Sequence[Any]) -> float:
        outputs = build(case, variables_of(moved, (), np.float64))
        _run(outputs)
        return sum(float(np.sum(o.d * w)) for o, w in zip(outputs, weights))

    variables = variables_of(arrays, need, np.float64)
    outputs = build(case, variables)
    loss = weighted(outputs, weights)
    for i in need:
        variables[i].grad.zero()
    loss.forward()
    loss.backward(1)
    once = {i: variables[i].g.copy() for i in need}
    loss.backward(1)
    step = 1e-6
    for i in need:
        np.testing.assert_allclose(variables[i].g, 2 * once[i], 1e-9, 1e-12, err_msg="gradients do not accumulate")
        for _ in range(2):
            direction = rng.randn(*arrays[i].shape)
            moved = [list(arrays), list(arrays)]
            moved[0][i] = arrays[i] + step * direction
            moved[1][i] = arrays[i] - step * direction
            numeric = (value(moved[0]) - value(moved[1])) / (2 * step)
            analytic = float(np.sum(once[i] * direction))
            np.testing.assert_allclose(analytic, numeric, 1e-5, 1e-7, err_msg=f"gradient of input {i}")


def weighted(outputs: Sequence[Any], weights: Sequence[np.ndarray]) -> Any:
    """Return the sum of all outputs' elements times weights."""
    import nnabla.functions as F

    terms = [F.sum(o * nn.Variable.from_numpy_array(w)) for o, w in zip(outputs, weights)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def check_gradient(case: Case) -> None:
    """Compare gradients with central differences in ``cpu:double``, and see that they accumulate."""
    arrays = case.arrays()
    need = case.differentiated(arrays)
    if not need:
        return
    rng = np.random.RandomState(7)
    with nn.context_scope(_context("cpu:double")):
        shapes = [o.shape for o in build(case, variables_of(arrays, (), np.float64))]
        _directional(case, arrays, need, [np.asarray(rng.randn(*s)) for s in shapes], rng)


def check_double_gradient(case: Case) -> None:
    """Compare gradients of ``nn.grad``'s result with central differences of it in ``cpu:double``."""
    arrays = case.arrays()
    need = case.differentiated(arrays)
    if not need or not case.double:
        return
    rng = np.random.RandomState(11)
    with nn.context_scope(_context("cpu:double")):
        shapes = [o.shape for o in build(case, variables_of(arrays, (), np.float64))]
        count = len(arrays)
        seeds = [np.asarray(rng.randn(*s)) for s in shapes]

        def first_order(*variables: Any) -> Any:
            inputs, grads = variables[:count], variables[count:]
            outputs = outputs_of(case.function(*inputs, **case.args))
            return tuple(nn.grad(outputs, [inputs[i] for i in need], list(grads)))

        whole = Case(first_order, [None] * (count + len(seeds)))
        values = [*arrays, *seeds]
        wanted = [*need, *range(count, count + len(seeds))]
        weights = [rng.randn(*np.asarray(arrays[i]).shape) for i in need]
        _check_first_matches(case, arrays, need, seeds)
        _directional(whole, values, wanted, weights, rng)


def _check_first_matches(case: Case, arrays: list[Any], need: list[int], seeds: list[np.ndarray]) -> None:
    """``nn.grad`` and ``backward`` give the same first-order gradients."""
    variables = variables_of(arrays, need, np.float64)
    outputs = build(case, variables)
    grads = nn.grad(outputs, [variables[i] for i in need], [nn.Variable.from_numpy_array(s) for s in seeds])
    _run(grads)
    for i in need:
        variables[i].grad.zero()
    loss = weighted(outputs, seeds)
    loss.forward()
    loss.backward()
    for i, g in zip(need, grads):
        np.testing.assert_allclose(np.broadcast_to(g.d, variables[i].shape), variables[i].g, 1e-8, 1e-10)


def check_backend(case: Case, name: str) -> None:
    """Compare outputs and gradients on another backend with those of ``cpu``, both in float64.

    A backend of the kit is left out where the case does not name it; every other name is looked up.
    """
    if name in KIT_BACKENDS and name not in case.backends:
        return
    arrays = case.arrays()
    need = case.differentiated(arrays)
    results = []
    weights: list[np.ndarray] = []
    for context in (_context("cpu:double"), _context(f"{name}:double")):
        with nn.context_scope(context):
            variables = variables_of(arrays, need, np.float64)
            outputs = build(case, variables)
            rng = np.random.RandomState(5)
            weights = [np.asarray(rng.randn(*o.shape)) for o in outputs]
            for i in need:
                variables[i].grad.zero()
            if need:
                loss = weighted(outputs, weights)
                nn.forward_all([*outputs, loss])
                loss.backward()
            else:
                _run(outputs)
            results.append([o.d.copy() for o in outputs] + [variables[i].g.copy() for i in need])
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(theirs, ours, 1e-9, 1e-11)


CHECKS: dict[str, Callable[[Case], None]] = {
    "forward": check_forward,
    "gradient": check_gradient,
    "double": check_double_gradient,
    "plain": lambda case: check_backend(case, "plain"),
    "opaque": lambda case: check_backend(case, "opaque"),
}


def conformance(cases: Sequence[Case]) -> Callable[..., None]:
    """Return a pytest test that runs every check on every case; assign it to a name that begins with ``test``."""
    import pytest

    params = [
        pytest.param(case, check, id=f"{case}-{check}") for case in cases for check in CHECKS if applies(case, check)
    ]

    @pytest.mark.parametrize(("case", "check"), params)
    def test(case: Case, check: str) -> None:
        CHECKS[check](case)

    return test


def applies(case: Case, check: str) -> bool:
    """Return whether a check of :data:`CHECKS` says something of a case."""
    if check in ("gradient", "double") and case.grad is False:
        return False
    if check == "double" and not case.double:
        return False
    return check not in KIT_BACKENDS or check in case.backends
