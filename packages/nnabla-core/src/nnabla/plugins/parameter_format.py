"""The contract of a parameter file format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

__all__ = ["ParameterFormat", "ParameterRecord"]


@dataclass(frozen=True, eq=False)
class ParameterRecord:
    """One parameter as it is stored.

    Attributes:
        name: Path in the parameter registry, with ``/`` between scopes: ``conv1/conv/W``.
        array: The values, any shape and number type, in memory.
        need_grad: Whether the parameter is trained.
    """

    name: str
    array: npt.NDArray[Any] | np.generic
    need_grad: bool = True


class ParameterFormat(ABC):
    """Writes a list of parameters into a binary file and reads it back.

    The core opens the files, writes them atomically and names them in errors, so a format sees
    nothing but a binary file, seekable, at its start. It may raise any exception.

    Attributes:
        suffixes: The file name suffixes, with their dot: ``(".h5",)``.
    """

    suffixes: tuple[str, ...] = ()

    @abstractmethod
    def save(self, file: BinaryIO, records: Sequence[ParameterRecord]) -> None:
        """Write ``records`` into ``file``, which is empty; their order is to be kept."""

    @abstractmethod
    def load(self, file: BinaryIO) -> list[ParameterRecord]:
        """Read everything that :meth:`save` wrote, in its order.

        Raises:
            Exception: The content is not of this format, cut off or damaged.
        """
