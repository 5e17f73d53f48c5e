"""The pages on writing plugins, followed as they stand by somebody who has nothing but the wheels.

Their commands are run in order in one fresh environment, so that what ``nnabla_cli new-plugin`` writes is built,
installed and tested; their code is what was written, or runs.
"""

import re
import shlex
import subprocess
import sys

import pytest

pytest.importorskip("build")
pytest.importorskip("hatchling")

PAGES = ["write-a-backend", "write-an-operator", "write-a-format", "write-a-command"]
BLOCK = re.compile(r"(?:^`([\w./-]+)`:\n\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Reader:
    """Somebody who follows a page: a folder, and an environment with the wheels at hand."""

    def __init__(self, environment, wheels, folder):
        self.environment, self.folder = environment, folder
        self.find = ["--no-index", *(option for path in wheels for option in ("--find-links", str(path)))]

    def type(self, line):
        """Do what a line of a console block says."""
        program, *arguments = shlex.split(line)
        if program == "cd":
            self.folder = self.folder / arguments[0]
        elif program == "pip" and "-e" not in arguments:
            self.environment.pip(*arguments, *self.find)
        elif program == "pip":  # installed from its wheel, so that nothing of the folder is on the path
            self.build()
            (wheel,) = self.folder.glob("dist/*.whl")
            self.environment.pip("install", f"{wheel}[tests]", *self.find)
        elif line not in ("python -m build", "twine upload dist/*"):
            done = self.environment.run(*self.program(program), *arguments, cwd=self.folder)
            assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    def program(self, name):
        return ["python", "-m", "pytest", "-q", "-p", "no:cacheprovider"] if name == "pytest" else [name]

    def build(self):
        command = [sys.executable, "-m", "build", "--no-isolation", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def execute(self, code):
        """Run a block of code as a program."""
        done = self.environment.run("python", "-c", code, cwd=self.folder)
        assert done.returncode == 0, f"{code}\n{done.stderr}"


@pytest.fixture(scope="module")
def environment(make_environment, tmp_path_factory):
    return make_environment(tmp_path_factory.mktemp("reader") / "environment")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_from_nothing_to_a_tested_distribution(
    page, root, environment, wheelhouse, testing_wheels, tmp_path
):
    reader = Reader(environment, [wheelhouse, testing_wheels], tmp_path)
    counts = {"console": 0, "python": 0, "file": 0}
    for path, language, text in BLOCK.findall((root / "docs" / f"{page}.md").read_text("utf-8")):
        if path:
            counts["file"] += 1
            assert text in (reader.folder / path).read_text("utf-8"), f"{path} is not as the page has it"
        elif language == "console":
            for line in text.splitlines():
                counts["console"] += 1
                reader.type(line.removeprefix("$ "))
        else:
            counts["python"] += 1
            assert language == "python" and "assert" in text
            reader.execute(text)
    assert counts["console"] >= 6 and counts["file"] >= 2 and counts["python"] >= 1


def test_the_plugins_that_the_pages_made_live_side_by_side(environment):
    done = environment.run("nnabla_cli", "plugins", "--check")
    assert done.returncode == 0, done.stdout
    names = {line.split()[1] for line in done.stdout.splitlines()}
    assert {"acme", "ScaledSwish", "packed", "list-parameters"} <= names
    done = environment.run("nnabla_cli", "doctor")
    assert done.returncode == 0, done.stdout
    assert "backend acme" in done.stdout
