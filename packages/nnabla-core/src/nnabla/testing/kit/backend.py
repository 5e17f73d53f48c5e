"""The checks of a backend: its arrays, rules of execution, solvers, and every operator's cases."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np

import nnabla as nn
import nnabla.functions as F
import nnabla.parametric_functions as PF
import nnabla.solvers as S
from nnabla.errors import StateError
from nnabla.ext_utils import get_extension_context
from nnabla.graph.program import explain
from nnabla.testing.kit.cases import case_checks, operators_of
from nnabla.testing.kit.report import Check
from nnabla.testing.kit.subjects import Subject, plain_context
from nnabla.testing.operators import families

__all__ = ["backend_checks"]

_RULES = ("arrays", "execution", "solvers")
_SOLVERS = [name for name in S.__all__ if name not in ("Solver", "SolverState")]


def backend_checks(
    name: str, groups: Collection[str] | None = None, operators: Collection[str] | None = None
) -> Iterator[Check]:
    """Give the checks of a backend.

    Args:
        name: Its name.
        groups: Only these of ``arrays``, ``execution``, ``solvers`` and the families of operators.
        operators: Only the cases of these operators, by type name.

    Raises:
        PluginError: The backend is not installed, or does not load.
        StateError: There is no such group.
    """
    subject = Subject(name)
    known = [*_RULES, *families()]
    for group in groups or ():
        if group not in known:
            raise StateError(f"there is no family {group!r}; choose from {', '.join(known)}")
    if operators is None:
        yield from (check for check in _rules(subject) if groups is None or check.group in groups)
    for family, cases in families().items():
        if groups is None or family in groups:
            for case in cases:
                if operators is None or operators_of(case) & set(operators):
                    yield from case_checks(subject, family, case)


def _rules(subject: Subject) -> Iterator[Check]:
    """Give the checks that are no operator's."""
    for group, rules in (("arrays", _ARRAYS), ("execution", _EXECUTION)):
        for rule in rules:
            yield Check(group, "", _title(rule), functools.partial(_in_words, subject, rule))
    for solver in _SOLVERS:
        yield Check("solvers", solver, "update", functools.partial(_solver, subject, solver))
    for change in ("weight_decay", "scale_grad", "clip_grad_by_norm"):
        yield Check("solvers", change, "change of gradients", functools.partial(_gradients, subject, change))


def _title(rule: Callable[..., None]) -> str:
    return (rule.__doc__ or "").partition("\n")[0].rstrip(".")


def _in_words(subject: Subject, rule: Callable[[Subject], None]) -> None:
    with subject.watched():
        rule(subject)


# -- arrays ----------------------------------------------------------------------------------------------------
def _library(subject: Subject) -> Any:
    return subject.backend.library(subject.backend.devices()[0])


def _values() -> np.ndarray:
    return np.array([[1.0, -2.0, 3.5], [4.0, 0.0, -6.0]], np.float32)


def _devices(subject: Subject) -> None:
    """The backend has a device, and one library for it."""
    assert subject.backend.devices(), "devices() is empty"
    assert _library(subject) is _library(subject), "library() returns another object for the same device"


def _taking_in(subject: Subject) -> None:
    """What is taken from NumPy is a copy."""
    library, outside = _library(subject), _values()
    array = library.from_numpy(outside)
    outside[:] = 9
    np.testing.assert_array_equal(library.to_numpy(array), _values())


def _copying(subject: Subject) -> None:
    """A copy shares no memory."""
    library = _library(subject)
    array = library.from_numpy(_values())
    copied = library.copy(array)
    library.assign(array, library.full((2, 3), 7, np.dtype(np.float32)))
    np.testing.assert_array_equal(library.to_numpy(copied), _values())


def _casting(subject: Subject) -> None:
    """Casts give the dtype asked for."""
    library = _library(subject)
    for types in subject.backend.types.values():
        for dtype in (types.compute, types.store, np.dtype(np.int64), np.dtype(np.bool_)):
            array = library.cast(library.from_numpy(_values()), dtype)
            assert library.dtype(array) == dtype, f"cast to {dtype} gave {library.dtype(array)}"
            np.testing.assert_array_equal(library.to_numpy(array), _values().astype(dtype))


def _filling(subject: Subject) -> None:
    """Filled arrays have the shape, dtype and value asked for."""
    library = _library(subject)
    for shape in ((), (0, 2), (2, 3)):
        array = library.full(shape, 2, np.dtype(np.float32))
        assert library.dtype(array) == np.float32
        np.testing.assert_array_equal(library.to_numpy(array), np.full(shape, 2, np.float32))


def _reshaping(subject: Subject) -> None:
    """Reshaping keeps the order of the elements."""
    library = _library(subject)
    array = library.reshape(library.from_numpy(_values()), (3, 2))
    np.testing.assert_array_equal(library.to_numpy(array), _values().reshape(3, 2))


def _adding(subject: Subject) -> None:
    """Adding adds, and assigning replaces, in the dtype of the target."""
    library = _library(subject)
    target = library.from_numpy(_values())
    total = library.add(target, library.full((2, 3), 10, np.dtype(np.float32)))
    np.testing.assert_array_equal(library.to_numpy(total), _values() + 10)
    held = library.assign(total, library.full((2, 3), 5, np.dtype(np.int64)))
    assert library.dtype(held) == np.float32, f"assign changed the dtype to {library.dtype(held)}"
    np.testing.assert_array_equal(library.to_numpy(held), np.full((2, 3), 5))


_ARRAYS = (_devices, _taking_in, _copying, _casting, _filling, _reshaping, _adding)


# -- execution -------------------------------------------------------------------------------------------------
def _variable(*shape: int, seed: int = 1) -> Any:
    return nn.Variable.from_numpy_array(np.random.RandomState(seed).randn(*shape), need_grad=True)


def _named(subject: Subject) -> None:
    """get_extension_context gives its context, and refuses unknown type configurations."""
    ctx = get_extension_context(subject.name)
    assert ctx.backend[0] == f"{subject.name}:float", f"its context has the backends {ctx.backend}"
    assert ctx.array_class in subject.backend.array_classes
    try:
        get_extension_context(subject.name, type_config="no_such_type")
    except RuntimeError:
        return
    raise AssertionError("type_config='no_such_type' was taken")


def _both(subject: Subject, run: Callable[[], list[np.ndarray]], config: str = "float") -> None:
    """Compare what a computation gives on the backend, with plain behind it, and on plain alone."""
    results = []
    for ctx in (subject.helped(config), plain_context(config)):
        with nn.context_scope(ctx), nn.parameter_scope("", {}):
            results.append(run())
    assert len(results[0]) == len(results[1])
    for i, (ours, wanted) in enumerate(zip(*results)):
        np.testing.assert_allclose(ours, wanted, 2e-4, 2e-5, err_msg=f"result {i}")


def _network(x: Any) -> Any:
    h = F.relu(PF.convolution(x, 4, (3, 3), rng=np.random.RandomState(1)))
    h = PF.batch_normalization(F.max_pooling(h, (2, 2)))
    return F.mean(PF.affine(F.tanh(h), 2, rng=np.random.RandomState(2)) ** 2)


def _training(subject: Subject) -> None:
    """A small network trains as on the plain backend, running statistics and all."""

    def train() -> list[np.ndarray]:
        x = _variable(4, 1, 8, 8)
        loss = _network(x)
        solver = S.Momentum(0.1)
        solver.set_parameters(nn.get_parameters())
        losses = []
        for _ in range(3):
            loss.forward(clear_no_need_grad=True)
            losses.append(np.array(loss.d))
            solver.zero_grad()
            loss.backward(clear_buffer=True)
            solver.update()
        return [*losses, *(np.array(p.d) for p in nn.get_parameters(grad_only=False).values())]

    _both(subject, train)


def _recomputing(subject: Subject) -> None:
    """Recomputation changes neither gradients nor running statistics, and repeats what was drawn."""

    def run(recompute: bool) -> list[np.ndarray]:
        x = _variable(4, 3)
        with nn.recompute(recompute):
            h = F.dropout(F.tanh(x), 0.5, seed=3)
            h = PF.batch_normalization(F.exp(h))
        loss = F.sum(h * h)
        x.grad.zero()
        loss.forward(clear_no_need_grad=True)
        loss.backward(clear_buffer=True)
        return [np.array(x.g), *(np.array(p.d) for p in nn.get_parameters(grad_only=False).values())]

    results = []
    for recompute in (False, True):
        with nn.context_scope(subject.helped("float")), nn.parameter_scope("", {}):
            results.append(run(recompute))
    for once, again in zip(*results):
        np.testing.assert_allclose(again, once, 1e-5, 1e-6, err_msg="with recomputation")
    _both(subject, lambda: run(True))


def _drawing(subject: Subject) -> None:
    """Random numbers are those of every backend: by seed, by generator, and new at each run."""

    def draw() -> list[np.ndarray]:
        nn.seed(5)
        drawn = []
        for f in (lambda: F.rand(0, 1, (3, 4), seed=7), lambda: F.randn(shape=(3, 4)), lambda: F.randint(0, 99, (5,))):
            y = f()
            for _ in range(2):
                y.forward()
                drawn.append(np.array(y.d))
            assert not np.array_equal(drawn[-2], drawn[-1]), "a second run draws the same numbers"
        return drawn

    _both(subject, draw)


def _aliasing(subject: Subject) -> None:
    """A reshaped variable is another view of the same data, and a slice is none."""
    with nn.context_scope(subject.helped("float")):
        x = _variable(2, 3)
        y, z = F.reshape(x, (3, 2)), F.slice(x, (0, 0), (2, 3), (1, 1))
        nn.forward_all([y, z])
        x.d = 7
        np.testing.assert_array_equal(y.d, 7)
        assert not (z.d == 7).any(), "writing an input changed an output that is no alias"


def _falling_back(subject: Subject) -> None:
    """Where it has no kernel the next backend of the context computes, and arrays are moved there and back."""
    x = _variable(1, 3, 3)

    def run() -> list[np.ndarray]:
        y = F.exp(F.batch_det(F.tanh(x)) * 0.1)
        x.grad.zero()
        y.forward()
        y.backward()
        return [np.array(y.d), np.array(x.g)]

    _both(subject, run)
    with nn.context_scope(subject.context("float")):
        h = F.tanh(x)
    with nn.context_scope(plain_context("float")):
        y = F.exp(h)
    steps = [line.partition(":")[0] for line in explain(y) if not line.startswith("transfer")]
    assert steps[-1] == "plain", f"the halves of a graph run on {steps}"
    y.forward()
    np.testing.assert_allclose(y.d, np.exp(np.tanh(x.d)), 1e-5)


def _failing(subject: Subject) -> None:
    """A run that fails names the operator, and the graph can run again."""
    table = _variable(4, 3)
    rows = nn.Variable.from_numpy_array(np.array([1, 9]))
    with nn.context_scope(subject.helped("float")):
        y = F.exp(F.gather(table, rows, axis=0))
        try:
            F.add2(table, rows)
        except RuntimeError as error:
            assert "add2" in str(error), f"the error does not name add2: {error}"
        else:
            raise AssertionError("shapes (4, 3) and (2,) were added")
        rows.d = [1, 2]
        y.forward()
    np.testing.assert_allclose(y.d, np.exp(table.d[1:3]), 1e-5)


_EXECUTION = (_named, _training, _recomputing, _drawing, _aliasing, _falling_back, _failing)


# -- solvers ---------------------------------------------------------------------------------------------------
def _trained(make: Callable[[], Any], change: Callable[[Any], None] = lambda solver: None) -> list[np.ndarray]:
    parameters = {name: _variable(*shape, seed=i) for i, (name, shape) in enumerate({"a": (3, 4), "b": (5,)}.items())}
    solver = make()
    solver.set_parameters(parameters)
    rng = np.random.RandomState(9)
    for _ in range(3):
        for p in parameters.values():
            p.g = rng.randn(*p.shape)
        change(solver)
        solver.update()
    return [np.array(p.d) for p in parameters.values()]


def _solver(subject: Subject, name: str) -> None:
    with subject.watched():
        _both(subject, lambda: _trained(getattr(S, name)))


def _gradients(subject: Subject, change: str) -> None:
    with subject.watched():
        _both(subject, lambda: _trained(lambda: S.Sgd(0.5), lambda solver: getattr(solver, change)(0.3)))
