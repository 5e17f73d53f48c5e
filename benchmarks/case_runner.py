"""What every file of cases shares: a case, and the command line that runs cases and prints a line of JSON for each."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

from case_sizes import GROUPS
from timing import median_ms

try:
    import resource
except ImportError:  # Windows
    resource = None


def threads():
    """How many threads each framework gets: one for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Case(NamedTuple):
    """``prepare()`` makes all that is needed and returns what runs one step; the time is a median over ``runs``."""

    prepare: Callable[[], Callable[[], object]]
    runs: int


def peak_mib():
    """The process's largest resident memory so far; 0 where the system does not tell."""
    if resource is None:
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measured(case):
    """The numbers of a case: the median step, the first step and the median of the next five, in milliseconds."""
    step = case.prepare()
    first = median_ms(step, 1, warm_up=0)
    return {"first_ms": first, "next_ms": median_ms(step, 5, warm_up=0), "ms": median_ms(step, case.runs)}


def start(*command):
    """A case which runs a program."""
    return Case(lambda: lambda: subprocess.run(command, check=True, capture_output=True), 5)


def startup_cases(module):
    """Starting Python, and starting it to import a framework."""
    return {
        "startup_bare_python": start(sys.executable, "-c", "pass"),
        "startup_import": start(sys.executable, "-c", f"import {module}"),
    }


def run_cases(framework, cases, names, warm_up):
    """Run the named cases, or the default group; ``--list`` prints the framework and the cases' names instead.

    ``mib`` is how far the peak of memory has risen since everything was imported, so that only the
    first case of a process tells its own.

    Args:
        framework: Name and version.
        cases: A Case for each name.
        names: Names of cases; those that are not here are skipped.
        warm_up: Called first, so that no case's first run has in it what a process does once.
    """
    if names == ["--list"]:
        print(json.dumps({"framework": framework, "cases": list(cases)}))
        return
    imported = peak_mib()
    warm_up()
    for name in filter(cases.__contains__, names or GROUPS["default"]):
        try:
            found = {**measured(cases[name]), "mib": peak_mib() - imported}
        except Exception as error:  # the other cases are worth having all the same
            found = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:200]}
        print(json.dumps({"case": name, **found}), flush=True)
