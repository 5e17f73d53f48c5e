"""Contexts of a backend under test, with and without the plain backend behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import nnabla as nn
from nnabla.errors import NoKernelError
from nnabla.plugins import plugins
from nnabla.testing.kit.report import FallsBack, NotSupported
from nnabla.testing.opaque import install

__all__ = ["Subject", "plain_context"]


def plain_context(config: str) -> Any:
    """Return the context of NumPy without kernels, which is what others are compared with."""
    return install()["plain"].context(type_config=config)


class Subject:
    """A backend under test.

    Attributes:
        name: Its name.
        backend: The backend.
        exact: The type configuration of comparisons: ``double`` where the backend has it, else ``float``.
    """

    def __init__(self, name: str) -> None:
        install()
        self.name = name
        self.backend = plugins.get("backends", name)
        self.exact = "double" if "double" in self.backend.types else "float"
        self._declined: list[str] = []

    @property
    def tolerance(self) -> tuple[float, float]:
        """Relative and absolute tolerance of comparisons in :attr:`exact`."""
        return (1e-8, 1e-9) if self.exact == "double" else (2e-4, 2e-5)

    def context(self, config: str) -> Any:
        """Return the context of this backend alone."""
        alone = self.backend.context(type_config=config)
        return nn.Context([f"{self.name}:{config}"], alone.array_class, alone.device_id)

    def helped(self, config: str) -> Any:
        """Return the context of this backend with the plain one behind it."""
        alone = self.context(config)
        return nn.Context([*alone.backend, *plain_context(config).backend], alone.array_class, alone.device_id)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tell an operator that the backend declines from one that it has no kernel for.

        Raises:
            NotSupported: ``supports`` said no.
            FallsBack: There is neither a kernel, nor a namespace, nor a body of operators that have one.
        """
        declined: list[str] = []
        supports = self.backend.supports

        def asked(op: Any, args: Any) -> bool:
            answer = supports(op, args)
            if not answer:
                declined.append(op.name)
            return bool(answer)

        self.backend.supports = asked
        try:
            yield
        except NoKernelError as error:
            if declined:
                raise NotSupported(f"{self.name} declines {', '.join(dict.fromkeys(declined))}") from None
            raise FallsBack(" ".join(str(error).split())) from None
        finally:
            del self.backend.supports
