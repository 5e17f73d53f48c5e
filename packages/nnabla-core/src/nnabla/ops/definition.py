"""Operator definitions: one object per operator from which everything else follows.

A definition has a signature (its schema), a docstring (its page) and either a *body*, which composes it of other
operators, or a *reference kernel* over an array namespace, which makes it a primitive. Gradients are written in
operators again, so that derivatives of any order follow. See ``docs/operators.md``.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from nnabla.errors import ArgumentError, ArgumentTypeError, NotConnectedError, OutOfMemoryError, ShapeError, refuse
from nnabla.ops.spec import (
    REQUIRED,
    ArgumentSpec,
    InputSpec,
    OutputSpec,
    PerInput,
    read_outputs,
    read_signature,
)

__all__ = ["Operator", "Result", "Setup", "all_operators", "find_operator", "operator"]

Shape = tuple[int, ...]

_OPERATORS: dict[str, Operator] = {}

# Elements of 8 bytes that an address can count.
_MOST_ELEMENTS = 2**60


def all_operators() -> dict[str, Operator]:
    """Return every operator defined so far in this process by type name, internal ones included."""
    import nnabla.ops  # noqa: F401  (defines the core's own)

    return dict(_OPERATORS)


def find_operator(name: str) -> Operator:
    """Return the operator of a type name such as ``Convolution``; plugins are asked for unknown names."""
    import nnabla.ops  # noqa: F401

    found = _OPERATORS.get(name)
    if found is None:
        from nnabla.plugins import plugins

        found = plugins.get("operators", name)
    return found


@dataclass
class Result:
    """What a body returns when it has more to give than outputs.

    Attributes:
        outputs: The outputs, in order.
        updates: New values of inputs that the operator changes, by input name.
        saved: Values kept for the gradient, by name.
    """

    outputs: Any
    updates: dict[str, Any] = field(default_factory=dict)
    saved: dict[str, Any] = field(default_factory=dict)


class Setup:
    """An operator set up on input shapes: canonical arguments and output shapes. Shared and immutable.

    Attributes:
        given_shapes: The shapes of the inputs that are given.
        positions: For each declared input its number among those.
        reads: What gradients read (inputs and outputs by number), by which of the given inputs need one.
    """

    __slots__ = (
        "__weakref__",
        "_trace",
        "args",
        "given_shapes",
        "in_shapes",
        "key",
        "op",
        "out_shapes",
        "positions",
        "prepared",
        "reads",
    )

    def __init__(self, op: Operator, in_shapes: tuple[Shape | None, ...], args: dict[str, Any]) -> None:
        self.op = op
        self.in_shapes = in_shapes
        self.given_shapes = [s for s in in_shapes if s is not None]
        self.reads: dict[tuple[bool, ...], tuple[list[int], list[int]]] = {}
        self.positions = [0, *accumulate(int(s is not None) for s in in_shapes)][:-1]
        self.args = args
        self.prepared: dict[Any, Any] = {}
        self._trace: Any = None
        self.out_shapes: tuple[Shape, ...] = ()
        if op.shape_rule is not None:
            shapes = op.shape_rule(*in_shapes, **args)
            self.out_shapes = _as_shapes(shapes, op)
        else:
            self.out_shapes = tuple(s.shape for s in self.trace.outputs)
        for shape in self.out_shapes:
            _check_output(op.snake_name, shape)

    @property
    def trace(self) -> Any:
        """The body traced on these shapes."""
        if self._trace is None:
            from nnabla.ops.trace import trace_body

            self._trace = trace_body(self)
        return self._trace

    @property
    def out_kinds(self) -> tuple[str, ...]:
        """The dtype class of each output ('same' where it is that of the first input)."""
        rule = self.op.kinds_rule
        kinds = self.op.output_kinds(len(self.out_shapes)) if rule is None else rule(**self.args)
        # "arg:kind" names the argument that says it.
        return tuple(self.args[k[4:]] if k.startswith("arg:") else k for k in kinds)


def _check_output(name: str, shape: Shape) -> None:
    """Raise if no array can have an output's shape."""
    if any(n < 0 for n in shape):
        raise ShapeError(f"{name}: the output would have the shape {shape}; sizes are 0 or more")
    if math.prod(shape) > _MOST_ELEMENTS:
        raise OutOfMemoryError(f"{name}: an output of shape {shape} has more elements than any memory holds")


def _as_shapes(shapes: Any, op: Operator) -> tuple[Shape, ...]:
    if shapes and isinstance(shapes[0], (tuple, list)):
        return tuple(tuple(int(n) for n in s) for s in shapes)
    if op.outputs[0].variadic:
        return tuple(tuple(int(n) for n in s) for s in shapes)
    return (tuple(int(n) for n in shapes),)


class Operator:
    """One operator of NNabla; calling it computes, builds a graph node, or is traced, by the kind of its inputs.

    Attributes:
        name: Type name as in files, ``ELU``.
        snake_name: Name of the function, ``elu``.
        type_name: Name that functions and files show: ``name``, unless the operator is a form of another one.
        forms: The operators that give other numbers of outputs under this type name, by that number.
        group: Category of the documentation.
        internal: True for what bodies and gradients need but NNabla's files do not know.
        inputs, arguments, outputs: The schema.
        updates: Names of inputs that forward changes.
        overwrites: Those of them that are changed only if they are leaves: what another function computed stays.
        unpack: Whether a single output of any number comes by itself rather than in a tuple.
        saved: Names of values that forward keeps for the gradient (constant in derivatives of higher order).
        saved_values: Names of values that forward keeps, but which are functions of the inputs in derivatives
            of higher order.
        aliases: Output number to input number where they share memory.
        random: Whether kernels take a random stream.
        draws: Whether a use of the operator has a random stream: it is random, has a seed, or its body draws.
        backward_updates: Names of inputs that backward changes; the gradient gives a :class:`Result`.
        views: Whether kernels may return (a view of) an input rather than a fresh array.
        trivial: Whether the operator changes nothing where the output has the input's shape (traces skip it).
        depends: Names of inputs and outputs that count as read by gradients, besides what gradients do read: by
            every gradient, or a dict of the names for each input's gradient, or a function of the arguments that
            gives either. A traced gradient reads an output named here rather than computing it again.
        keeps: Names of inputs and outputs of which forward itself keeps what gradients need of them.
        absent: Names of optional inputs to the argument that is True where they are left out (``no_bias``), or to
            a function of the arguments, as given, and the shapes of the inputs that are.
        keep: Whether forward keeps the body's intermediate values that its gradient reads.
        data_dependent: Whether output shapes follow from data.
        integers: Whether integer data (of the first input) is computed, and kept, in its own dtype.
    """

    def __init__(self, name: str, function: Callable[..., Any], **traits: Any) -> None:
        self.name = name
        self.snake_name = traits.pop("snake_name", None) or function.__name__.rstrip("_")
        self.type_name: str = traits.pop("type_name", name)
        self.forms: dict[int, Operator] = {}
        self.group: str = traits.pop("group", "")
        self.internal: bool = traits.pop("internal", False)
        self.overwrites: tuple[str, ...] = tuple(traits.pop("overwrites", ()))
        self.updates: tuple[str, ...] = (*traits.pop("updates", ()), *self.overwrites)
        self.saved: tuple[str, ...] = tuple(traits.pop("saved", ()))
        self.saved_values: tuple[str, ...] = tuple(traits.pop("saved_values", ()))
        self.aliases: dict[int, int] = traits.pop("aliases", {})
        self.random: bool = traits.pop("random", False)
        self.views: bool = traits.pop("views", False)
        self.keep: bool = traits.pop("keep", False)
        self.trivial: bool = traits.pop("trivial", False)
        self.data_dependent: bool = traits.pop("data_dependent", False)
        self.integers: bool = traits.pop("integers", False)
        self.differentiable: bool = traits.pop("differentiable", True)
        self.deprecated: bool = traits.pop("deprecated", False)
        self.backward_updates: tuple[str, ...] = tuple(traits.pop("backward_updates", ()))
        self.depends: Any = traits.pop("depends", ())
        self.keeps: tuple[str, ...] = tuple(traits.pop("keeps", ()))
        self.absent: dict[str, str | Callable[..., bool]] = traits.pop("absent", {})
        draws: bool = traits.pop("draws", False)
        outputs = traits.pop("outputs", "y")
        self.unpack: bool = traits.pop("unpack", False)
        schema = read_signature(function, traits.pop("parameters", ()))
        if traits:
            raise TypeError(f"operator {name}: unknown traits {sorted(traits)}")
        self.inputs: list[InputSpec] = schema.inputs
        self.arguments: list[ArgumentSpec] = schema.arguments
        self.outputs: list[OutputSpec] = read_outputs(outputs)
        self.body: Callable[..., Any] | None = None if _is_empty(function) else function
        self.reference_kernel: Callable[..., Any] | None = None
        self.accumulate_kernel: Callable[..., Any] | None = None
        self.gradient_rule: Callable[..., Any] | None = None
        self.gradient_reads: tuple[str, ...] = ()
        self.saved_rule: Callable[..., Any] | None = None
        self.shape_rule: Callable[..., Any] | None = None
        self.resolve_rule: Callable[..., Any] | None = None
        self.kinds_rule: Callable[..., Any] | None = None
        self.__name__ = self.__qualname__ = self.snake_name
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        # An operator with a seed, or whose body draws, has a stream of random numbers per use.
        seeded = any(a.name == "seed" for a in self.arguments)
        self.draws: bool = draws or self.random or seeded
        self.variadic = bool(self.inputs) and self.inputs[-1].variadic
        self.gives_many = bool(self.outputs[0].variadic) and not self.unpack
        self._build_signature()
        self._setups: dict[Any, Setup] = {}
        #: Imperative calls that were made: see ``nnabla.graph.repetition``.
        self.calls: dict[Any, Any] = {}

    @property
    def doc(self) -> str:
        """The docstring."""
        return self.__doc__ or ""

    @property
    def primitive(self) -> bool:
        """Whether the operator has a kernel of its own rather than a body."""
        return self.body is None

    def __repr__(self) -> str:
        return f"<operator {self.name}>"

    def __reduce__(self) -> Any:
        return find_operator, (self.name,)

    # -- rules, used as decorators -------------------------------------------------------------------------
    def reference(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Set the reference kernel: ``kernel(xp, *inputs, **args)`` returns outputs, updates, saved in order."""
        self.reference_kernel = kernel
        return kernel

    def accumulate(self, kernel: Callable[..., Any]) -> Callable[..., Any]:
        """Set ``kernel(xp, target, *inputs, **args)``, which adds the (scattered) result to ``target``."""
        self.accumulate_kernel = kernel
        return kernel

    def gradient(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the gradient. The names of its parameters say what it reads.

        They may be inputs, outputs, saved values, arguments, ``d<output>`` for output gradients and
        ``<input>_shape`` for a shape alone. It returns one gradient per input, None where there is none.
        """
        self.gradient_rule = rule
        self.gradient_reads = tuple(inspect.signature(rule).parameters)
        return rule

    def shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set shape inference: ``rule(*input_shapes, **args)`` returns the output's shape or a list of shapes."""
        self.shape_rule = rule
        return rule

    def resolve(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set what completes or checks arguments: ``rule(*input_shapes, **args)`` returns those it changes."""
        self.resolve_rule = rule
        return rule

    def kinds(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set ``rule(**args)``, the dtype classes of the outputs, where arguments decide which there are."""
        self.kinds_rule = rule
        return rule

    # -- schema --------------------------------------------------------------------------------------------
    def _build_signature(self) -> None:
        positional: list[InputSpec | ArgumentSpec] = [*self.inputs, *self.arguments]
        self._names = [p.name for p in positional]
        self._index = {n: i for i, n in enumerate(self._names)}
        self._defaults: list[Any] = []
        parameters = []
        kind = inspect.Parameter.KEYWORD_ONLY if self.variadic else inspect.Parameter.POSITIONAL_OR_KEYWORD
        seen_default = False
        for spec in positional:
            if isinstance(spec, InputSpec):
                if spec.variadic:
                    parameters.append(inspect.Parameter(spec.name, inspect.Parameter.VAR_POSITIONAL))
                    self._defaults.append(())
                    continue
                default: Any = None if spec.optional else REQUIRED
                shown = default
            else:
                default = None if isinstance(spec.default, PerInput) else spec.default
                shown = [] if default == () else default
            self._defaults.append(default)
            seen_default = seen_default or default is not REQUIRED
            empty = inspect.Parameter.empty
            shown = empty if shown is REQUIRED else shown
            if shown is empty and seen_default and not self.variadic:
                shown = None
            parameters.append(inspect.Parameter(spec.name, kind, default=shown))
        # Calls with at least this many positional arguments lack nothing.
        self._required = max((i + 1 for i, d in enumerate(self._defaults) if d is REQUIRED), default=0)
        for name, default in (("n_outputs", -1), ("outputs", None)):
            parameters.append(inspect.Parameter(name, kind, default=default))
        self.__signature__ = inspect.Signature(parameters)

    def output_kinds(self, count: int) -> tuple[str, ...]:
        """Return the dtype class of each of ``count`` outputs."""
        if self.outputs[0].variadic:
            return (self.outputs[0].kind,) * count
        # Outputs beyond the schema (spectral_norm's u) come on request and are floats.
        return (*(spec.kind for spec in self.outputs[:count]), *("float",) * (count - len(self.outputs)))

    def input_spec(self, i: int) -> InputSpec:
        """Return the specification of flat input ``i``."""
        return self.inputs[min(i, len(self.inputs) - 1)]

    def depends_on(self, args: dict[str, Any], wanted: Sequence[str]) -> set[str]:
        """Return what counts as read, besides what is read, by the gradients of the inputs named ``wanted``."""
        found = self.depends(**args) if callable(self.depends) else self.depends
        if isinstance(found, dict):
            return {name for i in wanted for name in found.get(i, ())}
        return set(found) if wanted else set()

    @property
    def may_read_outputs(self) -> bool:
        """Whether gradients read outputs, or count as if they did."""
        if callable(self.depends):
            return True
        named = self.depends.values() if isinstance(self.depends, dict) else [self.depends]
        read = {*self.gradient_reads, *(name for names in named for name in names)}
        return any(spec.name in read for spec in self.outputs)

    # -- setting up ----------------------------------------------------------------------------------------
    def bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], tuple[Any, ...]]:
        """Split a call into inputs (flat, None for omitted ones) and raw argument values."""
        if self.variadic:
            inputs = list(args)
            first = 1
            values = list(self._defaults)
        else:
            if len(args) > len(self._defaults):
                raise ArgumentTypeError(
                    f"{self.snake_name}: takes at most {len(self._defaults)} positional arguments "
                    f"({', '.join(self._names)}), but {len(args)} were given"
                )
            first = len(self.inputs)
            values = list(args) + self._defaults[len(args) :]
        for name, value in kwargs.items():
            at = self._index.get(name)
            if at is None or (self.variadic and at == 0):
                raise ArgumentTypeError(
                    f"{self.snake_name}: unknown argument {name!r}; it takes {', '.join(self._names)}"
                )
            if not self.variadic and at < len(args):
                raise ArgumentTypeError(f"{self.snake_name}: argument {name!r} was given twice")
            values[at] = value
        if self._required > len(args) or self.variadic:
            missing = [n for n, v in zip(self._names, values) if v is REQUIRED]
            if missing:
                raise ArgumentTypeError(f"{self.snake_name}: {', '.join(missing)} must be given")
        if not self.variadic:
            inputs = values[:first]
        elif not inputs:
            raise ArgumentTypeError(f"{self.snake_name}: at least one input must be given")
        raw = tuple(values[first:])
        return self.place(inputs, raw, named=True) if self.absent else inputs, raw

    def place(self, inputs: Sequence[Any], raw: tuple[Any, ...], named: bool = False) -> list[Any]:
        """Return inputs in the order of the schema, where those before one left out by an argument may have moved.

        A function with ``no_bias=True`` is called without beta, also by a file: what stands in its place follows it.
        What is left out by the shapes of inputs shows only in a list of inputs: those that were ``named`` stay.
        """
        given = dict(zip((a.name for a in self.arguments), raw))
        present = [v for v in inputs if v is not None]
        shapes = [] if named else [tuple(getattr(v, "shape", v)) for v in present]
        left_out = {
            name
            for name, says in self.absent.items()
            if (given.get(says) if isinstance(says, str) else not named and says(given, shapes))
        }
        slots = [spec.name not in left_out for spec in self.inputs]
        if all(v is None or s for v, s in zip(inputs, slots)) or len(present) > sum(slots):
            return list(inputs)
        supply = iter(present)
        return [next(supply, None) if s else None for s in slots]

    def setup(self, in_shapes: tuple[Shape | None, ...], raw: tuple[Any, ...]) -> Setup:
        """Return the operator set up on input shapes and raw argument values (cached)."""
        key = (in_shapes, raw)
        try:
            found = self._setups.get(key)
        except TypeError:  # lists and arrays among the arguments
            raw = tuple(_frozen(v) for v in raw)
            key = (in_shapes, raw)
            found = self._setups.get(key)
        if found is None:
            if len(self._setups) >= 4096:
                self._setups.clear()
            # Equal numbers of other types (1 and True and 1.0) share a key; conversion makes them alike.
            found = self._setups[key] = self._set_up(in_shapes, raw)
        return found

    def _set_up(self, in_shapes: tuple[Shape | None, ...], raw: tuple[Any, ...]) -> Setup:
        for i, shape in enumerate(in_shapes):
            spec = self.input_spec(i)
            if shape is None and not spec.optional:
                raise ArgumentTypeError(f"{self.snake_name}: the input {spec.name} must be given, not None")
        try:
            return Setup(self, in_shapes, self.canonical_arguments(in_shapes, raw))
        except Exception as error:
            given = dict(zip((a.name for a in self.arguments), raw))
            raised = refuse(self.snake_name, error, in_shapes, given)
            if raised is error:
                raise
            raise raised from error

    def canonical_arguments(self, in_shapes: tuple[Shape | None, ...], raw: Sequence[Any]) -> dict[str, Any]:
        """Return all arguments converted, with input-dependent defaults filled in, checked by ``resolve``."""
        args: dict[str, Any] = {}
        for spec, value in zip(self.arguments, raw):
            if value is None:
                if isinstance(spec.default, PerInput):
                    value = spec.default.rule(*in_shapes)
                elif spec.default is not REQUIRED and spec.default is not None:
                    value = spec.default
            if value is None and spec.default is REQUIRED:
                raise ArgumentTypeError(f"{self.snake_name}: argument {spec.name} must be given, not None")
            args[spec.name] = None if value is None else spec.convert(self.snake_name, value)
        if self.resolve_rule is not None:
            changed = self.resolve_rule(*in_shapes, **args)
            if changed:
                args.update(changed)
        return args

    # -- calling -------------------------------------------------------------------------------------------
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        n_outputs = outputs = auto_forward = None
        if not kwargs:
            result = _call_again(self, args)
            if result is not None:
                return result
        else:
            n_outputs = kwargs.pop("n_outputs", None)
            outputs = kwargs.pop("outputs", None)
            auto_forward = kwargs.pop("auto_forward", None)
        inputs, raw = self.bind(args, kwargs)
        if self.forms:
            self = self.giving(n_outputs if outputs is None else len(outputs))
        return _call(self, inputs, raw, n_outputs, outputs, auto_forward)

    def giving(self, count: int | None) -> Operator:
        """Return the form that gives ``count`` outputs (None or less than 1: as many as usual).

        Raises:
            RuntimeError: There is none.
        """
        if not self.forms or count is None or count < 1 or count == len(self.outputs):
            return self
        if count not in self.forms:
            counts = " or ".join(map(str, sorted((len(self.outputs), *self.forms))))
            raise ArgumentError(f"{self.snake_name}: n_outputs={count} was asked for; it gives {counts}")
        return self.forms[count]

    def apply(self, inputs: Sequence[Any], args: dict[str, Any]) -> list[Any]:
        """Apply to inputs with canonical arguments; return outputs, updates, saved values, all in one list."""
        return _apply(self, inputs, args)

    def saved_shape(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set ``rule(*input_shapes, **args)``, a list of (shape, dtype class) of a primitive's saved values."""
        self.saved_rule = rule
        return rule


def _apply(op: Operator, inputs: Sequence[Any], args: dict[str, Any]) -> list[Any]:
    from nnabla.graph.dispatch import apply

    return apply(op, inputs, args)


def _call(op: Operator, *rest: Any) -> Any:
    # The graph's modules import this one; the first call replaces this function by the dispatcher.
    from nnabla.graph.dispatch import call

    globals()["_call"] = call
    return call(op, *rest)


def _call_again(op: Operator, args: tuple[Any, ...]) -> Any:
    from nnabla.graph.repetition import compute_again

    globals()["_call_again"] = compute_again
    return compute_again(op, args)


def _frozen(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(_frozen(v) for v in value)
    if hasattr(value, "tolist"):
        return _frozen(value.tolist())
    return value


def _is_empty(function: Callable[..., Any]) -> bool:
    """Whether a function consists of its docstring alone."""

    def bare(x):  # type: ignore[no-untyped-def]
        """Docstring."""

    return function.__code__.co_code == bare.__code__.co_code


def operator(name: str, **traits: Any) -> Callable[[Callable[..., Any]], Operator]:
    """Define an operator from a function: its signature is the schema, its code, if any, the body.

    Args:
        name: Type name, as files have it.
        **traits: The attributes of :class:`Operator` that differ from their defaults; ``outputs`` lists output
            names and dtype classes, ``"y"`` if nothing else is said.
    """

    def define(function: Callable[..., Any]) -> Operator:
        op = Operator(name, function, **traits)
        if name in _OPERATORS and _OPERATORS[name].__module__ != op.__module__:
            raise ArgumentError(f"operator {name} is already defined by {_OPERATORS[name].__module__}")
        _OPERATORS[name] = op
        return op

    return define


def broadcast_shapes(name: str, *shapes: Shape) -> Shape:
    """Return the shape that ``shapes`` broadcast to by NumPy's rules, or raise naming the operator."""
    first = shapes[0]
    if all(s == first for s in shapes[1:]):
        return first
    ndim = max(len(s) for s in shapes)
    result = []
    for axis in range(-ndim, 0):
        sizes = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        if len(sizes) > 1:
            raise ShapeError(f"{name}: shapes {', '.join(map(str, shapes))} do not broadcast together")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def normalize_axis(name: str, axis: int, ndim: int, what: str = "axis") -> int:
    """Return ``axis`` counted from the front, or raise an error that names operator and argument."""
    if not -ndim <= axis < ndim:
        from nnabla.errors import AxisError

        raise AxisError(f"{name}: {what}={axis} is outside the {ndim} dimensions of the input")
    return axis + ndim if axis < 0 else axis


def check_input(op: Operator, value: Any, kinds: tuple[type, ...]) -> None:
    """Raise unless ``value`` is something that operators compute with."""
    if not isinstance(value, kinds):
        hint = "wrap data in nn.Variable.from_numpy_array(...)"
        if (scalar := _OPERATORS.get(f"{op.name.rstrip('2')}Scalar")) is not None:
            hint += f", and use {scalar.snake_name} or Python's operators for numbers"
        raise NotConnectedError(
            f"{op.snake_name}: All inputs must be Variable or NdArray, but {type(value).__name__} was given "
            f"({value!r:.60}); {hint}"
        )


def prod(shape: Sequence[int]) -> int:
    """Number of elements in ``shape``."""
    return math.prod(shape)
