"""NNabla: neural networks as graphs, computed by whatever backend is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnabla._version import __version__
from nnabla.logger import logger  # first, so that the others can log

# isort: split
import nnabla.callback
import nnabla.context
import nnabla.random  # noqa: F401
from nnabla.array.ndarray import NdArray
from nnabla.array.preference import array_classes, prefer_cached_array, reset_array_preference
from nnabla.auto_forward import auto_forward, get_auto_forward, set_auto_forward
from nnabla.callback import (
    set_function_post_hook,
    set_function_pre_hook,
    set_solver_post_hook,
    set_solver_pre_hook,
    unset_function_post_hook,
    unset_function_pre_hook,
    unset_solver_post_hook,
    unset_solver_pre_hook,
)
from nnabla.context import (
    Context,
    add_available_context,
    context_scope,
    get_current_context,
    set_default_context,
)
from nnabla.errors import NotConnectedError as _NotConnectedError
from nnabla.graph import program as _program
from nnabla.graph.variable import Variable
from nnabla.parameter import (
    clear_parameters,
    get_current_parameter_scope,
    get_parameters,
    load_parameters,
    no_grad,
    parameter_scope,
    save_parameters,
)
from nnabla.random import seed
from nnabla.recompute import recompute, recompute_fn, set_global_recompute

if TYPE_CHECKING:
    from nnabla.core.module import Module
    from nnabla.core.sequential import Sequential
    from nnabla.grad import grad

__all__ = [
    "Context",
    "Module",
    "NdArray",
    "Sequential",
    "Variable",
    "__version__",
    "add_available_context",
    "array_classes",
    "auto_forward",
    "clear_parameters",
    "context_scope",
    "forward_all",
    "get_auto_forward",
    "get_current_context",
    "get_current_parameter_scope",
    "get_parameters",
    "grad",
    "load_parameters",
    "logger",
    "no_grad",
    "parameter_scope",
    "prefer_cached_array",
    "recompute",
    "recompute_fn",
    "reset_array_preference",
    "save_parameters",
    "seed",
    "set_auto_forward",
    "set_default_context",
    "set_function_post_hook",
    "set_function_pre_hook",
    "set_global_recompute",
    "set_solver_post_hook",
    "set_solver_pre_hook",
    "unset_function_post_hook",
    "unset_function_pre_hook",
    "unset_solver_post_hook",
    "unset_solver_pre_hook",
]

# What needs the operators is imported when it is first used, so that ``import nnabla`` stays cheap.
_LAZY_MODULES = frozenset(
    {
        "backward_functions",
        "config",
        "core",
        "dtypes",
        "ext_utils",
        "function",
        "function_bases",
        "functions",
        "initializer",
        "parametric_functions",
        "solver",
        "solvers",
        "testing",
        "utils",
        "variable",
    }
)

_LAZY_NAMES = {
    "Module": "nnabla.core.module",
    "Sequential": "nnabla.core.sequential",
    "grad": "nnabla.grad",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in _LAZY_MODULES:
        return importlib.import_module(f"nnabla.{name}")
    if name in _LAZY_NAMES:
        value = globals()[name] = getattr(importlib.import_module(_LAZY_NAMES[name]), name)
        return value
    raise AttributeError(f"module 'nnabla' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_MODULES, *_LAZY_NAMES})


def forward_all(
    variables: Any,
    clear_buffer: bool = False,
    clear_no_need_grad: bool = False,
    function_pre_hook: Any = None,
    function_post_hook: Any = None,
) -> None:
    """Compute several Variables; what they share runs once, and none of them is cleared.

    Args:
        variables: A list or tuple of Variables.
        clear_buffer, clear_no_need_grad, function_pre_hook, function_post_hook: As in
            :meth:`nnabla.Variable.forward`.
    """
    given = [variables] if isinstance(variables, Variable) else list(variables)
    for v in given:
        if not isinstance(v, Variable):
            raise _NotConnectedError(f"forward_all: a list of Variables is expected, but it has {v!r:.60}")
    nodes = [v._node for v in given]
    if nodes:
        _program.forward(nodes, clear_buffer, clear_no_need_grad, function_pre_hook, function_post_hook)
