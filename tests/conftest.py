"""Fresh environments, built distributions and the repository's place, for the tests of the whole repository."""

import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "nnabla": ".",
    "nnabla-core": "packages/nnabla-core",
    "nnabla-ext-cpu": "packages/nnabla-ext-cpu",
    "nnabla-io": "packages/nnabla-io",
    "nnabla-cli": "packages/nnabla-cli",
}


class Environment:
    """A virtual environment with nothing in it, not even pip."""

    def __init__(self, folder):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.scripts = folder / ("Scripts" if os.name == "nt" else "bin")
        self.python = self.scripts / ("python.exe" if os.name == "nt" else "python")

    def run(self, *command, **options):
        """Run one of the environment's scripts, away from the repository; return what it did."""
        program = self.scripts / command[0]
        outside = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        options = {"cwd": self.scripts, "timeout": 300, "env": outside} | options
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
def make_environment():
    """Make an environment in a folder, for several tests together."""
    return Environment


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture
def load_benchmark(monkeypatch):
    """A function that imports a module of benchmarks/ by its name; the modules go with the test."""
    folder = ROOT / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))
    yield importlib.import_module
    for script in folder.glob("*.py"):
        sys.modules.pop(script.stem, None)


def run(*command):
    """Run a module of this interpreter, such as pip."""
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


class Built:
    """The files that a build of all distributions leaves, by distribution."""

    folders = FOLDERS

    def __init__(self, folder):
        self.folder = folder

    def find(self, name, pattern):
        (path,) = self.folder.glob(name.replace("-", "_") + pattern)
        return path

    def wheel(self, name):
        return zipfile.ZipFile(self.find(name, "-[0-9]*.whl"))

    def sdist_names(self, name):
        with tarfile.open(self.find(name, "-[0-9]*.tar.gz")) as archive:
            return {path.partition("/")[2] for path in archive.getnames()}

    def metadata(self, name):
        with self.wheel(name) as wheel:
            (path,) = (path for path in wheel.namelist() if path.endswith(".dist-info/METADATA"))
            return Parser().parsestr(wheel.read(path).decode())


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    for path in FOLDERS.values():
        run("build", "--no-isolation", "--outdir", str(folder), str(ROOT / path))
    return Built(folder)


@pytest.fixture(scope="session")
def build_wheel():
    """Build the wheel of a folder into another; return its path."""

    def build(source, target):
        run("build", "--no-isolation", "--wheel", "--outdir", str(target), str(source))
        (wheel,) = target.glob("*.whl")
        return wheel

    return build


@pytest.fixture(scope="session")
def wheelhouse(built, tmp_path_factory):
    """All distributions and what they depend on, in the versions that these tests run with."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    versions = {found.name: found.version for found in importlib.metadata.distributions()}
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(f"{name}=={version}\n" for name, version in versions.items() if name not in FOLDERS))
    wheels = map(str, built.folder.glob("*.whl"))
    run("pip", "download", "--quiet", "--constraint", str(constraints), "-d", str(folder), *wheels)
    return folder


@pytest.fixture(scope="session")
def testing_wheels(tmp_path_factory):
    """What the tests of plugins need besides, in the versions that these tests run with."""
    folder = tmp_path_factory.mktemp("testing_wheels")
    needed = {text for text in importlib.metadata.requires("nnabla-core") if "extra == 'testing'" in text}
    names = [re.match(r"[\w-]+", text).group() for text in needed]
    wanted = [f"{name}=={importlib.metadata.version(name)}" for name in [*names, "numpy"]]
    run("pip", "download", "--quiet", "--only-binary", ":all:", "-d", str(folder), *wanted)
    return folder
