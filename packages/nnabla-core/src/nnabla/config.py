"""Settings: built-in defaults, overridden by configuration files.

Files in the INI format are read in this order, each overriding those before it:

========  ==================  ============================================
scope     POSIX               Windows
========  ==================  ============================================
system    /etc/nnabla.conf    C:\\ProgramData\\NNabla\\nnabla.ini
user      ~/.nnabla           %APPDATA%\\NNabla\\nnabla.ini
local     ./nnabla.conf       .\\nnabla.conf
========  ==================  ============================================

Names and sections beyond the defaults may be added at will.
"""

from __future__ import annotations

import configparser
import os
import warnings
from collections.abc import Iterable

__all__ = ["nnabla_config"]

_DEFAULTS = {
    "DATA_ITERATOR": {
        "cache_file_format": ".npy",
        "data_source_file_cache_num_of_threads": "10",
        "cache_file_cache_num_of_threads": "4",
        "data_source_file_cache_size": "100",
        "data_source_file_cache_location": "",
        "data_source_buffer_max_size": "1073741824",
    },
    "LOG": {
        "log_file_name": "",
        "log_file_level": "DEBUG",
        "log_file_format": "%(asctime)s [%(name)s][%(levelname)s]: "
        "%(pathname)s : %(funcName)s : %(lineno)s : %(message)s",
        "log_console_level": "INFO",
        "log_console_format": "%(asctime)s [%(name)s][%(levelname)s]: %(message)s",
    },
    "MISC": {"misc_show_progress": "True", "nnp_param_format": ".h5"},
    "CALLBACK": {"util_callback_module": ""},
    "CHECKPOINT": {"optimizer_interval": "5"},
    "MULTINODE": {
        "analyse_gpu_status_interval": "20",
        "gpu_slowing_warning_threshold": "2",
        "gpu_slowing_error_threshold": "10",
    },
}


def _config_files() -> list[str]:
    if os.name == "nt":
        system = os.environ.get("PROGRAMDATA", r"C:\ProgramData")
        user = os.environ.get("APPDATA", os.path.expanduser(r"~\AppData\Roaming"))
        installed = [os.path.join(folder, "NNabla", "nnabla.ini") for folder in (system, user)]
    else:
        installed = ["/etc/nnabla.conf", os.path.expanduser("~/.nnabla")]
    return [*installed, "nnabla.conf"]


def _read(files: Iterable[str]) -> configparser.RawConfigParser:
    """The defaults overridden by those of ``files`` that exist; damaged ones are warned about."""
    config = configparser.RawConfigParser()
    config.read_dict(_DEFAULTS)
    for name in files:
        if os.path.isfile(name):
            try:
                config.read(name, encoding="utf-8")
            except (configparser.Error, OSError, UnicodeDecodeError) as error:
                warnings.warn(f"the configuration file {name} is left out: {error}", stacklevel=2)
    return config


nnabla_config = _read(_config_files())
