"""Modules whose work moved to a plugin: they stay importable at their public path."""

from __future__ import annotations

import importlib
import sys

from nnabla.plugins.errors import PluginNotFoundError

__all__ = ["forward"]


def forward(module: str, target: str, distribution: str) -> None:
    """Make ``module``, which is being imported, another name of ``target``.

    Args:
        module: The module's ``__name__``.
        target: Full name of the module that it stands for.
        distribution: What to install if that is missing.

    Raises:
        PluginNotFoundError: ``target`` is not installed.
    """
    try:
        found = importlib.import_module(target)
    except ModuleNotFoundError as error:
        if not f"{target}.".startswith(f"{error.name}."):
            raise  # something that the target needs
        raise PluginNotFoundError(
            f"{module} needs the distribution {distribution}, which is not installed (or too "
            f"old); `pip install {distribution}`",
            target,
        ) from error
    sys.modules[module] = found
