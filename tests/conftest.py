"""Fresh environments and the repository's place, for the tests of the whole repository."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Environment:
    """A virtual environment with nothing in it, not even pip."""

    def __init__(self, folder):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")

    def run(self, *command, **options):
        """Run one of the environment's scripts, away from the repository; return what it did."""
        program = self.scripts / command[0]
        options = {"cwd": self.scripts, "timeout": 300} | options
        return subprocess.run([program, *command[1:]], capture_output=True, text=True, **options)

    def pip(self, *arguments):
        """Run this interpreter's pip on the environment."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def fresh_environment(tmp_path):
    return Environment(tmp_path / "environment")


@pytest.fixture(scope="session")
def root():
    return ROOT
