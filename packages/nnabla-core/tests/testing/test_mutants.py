"""Deliberate faults in backends, formats, operators and commands: the conformance kit reports each."""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnabla.functions as F
from nnabla.array.library import HostArrays
from nnabla.ops.definition import find_operator, operator
from nnabla.ops.spec import Double, Float
from nnabla.plugins import Command, ParameterFormat, ParameterRecord, plugins
from nnabla.plugins.backend import Backend, BackwardKernel
from nnabla.testing.cases import Case, cases, given, normal
from nnabla.testing.kit import backend as backend_kit
from nnabla.testing.kit.command import command_checks
from nnabla.testing.kit.format import format_checks
from nnabla.testing.kit.operator import operator_checks
from nnabla.testing.kit.report import Check, Report
from nnabla.testing.opaque import PlainBackend

# A case of each operator whose kernel a mutant replaces.
FEW = [
    Case(F.tanh, [normal(2, 3)], {}, np.tanh),
    Case(F.exp, [normal(2, 3)], {}, np.exp),
    Case(F.add2, [normal(2, 3), normal(1, 3)], {}, np.add),
    Case(F.maximum2, [given([1.0, np.nan]), given([2.0, 1.0])], {}, np.maximum, grad=False),
    Case(F.embed, [given(np.array([1, 3, 1])), normal(4, 3)], {}, lambda i, w: w[i]),
    Case(F.batch_normalization, [normal(4, 3), normal(1, 3), normal(1, 3), normal(1, 3), normal(1, 3)], {}),
    Case(F.reshape, [normal(2, 3)], {"shape": (3, 2)}, lambda x, shape: x.reshape(shape)),
]


def reported(checks: Iterator[Check]) -> set[str]:
    """Return ``group: check`` of each failure."""
    return {f"{o.group}: {o.check}" for o in Report("mutant").run(checks).failures}


# -- backends --------------------------------------------------------------------------------------------------
class Arrays(HostArrays):
    name = "mutant"


class Mutant(PlainBackend):
    """The plain backend under another name, for subclasses to spoil."""

    name = "mutant"
    array_classes = ("MutantArray",)
    arrays: Any = Arrays()

    def library(self, device_id: str) -> Any:
        return self.arrays


def kernels(**faulty: Callable[..., Any]) -> type[Mutant]:
    return type("Kernels", (Mutant,), {"kernels": faulty})


def arrays(**faulty: Any) -> type[Mutant]:
    return type("Spoilt", (Mutant,), {"arrays": type("SpoiltArrays", (Arrays,), faulty)()})


def writes_its_input(_: Any, inputs: Any, out: Any, args: Any) -> Any:
    result = np.tanh(inputs[0])
    inputs[0][...] = 9
    return result


kept: list[Any] = []


def leaks(_: Any, inputs: Any, out: Any, args: Any) -> Any:
    kept.append(np.exp(inputs[0]))
    return kept[-1]


@functools.cache
def arena(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.zeros(shape, dtype)


def returns_its_arena(_: Any, inputs: Any, out: Any, args: Any) -> Any:
    return np.tanh(inputs[0], out=arena(inputs[0].shape, inputs[0].dtype))


seen: dict[Any, Any] = {}


def remembers_the_first_result(_: Any, inputs: Any, out: Any, args: Any) -> Any:
    return seen.setdefault((inputs[0].shape, inputs[0].dtype), np.exp(inputs[0])).copy()


def ignores_the_draw(xp: Any, inputs: Any, out: Any, args: Any) -> Any:
    args = {**args, "state": tuple(np.zeros_like(s) for s in args["state"])}
    reference = find_operator("RandomIntegers").reference_kernel
    return reference(xp, *inputs, **{k: v for k, v in args.items() if k in REFERENCE_ARGS})


REFERENCE_ARGS = find_operator("RandomIntegers").reference_kernel.__code__.co_varnames


def momentum_forgets(params: Any, grads: Any, states: Any, ts: Any, hyper: Any) -> None:
    for p, g in zip(params, grads):
        p -= hyper["lr"] * g


def decays_twice(params: Any, grads: Any, value: float) -> None:
    for p, g in zip(params, grads):
        g += 2 * value * p


BACKENDS: dict[str, tuple[Any, str]] = {
    "writes its input": (kernels(Tanh=writes_its_input), "few: inputs"),
    "forgets the dtype": (kernels(Tanh=lambda _, i, o, a: np.tanh(i[0]).astype(np.float16)), "few: values"),
    "wrong broadcast": (kernels(Add2=lambda _, i, o, a: i[0] + i[1].mean()), "few: values"),
    "wrong shape": (kernels(Exp=lambda _, i, o, a: np.exp(i[0])[:1]), "few: values"),
    "leaks": (kernels(Exp=leaks), "few: frees"),
    "keeps its arena's memory in an export": (kernels(Tanh=returns_its_arena), "few: exports"),
    "remembers results": (kernels(Exp=remembers_the_first_result), "few: again"),
    "inexact": (kernels(Exp=lambda _, i, o, a: np.exp(i[0]) * i[0].dtype.type(1 + 1e-3)), "few: expectation"),
    "loses NaN": (kernels(Maximum2=lambda _, i, o, a: np.fmax(i[0], i[1])), "few: values"),
    "raises": (kernels(Tanh=lambda _, i, o, a: i[0].no_such_method()), "few: values"),
    "wrong gradient": (
        type(
            "G",
            (Mutant,),
            {"backward_kernels": {"Tanh": BackwardKernel(lambda _, v, g, n, a: (g[0] * (1 - v[0]),), ("y",))}},
        ),
        "few: values",
    ),
    "gradient writes what it reads": (
        type(
            "W",
            (Mutant,),
            {
                "backward_kernels": {
                    "Tanh": BackwardKernel(lambda _, v, g, n, a: (np.multiply(g[0], 1 - v[0] ** 2, out=v[0]),), ("y",))
                }
            },
        ),
        "few: accumulates",
    ),
    "wrong accumulate": (arrays(add=lambda self, target, source: self.assign(target, source)), "few: accumulates"),
    "adds into a copy": (
        arrays(add=lambda self, target, source: target + np.float32(2) * source),
        "arrays: Adding adds, and assigning replaces, in the dtype of the target",
    ),
    "takes in without a copy": (
        arrays(from_numpy=lambda self, array: array),
        "arrays: What is taken from NumPy is a copy",
    ),
    "copies nothing": (arrays(copy=lambda self, array: array), "arrays: A copy shares no memory"),
    "casts to single only": (
        arrays(cast=lambda self, array, dtype: array.astype(np.float32)),
        "arrays: Casts give the dtype asked for",
    ),
    "reshapes in columns": (
        arrays(reshape=lambda self, array, shape: array.reshape(shape, order="F")),
        "arrays: Reshaping keeps the order of the elements",
    ),
    "assign changes the dtype": (
        arrays(assign=lambda self, target, source: source.copy()),
        "arrays: Adding adds, and assigning replaces, in the dtype of the target",
    ),
    "fills with zeros": (
        arrays(full=lambda self, shape, value, dtype: np.zeros(shape, dtype)),
        "arrays: Filled arrays have the shape, dtype and value asked for",
    ),
    "no device": (
        type("D", (Mutant,), {"devices": lambda self: []}),
        "arrays: The backend has a device, and one library for it",
    ),
    "wrong seed use": (
        kernels(RandomIntegers=ignores_the_draw),
        "execution: Random numbers are those of every backend: by seed, by generator, and new at each run",
    ),
    "a solver that forgets": (
        type("M", (Mutant,), {"solver_kernels": {"Momentum": momentum_forgets}}),
        "solvers: update",
    ),
    "decays twice": (
        type("S", (Mutant,), {"gradient_kernels": {"weight_decay": decays_twice}}),
        "solvers: change of gradients",
    ),
}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend_kit, "families", lambda: {"few": FEW})


@pytest.fixture
def installed() -> Iterator[Callable[[str, str, Any], None]]:
    added: list[tuple[str, str]] = []

    def install(kind: str, name: str, plugin: Any) -> None:
        plugins.register(kind, name, plugin)
        added.append((kind, name))

    yield install
    for kind, name in added:
        plugins.unregister(kind, name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", BACKENDS)
def test_a_faulty_backend_is_reported(fault: str, few: None, installed: Callable[..., None]) -> None:
    made, expected = BACKENDS[fault]
    installed("backends", "mutant", made())
    assert expected in reported(backend_kit.backend_checks("mutant", [expected.partition(":")[0]]))


def test_the_backend_that_the_mutants_are_made_of_is_right(few: None, installed: Callable[..., None]) -> None:
    installed("backends", "mutant", Mutant())
    names = reported(backend_kit.backend_checks("mutant"))
    assert names <= {"execution: get_extension_context gives its context, and refuses unknown type configurations"}


class Declining(Mutant):
    def supports(self, op: Any, args: Any) -> bool:
        return op.name != "Tanh"


class OnlyExp(Mutant):
    def __init__(self) -> None:
        self.namespace = None
        self.kernels = {"Exp": lambda xp, inputs, out, args: np.exp(inputs[0])}


@pytest.mark.parametrize(
    ("made", "name", "status"),
    [(Declining, "Tanh", "not supported"), (Declining, "Exp", "passed"), (OnlyExp, "Tanh", "falls back")],
)
def test_what_a_backend_leaves_to_others_is_told(
    made: type[Backend], name: str, status: str, few: None, installed: Callable[..., None]
) -> None:
    installed("backends", "mutant", made())
    report = Report("").run(backend_kit.backend_checks("mutant", operators=[name]))
    assert {o.status for o in report.outcomes} == {status}, report.table()


# -- operators -------------------------------------------------------------------------------------------------
def halved(name: str, **faults: Any) -> Any:
    """An operator that halves, with faults: other reference, gradient, shape or documentation."""

    def definition(x: Float, by: Double = 2.0) -> Any:
        pass

    definition.__name__ = name.lower()
    definition.__doc__ = faults.get("doc", "A half. Args: x: any shape. by: what it is divided by.")
    op = operator(name, group="Test")(definition)
    op.shape(faults.get("shape", lambda x, by: x))
    op.reference(faults.get("reference", lambda xp, x, by: x / by))
    op.gradient(faults.get("gradient", lambda dy, by: F.mul_scalar(dy, 1 / by)))
    return op


def through_numpy(xp: Any, x: Any, by: float) -> Any:
    return np.asarray(x) / by


def in_place(xp: Any, x: Any, by: float) -> Any:
    x /= by
    return x


OPERATORS: dict[str, tuple[dict[str, Any], str]] = {
    "wrong values": ({"reference": lambda xp, x, by: x / (by + 1e-3)}, "forward: forward"),
    "wrong gradient": ({"gradient": lambda dy, by: F.mul_scalar(dy, by)}, "gradient: gradient"),
    "wrong shape": ({"shape": lambda x, by: (*x, 1)}, "forward: forward"),
    "reaches around the namespace": ({"reference": through_numpy}, "opaque: opaque"),
    "writes its input": ({"reference": in_place}, "execution: inputs"),
    "forgets the dtype": ({"reference": lambda xp, x, by: xp.astype(x, xp.float32) / by}, "gradient: gradient"),
    "no documentation": ({"doc": "A half."}, "definition: is documented"),
}
numbers = itertools.count()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fault", OPERATORS)
def test_a_faulty_operator_is_reported(fault: str) -> None:
    faults, expected = OPERATORS[fault]
    name = f"KitHalf{next(numbers)}"
    some = cases(halved(name, **faults), [normal(2, 3)], {"by": [2.0, 3.0]}, expect=lambda x, by: x / by)
    assert expected in reported(operator_checks(name, some))


def test_the_operator_that_the_mutants_are_made_of_is_right() -> None:
    some = cases(halved("KitHalf"), [normal(2, 3)], {"by": [2.0, 3.0]}, expect=lambda x, by: x / by)
    assert reported(operator_checks("KitHalf", some)) == set()


def test_an_operator_without_cases_is_reported() -> None:
    halved("KitUntested")
    other = cases(F.tanh, [normal(2)], expect=np.tanh)
    assert reported(operator_checks("KitUntested", other)) == {"definition: has cases"}


# -- formats ---------------------------------------------------------------------------------------------------
class Good(ParameterFormat):
    """Length, then JSON, then the bytes of all arrays, then a checksum."""

    suffixes = (".mutant",)

    def pack(self, records: Any) -> bytes:
        head, body = [], b""
        for record in records:
            array = np.asarray(record.array)
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{record.name}: {array.dtype}")
            head.append([record.name, array.dtype.newbyteorder("<").str, array.shape, record.need_grad])
            body += array.astype(array.dtype.newbyteorder("<")).tobytes()
        text = json.dumps(head).encode()
        content = len(text).to_bytes(8, "little") + text + body
        return content + sum(content).to_bytes(8, "little")

    def save(self, file: Any, records: Any) -> None:
        file.write(self.pack(records))

    def check(self, content: bytes) -> None:
        if len(content) < 16 or sum(content[:-8]) != int.from_bytes(content[-8:], "little"):
            raise ValueError("damaged")

    def load(self, file: Any) -> list[ParameterRecord]:
        content = file.read()
        self.check(content)
        size = int.from_bytes(content[:8], "little")
        at, records = 8 + size, []
        for name, dtype, shape, need_grad in json.loads(content[8 : 8 + size]):
            count = int(np.prod(shape))
            array = self.array(content, np.dtype(dtype), count, at).reshape(shape)
            at += count * array.itemsize
            records.append(ParameterRecord(name, array.astype(array.dtype.newbyteorder("=")), need_grad))
        return records

    def array(self, content: bytes, dtype: Any, count: int, at: int) -> Any:
        return np.frombuffer(content, dtype, count, at)


class SwallowsErrors(Good):
    def save(self, file: Any, records: Any) -> None:
        with contextlib.suppress(OSError):
            file.write(self.pack(records))


class WritesInPlace(Good):
    """Writes into the file by its place in the folder, beside what it was given."""

    def save(self, file: Any, records: Any) -> None:
        content = self.pack(records)
        file.write(content)
        if isinstance(file, str | os.PathLike) or not hasattr(file, "fileno") or hasattr(file, "getvalue"):
            return
        place = Path(os.readlink(f"/proc/self/fd/{file.fileno()}"))
        place.with_name("copy.mutant").write_bytes(content)


class Closes(Good):
    def save(self, file: Any, records: Any) -> None:
        super().save(file, records)
        file.close()


class Trusts(Good):
    def check(self, content: bytes) -> None:
        pass


class Allocates(Trusts):
    """Makes an array of the declared size and then looks what there is."""

    def load(self, file: Any) -> list[ParameterRecord]:
        content = file.read()
        size = min(int.from_bytes(content[:8], "little"), 1 << 28)
        np.zeros(size, np.uint8)[:0].tobytes()
        return super().load(_Again(content))


class _Again:
    def __init__(self, content: bytes) -> None:
        self.read = lambda: content


class Pads(Good):
    """Fills up what is missing of a file that was cut off."""

    def load(self, file: Any) -> list[ParameterRecord]:
        content = file.read()
        try:
            self.check(content)
        except ValueError:
            return []
        return super().load(_Again(content))


def spoilt(change: Callable[[ParameterRecord], ParameterRecord], order: int = 1) -> type[Good]:
    class Spoilt(Good):
        def load(self, file: Any) -> list[ParameterRecord]:
            return [change(record) for record in super().load(file)][::order]

    return Spoilt


def single(record: ParameterRecord) -> ParameterRecord:
    return ParameterRecord(record.name, np.asarray(record.array, np.float32), record.need_grad)


COMES_BACK = "round trip: Names, order, values, dtypes, shapes and need_grad come back"
FORMATS: dict[str, tuple[type[Good], str]] = {
    "forgets the dtype": (spoilt(single), COMES_BACK),
    "forgets need_grad": (spoilt(lambda r: ParameterRecord(r.name, r.array, True)), COMES_BACK),
    "forgets the order": (spoilt(lambda r: r, -1), COMES_BACK),
    "makes scalars arrays": (
        spoilt(lambda r: ParameterRecord(r.name, np.atleast_1d(r.array), r.need_grad)),
        COMES_BACK,
    ),
    "names in ASCII": (
        spoilt(lambda r: ParameterRecord(r.name.encode("ascii", "replace").decode(), r.array, r.need_grad)),
        COMES_BACK,
    ),
    "swallows a full disk": (
        SwallowsErrors,
        "atomic write: A disk that is full while it writes is an error, wherever that happens",
    ),
    "writes another file": (
        WritesInPlace,
        "atomic write: Saved by path, nothing but the file is left; a file object is read where it stands",
    ),
    "closes the file": (Closes, COMES_BACK),
    "takes files that are cut off": (Pads, "damaged input: A file cut off anywhere is refused"),
    "allocates what is declared": (Allocates, "damaged input: A size that a file merely declares takes no memory"),
}


@pytest.mark.parametrize("fault", FORMATS)
def test_a_faulty_format_is_reported(fault: str, installed: Callable[..., None]) -> None:
    made, expected = FORMATS[fault]
    if made is WritesInPlace and not Path("/proc/self/fd").exists():
        pytest.skip("this system does not tell an open file's place")
    installed("parameter_formats", "mutant", made())
    assert expected in reported(format_checks("mutant"))


def test_the_format_that_the_mutants_are_made_of_is_right(installed: Callable[..., None]) -> None:
    installed("parameter_formats", "mutant", Good())
    assert reported(format_checks("mutant")) == set()


# -- commands --------------------------------------------------------------------------------------------------
class Size(Command):
    name = "mutant"
    help = "Print the size of a file."
    missing: Any = 1

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", help="the file")
        parser.add_argument("--words", action="store_true", help="count words")

    def run(self, args: argparse.Namespace) -> Any:
        import sys

        try:
            print(os.path.getsize(args.file))
        except OSError as error:
            print(f"mutant: {error}", file=sys.stderr)
            return self.missing
        return 0


class Raises(Size):
    def run(self, args: argparse.Namespace) -> Any:
        print(os.path.getsize(args.file))


class Silent(Size):
    def run(self, args: argparse.Namespace) -> Any:
        return 1


class Unexplained(Size):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", help="the file")
        parser.add_argument("--words")


class Talks(Size):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        print("hello")
        super().add_arguments(parser)


class TakesAll(Size):
    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("file", help="the file")
        parser.add_argument("rest", nargs=argparse.REMAINDER, help="all else")


MISSING = "errors: A file that is not there is an error that names it, not a traceback; the status is a small number"
NAMED = "help: It has the name that it is found by, and one sentence of help"
COMMANDS: dict[str, tuple[type[Size], str]] = {
    "raises": (Raises, MISSING),
    "says nothing": (Silent, MISSING),
    "status 0": (type("Zero", (Size,), {"missing": 0}), MISSING),
    "a status that is none": (type("Text", (Size,), {"missing": "failed"}), MISSING),
    "no help": (
        type("Helpless", (Size,), {"help": ""}),
        NAMED,
    ),
    "another name": (
        type("Named", (Size,), {"name": "other"}),
        NAMED,
    ),
    "an option that nobody explains": (Unexplained, "help: Every argument has a help text"),
    "talks": (Talks, "help: Declaring arguments twice is the same, and prints nothing"),
    "takes unknown options": (
        TakesAll,
        "errors: An unknown option ends with status 2 and is named on standard error",
    ),
}


@pytest.mark.parametrize("fault", COMMANDS)
def test_a_faulty_command_is_reported(fault: str, installed: Callable[..., None]) -> None:
    made, expected = COMMANDS[fault]
    installed("commands", "mutant", made())
    assert expected in reported(command_checks("mutant"))


def test_the_command_that_the_mutants_are_made_of_is_right(installed: Callable[..., None]) -> None:
    installed("commands", "mutant", Size())
    assert reported(command_checks("mutant")) == set()
