"""``nnabla_cli doctor``."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from nnabla.plugins import Check, Command, PluginError, PluginLoadError, PluginStatus, hookimpl, plugins

if TYPE_CHECKING:
    from nnabla.context import Context

__all__ = ["Doctor", "nnabla_command", "nnabla_contract_version"]


class Doctor(Command):
    """Tells of Python, packages and every plugin what works, what is missing and what would mend it."""

    name = "doctor"
    help = "Tell what works here, what is missing and which command installs it."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare ``--json``."""
        parser.add_argument("--json", action="store_true", help="print a JSON list")

    def run(self, args: argparse.Namespace) -> int:
        """Look at everything and print it.

        Returns:
            1 if something is broken, otherwise 0; what is merely missing is no failure.
        """
        with contextlib.redirect_stdout(sys.stderr):  # plugins may print
            checks = [(subject, check) for subject, found in _examine() for check in found]
        if args.json:
            import json  # not for the list of commands

            entries = [{"subject": subject, **dataclasses.asdict(check)} for subject, check in checks]
            print(json.dumps(entries, indent=2))
        else:
            print(_report(checks))
        return int(any(check.state == "broken" for _, check in checks))


def _examine() -> Iterator[tuple[str, list[Check]]]:
    """What there is to say, subject by subject."""
    from nnabla.plugins.core_checks import distribution_checks, python_checks

    statuses = plugins.statuses(load=True)
    yield "python", python_checks()
    yield "packages", distribution_checks(["nnabla", "nnabla-core", *(status.distribution for status in statuses)])
    told: dict[str, list[Check]] = {}
    for status in statuses:
        subject = f"{status.kind.rstrip('s')} {status.name}".replace("_", " ")
        checks = [_load_check(status)] if status.state in ("failed", "hidden") else []
        if status.state == "loaded":
            if status.kind == "backends":
                checks += _backend_checks(status.name)
            # A format of several suffixes, or a module that serves several entries, is told of once.
            said = plugins.checks(status.kind, status.name)
            before = told.setdefault(status.distribution, [])
            checks += [check for check in said if check not in before]
            before += said
        if checks:
            yield subject, checks


def _load_check(status: PluginStatus) -> Check:
    """Of a plugin that is not in use: the reason."""
    if status.state == "hidden":
        return Check("in use", "missing", f"{status.distribution}: {status.reason}")
    fix = ""
    try:
        plugins.get(status.kind, status.name)
    except PluginLoadError as error:
        # pip also brings what a distribution that is there requires and lacks.
        lacking = isinstance(error.__cause__, ModuleNotFoundError)
        fix = f"pip install {'' if lacking else '--force-reinstall '}{status.distribution}"
    except PluginError:
        pass  # the reason says what to do
    return Check("loads", "broken", status.reason, fix)


def _backend_checks(name: str) -> list[Check]:
    """The devices of a backend, and whether it computes."""
    backend = plugins.get("backends", name)
    try:
        devices = [str(device) for device in backend.devices()]
    except Exception as error:  # whatever a driver gives
        return [Check("devices", "broken", f"devices() raised {type(error).__name__}: {error}")]
    if not devices:
        return [Check("devices", "missing", "none")]
    found = [Check("devices", "ok", ", ".join(devices))]
    try:
        value = _compute(backend.context())
    except Exception as error:
        return [*found, Check("computes", "broken", f"1 + 2 raised {type(error).__name__}: {error}")]
    return [*found, Check("computes", "ok" if value == 3 else "broken", f"1 + 2 = {value:g}")]


def _compute(context: Context) -> float:
    import nnabla as nn

    with nn.context_scope(context):
        one = nn.Variable.from_numpy_array([1.0])
        total = one + 2
        total.forward()
        return float(total.d[0])


def _report(checks: list[tuple[str, Check]]) -> str:
    """A line a check, below its subject's name, with the command that mends it where there is one."""
    width = max(len(check.name) for _, check in checks)
    lines: list[str] = []
    last = None
    for subject, check in checks:
        if subject != last:
            lines.append(subject)
        last = subject
        first, *rest = check.found.splitlines() or [""]
        lines.append(f"  {check.state:8}{check.name:{width}}  {first}".rstrip())
        lines += [textwrap.indent(line, " " * 12) for line in rest]
        if check.fix:
            lines.append(f"  {'':8}{'':{width}}  -> {check.fix}")
    counts = {state: sum(check.state == state for _, check in checks) for state in ("broken", "missing")}
    lines.append(f"{counts['broken']} broken, {counts['missing']} missing")
    return "\n".join(lines)


@hookimpl
def nnabla_contract_version() -> int:
    return 1


@hookimpl
def nnabla_command() -> Command:
    return Doctor()
