"""Normalizations that also give the mean and the variance they normalize by: three outputs under one type name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from nnabla.errors import ArgumentError
from nnabla.ops.array_manipulation import reshape
from nnabla.ops.batch_normalization import (
    batch_normalization,
    fused_batch_normalization,
    sync_batch_normalization,
)
from nnabla.ops.definition import Operator, Result, operator, prod
from nnabla.ops.normalization import (
    group_normalization,
    grouping,
    instance_normalization,
    layer_normalization,
    moments,
    other_axes,
    tensor_normalization,
    weight_standardization,
)

__all__: list[str] = []

#: What is averaged, and over which axes, by the input and the arguments.
Averaged = Callable[[Any, dict[str, Any]], tuple[Any, Sequence[int]]]


def _all_but(name: str) -> Averaged:
    return lambda x, args: (x, other_axes(len(x.shape), args[name]))


def _of_instances(x: Any, args: dict[str, Any]) -> tuple[Any, Sequence[int]]:
    return x, other_axes(len(x.shape), (*args["batch_axis"], args["channel_axis"]))


def _of_maps(w: Any, args: dict[str, Any]) -> tuple[Any, Sequence[int]]:
    return w, other_axes(len(w.shape), (args["channel_axis"],))


def _of_groups(x: Any, args: dict[str, Any]) -> tuple[Any, Sequence[int]]:
    shape, kept = grouping(x.shape, args["num_groups"], args["channel_axis"], args["batch_axis"])
    return reshape(x, shape, False), other_axes(len(shape), kept)


def _with_statistics(op: Operator, averaged: Averaged) -> None:
    """Define the form of a normalization that also gives the mean and the (biased) variance."""
    assert op.body is not None

    @functools.wraps(op.body)
    def body(*inputs: Any, **args: Any) -> Result:
        y, *rest = op.apply(inputs, args)
        given = {spec.name for spec, value in zip(op.inputs, inputs) if value is not None}
        updates = dict(zip([name for name in op.updates if name in given], rest))
        saved = dict(zip(op.saved_values, rest[len(updates) :]))
        return Result((y, *moments(*averaged(inputs[0], args))), updates, saved)

    # The reference counts the statistics among what gradients read: they stay when forward clears.
    read = ("statistic0", "statistic1")
    depends: Any = (*op.depends, *read)
    if isinstance(op.depends, dict):
        depends = {name: (*others, *read) for name, others in op.depends.items()}
    form = operator(
        f"{op.name}WithStatistics",
        type_name=op.name,
        snake_name=op.snake_name,
        group=op.group,
        internal=True,
        outputs="y, statistic0, statistic1",
        updates=op.updates,
        saved_values=op.saved_values,
        absent=op.absent,
        keeps=op.keeps,
        keep=op.keep,
        depends=depends,
    )(body)
    if op.gradient_rule is not None:
        form.gradient_rule = functools.partial(_gradient, op)
        form.gradient_reads = tuple({*op.gradient_reads, "x", "center", "dstatistic0", "dstatistic1"})

    @form.resolve
    def _(*shapes: Any, **args: Any) -> Any:
        if not args.get("batch_stat", True):
            raise ArgumentError(
                f"{op.snake_name}: output_stat=True (n_outputs=3) gives the statistics of the batch, "
                "which batch_stat=False does not compute; leave them out or pass batch_stat=True"
            )
        return op.resolve_rule(*shapes, **args) if op.resolve_rule is not None else None

    op.forms[3] = form


def _gradient(op: Operator, **known: Any) -> list[Any]:
    """Gradients by those of the normalization, to which the statistics' add up in ``x``."""
    assert op.gradient_rule is not None
    dx, *others = op.gradient_rule(**{name: known[name] for name in op.gradient_reads})
    x, center = known["x"], known["center"]
    through = known["dstatistic0"] + 2.0 * (x - center) * known["dstatistic1"]
    return [dx + through * (prod(center.shape) / max(prod(x.shape), 1)), *others]


_with_statistics(batch_normalization, _all_but("axes"))
_with_statistics(fused_batch_normalization, _all_but("axes"))
_with_statistics(sync_batch_normalization, _all_but("axes"))
_with_statistics(tensor_normalization, _all_but("axes"))
_with_statistics(layer_normalization, _all_but("batch_axis"))
_with_statistics(instance_normalization, _of_instances)
_with_statistics(group_normalization, _of_groups)
_with_statistics(weight_standardization, _of_maps)
