"""Hooks that run before and after every function and every solver update of the process.

Function hooks are called with the Function, solver hooks without an argument. Several may be set,
each under a key of its own; they run in the order in which they were set.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnabla.errors import ArgumentTypeError

__all__ = [
    "function_post_hooks",
    "function_pre_hooks",
    "set_function_post_hook",
    "set_function_pre_hook",
    "set_solver_post_hook",
    "set_solver_pre_hook",
    "solver_post_hooks",
    "solver_pre_hooks",
    "unset_function_post_hook",
    "unset_function_pre_hook",
    "unset_solver_post_hook",
    "unset_solver_pre_hook",
]

Hook = Callable[..., Any]


_function_pre: dict[str, Hook] = {}
_function_post: dict[str, Hook] = {}
_solver_pre: dict[str, Hook] = {}
_solver_post: dict[str, Hook] = {}


def _set(caller: str, hooks: dict[str, Hook], key: str, hook: Hook) -> None:
    _check_key(caller, key)
    if not callable(hook):
        raise ArgumentTypeError(
            f"{caller}: the hook for key {key!r} must be callable, got {type(hook).__name__} ({hook!r})"
        )
    hooks[key] = hook


def _unset(caller: str, hooks: dict[str, Hook], key: str) -> None:
    _check_key(caller, key)
    hooks.pop(key, None)


def _check_key(caller: str, key: object) -> None:
    if not isinstance(key, str):
        raise ArgumentTypeError(f"{caller}: key must be a str, got {type(key).__name__} ({key!r})")


def set_function_pre_hook(key: str, function_pre_hook: Hook) -> None:
    """Call ``function_pre_hook(function)`` before each function runs, forward and backward."""
    _set("set_function_pre_hook", _function_pre, key, function_pre_hook)


def set_function_post_hook(key: str, function_post_hook: Hook) -> None:
    """Call ``function_post_hook(function)`` after each function ran, forward and backward."""
    _set("set_function_post_hook", _function_post, key, function_post_hook)


def set_solver_pre_hook(key: str, solver_pre_hook: Hook) -> None:
    """Call ``solver_pre_hook()`` before each solver operation on a parameter."""
    _set("set_solver_pre_hook", _solver_pre, key, solver_pre_hook)


def set_solver_post_hook(key: str, solver_post_hook: Hook) -> None:
    """Call ``solver_post_hook()`` after each solver operation on a parameter."""
    _set("set_solver_post_hook", _solver_post, key, solver_post_hook)


def unset_function_pre_hook(key: str) -> None:
    """Remove the function pre-hook set under ``key``; unknown keys are ignored."""
    _unset("unset_function_pre_hook", _function_pre, key)


def unset_function_post_hook(key: str) -> None:
    """Remove the function post-hook set under ``key``; unknown keys are ignored."""
    _unset("unset_function_post_hook", _function_post, key)


def unset_solver_pre_hook(key: str) -> None:
    """Remove the solver pre-hook set under ``key``; unknown keys are ignored."""
    _unset("unset_solver_pre_hook", _solver_pre, key)


def unset_solver_post_hook(key: str) -> None:
    """Remove the solver post-hook set under ``key``; unknown keys are ignored."""
    _unset("unset_solver_post_hook", _solver_post, key)


def watches_functions() -> bool:
    """Whether any function hook is set."""
    return bool(_function_pre or _function_post)


def function_pre_hooks() -> tuple[Hook, ...]:
    """The function pre-hooks in order; empty when none is set."""
    return tuple(_function_pre.values()) if _function_pre else ()


def function_post_hooks() -> tuple[Hook, ...]:
    """The function post-hooks in order; empty when none is set."""
    return tuple(_function_post.values()) if _function_post else ()


def solver_pre_hooks() -> tuple[Hook, ...]:
    """The solver pre-hooks in order; empty when none is set."""
    return tuple(_solver_pre.values()) if _solver_pre else ()


def solver_post_hooks() -> tuple[Hook, ...]:
    """The solver post-hooks in order; empty when none is set."""
    return tuple(_solver_post.values()) if _solver_post else ()
