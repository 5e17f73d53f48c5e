"""Run the same training and inference cases on several frameworks, in turn, and print ratios.

    python compare.py --ours PYTHON [--torch PYTHON] [--jax PYTHON] [--openvino PYTHON]
                      [--reference PYTHON] [--variants] [--rounds 3] [--json FILE] [--page]
                      [--all] [CASE or GROUP ...]

Each PYTHON is an interpreter whose environment holds that framework: this project, PyTorch, JAX,
OpenVINO beside PyTorch, and NNabla 1.39.0, the reference. --variants also runs PyTorch with
channels last and compiled, and the kernels of oneDNN. Each case runs in a process of its own, and
contenders alternate A B C A B C on each case, so that the machine's drift hits all alike; a ratio
above 1 means that this project is that many times faster, and the last is to the fastest of all.
"""

import argparse
import datetime
import json
import statistics
import sys
from pathlib import Path

import contenders
import page
from case_sizes import GROUPS, selected
from machine import machine

NUMBERS = ("ms", "first_ms", "next_ms", "mib")


def row(case, runs):
    """The medians of a case over its rounds, and how many times faster than each rival this project is.

    Args:
        case: Name.
        runs: For each contender a list of what ``measure`` returned in each round.
    """
    found = {"case": case, **{number: {} for number in NUMBERS}}
    for name, rounds in runs.items():
        good = [run for run in rounds if run is not None]
        for number in NUMBERS if good else ():
            found[number][name] = statistics.median(run[number] for run in good)
    times = found["ms"]
    rivals = {name: time for name, time in times.items() if name != "ours"} if "ours" in times else {}
    found["ratios"] = {name: time / times["ours"] for name, time in rivals.items()}
    return found


def table(names, rows):
    """The lines of the result: medians, then ratios to each other contender and to the fastest of them."""
    rivals = [name for name in names if name != "ours"]
    columns = [*names, *(f"vs {name}" for name in rivals), *["vs best"] * (len(rivals) > 1)]
    yield f"{'case':42}" + "".join(f"{column:>14}" for column in columns)
    for found in rows:
        ratios = [found["ratios"].get(name) for name in rivals]
        if len(rivals) > 1:
            compared = [found["ratios"].get(name) for name in rivals if name not in contenders.OTHER_NUMBERS]
            ratios.append(min(filter(None, compared), default=None))
        line = [f"{found['ms'][name]:11.3f} ms" if name in found["ms"] else f"{'-':>14}" for name in names]
        line += [f"{ratio:13.2f}x" if ratio else f"{'-':>14}" for ratio in ratios]
        yield f"{found['case']:42}" + "".join(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", metavar="PYTHON", required=True)
    for name in ("torch", "jax", "openvino", "reference"):
        parser.add_argument(f"--{name}", metavar="PYTHON")
    parser.add_argument("--variants", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers here")
    parser.add_argument("--page", action="store_true", help="write docs/benchmarks.md and its chart")
    parser.add_argument("--all", action="store_true", help="run the cases of all groups")
    parser.add_argument("cases", metavar="CASE", nargs="*", help=f"a case, or a group: {', '.join(GROUPS)}")
    args = parser.parse_args()
    try:
        cases = selected(list(GROUPS) if args.all else args.cases)
    except ValueError as error:
        parser.error(str(error))

    found = contenders.find(vars(args), args.variants)
    results = {
        "date": datetime.date.today().isoformat(),
        "rounds": args.rounds,
        "machine": machine(),
        "frameworks": {name: contender.framework for name, contender in found.items()},
        "rows": [],
    }
    for case in cases:
        runs = {name: [] for name, contender in found.items() if case in contender.cases}
        for _ in range(args.rounds):
            for name in runs:
                runs[name].append(contenders.measure(found[name], case, name == "ours"))
        results["rows"].append(row(case, runs))
        head, line = table(list(found), results["rows"][-1:])
        print(line if case != cases[0] else f"{head}\n{line}", flush=True)
        if args.json:  # after each case, so that a run that is cut off keeps what it has
            args.json.write_text(json.dumps(results, indent=1))
    if args.page:
        page.write(results)
    failed = [found["case"] for found in results["rows"] if "ours" not in found["ms"]]
    if failed:
        sys.exit(f"cases that failed here: {', '.join(failed)}")


if __name__ == "__main__":
    main()
