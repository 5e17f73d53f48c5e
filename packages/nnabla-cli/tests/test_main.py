"""The program: which command is run, what is imported, what is said when none can be."""

import subprocess
import sys

import pytest

from nnabla.plugins import Command, hookimpl, plugins
from nnabla_cli.main import main


class Echo(Command):
    name = "echo"
    help = "Print a number and leave with it."

    def add_arguments(self, parser):
        parser.add_argument("status", type=int)

    def run(self, args):
        print("echo", args.status)
        return args.status or None


class Broken:
    @hookimpl
    def nnabla_contract_version(self):
        return 1

    @hookimpl
    def nnabla_command(self):
        raise OSError("no terminal")


@pytest.fixture(autouse=True)
def commands():
    plugins.register("commands", "echo", Echo())
    plugins.register("commands", "brokencmd", Broken())
    yield
    plugins.unregister("commands", "echo")
    plugins.unregister("commands", "brokencmd")


@pytest.mark.parametrize("status", [0, 7])
def test_a_command_gets_its_arguments_and_gives_the_exit_status(capsys, status):
    assert main(["echo", str(status)]) == status
    assert capsys.readouterr().out == f"echo {status}\n"


def test_the_arguments_of_the_process_are_the_default(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["nnabla_cli", "echo", "5"])
    assert main() == 5


def test_wrong_arguments_are_told_with_the_commands_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["echo", "five"])
    assert caught.value.code == 2
    assert "usage: nnabla_cli echo" in capsys.readouterr().err


def test_a_commands_help_is_its_own(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["echo", "--help"])
    assert caught.value.code == 0
    assert "Print a number and leave with it." in capsys.readouterr().out


def test_a_missing_command_says_what_is_installed_and_what_would_help(capsys):
    assert main(["zzz"]) == 2
    error = capsys.readouterr().err
    assert "command 'zzz' is not installed; installed: " in error
    assert "pip install nnabla-cli" in error


def test_a_mistyped_command_gets_a_suggestion(capsys):
    assert main(["ecoh"]) == 2
    assert "did you mean 'echo'?" in capsys.readouterr().err


def test_a_broken_command_says_why(capsys):
    assert main(["brokencmd"]) == 1
    assert "OSError: no terminal" in capsys.readouterr().err


class Nonsense(Command):
    name = "nonsense"

    def __init__(self, error=None):
        self.error = error

    def add_arguments(self, parser):
        if self.error:
            raise self.error

    def run(self, args):
        return "fine"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Nonsense(), "run() returned str, expected an exit status or None"),
        (Nonsense(KeyError("option")), "add_arguments() raised KeyError: 'option'"),
    ],
)
def test_a_command_that_breaks_its_contract_is_blamed_with_its_distribution(capsys, command, reason):
    plugins.register("commands", "nonsense", command)
    try:
        assert main(["nonsense"]) == 1
    finally:
        plugins.unregister("commands", "nonsense")
    assert capsys.readouterr().err == f"nnabla_cli: command 'nonsense' of (this process) is broken: {reason}\n"


def test_help_lists_all_commands_and_survives_broken_ones(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["echo", "Print a number and leave with it."] in lines
    assert ["brokencmd", "(broken; `nnabla_cli plugins` tells why)"] in lines


def test_no_command_shows_the_help_as_an_error(capsys):
    assert main([]) == 2
    assert "echo" in capsys.readouterr().err


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--zzz"])
    assert caught.value.code == 2


def test_the_help_imports_commands_and_nothing_that_computes():
    code = """
import sys
from nnabla_cli.main import main
try:
    main(["--help"])
except SystemExit:
    pass
heavy = ("h5py", "google", "nnabla_ext", "nnabla_io", "nnabla.ops", "nnabla.functions", "array_api_compat")
print([name for name in heavy if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == "[]\n"
    assert "doctor" in done.stdout


def test_only_the_command_asked_for_is_imported():
    code = """
import sys
from nnabla_cli.main import main
main(["version"])
print("nnabla_cli.commands.plugins" in sys.modules, "h5py" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[1:] == ["False False"], done.stderr
