"""The logger of the framework: ``nnabla.logger.logger``, Python's logger named ``nnabla``.

Level and format on the console, and a log file, are settings of the section LOG in
`nnabla.config`. Once the program configures the root logger itself, its handlers take over the
console output.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import TYPE_CHECKING, TextIO

from nnabla.config import nnabla_config

__all__ = ["logger"]


if TYPE_CHECKING:
    _TextHandler = logging.StreamHandler[TextIO]
else:  # it cannot be subscripted before Python 3.11
    _TextHandler = logging.StreamHandler


class _ConsoleHandler(_TextHandler):
    """Writes to the present ``sys.stderr``, unless the program has set up logging itself."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr

    def filter(self, record: logging.LogRecord) -> bool:
        return not logging.getLogger().handlers and bool(super().filter(record))


def _file_handler(path: str) -> logging.Handler | None:
    try:
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        warnings.warn(f"no log is written to log_file_name {path}: {error}", stacklevel=2)
        return None
    handler.setLevel(nnabla_config.get("LOG", "log_file_level"))
    handler.setFormatter(logging.Formatter(nnabla_config.get("LOG", "log_file_format")))
    return handler


def _configure(target: logging.Logger) -> None:
    console = _ConsoleHandler()
    console.setFormatter(logging.Formatter(nnabla_config.get("LOG", "log_console_format")))
    console_level = nnabla_config.get("LOG", "log_console_level")
    target.addHandler(console)
    target.setLevel(console_level)
    path = nnabla_config.get("LOG", "log_file_name")
    file = _file_handler(path) if path else None
    if file is not None:
        # The logger lets through what either wants, and the console keeps to its own level.
        console.setLevel(console_level)
        target.addHandler(file)
        target.setLevel(min(console.level, file.level))


logger = logging.getLogger("nnabla")
if not any(isinstance(handler, _ConsoleHandler) for handler in logger.handlers):
    _configure(logger)
