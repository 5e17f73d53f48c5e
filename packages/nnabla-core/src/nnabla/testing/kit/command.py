"""The checks of a command: its help, its exit status, and what it does when it is called wrongly."""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nnabla.plugins import Command, plugins
from nnabla.testing.kit.report import Check

__all__ = ["command_checks"]

_USAGE_ERROR = 2  # as argparse has it


@dataclass
class _Done:
    """What a call left: its exit status, what it returned, and what it wrote."""

    status: object
    out: str
    err: str


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"nnabla_cli {name}", description=command.help)
    command.add_arguments(parser)
    return parser


def _call(name: str, command: Command, *arguments: str) -> _Done:
    """Run a command as ``nnabla_cli`` does, in an empty folder."""
    out, err = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        before = os.getcwd()
        os.chdir(folder)
        try:
            status: object = command.run(_parser(name, command).parse_args(arguments))
        except SystemExit as end:
            status = end.code
        finally:
            os.chdir(before)
    return _Done(status, out.getvalue(), err.getvalue())


def _needed(parser: argparse.ArgumentParser, missing: str) -> tuple[list[str], bool]:
    """Return arguments that satisfy the parser, files among them missing, and whether there is such a file."""
    given: list[str] = []
    file = False
    for action in parser._actions:
        positional = not action.option_strings
        if not (action.required or (positional and action.nargs == "+")):
            continue
        value = str(next(iter(action.choices))) if action.choices else "1" if action.type in (int, float) else missing
        count = action.nargs if isinstance(action.nargs, int) else 1
        file |= value == missing and any(word in f"{action.dest} {action.metavar}".lower() for word in ("file", "path"))
        given += [*([] if positional else [action.option_strings[0]]), *[value] * count]
    return given, file


# -- checks ----------------------------------------------------------------------------------------------------
def _name(name: str, command: Command) -> None:
    """It has the name that it is found by, and one sentence of help"""
    assert command.name == name, f"its name is {command.name!r}, its entry point's {name!r}"
    text = command.help
    assert isinstance(text, str) and text.strip(), "its help is empty"
    assert "\n" not in text.strip() and text.strip().endswith("."), f"its help is no sentence in one line: {text!r}"


def _help(name: str, command: Command) -> None:
    """--help prints what it does on standard output, and ends with status 0"""
    done = _call(name, command, "--help")
    assert done.status in (0, None), f"the exit status is {done.status!r}"
    assert " ".join(command.help.split()) in " ".join(done.out.split()), "the help does not say what it does"
    assert not done.err, f"it wrote to standard error: {done.err[:200]}"


def _explained(name: str, command: Command) -> None:
    """Every argument has a help text"""
    without = [action.dest for action in _parser(name, command)._actions if not action.help]
    assert not without, f"there is none for {', '.join(without)}"


def _quiet(name: str, command: Command) -> None:
    """Declaring arguments twice is the same, and prints nothing"""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        first, second = (_parser(name, command).format_help() for _ in range(2))
    assert first == second, "a second parser has other arguments"
    assert not out.getvalue(), f"add_arguments() wrote {out.getvalue()[:200]!r}"


def _unknown_option(name: str, command: Command) -> None:
    """An unknown option ends with status 2 and is named on standard error"""
    given, _ = _needed(_parser(name, command), "no-such-file")
    done = _call(name, command, *given, "--no-such-option")
    assert done.status == _USAGE_ERROR, f"the exit status is {done.status!r}"
    assert "--no-such-option" in done.err, f"standard error does not name it: {done.err[:200]!r}"


def _missing_argument(name: str, command: Command) -> None:
    """Without its required arguments it ends with status 2 and says what is missing"""
    given, _ = _needed(_parser(name, command), "no-such-file")
    if given:
        done = _call(name, command)
        assert done.status == _USAGE_ERROR, f"the exit status is {done.status!r}"
        assert done.err, "standard error is empty"


def _missing_file(name: str, command: Command) -> None:
    """A file that is not there is an error that names it, not a traceback; the status is a small number"""
    parser = _parser(name, command)
    missing = "no-such-file.h5"
    given, file = _needed(parser, missing)
    if not given:
        return
    try:
        done = _call(name, command, *given)
    except Exception as error:
        raise AssertionError(f"run() raised {type(error).__name__}: {error}") from error
    status = 0 if done.status is None else done.status
    assert isinstance(status, int) and 0 <= status < 256, f"run() returned {done.status!r}, which is no exit status"
    if file:
        assert status, "the exit status is 0 though a file is missing"
    if status:
        assert done.err.strip(), f"the exit status is {status} and standard error is empty"
        assert "Traceback" not in done.err, "standard error has a traceback"
    if file:
        assert missing in done.err, f"standard error does not name {missing}: {done.err[:200]!r}"


_CHECKS: dict[str, tuple[Callable[[str, Command], None], ...]] = {
    "help": (_name, _help, _explained, _quiet),
    "errors": (_unknown_option, _missing_argument, _missing_file),
}


def command_checks(name: str) -> Iterator[Check]:
    """Give the checks of a command.

    Args:
        name: Its name, as in ``nnabla_cli NAME``.

    Raises:
        PluginError: The command is not installed, or does not load.
    """
    command = plugins.get("commands", name)
    for group, checks in _CHECKS.items():
        for check in checks:
            yield Check(group, "", check.__doc__ or "", functools.partial(check, name, command))
