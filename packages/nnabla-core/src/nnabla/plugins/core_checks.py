"""What the core says of itself and of the distributions around it when ``nnabla_cli doctor`` asks."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterator

from nnabla.plugins.check import Check

__all__ = ["distribution_checks", "python_checks"]

OLDEST = (3, 10)


def python_checks() -> list[Check]:
    """The interpreter and the machine it runs on."""
    version = f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})"
    wanted = ".".join(map(str, OLDEST))
    if sys.version_info >= OLDEST:
        python = Check("version", "ok", version)
    else:
        python = Check("version", "broken", f"{version}; {wanted} is the oldest that works")
    return [python, Check("platform", "ok", f"{platform.system()} {platform.release()} on {platform.machine()}")]


def distribution_checks(names: Iterator[str] | list[str]) -> list[Check]:
    """Versions of distributions and of what they require, whether all of that is there, and old enough or new.

    Args:
        names: The distributions; what they require is added.
    """
    found: dict[str, Check] = {}
    for name in names:
        version = _version(name)
        if version is None:
            continue
        lacking = []
        for needed, operator, wanted in _requirements(name):
            there = _version(needed)
            if there is None:
                lacking.append(needed)
            elif not _fits(there, operator, wanted):
                lacking.append(f"{needed}{operator}{wanted} (installed is {there})")
            if there is not None:
                found.setdefault(needed, Check(needed, "ok", there))
        if lacking:
            found[name] = Check(name, "broken", f"{version} needs {', '.join(lacking)}", f"pip install {name}")
        else:
            found[name] = Check(name, "ok", version)
    return [found[name] for name in sorted(found)]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _requirements(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, comparison and version of what a distribution requires whatever the circumstances."""
    for text in importlib.metadata.requires(name) or []:
        if ";" in text:  # for an extra, a platform or a Python
            continue
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?\s*\(?\s*(~=|>=)?\s*([\d.]*)", text)
        if match:
            needed, operator, version = match.groups()
            yield needed, operator or "", version


def _fits(there: str, operator: str, wanted: str) -> bool:
    """Whether a version meets ``>=`` or ``~=``; other comparisons are left to pip."""
    if not operator or not wanted:
        return True
    have, want = _release(there), _release(wanted)
    if operator == "~=" and have[: len(want) - 1] != want[:-1]:
        return False
    return have >= want


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()
