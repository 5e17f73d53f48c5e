"""Time every operator forward and backward at two sizes here, on NNabla 1.39.0 and on PyTorch, and print ratios.

    python operators.py --ours PYTHON [--reference PYTHON] [--torch PYTHON] [--rounds 3] [--threads 1]
                        [--json FILE] [--worst 10] [OPERATOR ...]

Each PYTHON is an interpreter whose environment holds that framework; OPERATOR is a type name such as Convolution.
Rounds alternate over the contenders, numbers are medians over the rounds, and a ratio above 1 means that this project
is that many times faster. All contenders have the same number of threads.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from itertools import chain
from pathlib import Path

from operator_cases import SIZES, USES

HERE = Path(__file__).parent
DIRECTIONS = ("forward", "backward")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def measure(python, script, threads, operators):
    """Run a script of cases once; return milliseconds by (operator, size, direction).

    An operator whose failure ends the process is left out, and the script goes on with the next.
    """
    environment = dict(os.environ, **dict.fromkeys(THREADS, str(threads)))
    times, left = {}, list(operators)
    while left:
        command = [python, str(HERE / script), "--threads", str(threads), *left]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        begun = None
        for line in filter(lambda line: line.startswith("{"), done.stdout.splitlines()):
            found = json.loads(line)
            begun = found.get("begins", begun)
            if "ms" in found:
                times[found["operator"], found["size"], found["direction"]] = found["ms"]
            elif "error" in found:
                print(f"{script}: {' '.join(found.values())}", file=sys.stderr)
        if done.returncode == 0:
            break
        if begun is None:
            sys.exit(f"{python} {script} failed:\n{done.stderr}")
        print(f"{script}: {begun} ended the process (exit status {done.returncode})", file=sys.stderr)
        left = left[left.index(begun) + 1 :]
    return times


def medians(runs):
    """The median over the rounds, by key."""
    return {key: statistics.median(run[key] for run in runs if key in run) for key in dict.fromkeys(chain(*runs))}


def geometric_mean(ratios):
    return math.exp(statistics.fmean(map(math.log, ratios)))


def ratios(results, rival):
    """How many times faster than the rival this project is, by key."""
    ours, theirs = results["ours"], results[rival]
    return {key: theirs[key] / ours[key] for key in ours if key in theirs}


def table(results):
    """The lines of the table: milliseconds of all contenders, then ratios."""
    rivals = [name for name in results if name != "ours"]
    columns = [*results, *(f"vs {rival}" for rival in rivals)]
    yield f"{'operator':30}{'size':7}{'pass':9}" + "".join(f"{column:>14}" for column in columns)
    for key in results["ours"]:
        row = [f"{results[n][key]:11.4f} ms" if key in results[n] else f"{'-':>14}" for n in results]
        for rival in rivals:
            ratio = ratios(results, rival).get(key)
            row.append(f"{ratio:13.2f}x" if ratio else f"{'-':>14}")
        yield f"{key[0]:30}{key[1]:7}{key[2]:9}" + "".join(row)


def summary(results, worst):
    """The lines on each rival: geometric means, how many are slower here, and the worst of all."""
    for rival in results:
        if rival == "ours":
            continue
        found = ratios(results, rival)
        yield f"\nagainst {rival}: geometric means of the ratios, and in how many this project is slower"
        for size in SIZES:
            for direction in DIRECTIONS:
                part = [ratio for key, ratio in found.items() if key[1:] == (size, direction)]
                if part:
                    slower = sum(ratio < 1 for ratio in part)
                    yield f"  {size:7}{direction:9}{geometric_mean(part):7.2f}x   {slower} of {len(part)}"
        yield f"  the {worst} worst"
        for key in sorted(found, key=found.__getitem__)[:worst]:
            yield f"  {key[0]:30}{key[1]:7}{key[2]:9}{found[key]:7.2f}x"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", metavar="PYTHON", default=sys.executable)
    parser.add_argument("--reference", metavar="PYTHON")
    parser.add_argument("--torch", metavar="PYTHON")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all medians and ratios here")
    parser.add_argument("--worst", type=int, default=10, metavar="N", help="how many of the worst ratios to list")
    parser.add_argument("operators", metavar="OPERATOR", nargs="*")
    args = parser.parse_args()
    unknown = sorted(set(args.operators) - set(USES))
    if unknown:
        parser.error(f"no such operators: {', '.join(unknown)}")

    contenders = {"ours": (args.ours, "operators_nnabla.py")}
    if args.reference:
        contenders["reference"] = (args.reference, "operators_nnabla.py")
    if args.torch:
        contenders["torch"] = (args.torch, "operators_torch.py")
    runs = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, (python, script) in contenders.items():
            runs[name].append(measure(python, script, args.threads, args.operators or USES))
    results = {name: medians(found) for name, found in runs.items()}
    print("\n".join([*table(results), *summary(results, args.worst)]))
    if args.json:
        rows = [
            dict(
                zip(("operator", "size", "direction"), key),
                ms={name: found[key] for name, found in results.items() if key in found},
                ratios={n: r[key] for n in results if n != "ours" and key in (r := ratios(results, n))},
            )
            for key in results["ours"]
        ]
        args.json.write_text(json.dumps({"rounds": args.rounds, "threads": args.threads, "rows": rows}, indent=1))
    if not results["ours"]:
        sys.exit("no operator ran here")


if __name__ == "__main__":
    main()
