"""What is seen of a backend on one case: values, gradients, dtypes, and whose memory is whose."""

from __future__ import annotations

import functools
import gc
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import nnabla as nn
import nnabla.functions as F
from nnabla.ops.definition import find_operator
from nnabla.testing.cases import Case
from nnabla.testing.conformance import build, outputs_of, variables_of, weighted
from nnabla.testing.kit.report import Check, FallsBack
from nnabla.testing.kit.subjects import Subject, plain_context

__all__ = ["case_checks", "operators_of"]


@dataclass
class _Run:
    """A graph of a case that ran.

    Attributes:
        inputs: Its Variables, None for those left out.
        outputs: Its outputs.
        loss: Sum of the weighted outputs; None where no gradient is wanted.
        need: Numbers of the inputs with gradients.
    """

    inputs: list[Any]
    outputs: list[Any]
    loss: Any
    need: list[int]

    def values(self) -> list[np.ndarray]:
        return [np.array(o.d) for o in self.outputs]

    def after(self) -> list[np.ndarray]:
        """Values of the inputs."""
        return [np.array(v.d) for v in self.inputs if v is not None]

    def grads(self) -> list[np.ndarray]:
        return [np.array(self.inputs[i].g) for i in self.need]


def _graph(case: Case, ctx: Any, dtype: Any, arrays: Sequence[Any]) -> _Run:
    need = case.differentiated(case.arrays())
    with nn.context_scope(ctx):
        inputs = variables_of(arrays, need, dtype)
        outputs = build(case, inputs)
        rng = np.random.RandomState(5)
        loss = weighted(outputs, [np.asarray(rng.randn(*o.shape)) for o in outputs]) if need else None
    for i in need:
        inputs[i].grad.zero()
    return _Run(inputs, outputs, loss, need)


def _forward(run: _Run, **flags: bool) -> None:
    nn.forward_all([*run.outputs, *([] if run.loss is None else [run.loss])], **flags)


def _run(case: Case, ctx: Any, dtype: Any, arrays: Sequence[Any] | None = None) -> _Run:
    """Run forward and, where a gradient is wanted, backward."""
    run = _graph(case, ctx, dtype, case.arrays() if arrays is None else arrays)
    _forward(run)
    if run.loss is not None:
        run.loss.backward()
    return run


def operators_of(case: Case) -> set[str]:
    """Return the type names of the operators that give the outputs of a case."""
    inputs = [None if array is None else nn.Variable.from_numpy_array(array) for array in case.arrays()]
    parents = [output.parent for output in outputs_of(case.function(*inputs, **case.args))]
    return {parent.info.type_name for parent in parents if parent is not None}


def _other(case: Case) -> list[Any]:
    """Other values that the case may have: inputs with gradients in reverse order; the others stay."""
    arrays = case.arrays()
    for i in case.differentiated(arrays):
        a = np.asarray(arrays[i])
        arrays[i] = a.reshape(-1)[::-1].reshape(a.shape).copy()
    return arrays


def _updates(outputs: Sequence[Any]) -> bool:
    """Whether a function that computes some outputs declares to change inputs."""
    found: list[Any] = []
    for output in outputs:
        output.visit(lambda function: found.append(find_operator(function.info.type_name).updates))
    return any(found)


class _CaseOn:
    """The checks of one case on one backend, named as they are in reports."""

    def __init__(self, subject: Subject, case: Case) -> None:
        self.subject = subject
        self.case = case
        self.dtype = np.float64 if subject.exact == "double" else np.float32

    def _compare(self, ours: Sequence[Any], wanted: Sequence[Any], what: str) -> None:
        assert len(ours) == len(wanted), f"{what}: {len(ours)} arrays, {len(wanted)} expected"
        for i, (a, b) in enumerate(zip(ours, wanted)):
            assert a.shape == b.shape, f"{what} {i}: shape {a.shape}, expected {b.shape}"
            np.testing.assert_allclose(a, b, *self.subject.tolerance, err_msg=f"{what} {i}")

    def _own(self, arrays: Sequence[Any] | None = None) -> _Run:
        return _run(self.case, self.subject.context(self.subject.exact), self.dtype, arrays)

    def _plain(self, arrays: Sequence[Any] | None = None) -> _Run:
        return _run(self.case, plain_context(self.subject.exact), self.dtype, arrays)

    def values(self) -> None:
        """Outputs, gradients and what inputs are updated to are those of the plain backend."""
        wanted = self._plain()
        try:
            with self.subject.watched():
                own = self._own()
        except FallsBack:
            own = _run(self.case, self.subject.helped(self.subject.exact), self.dtype)
            self._agree(own, wanted)
            raise
        self._agree(own, wanted)

    def _agree(self, own: _Run, wanted: _Run) -> None:
        self._compare(own.values(), wanted.values(), "output")
        self._compare(own.grads(), wanted.grads(), "gradient")
        self._compare(own.after(), wanted.after(), "input after the run")

    def expectation(self) -> None:
        """Outputs in single precision are what the case expects."""
        case = self.case
        rounded = [a if a is None or a.dtype.kind != "f" else a.astype(np.float32) for a in case.arrays()]
        run = _graph(case, self.subject.context("float"), np.float32, rounded)
        _forward(run)
        wide = [a if a is None or a.dtype.kind != "f" else a.astype(np.float64) for a in rounded]
        with np.errstate(all="ignore"):
            expected = case.expect(*wide, **case.args)  # type: ignore[misc]
        for output, values in zip(run.outputs, expected if isinstance(expected, tuple) else [expected]):
            if values is not None:
                assert output.shape == np.shape(values), f"shape {output.shape}, expected {np.shape(values)}"
                np.testing.assert_allclose(output.d, values, max(case.rtol, 2e-5), max(case.atol, 4e-6))

    def inputs(self) -> None:
        """What is no declared update stays as it was given."""
        run = self._own()
        if _updates(run.outputs):
            self._compare(run.after(), self._plain().after(), "input after the run")
            return
        for i, (v, a) in enumerate(zip(run.inputs, self.case.arrays())):
            if v is not None and a is not None:
                np.testing.assert_array_equal(v.d, a.astype(v.d.dtype), err_msg=f"input {i} was written")
        # Once more on arrays that the backend itself made.
        with nn.context_scope(self.subject.helped(self.subject.exact)):
            made = [v if v is None or i not in run.need else F.mul_scalar(v, 1.0) for i, v in enumerate(run.inputs)]
            for v in made:
                if v is not None:
                    v.persistent = True
            with nn.context_scope(self.subject.context(self.subject.exact)):
                outputs = build(self.case, made)
            nn.forward_all(outputs)
        for i in run.need:
            np.testing.assert_array_equal(made[i].d, run.inputs[i].d, err_msg=f"input {i} was written")

    def dtypes(self) -> None:
        """Outputs have the dtype of the context in every type configuration."""
        for config in self.subject.backend.types:
            if config in ("float", "half", "double"):
                own = _graph(self.case, self.subject.context(config), np.float32, self.case.arrays())
                wanted = _graph(self.case, plain_context(config), np.float32, self.case.arrays())
                for run in (own, wanted):
                    _forward(run)
                for o, w in zip(own.outputs, wanted.outputs):
                    assert o.data.dtype == w.data.dtype, f"{config}: {o.data.dtype}, expected {w.data.dtype}"
                    assert o.d.dtype == w.d.dtype, f"{config}: array of {o.d.dtype}, expected {w.d.dtype}"

    def accumulates(self) -> None:
        """A second backward run adds to the gradients, and what stood there before stays in the sum."""
        run = self._own()
        once = run.grads()
        run.loss.backward()
        self._compare(run.grads(), [2 * g for g in once], "gradient after two backward runs")
        for i in run.need:
            run.inputs[i].g = 3.0
        _forward(run)
        run.loss.backward()
        self._compare(run.grads(), [3 + g for g in once], "gradient added to 3")

    def exports(self) -> None:
        """Results, and arrays that a user holds, keep their values when other graphs run."""
        run, read = self._own(), self._own()
        held = [o.data.data for o in read.outputs] + [read.inputs[i].grad.data for i in read.need]
        before = [np.array(a) for a in held]
        other = self._own(_other(self.case))
        for i, (a, b) in enumerate(zip(held, before)):
            np.testing.assert_array_equal(a, b, err_msg=f"array {i} that a user holds was overwritten by another run")
        wanted = self._plain()
        self._compare(run.values(), wanted.values(), "after another run, output")
        self._compare(run.grads(), wanted.grads(), "after another run, gradient")
        del other

    def again(self) -> None:
        """A graph that runs a second time with other values gives what a new graph gives."""
        run = self._own()
        for v, a in zip(run.inputs, _other(self.case)):
            if v is not None:
                v.d = a
        for i in run.need:
            run.inputs[i].grad.zero()
        _forward(run)
        if run.loss is not None:
            run.loss.backward()
        wanted = self._plain(_other(self.case))
        self._compare(run.values(), wanted.values(), "output of a second run")
        self._compare(run.grads(), wanted.grads(), "gradient of a second run")

    def clears(self) -> None:
        """Clearing what gradients need not changes no gradient."""
        run = _graph(self.case, self.subject.context(self.subject.exact), self.dtype, self.case.arrays())
        run.loss.forward(clear_no_need_grad=True)
        run.loss.backward(clear_buffer=True)
        self._compare(run.grads(), self._plain().grads(), "gradient of a run that clears")

    def frees(self) -> None:
        """Memory of a graph goes with its last handle."""
        run = self._own()
        storages = [v.data._storage for v in run.outputs] + [run.inputs[i].grad._storage for i in run.need]
        watched: list[Any] = []
        for storage in storages:
            try:
                watched.append(weakref.ref(storage.array))
            except TypeError:  # arrays that know no weak references
                return
        del run, storages, storage
        left = sum(ref() is not None for ref in watched)
        if left:  # a cycle may be the test's own
            gc.collect()
            left = sum(ref() is not None for ref in watched)
        assert not left, f"{left} of {len(watched)} arrays outlive their graph"


def case_checks(subject: Subject, group: str, case: Case) -> Iterator[Check]:
    """Give the checks of a backend on a case; one that the backend leaves to others says so in each."""
    on = _CaseOn(subject, case)

    def watched(method: Callable[[], None]) -> None:
        with subject.watched():
            method()

    yield Check(group, str(case), "values", on.values)
    names = ["inputs", "dtypes", "exports", "again", "frees"]
    if case.expect is not None:
        names.insert(0, "expectation")
    if case.differentiated(case.arrays()):
        names += ["accumulates", "clears"]
    for name in names:
        yield Check(group, str(case), name, functools.partial(watched, getattr(on, name)))
