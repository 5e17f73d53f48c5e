"""Find the installed extensions, which are the backends, and make contexts for them."""

from __future__ import annotations

import importlib
import logging
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nnabla.plugins import PluginError, PluginLoadError, PluginNotFoundError, plugins

if TYPE_CHECKING:
    from nnabla.context import Context

__all__ = ["get_extension_context", "import_extension_module", "list_extensions"]

_logger = logging.getLogger("nnabla")


def import_extension_module(ext_name: str) -> ModuleType:
    """Import the module ``nnabla_ext.<ext_name>`` of a backend.

    Args:
        ext_name: Name of the backend: ``"cpu"``, ``"cuda"``, ``"cudnn"``.

    Raises:
        PluginNotFoundError: There is no such extension; also a ModuleNotFoundError.
        PluginError: The extension is installed but broken.
    """
    try:
        return _import(ext_name)
    except PluginError as error:
        _logger.error("%s", error)
        raise


def list_extensions() -> list[str]:
    """Names of the extensions that work: each can be imported and gives a context.

    What is installed but broken is left out; ``nnabla_cli plugins`` tells why.
    """
    return [name for name in plugins.names("backends") if _works(name)]


def get_extension_context(ext_name: str, **kw: Any) -> Context:
    """A context that computes on an extension.

    Args:
        ext_name: Name of the backend: ``"cpu"``, ``"cuda"``, ``"cudnn"``.
        **kw: For the backend's context: ``device_id`` (``"0"``), ``type_config`` (``"float"``,
            ``"half"``, ``"double"``) and what else it knows.

    Raises:
        PluginNotFoundError: There is no such extension; also a ModuleNotFoundError.
        PluginError: The extension is installed but broken.
    """
    try:
        context: Context = plugins.get("backends", ext_name).context(**kw)
        return context
    except PluginError as error:
        _logger.error("%s", error)
        raise


def _import(ext_name: str) -> ModuleType:
    plugins.get("backends", ext_name)  # knows what to say of one that is missing or broken
    module = f"nnabla_ext.{ext_name}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise PluginLoadError(f"{module} cannot be imported: {error}") from error
        message = f"backend {ext_name!r} is installed but has no module {module}"
        raise PluginNotFoundError(message, module) from error
    except Exception as error:
        raise PluginLoadError(f"{module} cannot be imported: {error}") from error


def _works(name: str) -> bool:
    try:
        _import(name)
        plugins.get("backends", name).context()
    except Exception:  # broken in whatever way
        _logger.debug("extension %r does not work", name, exc_info=True)
        return False
    return True
