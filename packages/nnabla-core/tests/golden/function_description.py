"""What a Function object says of itself, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import nnabla as nn
import nnabla.functions as F


def describe(result: Any) -> dict[str, Any]:
    """Return what the Function object of a result says, before anything is computed.

    Dependences have a word for each input's gradient, and in it a digit for each input or output.
    """
    f = function_of(result)
    inputs, outputs = range(len(f.inputs)), range(len(f.outputs))

    def table(asked: Callable[[int, int], Any], columns: range) -> str:
        return " ".join(_digits(asked(i, k) for k in columns) for i in inputs)

    return {
        "type": f.info.type_name,
        "args": dict(f.info.args),
        "shapes": [list(y.shape) for y in f.outputs],
        "need grad": _digits(y.need_grad for y in f.outputs),
        "reads inputs": table(f.grad_depends_input_data, inputs),
        "reads outputs": table(f.grad_depends_output_data, outputs),
        "keeps inputs": table(f.auto_grad_depends_input_data, inputs),
        "keeps outputs": table(f.auto_grad_depends_output_data, outputs),
        "in place": _digits(f.inplace_data(i) for i in inputs),
        "set-up to recompute": _digits(f.need_setup_recompute(o) for o in outputs),
    }


def dtypes(result: Any) -> list[str]:
    """Run forward and return the dtype of each output."""
    f = function_of(result)
    outputs = list(f.outputs)
    outputs[0].forward()
    return [str(y.data.dtype) for y in outputs]


def cleared(result: Any) -> str:
    """Put the function, built anew from its description, between Identity nodes; say which data forward clears.

    Returns:
        A word for the inputs, after Identity where they need gradients, and one for the outputs.
    """
    f = function_of(result)
    inputs = [F.identity(x) if x.need_grad else x for x in f.inputs]
    outputs = _listed(again(f)(*inputs, n_outputs=len(f.outputs)))
    F.sink(*[F.identity(y) for y in outputs]).forward(clear_no_need_grad=True)
    return " ".join(_digits(x.data.clear_called for x in values) for values in (inputs, outputs))


def again(function: Any) -> Any:
    """Construct a function from the type name and the arguments of another one."""
    return getattr(nn.function, function.info.type_name)(nn.get_current_context(), *function.info.args.values())


def function_of(result: Any) -> Any:
    return _listed(result)[0].parent


def _listed(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _digits(values: Iterable[Any]) -> str:
    return "".join(str(int(a)) for a in values)
