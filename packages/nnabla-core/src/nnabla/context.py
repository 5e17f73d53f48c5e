"""Where computation happens: backends in order of preference, an array class, a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from nnabla.errors import ArgumentTypeError

__all__ = [
    "Context",
    "ContextError",
    "add_available_context",
    "available_contexts",
    "backend_names",
    "context_scope",
    "get_current_context",
    "set_default_context",
    "split_backend",
]


class ContextError(RuntimeError, AssertionError):
    """A context was used in a place or state that does not allow it."""


def _check_text(field: str, value: object) -> str:
    if not isinstance(value, str):
        raise ArgumentTypeError(
            f"Context: {field} must be a str, got {type(value).__name__} ({value!r}); "
            f"device numbers are written as text, '0' for the first"
        )
    return value


class Context:
    """A device and the backends that may serve it.

    Args:
        backend: Names such as ``'cpu:float'``, tried in order for each operator.
        array_class: Name of the array class that results are stored in; empty for the
            backend's preferred one.
        device_id: Number of the device as text.

    Two contexts are equal when their fields are. The hash follows the fields, so a context that
    serves as a dictionary's key must not be changed; `key` is an immutable stand-in.

    Attributes:
        key: ``(tuple of backends, array class, device id)``.
    """

    __slots__ = ("key",)

    key: tuple[tuple[str, ...], str, str]

    def __init__(
        self,
        backend: Iterable[str] = ("cpu:float",),
        array_class: str = "",
        device_id: str = "0",
    ) -> None:
        self.key = ((), "", "")
        self.backend = backend
        self.array_class = array_class
        self.device_id = device_id

    @property
    def backend(self) -> list[str]:
        """A copy of the backends' names; assign a new list to change them."""
        return list(self.key[0])

    @backend.setter
    def backend(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise ArgumentTypeError(
                f"Context: backend must be a list of names, got the str {names!r}; write [{names!r}]"
            )
        checked = tuple(_check_text("backend", name) for name in names)
        self.key = (checked, self.key[1], self.key[2])

    @property
    def array_class(self) -> str:
        """Name of the array class, or an empty string."""
        return self.key[1]

    @array_class.setter
    def array_class(self, name: str) -> None:
        self.key = (self.key[0], _check_text("array_class", name), self.key[2])

    @property
    def device_id(self) -> str:
        """Number of the device as text."""
        return self.key[2]

    @device_id.setter
    def device_id(self, device: str) -> None:
        self.key = (self.key[0], self.key[1], _check_text("device_id", device))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Context):
            return self.key == other.key
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        backend, array_class, device_id = self.key
        return f"Context(backend={list(backend)!r}, array_class={array_class!r}, device_id={device_id!r})"

    def __reduce__(self) -> tuple[type[Context], tuple[list[str], str, str]]:
        return Context, (list(self.key[0]), self.key[1], self.key[2])


def split_backend(name: str) -> tuple[str, str]:
    """Split ``'cpu:half'`` into ``('cpu', 'half')``; the part after the colon may be missing."""
    backend, _, type_config = name.partition(":")
    return backend, type_config or "float"


def backend_names(ctx: Context) -> tuple[tuple[str, str], ...]:
    """The backends of ``ctx`` in order, each as ``(backend, type configuration)``."""
    return tuple(split_backend(name) for name in ctx.key[0])


# The default is shared by all threads; a scope belongs to the thread (or asyncio task) in it.
_default = Context()
_scoped: ContextVar[Context | None] = ContextVar("nnabla_context", default=None)
_available: dict[Context, None] = {}


def get_current_context() -> Context:
    """The context of the innermost `context_scope`, or the default one."""
    return _scoped.get() or _default


def set_default_context(ctx: Context) -> None:
    """Make ``ctx`` what `get_current_context` gives outside any scope, in every thread.

    Raises:
        ContextError: Called inside a `context_scope`, where it would have no effect.
    """
    global _default
    if _scoped.get() is not None:
        raise ContextError(
            "set_default_context: called inside a context_scope, which hides the default; leave the scope first"
        )
    _default = _check_context("set_default_context", ctx)


@contextmanager
def context_scope(ctx: Context) -> Iterator[None]:
    """Use ``ctx`` as the current context within a ``with`` block.

    Example:
        >>> import nnabla as nn
        >>> with nn.context_scope(nn.Context(['cpu:half', 'cpu:float'])):
        ...     nn.get_current_context().backend
        ['cpu:half', 'cpu:float']
    """
    token = _scoped.set(_check_context("context_scope", ctx))
    try:
        yield
    finally:
        _scoped.reset(token)


def add_available_context(ctx: Context) -> None:
    """Announce a context that this process can compute in (done by device extensions)."""
    _available[_check_context("add_available_context", ctx)] = None


def available_contexts() -> list[Context]:
    """The contexts announced so far, first announced first."""
    return list(_available)


def _check_context(caller: str, ctx: object) -> Context:
    if not isinstance(ctx, Context):
        raise ArgumentTypeError(
            f"{caller}: expected a nnabla.Context, got {type(ctx).__name__} ({ctx!r}); "
            f"nnabla.ext_utils.get_extension_context('cpu') makes one"
        )
    return ctx
