"""Times of steps, and the command line of the files that time operators."""

import argparse
import json
import statistics
import time

from operator_cases import SIZES, USES


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


def settled_ms(step, seconds):
    """The median time of one call in milliseconds, over as many calls as fit in ``seconds`` (3 to 3000)."""
    step()
    start = time.perf_counter()
    step()
    once = max(time.perf_counter() - start, 1e-7)
    return median_ms(step, min(3000, max(3, int(seconds / once))), warm_up=0 if once > seconds else 2)


def run_operators(has, prepare):
    """Time the operators that the command line names, or all, and print a line of JSON for each number.

    Args:
        has: Whether a framework has the operator of a type name.
        prepare: ``prepare(name, size)`` returns what to call for forward, and for backward or None.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.03, help="time for each number")
    parser.add_argument("operators", nargs="*")
    args = parser.parse_args()
    for name in filter(has, args.operators or USES):
        print(json.dumps({"begins": name}), flush=True)
        for size in SIZES:
            report = {"operator": name, "size": size, "direction": "forward"}
            try:
                for direction, step in zip(("forward", "backward"), prepare(name, size)):
                    if step is not None:
                        report["direction"] = direction
                        print(json.dumps({**report, "ms": settled_ms(step, args.seconds)}), flush=True)
            except Exception as error:  # the other operators are worth having all the same
                message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                print(json.dumps({**report, "error": message}), flush=True)
