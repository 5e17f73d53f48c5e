"""What the core says of Python and of distributions, against made-up ones."""

import sys

import pytest

from nnabla.plugins.core_checks import distribution_checks, python_checks


@pytest.fixture
def require(site):
    """Write a distribution with requirements."""

    def do(name, version, *requirements):
        info = site.distribution(name, version)
        lines = [f"Requires-Dist: {text}" for text in requirements]
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (info / "METADATA").write_text(metadata + "".join(f"{line}\n" for line in lines))

    return do


def test_the_interpreter_is_named():
    version, machine = python_checks()
    assert sys.executable in version.found and version.state == "ok"
    assert machine.state == "ok"


def test_an_old_interpreter_is_broken(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert python_checks()[0].state == "broken"


def test_versions_of_a_distribution_and_of_what_it_requires_are_told(require):
    require("aa-base", "1.4")
    require("aa-top", "2.0", "aa-base>=1.3")
    found = {check.name: (check.state, check.found) for check in distribution_checks(["aa-top"])}
    assert found == {"aa-base": ("ok", "1.4"), "aa-top": ("ok", "2.0")}


@pytest.mark.parametrize(
    ("requirement", "lacking"),
    [
        ("aa-gone>=1", "aa-gone"),
        ("aa-base>=1.5", "aa-base>=1.5 (installed is 1.4.2)"),
        ("aa-base~=1.5", "aa-base~=1.5 (installed is 1.4.2)"),
        ("aa-base~=0.9", "aa-base~=0.9 (installed is 1.4.2)"),
        ("aa-base[extra]~=1.3.0", "aa-base~=1.3.0 (installed is 1.4.2)"),
    ],
)
def test_a_requirement_that_is_not_met_is_broken_and_pip_mends_it(require, requirement, lacking):
    require("aa-base", "1.4.2")
    require("aa-top", "2.0", requirement)
    found = {check.name: check for check in distribution_checks(["aa-top"])}["aa-top"]
    assert (found.state, found.found) == ("broken", f"2.0 needs {lacking}")
    assert found.fix == "pip install aa-top"


@pytest.mark.parametrize(
    "requirement",
    ["aa-base", "aa-base~=1.4", "aa-base~=1.4.1", "aa-base >= 1.4.2", "aa-base[extra]>=1", 'aa-gone; extra == "x"'],
)
def test_a_requirement_that_is_met_or_optional_is_not(require, requirement):
    require("aa-base", "1.4.2")
    require("aa-top", "2.0", requirement)
    assert {check.state for check in distribution_checks(["aa-top", "aa-never-installed"])} == {"ok"}
