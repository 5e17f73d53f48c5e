"""What every file of cases shares: timing one case and printing the results."""

import statistics
import time


def median_ms(step, runs, warm_up=3):
    """The median time of one call of ``step`` in milliseconds, after ``warm_up`` calls."""
    for _ in range(warm_up):
        step()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def run_cases(cases, names):
    """Run the named cases, or all, and print a line each; names that are not cases are skipped.

    Args:
        cases: A function without arguments for each name, which returns milliseconds.
        names: Names of cases; none means all.
    """
    for name in names or cases:
        if name not in cases:
            continue
        try:
            print(f"{name:36} {cases[name]():10.3f} ms", flush=True)
        except Exception as error:  # the other cases are worth having all the same
            message = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"{name:36} ERROR {message[:200]}", flush=True)
