"""The noxfile runs as a script where nox is missing, and says what is missing where it cannot."""

import os
import shutil
import sys

import pytest


@pytest.fixture
def checkout(tmp_path, root):
    """A folder with what nox reads, so that the private environment is made there."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("noxfile.py", "pyproject.toml"):
        shutil.copy(root / name, folder)
    return folder


def installed_files(environment):
    return sorted(environment.scripts.parent.rglob("site-packages/*"))


def test_makes_a_private_environment_once_and_leaves_python_alone(checkout, fresh_environment):
    before = installed_files(fresh_environment)
    first = fresh_environment.run("python", str(checkout / "noxfile.py"), "--list")
    assert first.returncode == 0, first.stderr
    assert "making" in first.stdout
    for session in ("demo", "tests", "lint", "bench", "build", "wheels", "sanitize(address)"):
        assert f" {session} -> " in first.stdout
    assert (checkout / ".nox-bootstrap").is_dir()
    assert installed_files(fresh_environment) == before

    second = fresh_environment.run("python", str(checkout / "noxfile.py"), "--list")
    assert second.returncode == 0, second.stderr
    assert "making" not in second.stdout


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_names_the_package_to_install_where_a_module_is_missing(checkout, fresh_environment, tmp_path, module):
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / f"{module}.py").write_text(f"raise ModuleNotFoundError(name={module!r})\n")
    environment = os.environ | {"PYTHONPATH": str(hiding)}
    script = str(checkout / "noxfile.py")
    done = fresh_environment.run("python", script, "--list", env=environment)
    assert done.returncode == 1
    assert f"lacks the module {module}" in done.stderr
    assert "apt install python{}.{}-venv".format(*sys.version_info) in done.stderr
    assert not (checkout / ".nox-bootstrap").exists()


def test_says_which_python_it_needs(checkout, fresh_environment):
    code = (
        "import runpy, sys; sys.version_info = (3, 9, 18, 'final', 0);"
        f"runpy.run_path({str(checkout / 'noxfile.py')!r}, run_name='__main__')"
    )
    done = fresh_environment.run("python", "-c", code)
    assert done.returncode == 1
    assert "needs Python 3.10 or newer, this is 3.9" in done.stderr


def test_hands_on_the_exit_status_of_a_failing_session(checkout, fresh_environment):
    # A nox that only fails stands for the real one, which the first test installs.
    package = checkout / "nox"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "project.py").write_text("dependency_groups = None\n")
    (package / "__main__.py").write_text("import sys; print(sys.argv[1:]); sys.exit(7)\n")
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    script = str(checkout / "noxfile.py")
    done = fresh_environment.run("python", script, "-s", "tests", env=environment)
    assert done.returncode == 7
    assert done.stdout.strip() == str(["--noxfile", script, "-s", "tests"])
    assert not (checkout / ".nox-bootstrap").exists()
